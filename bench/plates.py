"""Plate lists: making those of a new day, and answering about one car, beside the slow digest (PBKDF2) in both."""

from __future__ import annotations

import hashlib
import random
import sys
from datetime import timedelta
from functools import partial

from sqlalchemy import delete

from bench.installation import PERMIT, city
from bench.measuring import Row, measure, rates, repeated
from issuers import lifecycle
from issuers.models import plate_digests
from tests.city import City
from walletpass.plate_entries import stretched
from web.database import write_transaction

PERMITS, ZONES = 1_000, 41


def _plate(chance: random.Random) -> str:
    return f"D-{''.join(chance.choices('ABCDEFGHKLMNPRSTUVWXYZ', k=2))} {chance.randint(1, 9999)}"


def _park(made: City, count: int) -> None:
    """Permits in all zones; three of ten have two plates."""
    chance = random.Random(1)
    wanted = [
        made.entitles(
            PERMIT,
            zone=f"Z{number % ZONES}",
            plates=tuple(_plate(chance) for _ in range(1 + (number % 10 < 3))),
            changing_vehicles=False,
            valid_until=made.today + timedelta(days=100),
        )
        for number in range(count)
    ]
    with write_transaction(made.office.engine) as connection:
        lifecycle.issue(connection, wanted, made.order())


def built() -> Row:
    """Entries of both days' lists: read from the database, digested, kept, tagged, signed and written."""
    with city() as made:
        _park(made, PERMITS)
        entries = 2 * (PERMITS + PERMITS * 3 // 10)

        def afresh() -> int:
            with write_transaction(made.office.engine) as connection:
                connection.execute(delete(plate_digests))
            made.office.plates.publish()
            return entries

        raw = partial(hashlib.pbkdf2_hmac, "sha256", b"DAB1234", b"s" * 16, made.settings.plate_list_iterations)
        figure, limit, ratio = rates(afresh, repeated(raw, entries // 2), rounds=5)
        return Row("entries in new plate lists", figure, "/s", "raw PBKDF2", limit, ratio, 0.8)


def looked_up() -> Row:
    """Answers about a car, in all zones of a city with 41; wanted: 20 a second, that is 50 ms each."""
    with city() as made:
        _park(made, PERMITS)
        made.finds("D-AB 1234")
        lookup, now, chance = made.plate_lookup(), int(made.clock()), random.Random(2)
        digest = partial(stretched, "D-AB 1234", b"s" * 16, made.settings.plate_list_iterations)
        answers = repeated(lambda: lookup.find(_plate(chance), (), now), 200)
        figure, limit, ratio = rates(answers, repeated(digest, 200), rounds=5)
        return Row("cars looked up in a plate list", figure, "/s", "the digest alone", limit, ratio, 0.5)


if __name__ == "__main__":
    measure({"built": built, "looked_up": looked_up}, sys.argv[1:])
