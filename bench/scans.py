"""Inspectors' scans through the edge and the route that takes them, against the bare inserts of the same rows.

Neither the sockets nor the proof of each request are in it, and each round begins with empty tables.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import secrets
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request
from sqlalchemy import Table, delete

from bench.databases import database
from bench.measuring import Row, measure, medians, rate
from verifiers.api.scans import BODY_LIMITS, MAX_SCANS, STATUSES, scans_router
from verifiers.scans.cases import Cases
from verifiers.scans.scan import nonce_text
from verifiers.scans.scan_log import ScanLog
from verifiers.scans.store import ScanStore
from verifiers.scans.uses import Uses
from web.database import create_engine_for, read_transaction, write_transaction
from web.edge import fit_edge
from web.migrations import upgrade

ROUNDS, SCANS = 5, 20_000
NOW, QUARTER = 1_800_000_000, 900
TYPES = ("resident_parking_permit", "social_pass", "library_card")


@dataclass(frozen=True, slots=True)
class _Device:
    id: str = "d1"


async def _anybody(_: Request, suspended_may: bool = False) -> _Device:
    """Any caller is the device: its proof is not what is measured here."""
    assert suspended_may
    return _Device()


class Upload:
    """A service on an empty database, and what devices send in: half are permits, some of them seen twice."""

    def __init__(self, url: str, folder: Path) -> None:
        self.store = ScanStore(create_engine_for(url or f"sqlite:///{folder / 'scans.db'}"), clock=lambda: NOW)
        upgrade(self.store.engine, "verifiers.migrations")
        self.tables: tuple[Table, ...] = (self.store.tables.scans, self.store.tables.uses)
        uses = Uses(self.store, 15)
        self.app = FastAPI()
        fit_edge(self.app, STATUSES, lambda: (), BODY_LIMITS)
        log = ScanLog(self.store, uses, lambda: TYPES)
        self.app.include_router(scans_router(_anybody, log, uses, Cases(self.store, folder)))

    def sends(self, bodies: Sequence[bytes]) -> int:
        return asyncio.run(self._send(bodies))

    async def _send(self, bodies: Sequence[bytes]) -> int:
        received = 0
        for body in bodies:
            answer = json.loads(await _posted(self.app, "/api/v1/device/scans", body))
            received += len(answer["received"])
        assert received == SCANS
        return received

    def inserts(self, rows: Sequence[Sequence[tuple[Any, ...]]]) -> int:
        """The same rows into the same tables, in as many transactions, with nothing but the driver."""
        mark = "?" if self.store.engine.dialect.name == "sqlite" else "%s"
        batches = SCANS // MAX_SCANS
        for number in range(batches):
            with write_transaction(self.store.engine) as connection:
                driver: Any = connection.connection.driver_connection
                for table, stored in zip(self.tables, rows, strict=True):
                    marks = ",".join([mark] * len(table.columns))
                    part = stored[number * len(stored) // batches : (number + 1) * len(stored) // batches]
                    driver.cursor().executemany(f"INSERT INTO {table.name} VALUES ({marks})", part)
        return SCANS

    def stored(self) -> list[list[tuple[Any, ...]]]:
        """What is in the tables, in no order that helps an index, as the driver gives it."""
        with read_transaction(self.store.engine) as connection:
            found = [connection.exec_driver_sql(f"SELECT * FROM {table.name}").all() for table in self.tables]
        return [random.Random(1).sample([tuple(row) for row in rows], len(rows)) for rows in found]

    def empty(self) -> None:
        with write_transaction(self.store.engine) as connection:
            for table in (*self.tables, self.store.tables.warnings, self.store.tables.counts):
                connection.execute(delete(table))


async def _posted(app: FastAPI, path: str, body: bytes) -> bytes:
    """The answer's body; a server would do the same without its sockets."""
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": ""}
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", b"application/json")]
    scope |= {"headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8001)}
    sent = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        assert message.get("status", 200) == 200
        sent.extend(message.get("body", b""))

    await app(scope, receive, send)
    return bytes(sent)


def _bodies(chance: random.Random) -> list[bytes]:
    """Each upload is a shift of eight hours in three zones."""
    found = []
    for _ in range(SCANS // MAX_SCANS):
        zones = [f"Z{number}" for number in chance.sample(range(41), 3)]
        found.append(json.dumps({"scans": [_scan(chance, zones) for _ in range(MAX_SCANS)]}).encode())
    return found


def _scan(chance: random.Random, zones: Sequence[str]) -> dict[str, Any]:
    zone, minute = chance.choice(zones), NOW - 60 * chance.randrange(480)
    pass_type = chance.choice((TYPES[0], *TYPES))
    digest = nonce_text(chance.randrange(SCANS * 100).to_bytes(16, "big"))
    use = {"day": "2027-01-15", "digest": digest, "plate": None, "minute": minute, "zone": zone}
    return {
        "nonce": nonce_text(secrets.token_bytes(16)),
        "at": minute - minute % QUARTER,
        "kind": "code",
        "outcome": "accepted",
        "reason": "accepted",
        "pass_type": pass_type,
        "zone": zone,
        "use": use if pass_type == TYPES[0] else None,
    }


def uploaded(kind: str) -> Row:
    """Scans per second, 500 in an upload; both ways begin with empty tables and commit every 500."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with database(kind) as url, tempfile.TemporaryDirectory(prefix="walletpass-bench-") as folder:
        upload, chance, measured = Upload(url, Path(folder)), random.Random(1), []
        for number in range(ROUNDS + 1):
            bodies = _bodies(chance)
            upload.empty()
            taken = rate(lambda bodies=bodies: upload.sends(bodies))
            stored = upload.stored()
            upload.empty()
            inserted = rate(lambda stored=stored: upload.inserts(stored))
            if number:  # the first round warms up
                measured.append((taken, inserted))
        figure, limit, ratio = medians(measured)
        what = f"{SCANS:,} scans into empty {kind}, without proof"
        return Row(what, figure, "/s", "bare executemany of them", limit, ratio, None)


if __name__ == "__main__":
    measure({"uploaded": uploaded}, sys.argv[1:])
