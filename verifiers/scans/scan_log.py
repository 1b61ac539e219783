"""Storing what devices send in: each scan once, however often and in whatever order it comes.

A batch is one transaction: its scans, counts, uses and warnings are all there or none is. Each scan is judged alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.exc import IntegrityError

from keys.errors import WalletPassError
from verifiers.scans.counts import add_counts
from verifiers.scans.scan import Refusal, Scan, nonce_text, read_nonce, read_scan
from verifiers.scans.store import ScanStore
from verifiers.scans.uses import Uses
from web.many_rows import among, insert_many

_CONTENT = ("at", "kind", "outcome", "reason", "pass_type", "zone")


class TypesNotKnown(WalletPassError):
    """No pass type could be read yet, so that no scan can be judged: all of them are to be sent again."""

    code = "types_not_known"
    retry_after = 5  # seconds


class Upload(NamedTuple):
    """What became of a batch: the nonces that are stored now, and what was refused, by nonce (empty: it has none)."""

    received: list[str]
    rejected: list[tuple[str, Refusal]]


class ScanLog:
    """The one place that writes scans. `types` gives the names of the pass types that there are."""

    def __init__(self, store: ScanStore, uses: Uses, types: Callable[[], Collection[str]]) -> None:
        self._store, self._uses, self._types = store, uses, types
        table = store.tables.scans
        self._contents = select(table.c.nonce, *(table.c[name] for name in _CONTENT))

    def take(self, device_id: str, items: Sequence[object]) -> Upload:
        """Store a batch of scans as they were in the JSON. When the database fails, nothing of it is stored.

        Raises `TypesNotKnown` in a service that has just started.
        """
        now, types, upload, scans = self._store.now(), self._types(), Upload([], []), []
        if not types:
            raise TypesNotKnown("The verifying service is starting; nothing was stored. Send it again in a moment.")
        for item in items:
            scan = read_scan(item, now, types)
            if isinstance(scan, Refusal):
                upload.rejected.append((_nonce_of(item), scan))
            else:
                scans.append(scan)
        if scans:
            with self._store.upload() as connection:
                self._keep(connection, device_id, scans, upload)
        return upload

    def _keep(self, connection: Connection, device_id: str, scans: Sequence[Scan], upload: Upload) -> None:
        first = {scan.nonce: scan for scan in reversed(scans)}
        # Nearly always all are new, and asking first would cost as much again.
        all_new = self._insert_if_new(connection, device_id, first.values())
        known = {} if all_new else self._stored(connection, first)
        new, confirmed = [], []
        for scan in scans:
            before = known.setdefault(scan.nonce, scan)
            if before is scan:
                new.append(scan)
            elif not self._repeats(scan, before):
                upload.rejected.append((nonce_text(scan.nonce), Refusal.NONCE_TAKEN))
                continue
            elif _confirms(scan, before):
                known[scan.nonce] = scan
                confirmed.append(scan)
            upload.received.append(nonce_text(scan.nonce))
        if not all_new:
            insert_many(connection, self._store.tables.scans, self._rows(device_id, new))
        add_counts(connection, new)
        self._uses.add(connection, device_id, new, confirmed)

    def _insert_if_new(self, connection: Connection, device_id: str, scans: Iterable[Scan]) -> bool:
        """All of them or, when one is there already, none."""
        try:
            with connection.begin_nested():
                insert_many(connection, self._store.tables.scans, self._rows(device_id, scans))
        except IntegrityError:
            return False
        return True

    def _rows(self, device_id: str, scans: Iterable[Scan]) -> list[dict[str, object]]:
        received_at = self._store.now()
        return [
            {
                "nonce": nonce,
                "device_id": device_id,
                "at": at,
                "kind": kind,
                "outcome": outcome,
                "reason": reason,
                "pass_type": pass_type,
                "zone": zone,
                "received_at": received_at,
            }
            for nonce, at, kind, outcome, reason, pass_type, zone, _ in scans
        ]

    def _stored(self, connection: Connection, nonces: Collection[bytes]) -> dict[bytes, Scan]:
        """Those of these scans that are there already, with their uses as far as they still are."""
        rows = connection.execute(
            self._contents.where(among(connection, self._store.tables.scans.c.nonce, nonces))
        ).all()
        uses = self._uses.stored(connection, [row.nonce for row in rows]) if rows else {}
        return {row.nonce: Scan._make((*row, uses.get(row.nonce))) for row in rows}

    def _repeats(self, scan: Scan, before: Scan) -> bool:
        """The same scan once more. A plate may be missing in one of them, and a use may be gone since."""
        if scan.content != before.content:
            return False
        if scan.use is None or before.use is None:
            return before.use is None and (scan.use is None or not self._uses.kept(scan.use))
        same = scan.use._replace(plate=None) == before.use._replace(plate=None)
        return same and (scan.use.plate == before.use.plate or None in (scan.use.plate, before.use.plate))


def _confirms(scan: Scan, before: Scan) -> bool:
    """Only now the inspector said at which car the permit is."""
    return scan.use is not None and before.use is not None and scan.use.plate is not None and before.use.plate is None


def _nonce_of(item: object) -> str:
    """For the answer. What a nonce is not is not repeated: it could be anything."""
    nonce = read_nonce(item.get("nonce")) if isinstance(item, dict) else None
    return nonce_text(nonce) if nonce is not None else ""
