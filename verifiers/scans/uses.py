"""The uses of a day: stored, compared with all others of that day, and told to the devices that they concern.

A warning is told until it has been for an hour, because an answer may be lost in a cellar; devices know by scan and
kind what they have. No list of uses ever leaves (ADR 0014).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Date, and_, bindparam, func, or_, select, text, update

from verifiers.scans.double_use import SeenUse, double_uses
from verifiers.scans.scan import Scan, Use, nonce_text
from verifiers.scans.store import ScanStore
from verifiers.webhooks.events import announce
from web.database import read_transaction, write_transaction
from web.many_rows import among, insert_many

TOLD_FOR = 3600  # seconds
MAX_TOLD = 100  # warnings in one answer
_MAX_COMPARED = 50  # uses of one permit and day, the newest: a device gone mad does not make all uploads slow
_WARN = text(
    "INSERT INTO use_warnings (day, device_id, nonce, kind, other_at, other_zone)"
    " VALUES (:day, :device_id, :nonce, :kind, :other_at, :other_zone) ON CONFLICT (nonce, kind) DO NOTHING"
).bindparams(bindparam("day", type_=Date))


class UseWarning(NamedTuple):
    """One scan of a device is of a permit that was also seen at `at` (NumericDate, to the minute) in `zone`."""

    kind: str
    nonce: bytes
    at: int
    zone: str | None

    def document(self) -> dict[str, object]:
        """As devices read it."""
        return {"kind": self.kind, "nonce": nonce_text(self.nonce), "at": self.at, "zone": self.zone}


class Uses:
    """The uses of yesterday and today. `minutes`: within these one permit at two places is a double use."""

    def __init__(self, store: ScanStore, minutes: int) -> None:
        self._store, self._within, self._table = store, minutes * 60, store.tables.uses

    def kept(self, use: Use) -> bool:
        """Whether there is something to compare it with: what is over after its tomorrow is not stored again."""
        return use.day >= first_kept_day(self._store.today())

    def stored(self, connection: Connection, nonces: Collection[bytes]) -> dict[bytes, Use]:
        """The uses of these scans, by nonce."""
        columns = self._table.c
        query = select(columns.nonce, columns.day, columns.digest, columns.plate, columns.at, columns.zone)
        rows = connection.execute(query.where(among(connection, columns.nonce, nonces)))
        return {nonce: Use(*use) for nonce, *use in rows}

    def add(self, connection: Connection, device_id: str, new: Sequence[Scan], confirmed: Sequence[Scan]) -> None:
        """Store the uses of new scans and the plates of confirmed ones, and warn of all that do not go together."""
        uses = [(scan.nonce, scan.use) for scan in new if scan.use is not None and self.kept(scan.use)]
        plates = [(scan.nonce, scan.use) for scan in confirmed if scan.use is not None]
        insert_many(
            connection,
            self._table,
            [{"nonce": nonce, "device_id": device_id, **use._asdict()} for nonce, use in uses],
        )
        if plates:
            row = update(self._table).where(self._table.c.nonce == bindparam("of_nonce"))
            rows = [{"of_nonce": nonce, "new_plate": use.plate} for nonce, use in plates]
            connection.execute(row.values(plate=bindparam("new_plate")), rows)
        found: list[dict[str, object]] = []
        for day, digests in _by_day([use for _, use in uses + plates]).items():
            found += self._warnings(connection, day, digests)
        if found:
            self._warn(connection, found)

    def _warn(self, connection: Connection, found: Sequence[Mapping[str, Any]]) -> None:
        """Keep each warning once, and tell other systems of the new ones: a kind and a device, no more."""
        table = self._store.tables.warnings
        nonces = {warning["nonce"] for warning in found}
        rows = connection.execute(select(table.c.nonce, table.c.kind).where(among(connection, table.c.nonce, nonces)))
        known = {(row.nonce, row.kind) for row in rows}
        new = {(w["nonce"], w["kind"]): w for w in found if (w["nonce"], w["kind"]) not in known}
        if new:
            connection.execute(_WARN, list(new.values()))
        for warning in list(new.values())[:MAX_TOLD]:
            told = {"kind": warning["kind"], "device": warning["device_id"]}
            announce(connection, "double_use.found", told, self._store.now())

    def _warnings(self, connection: Connection, day: date, digests: Collection[bytes]) -> Iterator[dict[str, object]]:
        columns = self._table.c
        named = and_(columns.day == day, among(connection, columns.digest, digests))
        ordered = (columns.at.desc(), columns.nonce)
        newest = func.row_number().over(partition_by=columns.digest, order_by=ordered).label("newest")
        seen = (columns.digest, columns.nonce, columns.at, columns.zone, columns.plate, columns.device_id)
        times = func.count().over(partition_by=columns.digest).label("times")
        each = select(*seen, newest, times).where(named).subquery()
        several = (each.c.times > 1) & (each.c.newest <= _MAX_COMPARED)
        query = select(*(each.c[column.name] for column in seen)).where(several).order_by(each.c.digest)
        for _, group in groupby(connection.execute(query), attrgetter("digest")):
            for use, kind, other in double_uses([SeenUse(*row[1:]) for row in group], self._within):
                yield {
                    "day": day,
                    "device_id": use.device_id,
                    "nonce": use.nonce,
                    "kind": kind.value,
                    "other_at": other.at,
                    "other_zone": other.zone,
                }

    def told(self, device_id: str) -> list[dict[str, object]]:
        """`tell`, as devices read it."""
        return [warning.document() for warning in self.tell(device_id)]

    def warned_on(self, day: date) -> int:
        """How many scans of a day are of a permit that was used twice."""
        table = self._store.tables.warnings
        with read_transaction(self._store.engine) as connection:
            return connection.scalar(select(func.count(table.c.nonce.distinct())).where(table.c.day == day)) or 0

    def tell(self, device_id: str) -> list[UseWarning]:
        """What a device has not been told yet, or within the last hour; from now on it has been told."""
        now, table = self._store.now(), self._store.tables.warnings
        query = (
            select(table.c.number, table.c.told_at, table.c.kind, table.c.nonce, table.c.other_at, table.c.other_zone)
            .where(table.c.device_id == device_id, or_(table.c.told_at.is_(None), table.c.told_at > now - TOLD_FOR))
            .order_by(table.c.told_at.is_not(None), table.c.number)
            .limit(MAX_TOLD)
        )
        with read_transaction(self._store.engine) as connection:
            rows = connection.execute(query).all()
        untold = [row.number for row in rows if row.told_at is None]
        if untold:
            with write_transaction(self._store.engine) as connection:
                connection.execute(update(table).where(table.c.number.in_(untold)).values(told_at=now))
        return [UseWarning(*row[2:]) for row in rows]


def first_kept_day(today: date) -> date:
    """A day's uses and its key are there until its tomorrow is over: a device may come back from a cellar late."""
    return today - timedelta(days=1)


def _by_day(uses: Sequence[Use]) -> dict[date, set[bytes]]:
    found: dict[date, set[bytes]] = {}
    for use in uses:
        found.setdefault(use.day, set()).add(use.digest)
    return found
