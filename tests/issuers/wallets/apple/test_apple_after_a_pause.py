"""Phones are told of what changed before a week without workers, or in a paused campaign, even if Apple fails first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from issuers import campaigns
from issuers.tasks.campaign import CampaignTask
from tests.city import City
from tests.issuers.api.conftest import Serve
from tests.issuers.campaign_city import changes, permits, renewals, starts, works
from tests.issuers.wallets.apple.phones import NEXT_ATTEMPT, chain_file, left, tells
from tests.issuers.wallets.iphone import IPhone
from tests.issuers.wallets.push_server import PushServer, Say


@pytest.fixture
def apple(key_folder: Path, tmp_path: Path) -> Iterator[PushServer]:
    """A push server that knows the city's pass certificate."""
    server = PushServer(chain_file(key_folder), tmp_path).start()
    yield server
    server.stop()


@pytest.mark.parametrize("paused", [False, True])
def test_a_week_later_apple_fails_once_and_the_phone_is_told(
    make_city: Callable[..., City], serve: Serve, apple: PushServer, paused: bool
) -> None:
    city = make_city(apple_push_url=apple.url, apple_push_ca=str(apple.ca))
    phone = IPhone(serve(city).client)
    [permit] = permits(city, 1)
    phone.adds(city.offers(permit, "apple").body)
    number = starts(city, renewals(city, [permit]))
    works(city, CampaignTask(city.office))
    apple.otherwise = Say(503, "Shutdown")
    tells(city)
    assert left(city) == [("apple_busy", False)]
    if paused:
        changes(city, campaigns.pause, number)
    city.later(days=8)
    if paused:
        tells(city)
        changes(city, campaigns.resume, number)
    tells(city)
    assert left(city) == [("apple_busy", False)]
    apple.otherwise = Say()
    city.later(seconds=2 * NEXT_ATTEMPT)
    tells(city)
    assert left(city) == []
    assert phone.is_pushed() != []
