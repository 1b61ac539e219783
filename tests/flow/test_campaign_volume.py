"""The family cards of a city are renewed, each with a letter: every letter is printed once, 500 to a file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

import pypdfium2
from sqlalchemy import select

from issuers import lifecycle
from issuers.carrier_models import print_batches, print_letters
from issuers.importing import batched
from issuers.models import audit
from issuers.notices import Inform
from issuers.print_batches import SIZE
from issuers.tasks import load_tasks
from tests.city import City
from tests.issuers.campaign_city import TYPE, renewals, starts, works
from web.database import read_transaction, write_transaction

PASSES = 50_000 if os.environ.get("WALLETPASS_STRESS") else 100


def test_each_of_many_renewals_has_its_letter_once(make_city: Callable[..., City]) -> None:
    city = make_city(print_after=0)
    passes = []
    for numbers in batched(range(PASSES), 500):
        with write_transaction(city.office.engine) as connection:
            entitled = [city.entitles(TYPE, number=f"BP-{number:05d}") for number in numbers]
            passes += lifecycle.issue(connection, entitled, city.order())
    starts(city, renewals(city, passes), inform=Inform.LETTER)
    works(city, *load_tasks(city.office).values())
    with read_transaction(city.office.engine) as connection:
        letters = Counter(connection.scalars(select(print_letters.c.serial).where(print_letters.c.code.is_(None))))
        files = {row.file_name: row.letters for row in connection.execute(select(print_batches))}
        renewed = Counter(connection.scalars(select(audit.c.serial).where(audit.c.action == "renew")))
    assert letters == renewed == Counter(each.serial for each in passes)
    assert sum(files.values()) == PASSES
    assert max(files.values()) <= SIZE
    for name, count in files.items():
        with pypdfium2.PdfDocument(city.settings.issuer_home / "print" / name) as document:
            assert len(document) >= count
