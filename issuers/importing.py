"""Importing a department's list: row by row in batches, each batch one transaction.

Idempotent by (type, external number), so an import that was interrupted is simply run again. It never changes a
status, except that a complete export suspends the passes that are missing from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
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
TOO_MANY = 100  # missing passes; beyond this, more than half of all is taken for a cut-off file


class TooManyMissing(WalletPassError):
    """A complete list that lacks more than half of the passes is taken for a cut-off file."""

    code = "too_many_missing"
    wrong_usage = True


@dataclass(slots=True)
class ImportReport:
    """What an import did (or, in a dry run, would do). `missing` is counted for complete lists only."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    renewed: int = 0
    failed: int = 0
    missing: int = 0
    warnings: int = 0
    failures: list[RowFailure] = field(default_factory=list)

    def count(self, change: Change) -> None:
        setattr(self, change.value, getattr(self, change.value) + 1)

    def fail(self, failure: RowFailure) -> None:
        self.failed += 1
        self.failures.append(failure)

    def document(self) -> dict[str, Any]:
        """For `--json` and the API. A failure's row is personal data and stays out."""
        counts = {name: getattr(self, name) for name in ("created", "updated", "unchanged", "renewed", "failed")}
        listed = [{"line": f.line, "column": f.column, "code": f.code, "sentence": f.sentence} for f in self.failures]
        return counts | {"missing": self.missing, "warnings": self.warnings, "failures": listed}


@dataclass(frozen=True, slots=True)
class Import:
    """One run over one file. `reissue` makes new passes for numbers whose pass is revoked."""

    engine: Engine
    pass_type: PassType
    order: Order
    dry_run: bool = False
    complete: bool = False
    reissue: bool = False
    force: bool = False

    def run(self, rows: Iterable[SourceRow | RowFailure], progress: Callable[[], None]) -> ImportReport:
        """Import all rows; `progress` is called after each batch. Raises `TooManyMissing` before it suspends."""
        report = ImportReport()
        named: set[bytes] = set()
        for batch in batched(rows, BATCH):
            granted = []
            for row in batch:
                if isinstance(row, RowFailure):
                    report.fail(row)
                else:
                    granted.append(row)
                    report.warnings += len(row.entitlement.warnings)
            if self.complete:
                named.update(_digest(row.entitlement.external_number) for row in granted)
            for change in self._import_batch(granted):
                report.fail(change) if isinstance(change, RowFailure) else report.count(change)
            progress()
        if self.complete:
            self._suspend_missing(named, report)
        return report

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

    def _suspend_missing(self, named: set[bytes], report: ImportReport) -> None:
        """Suspend the valid passes that the list does not name. A row that failed still names its pass."""
        for failure in report.failures:
            named.update(_digest(cell.strip()) for cell in failure.row)
        missing, total = [], 0
        with read_transaction(self.engine) as connection:
            query = select(passes.c.serial, passes.c.external_number, passes.c.status).where(
                passes.c.type == self.pass_type.name, passes.c.status != int(Status.INVALID)
            )
            for serial, number, status in connection.execute(query):
                total += 1
                if _digest(number) not in named and status == int(Status.VALID):
                    missing.append(serial)
        report.missing = len(missing)
        if len(missing) > TOO_MANY and 2 * len(missing) > total and not (self.force or self.dry_run):
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


def _digest(number: str) -> bytes:
    return hashlib.blake2b(number.encode(), digest_size=8).digest()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of up to `size` items (itertools.batched comes with Python 3.12)."""
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
