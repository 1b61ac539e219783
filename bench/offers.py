"""Twenty thousand first offers: credentials made, stored and handed out, against making the texts alone."""

from __future__ import annotations

import sys
from functools import partial

from bench.databases import database
from bench.installation import city, evidence, permits
from bench.measuring import Row, measure, medians, rate
from keys.signer import Role
from walletpass.formats import load_formats

OFFERS, BATCH = 20_000, 500


def offers(kind: str) -> Row:
    """On the database of that kind, in batches of 500; each batch is followed by as many texts without a database."""
    with database(kind) as url, city(url) as made:
        serials = [pass_.serial for pass_ in permits(made, OFFERS)]
        signer, encode = made.office.signer(Role.CREDENTIAL), load_formats()["cwt"].encode
        waiting, order = evidence(made, BATCH), made.order()

        def texts() -> int:
            return sum(bool(encode(item, signer)) for item in waiting)

        def carry(start: int) -> int:
            return len(made.office.carry(serials[start : start + BATCH], "qr", order))

        measured = [(rate(partial(carry, start)), rate(texts)) for start in range(0, OFFERS, BATCH)]
        figure, limit, ratio = medians(measured)
        return Row(f"QR offers from {kind}", figure, "/s", "QR texts alone", limit, ratio, 0.60)


if __name__ == "__main__":
    measure({"offers": offers}, sys.argv[1:])
