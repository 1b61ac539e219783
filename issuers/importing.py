"""Importing a department's list: row by row in batches, each batch one transaction.

Idempotent by (type, external number), so an import that was interrupted is simply run again. It never changes a
status, except that a complete export suspends the passes that are missing from it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError

from issuers import lifecycle, repository
from issuers.lifecycle import Action, Change, Order
from issuers.models import passes
from issuers.sources.entitlements import SourceRow
from issuers.sources.errors import RowFailure
from walletpass.errors import WalletPassError
from walletpass.pass_type import PassType
from walletpass.passes import Pass, local_day
from walletpass.status import Status
from web.database import read_transaction, write_transaction

T = TypeVar("T")

BATCH = 500  # rows in one transaction
MISSING_REASON = "missing from the complete list"
KEPT_FAILURES = 1000  # failures that a report tells one by one; all are counted
TOO_MANY = 10  # missing passes; beyond this, more than half of all is taken for a cut-off file
_MAYBE_NUMBER = re.compile(r'[^\s;,"]{2,32}')


class TooManyMissing(WalletPassError):
    """A complete list that lacks more than half of the passes is taken for a cut-off file."""

    code = "too_many_missing"
    wrong_usage = True


@dataclass(slots=True)
class ImportReport:
    """What an import did (or, in a dry run, would do). `missing` is counted for complete lists only.

    `failures` holds the first `KEPT_FAILURES`, without their rows; `failed` counts all. `doubts` are the first
    warnings, with their lines; `warnings` counts all.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    renewed: int = 0
    failed: int = 0
    missing: int = 0
    warnings: int = 0
    doubts: list[tuple[int, str]] = field(default_factory=list)
    failures: list[RowFailure] = field(default_factory=list)

    def count(self, change: Change) -> None:
        setattr(self, change.value, getattr(self, change.value) + 1)

    def doubt(self, line: int, sentence: str) -> None:
        self.warnings += 1
        if len(self.doubts) < KEPT_FAILURES:
            self.doubts.append((line, sentence))

    def fail(self, failure: RowFailure) -> None:
        self.failed += 1
        if len(self.failures) < KEPT_FAILURES:
            self.failures.append(replace(failure, row=()))

    @property
    def rows(self) -> int:
        """How many rows the list had."""
        return self.created + self.updated + self.unchanged + self.renewed + self.failed

    def document(self) -> dict[str, Any]:
        """For `--json` and the API. A failure's row is personal data and stays out."""
        counts = {name: getattr(self, name) for name in ("created", "updated", "unchanged", "renewed", "failed")}
        listed = [{"line": f.line, "column": f.column, "code": f.code, "sentence": f.sentence} for f in self.failures]
        left_out = self.failed - len(listed)
        doubts = [{"line": line, "sentence": sentence} for line, sentence in self.doubts]
        more = {"missing": self.missing, "warnings": self.warnings, "doubts": doubts}
        return counts | more | {"failures": listed, "failures_left_out": left_out}


def _forget(_: RowFailure) -> None:
    """A failure that nobody writes down."""


@dataclass(frozen=True, slots=True)
class Import:
    """One run over one file. `reissue` makes new passes for numbers whose pass is revoked.

    A complete list that lacks more than half of all passes, and more than `too_many`, needs `force`.
    """

    engine: Engine
    pass_type: PassType
    order: Order
    dry_run: bool = False
    complete: bool = False
    reissue: bool = False
    force: bool = False
    too_many: int = TOO_MANY

    def run(
        self,
        rows: Iterable[SourceRow | RowFailure],
        progress: Callable[[], None],
        note_failure: Callable[[RowFailure], None] = _forget,
    ) -> ImportReport:
        """Import all rows; `progress` is called after each batch, `note_failure` with each row that failed, at once.

        Raises `TooManyMissing` before it suspends.
        """
        report = ImportReport()
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
            for change in self._import_batch([row for row in batch if row]):
                fail(change) if isinstance(change, RowFailure) else report.count(change)
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

    def _import_batch(self, rows: list[SourceRow]) -> list[Change | RowFailure]:
        """One transaction; when another import took a number in between, it is tried again on what is there now."""
        if self.dry_run:
            with read_transaction(self.engine) as connection:
                return [change for change, _ in self._plan(connection, rows)]
        while True:
            try:
                with write_transaction(self.engine) as connection:
                    return self._write(connection, rows)
            except IntegrityError:
                continue

    def _plan(self, connection: Any, rows: list[SourceRow]) -> Iterator[tuple[Change | RowFailure, Any]]:
        numbers = [row.entitlement.external_number for row in rows]
        existing = repository.by_number(connection, self.pass_type.name, numbers, lock=not self.dry_run)
        today = local_day(self.order.now)
        for row in rows:
            found = existing.get(row.entitlement.external_number)
            if found is None or (found.status is Status.INVALID and self.reissue):
                yield Change.CREATED, row.entitlement
            elif found.status is Status.INVALID:
                sentence = "The pass with this number is revoked, which is final; --reissue makes a new one on purpose."
                yield RowFailure(row.line, row.number_column, "pass_revoked", sentence, row.row), None
            else:
                wanted = lifecycle.merged(found, row.entitlement, today)
                yield lifecycle.change_of(found, wanted), (found, wanted)

    def _write(self, connection: Any, rows: list[SourceRow]) -> list[Change | RowFailure]:
        plan = list(self._plan(connection, rows))
        lifecycle.issue(connection, [what for change, what in plan if change is Change.CREATED], self.order)
        pairs = [what for change, what in plan if change in (Change.RENEWED, Change.UPDATED)]
        if pairs:
            lifecycle.apply(connection, pairs, self.pass_type, self.order)
        return [change for change, _ in plan]

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
        if most and not (self.force or self.dry_run):
            raise TooManyMissing(
                f"{len(missing)} of {total} passes are not in the list; that looks like a cut-off file. Nothing was "
                "suspended. If the list is really complete, confirm it: --yes here, force=true over the API."
            )
        if not self.dry_run:
            order = Order(self.order.actor, self.order.now, MISSING_REASON)
            for batch in batched(missing, BATCH):
                with write_transaction(self.engine) as connection:
                    _suspend_still_valid(connection, batch, order)


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
