"""`update-google`: brings the objects of passes at Google to what the passes are now, and tells of renewals and ends.

One batch at a time in the whole installation, for Google counts the requests of an issuer; a few threads, because an
answer takes longer than the pause between two requests. Every step may be repeated: an object is put as a whole, and
a message that is there is not sent again. A pass is told only while its row is ours; where another worker took over in
the middle of a request, the older state may have landed last, so the pass is put once more.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event, Lock
from typing import NamedTuple

import structlog
from sqlalchemy import Connection, update

from issuers import copies, repository
from issuers.carrier_models import copies as copies_table
from issuers.copies import Copy
from issuers.lifecycle import RENEWED
from issuers.outbox import Errand, Report
from issuers.settings import IssuerSettings
from issuers.wallets import CarriedPass, SignerSource, WalletDesk
from issuers.wallets.google.access_tokens import AccessTokens, GoogleUnauthorised
from issuers.wallets.google.exchange import GoogleUnreachable, new_client
from issuers.wallets.google.holding import RENEWED_EVERY, Holding
from issuers.wallets.google.messages import due_messages, still_true
from issuers.wallets.google.objects import ObjectTemplate, class_id, generic_class
from issuers.wallets.google.pace import Pace
from issuers.wallets.google.rest import (
    ClassMissing,
    GoogleBusy,
    GoogleForbidden,
    GoogleRefused,
    GoogleRest,
    GoogleUnavailable,
    Kind,
)
from keys.errors import KeyProblem
from walletpass.errors import WalletPassError
from walletpass.pass_type import PassType
from walletpass.status import Status
from web.database import read_transaction, write_transaction
from web.many_rows import among

CARRIER = "google"
UPDATE = f"update-{CARRIER}"
_GROUP = 25  # passes between two reports: what a kill has done again
_THREADS = 8
_OUTAGES = 3  # in a row, after which the rest is left for later
_LOG = structlog.get_logger("walletpass.google")


class ClassRefused(WalletPassError):
    """Google does not take the class of a type: a setting is wrong, or the type is."""

    code = "google_class_refused"


class _NotTried(WalletPassError):
    """Others failed, or another worker took over, so that this was not even tried."""


# One pass as good as any other would have met these.
_EVERYBODYS = (GoogleUnreachable, GoogleUnavailable, GoogleBusy, GoogleForbidden, GoogleUnauthorised, KeyProblem)
Failure = WalletPassError | None


class _Telling(NamedTuple):
    """One copy to bring up to date, and whether its pass was renewed."""

    copy: Copy
    carried: CarriedPass
    renewed: bool


class UpdateGoogle:
    """The task. `rest` is None where nothing is to be asked of Google: then there is nothing to do."""

    kind, batch, lease, alone = UPDATE, 100, 90, True

    def __init__(
        self, desk: WalletDesk, settings: IssuerSettings, rest: GoogleRest | None, close: Callable[[], None]
    ) -> None:
        self._desk, self._settings, self._rest = desk, settings, rest
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix=CARRIER)
        self._put_classes: set[str] = set()
        self._close = close

    def perform(self, errands: Sequence[Errand], report: Report) -> None:
        """See `Task`. Raises what concerns all passes alike: no connection, no permission, too many requests."""
        if self._rest is None:
            report.done([errand.id for errand in errands])
            return
        holding = Holding(report, self._desk.seconds)
        for start in range(0, len(errands), _GROUP):
            if not holding.is_ours():
                return
            group = _Group(self._desk, self._settings, self._rest, self._put_classes, holding)
            group.perform(errands[start : start + _GROUP], report, self._pool)

    def close(self) -> None:
        self._pool.shutdown()
        self._close()


class _Group:
    """Some passes that are told together and reported together."""

    def __init__(
        self, desk: WalletDesk, settings: IssuerSettings, rest: GoogleRest, put_classes: set[str], holding: Holding
    ) -> None:
        self._desk, self._settings, self._rest, self._put_classes = desk, settings, rest, put_classes
        self._holding = holding
        self._stop, self._lock, self._outages = Event(), Lock(), 0
        self._stopped_by: Failure = None
        self._begun: list[Copy] = []  # what Google was asked about, whatever came of it

    def perform(self, errands: Sequence[Errand], report: Report, pool: ThreadPoolExecutor) -> None:
        now = int(self._desk.seconds())
        tellings = self._tellings(errands)
        unfit = self._classes(telling.carried.pass_type for telling in tellings)
        futures = [pool.submit(self._tell, telling, unfit) for telling in tellings]
        while wait(futures, timeout=RENEWED_EVERY).not_done:  # a request may take half a minute
            self._holding.is_ours()
        failures = [future.result() for future in futures]
        failed: dict[str, WalletPassError] = {}
        for telling, failure in zip(tellings, failures, strict=True):
            if failure is not None:
                failed[telling.copy.serial] = failure
        told = [telling.copy.id for telling, failure in zip(tellings, failures, strict=True) if failure is None]
        with write_transaction(self._desk.engine) as connection:
            self._note(connection, errands, report, told, failed.keys(), now)
        _report_failures([(errand, failed[errand.subject]) for errand in errands if errand.subject in failed], report)
        if self._stopped_by is not None:
            raise self._stopped_by

    def _note(
        self,
        connection: Connection,
        errands: Sequence[Errand],
        report: Report,
        told: Collection[int],
        failed: Collection[str],
        now: int,
    ) -> None:
        """Report what is done; what was begun and is not ours any more is put again, by whoever comes next."""
        ours = {errand.id for errand in report.locked(connection)}
        lost = {errand.subject for errand in errands if errand.id not in ours}
        again = [copy for copy in self._begun if copy.serial in lost]
        which = among(connection, copies_table.c.id, {*told, *(copy.id for copy in again)})
        connection.execute(update(copies_table).where(which).values(changed_at=now))  # when its state was read
        report.done([errand.id for errand in errands if errand.subject not in failed], connection)
        repository.add_outbox(connection, UPDATE, {copy.serial for copy in again}, int(self._desk.seconds()))
        if again:
            _LOG.warning("google_put_again", passes=len(again))

    def _tellings(self, errands: Sequence[Errand]) -> list[_Telling]:
        renewed = {errand.subject for errand in errands if errand.detail == RENEWED}
        with read_transaction(self._desk.engine) as connection:
            held = copies.all_of(connection, {errand.subject for errand in errands}, CARRIER)
        untold = [copy for copy in held if copy.ended_at is None or copy.changed_at <= copy.ended_at]
        shown = self._desk.current(untold)
        return [
            _Telling(carried.copy, carried, carried.copy.serial in renewed)  # as the copy is now
            for carried in shown.values()
            if carried.copy is not None
        ]

    def _classes(self, types: Iterable[PassType]) -> dict[str, WalletPassError]:
        """Put the classes that this process has not put yet; by id, what Google does not take."""
        unfit: dict[str, WalletPassError] = {}
        for pass_type in types:
            named = class_id(pass_type, self._settings)
            if named in self._put_classes or named in unfit:
                continue
            if not self._holding.is_ours():
                break
            try:
                self._rest.put(Kind.CLASS, generic_class(pass_type, self._settings))
            except GoogleRefused:
                _LOG.error("google_class_refused", type=pass_type.name, version=pass_type.version)
                unfit[named] = ClassRefused("Google does not take the class of this type; see docs/settings.md.")
            else:
                self._put_classes.add(named)
        return unfit

    def _tell(self, telling: _Telling, unfit: dict[str, WalletPassError]) -> Failure:
        """What went wrong with one copy; a failure that all would have stops those that follow."""
        if self._stop.is_set() or not self._holding.is_ours():
            return _NotTried("Not tried.")
        named = class_id(telling.carried.pass_type, self._settings)
        if named in unfit:
            return unfit[named]
        self._begun.append(telling.copy)
        try:
            self._put(telling)
        except ClassMissing as failure:
            self._put_classes.discard(named)
            return failure
        except _EVERYBODYS as failure:
            self._count(failure)
            return failure
        except WalletPassError as failure:
            return failure
        with self._lock:
            self._outages = 0
        return None

    def _count(self, failure: WalletPassError) -> None:
        """One outage may be of one object; any other failure, and the third outage in a row, is everybody's."""
        with self._lock:
            self._outages += 1
            if not isinstance(failure, GoogleUnavailable) or self._outages >= _OUTAGES:
                self._stopped_by = self._stopped_by or failure
                self._stop.set()

    def _put(self, telling: _Telling) -> None:
        copy, carried = telling.copy, telling.carried
        wanted = ObjectTemplate(carried.pass_type, self._settings).render(carried, self._desk.now())
        if copy.ended_at is not None or carried.pass_.status is Status.INVALID:
            wanted["messages"] = None  # nothing that they say is of use any more
        stored = self._rest.put(Kind.OBJECT, wanted, likely_new=copy.changed_at == copy.created_at)
        if stored.new or wanted["state"] != "ACTIVE":
            return
        there = {message.get("id") for message in stored.messages}
        coming = [message for message in due_messages(carried, renewed=telling.renewed) if message["id"] not in there]
        kept = still_true(stored.messages, carried, coming)
        if len(kept) < len(stored.messages) and self._holding.is_ours():
            self._rest.set_messages(str(wanted["id"]), kept)
        for message in coming:
            if not self._holding.is_ours():
                raise _NotTried("Whoever has taken over says it.")
            self._rest.add_message(str(wanted["id"]), message)


def _report_failures(failed: Sequence[tuple[Errand, WalletPassError]], report: Report) -> None:
    """What Google refuses for good goes into quarantine; what was not tried is left to the worker."""
    for errand, failure in failed:
        if isinstance(failure, GoogleRefused):
            report.failed([errand.id], failure.code)
        elif not isinstance(failure, _NotTried):
            report.later([errand], failure.code)


def build_updates(desk: WalletDesk, settings: IssuerSettings, signer_for: SignerSource) -> UpdateGoogle:
    """The task, with a client of its own where Google is to be asked."""
    if not settings.google_api_url:
        return UpdateGoogle(desk, settings, None, lambda: None)
    client = new_client(_THREADS)
    tokens = AccessTokens(signer_for, settings.google_token_url, client, desk.seconds)
    pace = Pace(settings.google_requests_per_second)
    return UpdateGoogle(desk, settings, GoogleRest(settings.google_api_url, client, tokens, pace), client.close)
