"""The outbox: what must happen after a commit. Its rows are the truth; any worker may take over what a dead one held.

A worker claims due rows under a lease: it moves their `due_at` to the lease's end. What it reports is committed at
once, and only while it holds the claim, so that a worker that was thought dead cannot overwrite its successor.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, case, func, select, update

from issuers.models import outbox
from web.database import read_transaction, write_transaction

GIVE_UP = 7 * 86400  # seconds of waits after failures, at whose end what still fails is put into quarantine
PARKED = 1 << 40  # seconds added to `due_at` while a campaign is paused; who holds such a row leaves them there
PAUSED = "paused"  # why a row of a paused campaign waits, whatever failed before
DISCARDED = "discarded"  # the code of what a person decided not to do
_FIRST_WAIT, _LONGEST_WAIT = 5, 3600  # seconds
ASTRAY = 2 * _LONGEST_WAIT  # so far ahead no row is ever due: the clock was wrong when it was written, and is right now


class Errand(NamedTuple):
    """One row of the outbox, held by a claim. `attempts` counts this one."""

    id: int
    kind: str
    subject: str
    detail: str
    created_at: int
    attempts: int
    campaign: int | None


_COLUMNS = [outbox.c[name] for name in Errand._fields]
_OPEN = outbox.c.done_at.is_(None) & outbox.c.failed_at.is_(None)
IS_PARKED = outbox.c.due_at >= PARKED
_PARKING = case((IS_PARKED, PARKED), else_=0)


def is_held(now: int) -> ColumnElement[bool]:
    """Rows in a worker's hands: under a lease that is not over, and that the clock of today could have given."""
    until = outbox.c.due_at % PARKED
    return outbox.c.claim.is_not(None) & (until > now) & (until <= now + ASTRAY)


class Outbox:
    """The rows of one database. `now` gives seconds since 1970."""

    def __init__(self, engine: Engine, now: Callable[[], float]) -> None:
        self._engine, self._now = engine, now

    def due(self) -> set[str]:
        """The kinds that have something to do now; a read that touches one index."""
        of_now, astray = (select(outbox.c.kind).where(_OPEN, which) for which in (self._is_due(), self._is_astray()))
        with read_transaction(self._engine) as connection:
            return set(connection.scalars(of_now.union(astray)))

    def claim(self, kind: str, limit: int, lease: int, *, alone: bool = False, mark: str = "") -> str | None:
        """Take up to `limit` due rows of a kind for `lease` seconds; the claim's name, or None when there are none.

        `alone`: nothing while another claim of this kind is held, in the whole installation. The name, 32 hexadecimal
        digits, begins with `mark`.
        """
        with write_transaction(self._engine) as connection:
            return self._claim(connection, kind, limit, lease, alone, mark)

    def _claim(self, connection: Connection, kind: str, limit: int, lease: int, alone: bool, mark: str) -> str | None:
        now = int(self._now())
        if alone and self._is_held(connection, kind, now):
            return None
        of_kind = select(outbox.c.id).where(_OPEN, outbox.c.kind == kind).limit(limit)
        of_kind = of_kind.order_by(outbox.c.due_at, outbox.c.id).with_for_update(skip_locked=True)
        ids = list(connection.scalars(of_kind.where(self._is_due())))
        ids = ids or list(connection.scalars(of_kind.where(self._is_astray())))
        if not ids:
            return None
        claim = f"{mark}{secrets.token_hex(16)}"[:32]
        taken = {"claim": claim, "due_at": now + lease, "attempts": outbox.c.attempts + 1}
        connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(taken))
        return claim

    def release(self, mark: str, but: Collection[str]) -> int:
        """Make due in a second what claims of this mark hold, apart from these claims; how many rows."""
        lost = _OPEN & outbox.c.claim.startswith(mark) & outbox.c.claim.not_in(list(but))
        values = {"claim": None, "due_at": _PARKING + (int(self._now()) + 1)}  # not at once: it may fail each time
        with write_transaction(self._engine) as connection:
            return connection.execute(update(outbox).where(lost).values(values)).rowcount

    def _is_held(self, connection: Connection, kind: str, now: int) -> bool:
        if connection.dialect.name == "postgresql":  # of two that ask at once the second waits and sees the first
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"outbox {kind}"))))
        held = (outbox.c.kind == kind) & is_held(now)
        return connection.scalar(select(outbox.c.id).where(_OPEN, held).limit(1)) is not None

    def _is_due(self) -> ColumnElement[bool]:
        return outbox.c.due_at <= int(self._now())

    def _is_astray(self) -> ColumnElement[bool]:
        return (outbox.c.due_at > int(self._now()) + ASTRAY) & ~IS_PARKED

    def held(self, claim: str) -> list[Errand]:
        """What a claim still holds, oldest first, and what is not parked. Empty when it was settled or taken over."""
        with read_transaction(self._engine) as connection:
            query = select(*_COLUMNS).where(_OPEN, ~IS_PARKED, outbox.c.claim == claim).order_by(outbox.c.id)
            return [Errand(*row) for row in connection.execute(query)]

    def report(self, claim: str, lease: int) -> Report:
        return Report(self._engine, self._now, claim, lease)

    def failed(self, limit: int = 1000) -> list[dict[str, Any]]:
        """The quarantine, oldest first: what failed for good."""
        names = ("id", "kind", "subject", "attempts", "created_at", "failed_at", "code")
        query = select(*(outbox.c[name] for name in names)).where(
            outbox.c.done_at.is_(None), outbox.c.failed_at.is_not(None)
        )
        with read_transaction(self._engine) as connection:
            return [row._asdict() for row in connection.execute(query.order_by(outbox.c.id).limit(limit))]

    def waiting(self) -> dict[str, dict[str, Any]]:
        """By kind: how many rows wait, since when the oldest does, and by code why: `paused`, or what failed last."""
        why = case((IS_PARKED, PAUSED), else_=outbox.c.code).label("why")
        names = (outbox.c.kind, why)
        query = select(*names, func.count(), func.min(outbox.c.created_at)).where(_OPEN).group_by(*names)
        found: dict[str, dict[str, Any]] = {}
        with read_transaction(self._engine) as connection:
            for kind, code, count, oldest in connection.execute(query.order_by(*names)):
                entry = found.setdefault(kind, {"rows": 0, "oldest": oldest, "codes": {}})
                entry["rows"] += count
                entry["oldest"] = min(entry["oldest"], oldest)
                if code is not None:
                    entry["codes"][code] = count
        return found

    def standing(self) -> list[tuple[str, bool, int, int]]:
        """What is not done, by kind and whether it failed for good: kind, failed, rows, second of the oldest."""
        failed = outbox.c.failed_at.is_not(None).label("failed")
        query = select(outbox.c.kind, failed, func.count(), func.min(outbox.c.created_at))
        query = query.where(outbox.c.done_at.is_(None)).group_by(outbox.c.kind, failed).order_by(outbox.c.kind, failed)
        with read_transaction(self._engine) as connection:
            return [(kind, bool(failed), count, oldest) for kind, failed, count, oldest in connection.execute(query)]

    def retry(self, ids: Collection[int] = (), code: str = "") -> int:
        """Take rows out of the quarantine and try them anew: these, all that failed with a code, or all; how many."""
        now = int(self._now())
        anew = {"failed_at": None, "code": None, "attempts": 0, "failing_for": 0, "claim": None, "created_at": now}
        again: dict[str, Any] = anew | {"due_at": _PARKING + now}  # a paused one waits on
        with write_transaction(self._engine) as connection:
            return connection.execute(update(outbox).where(_in_quarantine(ids, code)).values(again)).rowcount

    def discard(self, ids: Collection[int] = (), code: str = "") -> int:
        """Let what is in the quarantine rest for good, as `discarded`: these, or all that failed with a code."""
        which = _in_quarantine(ids)
        if not ids:
            which &= outbox.c.code == code  # never all
        rests = {"failed_at": None, "code": DISCARDED, "claim": None, "done_at": int(self._now())}
        with write_transaction(self._engine) as connection:
            return connection.execute(update(outbox).where(which).values(rests)).rowcount

    def forget(self, before: int) -> int:
        """Delete what was done before that second; how many rows. A campaign's rows stay as long as its result."""
        old = (outbox.c.done_at < before) & outbox.c.campaign.is_(None)
        with write_transaction(self._engine) as connection:
            return connection.execute(outbox.delete().where(old)).rowcount


class Report:
    """How a worker says what became of the rows that it holds. Each call is committed at once and renews the lease.

    What is not reported when a task ends, or raises, is tried again.
    """

    def __init__(self, engine: Engine, now: Callable[[], float], claim: str, lease: int) -> None:
        self.engine = engine
        self._now, self._claim, self._lease = now, claim, lease

    def locked(self, connection: Connection) -> list[Errand]:
        """What is still held and not parked, oldest first, and kept so until the caller's transaction ends.

        For work that must not be done twice: another worker may have taken over since.
        """
        mine = select(*_COLUMNS).where(_OPEN, ~IS_PARKED, outbox.c.claim == self._claim).order_by(outbox.c.id)
        return [Errand(*row) for row in connection.execute(mine.with_for_update())]

    def join(self, connection: Connection, kind: str, code: str, campaign: int | None, limit: int) -> list[Errand]:
        """Take into this claim what waits, oldest first, because a report put it off with `code`."""
        waiting = _OPEN & (outbox.c.kind == kind) & outbox.c.claim.is_(None) & (outbox.c.code == code)
        waiting &= (outbox.c.campaign == campaign) & ~IS_PARKED
        query = select(*_COLUMNS).where(waiting).order_by(outbox.c.id).limit(limit)
        found = [Errand(*row) for row in connection.execute(query.with_for_update(skip_locked=True))]
        taken = update(outbox).where(outbox.c.id.in_([errand.id for errand in found]))
        connection.execute(taken.values(claim=self._claim, due_at=int(self._now()) + self._lease))
        return found

    def done(self, ids: Sequence[int], connection: Connection | None = None, *, code: str | None = None) -> None:
        """These are done; with a `code`, because it says why there was nothing to do any more.

        In the caller's transaction where one is given: then with what it writes, or not at all.
        """
        self._settle(ids, {"done_at": int(self._now()), "claim": None, "code": code}, connection)

    def later(self, errands: Sequence[Errand], code: str, wait: int = 0) -> None:
        """These failed for now, and are due again after `wait` seconds, or after twice as long as the last time.

        What counts towards giving up is these waits, and no other time: while nobody worked, or it was paused, or was
        put off, nothing failed.
        """
        now = int(self._now())
        with write_transaction(self.engine) as connection:
            for errand in errands:
                pause = wait or backoff(errand.attempts)
                values: dict[str, Any] = {"claim": None, "code": code, "due_at": _PARKING + (now + pause)}
                values["failing_for"] = outbox.c.failing_for + pause
                values["failed_at"] = case((outbox.c.failing_for >= GIVE_UP, now), else_=None)
                self._settle([errand.id], values, connection)
            self._renew(connection)

    def put_off(self, errands: Sequence[Errand], code: str, wait: int) -> None:
        """It is not yet time for these, which is no failure; they are due again after `wait` seconds, or an hour."""
        due_at = int(self._now()) + min(wait, _LONGEST_WAIT)
        values = {"claim": None, "code": code, "due_at": _PARKING + due_at}
        self._settle([errand.id for errand in errands], values)

    def failed(self, ids: Sequence[int], code: str) -> None:
        """These fail for good: they wait in the quarantine for `walletpass jobs retry`."""
        self._settle(ids, {"claim": None, "code": code, "failed_at": int(self._now())})

    def keep(self) -> bool:
        """Renew the lease of what is still held; False when there is nothing left, or another worker has it."""
        with write_transaction(self.engine) as connection:
            return self._renew(connection)

    def holds(self, errand: Errand) -> bool:
        """Whether this one is still held and not parked, for nearly a whole lease from now; a short one is renewed.

        For what cannot be taken back: another worker may have taken over, or the campaign be paused or cancelled.
        """
        mine = select(outbox.c.due_at).where(outbox.c.id == errand.id, _OPEN, ~IS_PARKED)
        with read_transaction(self.engine) as connection:
            due_at = connection.scalar(mine.where(outbox.c.claim == self._claim))
        if due_at is None:
            return False
        # Whoever slept, or whose clock was set, has a lease that is over, or without end: others may take it now.
        if self._lease - self._lease // 8 <= due_at - int(self._now()) <= self._lease:
            return True
        return self.keep() and self.holds(errand)

    def _settle(self, ids: Sequence[int], values: dict[str, Any], connection: Connection | None = None) -> None:
        if not ids:
            return
        if connection is None:
            with write_transaction(self.engine) as own:
                self._settle(ids, values, own)
                self._renew(own)
            return
        mine = outbox.c.id.in_(list(ids)) & (outbox.c.claim == self._claim) & _OPEN
        connection.execute(update(outbox).where(mine).values(values))

    def _renew(self, connection: Connection) -> bool:
        mine = (outbox.c.claim == self._claim) & _OPEN
        until = int(self._now()) + self._lease
        return connection.execute(update(outbox).where(mine).values(due_at=_PARKING + until)).rowcount > 0


def _in_quarantine(ids: Collection[int], code: str = "") -> ColumnElement[bool]:
    """These of it, or those of a code; all when neither is named."""
    which = outbox.c.done_at.is_(None) & outbox.c.failed_at.is_not(None)
    if code:
        which &= outbox.c.code == code
    return which & outbox.c.id.in_(list(ids)) if ids else which


def backoff(attempts: int) -> int:
    """Seconds until the next attempt: doubling up to an hour, with a quarter of chance so that not all come at once."""
    wait = min(_FIRST_WAIT << min(attempts - 1, 10), _LONGEST_WAIT)
    return max(1, int(wait * (0.75 + random.random() / 2)))  # noqa: S311 - no secret
