"""A renewal and a revocation of one pass at the same moment, thousands of times: no valid credential is ever left."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select

from issuers import copies, lifecycle, repository
from issuers.copies import Copy
from issuers.errors import NotOfferable, PassRevoked
from issuers.importing import Import
from issuers.lifecycle import Action
from issuers.models import credentials
from issuers.sources.entitlements import SourceRow
from tests.city import City
from verifiers.documents import Folder
from verifiers.published import PublishedDocuments, read_anchor
from verifiers.verification import verify
from walletpass.passes import Pass
from walletpass.status import Status
from walletpass.verdict import Reason
from web.database import read_transaction, write_transaction

PASSES = 20_000 if os.environ.get("WALLETPASS_STRESS") else 2_000
AT_ONCE = 4  # pairs of threads
JITTER = 0.01  # seconds
TYPE = "resident_parking_permit"


def renew_at_a_desk(city: City, pass_: Pass) -> None:
    with write_transaction(city.office.engine) as connection:
        found = repository.one(connection, pass_.serial, lock=True)
        declared = city.office.catalogue.named(TYPE)
        wanted = lifecycle.renewed(found, declared, pass_.valid_until + timedelta(days=100), city.today)
        lifecycle.amend(connection, found, wanted, declared, city.order(), renewing=True)


def renew_by_a_list(city: City, pass_: Pass) -> None:
    until = pass_.valid_until + timedelta(days=100)
    wanted = city.entitles(TYPE, number=pass_.external_number, valid_until=until)
    work = Import(city.office.engine, city.office.catalogue.named(TYPE), city.order())
    report = work.run([SourceRow(2, (), "permit_no", "valid_until", wanted)], lambda: None)
    if report.failed:
        raise PassRevoked("It is revoked.")


class Race:
    """The passes that one pair of threads fights over, and how each fight went."""

    def __init__(self, city: City, held: Sequence[tuple[Pass, Copy]], seed: int) -> None:
        self._city, self._held, self._random = city, held, random.Random(seed)
        self._start = threading.Barrier(2, timeout=60)
        self.renewed: Counter[str] = Counter()
        self.failures: list[BaseException] = []

    def threads(self) -> list[threading.Thread]:
        return [threading.Thread(target=self._guarded, args=(side,)) for side in (self._renew, self._revoke)]

    def _guarded(self, side: Callable[[Pass, Copy], None]) -> None:
        jitter = random.Random(self._random.random())
        try:
            for pass_, copy in self._held:
                self._start.wait()
                time.sleep(jitter.random() * JITTER)
                side(pass_, copy)
        except BaseException as failure:
            self.failures.append(failure)
            self._start.abort()

    def _renew(self, pass_: Pass, copy: Copy) -> None:
        renew = self._random.choice((renew_at_a_desk, renew_by_a_list))
        try:
            renew(self._city, pass_)
        except PassRevoked:
            self.renewed["too late"] += 1
            return
        if self._random.random() < 0.5:
            shown = self._city.office.current([copy])
            self.renewed["shown" if shown[copy.id].qr_text else "blank"] += 1
            return
        try:
            self._city.offers(pass_, "qr")
            self.renewed["offered"] += 1
        except NotOfferable:
            self.renewed["not offered"] += 1

    def _revoke(self, pass_: Pass, _: Copy) -> None:
        with write_transaction(self._city.office.engine) as connection:
            lifecycle.set_status(connection, [pass_.serial], Action.REVOKE, self._city.order())


def carried(city: City) -> list[tuple[Pass, Copy]]:
    """Permits that phones carry."""
    entitled = [city.entitles(TYPE, number=f"BP-{number:06d}") for number in range(PASSES)]
    with write_transaction(city.office.engine) as connection:
        made = lifecycle.issue(connection, entitled, city.order())
    city.office.carry([pass_.serial for pass_ in made], "apple", city.order())
    with read_transaction(city.office.engine) as connection:
        living = copies.live(connection, [pass_.serial for pass_ in made], "apple")
    return [(pass_, living[pass_.serial]) for pass_ in made]


@pytest.mark.usefixtures("no_logs")
@pytest.mark.parametrize("database_kind", ["postgresql"])
def test_renewed_and_revoked_at_once_no_valid_credential_is_left(city_on: City) -> None:
    held = carried(city_on)
    races = [Race(city_on, held[pair::AT_ONCE], pair) for pair in range(AT_ONCE)]
    threads = [thread for race in races for thread in race.threads()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [failure for race in races for failure in race.failures] == []
    renewed = sum((race.renewed for race in races), Counter[str]())
    assert renewed.total() == PASSES
    assert all(renewed[outcome] for outcome in ("too late", "shown", "blank", "offered", "not offered")), renewed
    with read_transaction(city_on.office.engine) as connection:
        standing = set(connection.scalars(select(credentials.c.effective_status)))
        assert standing == {int(Status.INVALID)}
        texts = list(connection.scalars(select(credentials.c.encoded)))
    assert len(texts) == PASSES + renewed["shown"] + renewed["offered"]
    city_on.office.publication.publish_changes()
    now = int(city_on.clock())
    known = PublishedDocuments(Folder(city_on.settings.published), read_anchor(city_on.settings.anchor)).refresh(now)
    assert {verify(text, known, now).reason for text in texts} == {Reason.REVOKED}
