"""Google is told of what changed before a week without workers, or in a paused campaign, even if it fails first."""

from __future__ import annotations

import pytest

from issuers import campaigns
from tests.issuers.campaign_city import changes, renewals, starts
from tests.issuers.wallets.google.conftest import Google


@pytest.mark.parametrize("paused", [False, True])
def test_a_week_later_google_fails_once_and_is_told(google: Google, paused: bool) -> None:
    permit = google.saves()
    before = google.object(permit.serial)
    number = starts(google.city, renewals(google.city, [permit]))
    google.emulator.fails(503, 2, "genericObject")
    google.work()
    assert google.codes() == {"google_unavailable"}
    if paused:
        changes(google.city, campaigns.pause, number)
    google.city.later(days=8)
    if paused:
        google.work()
        changes(google.city, campaigns.resume, number)
    google.work()
    assert google.codes() == {"google_unavailable"}
    assert google.city.office.outbox.failed() == []
    google.works_later()
    assert google.codes() == set()
    assert google.object(permit.serial) != before
