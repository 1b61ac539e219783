"""`update-apple`: passes have changed, so their copies are marked, and the phones that hold them are pushed.

A push says only that something is new. The phone asks the web service what, and fetches that. So marking comes first
and is committed: whatever comes in answer to a push, or without one, finds the change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import structlog

from issuers import copies
from issuers.outbox import Errand, Report
from issuers.wallets import WalletDesk
from issuers.wallets.apple import registrations
from issuers.wallets.apple.pushes import SENT, Answer, Outcome, Pushes
from issuers.wallets.apple.registrations import CARRIER, UPDATE, Listener
from web.database import write_transaction

# A token that Apple calls gone, of a phone that has registered anew: it is told with the next attempts. No more than
# that, because the clocks of Apple and of this machine may differ.
ATTEMPTS_FOR_RETURNED = 3
_RETURNED = Answer(Outcome.LATER, "apple_registered_anew")
_RANK = {Outcome.SENT: 0, Outcome.GONE: 0, Outcome.LATER: 1, Outcome.STOPPED: 1, Outcome.FAILED: 2}
_LOG = structlog.get_logger("walletpass.apple")


class AppleUpdates:
    """The task of the Apple wallet. A batch that is done twice pushes twice: phones find nothing new then."""

    kind, batch, lease, alone = UPDATE, 500, 180, False

    def __init__(self, desk: WalletDesk, pushes: Pushes) -> None:
        self._desk, self._pushes = desk, pushes
        self._off: str | None = None

    def perform(self, errands: Sequence[Errand], report: Report) -> None:
        with write_transaction(report.engine) as connection:
            ids = registrations.copies_of(connection, {errand.subject for errand in errands})
            if ids:
                copies.touch(connection, ids, CARRIER, int(self._desk.seconds()))
            waiting = registrations.listeners(connection, ids)
        if not waiting or self._is_off():
            report.done([errand.id for errand in errands])
            return
        answers = self._pushes.send({listener.push_token for listener in waiting})
        self._tell(answers)
        self._settle(errands, waiting, self._without_gone(waiting, answers, report), report)

    def close(self) -> None:
        self._pushes.close()

    def _is_off(self) -> bool:
        off = self._pushes.off()
        if off and off != self._off:
            _LOG.warning("apple_pushes_off", reason=off)
        self._off = off
        return bool(off)

    def _tell(self, answers: Mapping[str, Answer]) -> None:
        counts = Counter(answer.code or "sent" for answer in answers.values())
        stopped = any(answer.outcome is Outcome.STOPPED for answer in answers.values())
        log = _LOG.error if stopped else _LOG.info
        log("apple_pushes", **dict(sorted(counts.items())))

    def _without_gone(
        self, waiting: Sequence[Listener], answers: Mapping[str, Answer], report: Report
    ) -> dict[str, Answer]:
        """Forget the tokens that are gone; the answers, where a phone that has registered anew is one for later."""
        gone = {token: answer for token, answer in answers.items() if answer.outcome is Outcome.GONE}
        if not gone:
            return dict(answers)
        seen: dict[str, int] = {}
        for listener in waiting:
            seen[listener.push_token] = max(listener.registered_at, seen.get(listener.push_token, 0))
        with write_transaction(report.engine) as connection:
            returned = {
                token: _RETURNED
                for token, answer in gone.items()
                if not registrations.forget_token(
                    connection, token, seen[token] if answer.since is None else answer.since
                )
            }
        return {**answers, **returned}

    def _settle(
        self, errands: Sequence[Errand], waiting: Sequence[Listener], answers: Mapping[str, Answer], report: Report
    ) -> None:
        worst: dict[str, Answer] = {}
        for listener in waiting:
            answer = answers[listener.push_token]
            known = worst.get(listener.serial)
            if known is None or _RANK[answer.outcome] > _RANK[known.outcome]:
                worst[listener.serial] = answer
        done: list[int] = []
        failed: dict[str, list[int]] = {}
        later: dict[str, list[Errand]] = {}
        for errand in errands:
            answer = worst.get(errand.subject, SENT)
            rank = _RANK[answer.outcome]
            if rank == 0 or (answer == _RETURNED and errand.attempts >= ATTEMPTS_FOR_RETURNED):
                done.append(errand.id)
            elif rank == 1:
                later.setdefault(answer.code, []).append(errand)
            else:
                failed.setdefault(answer.code, []).append(errand.id)
        report.done(done)
        for code, ids in failed.items():
            report.failed(ids, code)
        for code, again in later.items():
            report.later(again, code)
