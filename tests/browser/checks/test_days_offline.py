"""Three days without a network: every check arrives once, and what belongs to a day is gone when the day is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.checks.conftest import serving
from tests.browser.checks.inspectors import Inspector, Service, permit
from tests.verifiers.scans.desk_of_scans import QUARTER, day_of
from verifiers.plates import today_and_tomorrow
from verifiers.scans.scan import nonce_text
from walletpass.verdict import Outcome

HOURS = 3 * 24


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with serving(tmp_path, days_ago=3) as service:
        yield service


@pytest.fixture
def karla(service: Service, browser: Browser) -> Iterator[Inspector]:
    inspector = Inspector(service, browser)
    yield inspector
    inspector.context.close()


def test_three_days_offline_arrive_once_and_leave_nothing_of_the_days_that_are_over(
    service: Service, karla: Inspector
) -> None:
    first, second = (day.isoformat() for day in today_and_tomorrow(karla.now))
    karla.gets_key(first)
    karla.gets_key(second, kid="fedcba9876543210")
    made: dict[str, int] = {}
    for hour in range(HOURS):
        if hour % 7 == 3:
            karla.is_killed()
        for text in (permit(service, hour % 5), "WP1:nonsense"):
            made[karla.judges(text)["nonce"]] = karla.now - karla.now % QUARTER
        today = day_of(karla.now)
        assert {use["day"] for use in karla.stored("uses").values()} == {today}, "no other day's uses or key"
        karla.at(seconds=3600)
    assert len({day_of(at) for at in made.values()}) >= 3
    days_with_keys = Counter(scan["use"]["day"] for scan in karla.stored("scans").values() if scan["use"])
    assert days_with_keys.keys() == {first, second} and days_with_keys[second] > 20
    assert karla.queue()["waiting"] == len(made) == 2 * HOURS
    karla.is_killed()
    assert karla.stored("keys") == {}
    karla.uploads()
    karla.uploads()
    assert {nonce_text(row.nonce): row.at for row in service.rows("scans")} == made
    assert service.counted() == len(made)
    assert {use["day"] for use in karla.stored("uses").values()} == {day_of(karla.now)}
    assert karla.queue() == {"waiting": 0, "quarantined": [], "cases": 0}
    assert {row.outcome for row in service.rows("scans")} >= {Outcome.ACCEPTED, Outcome.REFUSED}
