"""A city to measure in: a fresh folder, real keys, a database, and permits to offer."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from issuers import lifecycle
from issuers.importing import batched
from issuers.wallets import CarriedPass
from tests.city import City
from walletpass.credential import Evidence, StatusReference
from walletpass.passes import Pass, end_second
from web.database import write_transaction

PERMIT = "resident_parking_permit"
ENTRIES = 1 << 20  # of a status list, as in production
_PLATES = (("D-AB 1234E",), ("NE-C 7",), ("D-KL 512",), ("D-AB 1234E", "D-XY 99"), ("MÜ-W 3080",))


@contextmanager
def city(database_url: str = "", **settings: Any) -> Iterator[City]:
    """A city with lists as large as in production, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="walletpass-bench-") as folder:
        settings = {"status_list_size": ENTRIES, "status_lists_open": 2} | settings
        made = City(Path(folder) / "home", database_url=database_url, **settings)
        yield made
        made.office.engine.dispose()


def permits(made: City, count: int) -> list[Pass]:
    """Parking permits; every fifth has two plates, as in the sample register."""
    wanted = (made.entitles(PERMIT, plates=_PLATES[n % len(_PLATES)]) for n in range(count))
    found: list[Pass] = []
    for batch in batched(wanted, 5000):
        with write_transaction(made.office.engine) as connection:
            found += lifecycle.issue(connection, batch, made.order())
    return found


def carried(made: City, count: int) -> list[CarriedPass]:
    """Permits with their signed QR text, ready for any wallet."""
    return made.office.carry([pass_.serial for pass_ in permits(made, count)], "qr", made.order())


def evidence(made: City, count: int) -> list[Evidence]:
    """What the office would sign for such permits, without its database."""
    hour = int(made.clock()) // 3600 * 3600
    return [
        Evidence(
            issuer=made.settings.public_url,
            pass_type=made.office.catalogue.named(PERMIT),
            claims={"permit_number": f"T-{n:06d}", "zone": "MÜ", "plates": _PLATES[n % len(_PLATES)]},
            issued_at=hour,
            valid_from=hour,
            valid_until=end_second(made.today),
            credential_id=secrets.token_bytes(8),
            status=StatusReference(made.settings.status_uri("1"), secrets.randbelow(ENTRIES)),
        )
        for n in range(count)
    ]
