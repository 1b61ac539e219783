"""Plate lists: making those of a new day, and answering about one car, beside the slow digest (PBKDF2)."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import subprocess
import sys
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import delete

from bench.installation import PERMIT, city
from bench.measuring import Row, measure, medians, rates, repeated
from issuers import lifecycle
from issuers.models import plate_digests
from tests.city import City
from tests.inspector.node import node
from verifiers.plates import today_and_tomorrow
from walletpass.plate_entries import stretched
from walletpass.plate_list import list_path
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


def in_node() -> Row:
    """The same answers from the inspector's own modules, from the documents as they are published."""
    with city() as made:
        _park(made, PERMITS)
        made.finds("D-AB 1234")
        now, chance, settings = int(made.clock()), random.Random(2), made.settings
        published = settings.published
        asked = {
            "anchor": settings.anchor.read_text(),
            "trust": _base64((published / "trust-list.jwt").read_bytes()),
            "documents": {
                path: _base64((published / path).read_bytes()) for path in map(list_path, today_and_tomorrow(now))
            },
            "keys": {day.isoformat(): _base64(key) for day, key in made.plate_lookup().day_keys(now).items()},
            "plates": [_plate(chance) for _ in range(100)],
            "now": now,
        }
        command = [node(), str(Path(__file__).with_suffix(".mjs"))]
        answered = subprocess.run(command, check=True, input=json.dumps(asked).encode(), stdout=subprocess.PIPE)
        found = json.loads(answered.stdout)
        figure, limit, ratio = medians(found["rounds"])
        what = "cars looked up in a plate list in Node"
        return Row(what, figure, "/s", "the digest alone", limit, ratio, 0.5, found["peak"])


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


if __name__ == "__main__":
    measure({"built": built, "looked_up": looked_up, "in_node": in_node}, sys.argv[1:])
