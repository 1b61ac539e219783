"""Importing a department's list: row by row in batches, each batch one transaction.

Idempotent by (type, external number), so an import that was interrupted is simply run again. It never changes a
status, except that a complete export suspends the passes that are missing from it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import IntegrityError

from issuers import lifecycle, repository
from issuers.import_report import ImportReport, Outcome
from issuers.lifecycle import Action, Change, Order
from issuers.models import passes
from issuers.notices import Inform
from issuers.reach import Reach
from issuers.sources.entitlements import SourceRow
from issuers.sources.errors import RowFailure
from walletpass.claims import check_validity
from walletpass.entitlement import Entitlement
from walletpass.errors import InvalidClaim, WalletPassError
from walletpass.pass_type import PassType
from walletpass.passes import Pass, local_day
from walletpass.status import Status
from web.database import read_transaction, write_transaction

T = TypeVar("T")

BATCH = 500  # rows in one transaction
MISSING_REASON = "missing from the complete list"
TOO_MANY = 10  # missing or shortened passes; beyond this, more than half is taken for a cut-off or an old file
_MAYBE_NUMBER = re.compile(r'[^\s;,"]{2,32}')


class TooManyMissing(WalletPassError):
    """A complete list that lacks more than half of the passes is taken for a cut-off file."""

    code = "too_many_missing"
    wrong_usage = True


class TooManyShorter(WalletPassError):
    """A list that would end more than half of the passes it names earlier is taken for an old one."""

    code = "too_many_shorter"
    wrong_usage = True


class _Planned(NamedTuple):
    """A row, what it means, and the pass as it is and as it is wanted."""

    row: SourceRow
    change: Change | RowFailure
    existing: Pass | None = None
    wanted: Pass | None = None

    @property
    def shortened(self) -> bool:
        return bool(self.existing and self.wanted and self.wanted.valid_until < self.existing.valid_until)

    def outcome(self, serial: str | None) -> Outcome:
        changed = self.change is not Change.UNCHANGED and self.existing and self.wanted
        emptied = _said(self.existing) - _said(self.wanted) if changed and self.existing and self.wanted else ()
        return Outcome(self.row.line, self.change, serial, self.shortened, tuple(emptied))


def _forget(_: RowFailure) -> None:
    """A failure that nobody writes down."""


@dataclass(frozen=True, slots=True)
class Import:
    """One run over one file. `reissue` makes new passes for numbers whose pass is revoked.

    A complete list that lacks more than half of all passes, and more than `too_many`, needs `force`; so does a list
    that shortens more than half of those that it names, and more than `TOO_MANY`. A dry run counts who would be told by
    `inform`; an import itself tells nobody but the wallets.
    """

    engine: Engine
    pass_type: PassType
    order: Order
    dry_run: bool = False
    complete: bool = False
    reissue: bool = False
    force: bool = False
    too_many: int = TOO_MANY
    inform: Inform = Inform.NONE
    mail_possible: bool = False

    def run(
        self,
        rows: Iterable[SourceRow | RowFailure],
        progress: Callable[[], None],
        note_failure: Callable[[RowFailure], None] = _forget,
    ) -> ImportReport:
        """Import all rows; `progress` is called after each batch, `note_failure` with each row that failed, at once.

        Raises `TooManyShorter` before it writes the batch that makes them too many, `TooManyMissing` before it
        suspends.
        """
        reach = Reach(self.inform, self.mail_possible, self.order.seconds) if self.dry_run else None
        report = ImportReport(reach=reach)
        absent = self._valid_numbers() if self.complete else set()

        def fail(failure: RowFailure) -> None:
            report.fail(failure)
            note_failure(failure)

        def granted(row: SourceRow | RowFailure) -> SourceRow | None:
            """Failures are dealt with before a batch is gathered: their rows have any length."""
            if isinstance(row, RowFailure):
                absent.difference_update(_named_by(row) if absent else ())
                fail(row)
                return None
            for warning in row.entitlement.warnings:
                report.doubt(row.line, warning)
            if absent:
                absent.discard(_digest(row.entitlement.external_number))
            return row

        for batch in batched(map(granted, rows), BATCH):
            for outcome in self._import_batch([row for row in batch if row], report):
                report.count(outcome)
                if isinstance(outcome.change, RowFailure):
                    fail(outcome.change)
            progress()
        if self.complete:
            self._suspend_missing(absent, report)
        return report

    def _valid_numbers(self) -> set[bytes]:
        """What a complete list may be lacking: the digests of the numbers that are valid before it is read."""
        query = select(passes.c.external_number).where(
            passes.c.type == self.pass_type.name, passes.c.status == int(Status.VALID)
        )
        with read_transaction(self.engine) as connection:
            return {_digest(number) for number in connection.scalars(query)}

    def _import_batch(self, rows: Sequence[SourceRow], report: ImportReport) -> list[Outcome]:
        """One transaction; when another import took a number in between, it is tried again on what is there now."""
        if report.reach is not None:
            with read_transaction(self.engine) as connection:
                return self._preview(connection, rows, report, report.reach)
        while True:
            try:
                with write_transaction(self.engine) as connection:
                    plan = list(self._plan(connection, rows))
                    self._require_not_old(plan, report)
                    return self._apply(connection, plan)
            except IntegrityError:
                continue

    def _require_not_old(self, plan: Sequence[_Planned], report: ImportReport) -> None:
        shorter = report.shortened + sum(planned.shortened for planned in plan)
        named = report.known + sum(planned.wanted is not None for planned in plan)
        if self.force or shorter <= TOO_MANY or 2 * shorter <= named:
            return
        if self.dry_run:
            report.refusals = [TooManyShorter.code]
            return
        before = (
            f"Rows before line {plan[0].row.line} are imported, no others." if report.rows else "Nothing was changed."
        )
        raise TooManyShorter(
            f"{shorter} of {named} passes would end earlier than now; that looks like an old list. {before} If it is "
            "meant, confirm it: --yes here, force=true over the API."
        )

    def _plan(self, connection: Connection, rows: Sequence[SourceRow]) -> Iterator[_Planned]:
        numbers = [row.entitlement.external_number for row in rows]
        known = repository.by_number(connection, self.pass_type.name, numbers, lock=not self.dry_run)
        today = local_day(self.order.now)
        for row in rows:
            existing = known.get(row.entitlement.external_number)
            if existing is None or (existing.status is Status.INVALID and self.reissue):
                yield _Planned(row, Change.CREATED)
            elif existing.status is Status.INVALID:
                sentence = "The pass with this number is revoked, which is final; --reissue makes a new one on purpose."
                failure = RowFailure(row.line, row.number_column, "pass_revoked", sentence, row.row)
                yield _Planned(row, failure, existing)
            else:
                wanted = lifecycle.merged(existing, row.entitlement, today)
                impossible = self._impossible(row, existing, wanted, today)
                yield impossible or _Planned(row, lifecycle.change_of(existing, wanted), existing, wanted)

    def _impossible(self, row: SourceRow, existing: Pass, wanted: Pass, today: date) -> _Planned | None:
        """A row may be good by itself, and yet not with the first day that its pass has."""
        days = (wanted.valid_from, wanted.valid_until)
        try:
            if days != (existing.valid_from, existing.valid_until):
                check_validity(row.until_column, self.pass_type.validity, *days, today)
        except InvalidClaim as problem:
            return _Planned(row, RowFailure(row.line, problem.claim, problem.code, problem.sentence, row.row), existing)
        return None

    def _preview(
        self, connection: Connection, rows: Sequence[SourceRow], report: ImportReport, reach: Reach
    ) -> list[Outcome]:
        plan = list(self._plan(connection, rows))
        self._require_not_old(plan, report)
        renewed, updated = (
            [planned.wanted for planned in plan if planned.change is change and planned.wanted]
            for change in (Change.RENEWED, Change.UPDATED)
        )
        reach.add(connection, renewed, updated)
        return [planned.outcome(None) for planned in plan]

    def write(self, connection: Connection, rows: Sequence[SourceRow]) -> list[Outcome]:
        """Import rows in the caller's transaction; `IntegrityError` when another took a number in between."""
        return self._apply(connection, list(self._plan(connection, rows)))

    def _apply(self, connection: Connection, plan: Sequence[_Planned]) -> list[Outcome]:
        new: list[Entitlement] = [planned.row.entitlement for planned in plan if planned.change is Change.CREATED]
        created = iter(lifecycle.issue(connection, new, self.order))
        changed = (Change.RENEWED, Change.UPDATED)
        pairs = [(p.existing, p.wanted) for p in plan if p.change in changed and p.existing and p.wanted]
        if pairs:
            lifecycle.apply(connection, pairs, self.pass_type, self.order)
        return [p.outcome(p.existing.serial if p.existing else next(created).serial) for p in plan]

    def _suspend_missing(self, absent: set[bytes], report: ImportReport) -> None:
        """Suspend the passes that were valid before the list was read and that it does not name."""
        missing, total = [], 0
        with read_transaction(self.engine) as connection:
            query = select(passes.c.serial, passes.c.external_number, passes.c.status).where(
                passes.c.type == self.pass_type.name, passes.c.status != int(Status.INVALID)
            )
            for serial, number, status in connection.execute(query):
                total += 1
                if status == int(Status.VALID) and _digest(number) in absent:
                    missing.append(serial)
        report.missing = len(missing)
        most = 2 * len(missing) > total and len(missing) > (self.too_many if report.rows else 0)
        if most and self.dry_run and not self.force:
            report.refusals.append(TooManyMissing.code)
        elif most and not self.force:
            raise TooManyMissing(
                f"{len(missing)} of {total} passes are not in the list; that looks like a cut-off file. Nothing was "
                "suspended. If the list is really complete, confirm it: --yes here, force=true over the API."
            )
        if not self.dry_run:
            order = Order(self.order.actor, self.order.now, MISSING_REASON)
            for batch in batched(missing, BATCH):
                with write_transaction(self.engine) as connection:
                    _suspend_still_valid(connection, batch, order)


def _said(pass_: Pass) -> set[str]:
    """The names of all that a pass and its first holder say."""
    held = asdict(pass_.holders[0]) if pass_.holders else {}
    return {name for name, value in (*pass_.claims.items(), *held.items()) if value}


def _suspend_still_valid(connection: Any, serials: Iterable[str], order: Order) -> None:
    found: dict[str, Pass] = repository.by_serial(connection, list(serials), lock=True)
    valid = [serial for serial, pass_ in found.items() if pass_.status is Status.VALID]
    lifecycle.set_status(connection, valid, Action.SUSPEND, order)


def _named_by(failure: RowFailure) -> set[bytes]:
    """A row that failed still names its pass, wherever in the row its number stands."""
    return {_digest(word) for word in set(_MAYBE_NUMBER.findall("\n".join(failure.row)))}


def _digest(number: str) -> bytes:
    return hashlib.blake2b(number.encode(), digest_size=8).digest()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to `size` items (itertools.batched comes with Python 3.12)."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
