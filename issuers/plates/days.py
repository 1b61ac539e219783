"""The days that plate lists exist for: each has a key and a salt of its own, made a day ahead and gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine, delete, insert, select, update

from issuers.models import plate_days, plate_digests
from keys.sealing import seal, unseal
from walletpass.plate_entries import KEY_BYTES, SALT_BYTES, stretched
from web.database import read_transaction, write_transaction
from web.many_rows import insert_many

BATCH = 500  # plates that are stretched between two commits: about half a second


@dataclass(frozen=True, slots=True)
class PlateDay:
    """A row of `plate_days`."""

    day: date
    sealed_key: bytes
    salt: bytes
    iterations: int
    issued_at: int
    fingerprint: str

    def key(self, passphrase: bytes) -> bytes:
        """The day's key; raises `WrongPassphrase`."""
        return unseal(self.sealed_key, passphrase, _about(self.day))


def stored_days(engine: Engine) -> list[PlateDay]:
    """The days that are there, in order."""
    with read_transaction(engine) as connection:
        return [PlateDay(*row) for row in connection.execute(select(plate_days).order_by(plate_days.c.day))]


def ensure_days(engine: Engine, wanted: Collection[date], iterations: int, passphrase: bytes) -> list[PlateDay]:
    """Have exactly these days: new ones get a key and a salt, the keys of others are gone. The caller is alone."""
    known = {found.day for found in stored_days(engine)}
    new = [
        {
            "day": day,
            "sealed_key": seal(secrets.token_bytes(KEY_BYTES), passphrase, _about(day)),
            "salt": secrets.token_bytes(SALT_BYTES),
            "iterations": iterations,
            "issued_at": 0,
            "fingerprint": "",
        }
        for day in wanted
        if day not in known
    ]
    if new or known - set(wanted):
        with write_transaction(engine) as connection:
            for table in (plate_days, plate_digests):
                connection.execute(delete(table).where(table.c.day.not_in(wanted)))
            if new:
                connection.execute(insert(plate_days), new)
    return stored_days(engine)


def replace_keys(engine: Engine, passphrase: bytes) -> None:
    """New keys for the days that are there: somebody who has the old ones may read no further list."""
    for found in stored_days(engine):
        sealed = seal(secrets.token_bytes(KEY_BYTES), passphrase, _about(found.day))
        with write_transaction(engine) as connection:
            row = update(plate_days).where(plate_days.c.day == found.day)
            connection.execute(row.values(sealed_key=sealed, fingerprint=""))


def stretched_plates(engine: Engine, day: PlateDay, keys: Collection[str]) -> dict[str, bytes]:
    """The slow digests of these plates (compare forms). What is new is kept as it comes: a kill loses a batch."""
    with read_transaction(engine) as connection:
        rows = connection.execute(
            select(plate_digests.c.plate, plate_digests.c.stretched).where(plate_digests.c.day == day.day)
        )
        found: dict[str, bytes] = {row.plate: row.stretched for row in rows}
    for batch in _batches(sorted(set(keys) - found.keys())):
        made = {key: stretched(key, day.salt, day.iterations) for key in batch}
        with write_transaction(engine) as connection:
            rows_of = [{"day": day.day, "plate": key, "stretched": digest} for key, digest in made.items()]
            insert_many(connection, plate_digests, rows_of)
        found |= made
    return found


def _batches(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), BATCH):
        yield keys[start : start + BATCH]


def _about(day: date) -> str:
    return f"key of the plate list of {day}"
