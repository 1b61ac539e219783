"""How many checks there were: by hour, zone, type of pass, kind and outcome. Added with the scans, kept after them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, select, text

from verifiers.scans.scan import Scan
from verifiers.scans.store import ScanStore
from walletpass.passes import end_second, first_second
from walletpass.scan_counts import HOUR, ScanCount
from web.database import read_transaction

_NAMES = ("hour", "zone", "pass_type", "kind", "outcome", "count")
_ADD = text(
    "INSERT INTO scan_counts (hour, zone, pass_type, kind, outcome, count)"
    " VALUES (:hour, :zone, :pass_type, :kind, :outcome, :count)"
    " ON CONFLICT (hour, zone, pass_type, kind, outcome) DO UPDATE SET count = scan_counts.count + excluded.count"
)


def add_counts(connection: Connection, new: Sequence[Scan]) -> None:
    """Count scans that were not there before, in the transaction that stores them."""
    found = Counter(
        (scan.at - scan.at % HOUR, scan.zone or "", scan.pass_type or "", scan.kind, scan.outcome) for scan in new
    )
    if found:
        # In one order, so that no two transactions wait for each other's rows.
        connection.execute(
            _ADD, [dict(zip(_NAMES, (*key, count), strict=True)) for key, count in sorted(found.items())]
        )


def counts_between(store: ScanStore, first: date, last: date) -> tuple[ScanCount, ...]:
    """The counts of these local days, both included, in order."""
    table = store.tables.counts
    query = select(*(table.c[name] for name in _NAMES)).where(
        table.c.hour >= first_second(first), table.c.hour < end_second(last)
    )
    with read_transaction(store.engine) as connection:
        rows = connection.execute(query).all()
    found = (ScanCount(hour, zone or None, name or None, *more) for hour, zone, name, *more in rows)
    return tuple(sorted(found, key=ScanCount.place))
