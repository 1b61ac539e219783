"""Offline on the device: every reason to refuse, each by a code of its own; and a revocation that a device hears of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser

from issuers.app import create_app as create_issuing
from issuers.models import tokens
from keys.signer import Role
from tests.browser.serving import running
from tests.browser.street import Inspector, Street, street, until
from tests.city import City
from tests.phone import Phone
from tests.verifiers.sample_city import DAY, PARKING, TYPES, SampleCity
from tests.verifiers.test_verification import raw_text
from verifiers.settings import VerifierSettings
from walletpass import base45
from walletpass.credential import StatusReference
from walletpass.cwt_claims import IAT, NBF, STATUS
from walletpass.verdict import UNDETERMINED_REASONS, Reason
from web.tokens import TokenStore

REVOKED, SUSPENDED, UNKNOWN = range(101, 104)  # entries of the status list
LIBRARY = TYPES.named("library_card")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SampleCity:
    """A city whose credential key may not sign library cards."""
    city = SampleCity(tmp_path_factory.mktemp("city"), now=int(time.time()) - 180)
    for entry, value in ((REVOKED, 1), (SUSPENDED, 2), (UNKNOWN, 3)):
        city.statuses.set(entry, value)
    allowed = frozenset({PARKING.name, "social_pass"})
    city.publish(lambda key: replace(key, pass_types=allowed) if key.role is Role.CREDENTIAL else key)
    return city


@pytest.fixture(scope="module")
def here(city: SampleCity) -> Iterator[Street]:
    with street(city.home) as made:
        yield made


@pytest.fixture(scope="module")
def refused(city: SampleCity, tmp_path_factory: pytest.TempPathFactory) -> dict[Reason, str]:
    """A code for each reason to refuse."""
    stranger, now = SampleCity(tmp_path_factory.mktemp("stranger"), now=city.now), int(time.time())
    today = {str(IAT): city.now, str(NBF): city.now}
    entries = {index: StatusReference(city.list_uri, index) for index in (REVOKED, SUSPENDED, UNKNOWN, 1024)}
    return {
        Reason.MALFORMED: city.qr()[:-1],
        Reason.UNSUPPORTED_FORMAT: "WP7:ABC",
        Reason.UNKNOWN_KEY: stranger.qr(),
        Reason.BAD_SIGNATURE: last_byte_changed(city.qr()),
        Reason.UNKNOWN_TYPE: raw_text(city, {0: 999, 1: "X"}, **today),
        Reason.WRONG_ISSUER: city.qr(issuer="https://other.example"),
        Reason.KEY_NOT_ALLOWED: city.qr(pass_type=LIBRARY, claims={"card_number": "L-1"}),
        Reason.KEY_OUTSIDE_WINDOW: city.qr(issued_at=city.now - 400 * DAY),
        Reason.CLAIM_INVALID: raw_text(city, {0: 2, 1: "BP-1", 2: 7}, **today),
        Reason.NOT_YET_VALID: city.qr(valid_from=now + DAY),
        Reason.EXPIRED: city.qr(valid_from=city.now - DAY, valid_until=city.now),
        Reason.REVOKED: city.qr(status=entries[REVOKED]),
        Reason.SUSPENDED: city.qr(status=entries[SUSPENDED]),
        Reason.STATUS_MISSING: raw_text(city, {0: 2, 1: "BP-1", 2: "A"}, **today, **{str(STATUS): None}),
        Reason.STATUS_OUT_OF_RANGE: city.qr(status=entries[1024]),
        Reason.STATUS_UNKNOWN_VALUE: city.qr(status=entries[UNKNOWN]),
        Reason.BAD_PROOF: last_byte_changed(city.live(Phone(), now)),
        Reason.PROOF_STALE: city.live(Phone(), now - 3600),
        Reason.PROOF_EARLY: city.live(Phone(), now + 3600),
    }


def last_byte_changed(text: str) -> str:
    document = bytearray(base45.decode(text[4:]))
    document[-1] ^= 1
    return text[:4] + base45.encode(bytes(document))


def test_every_reason_to_refuse_is_said_offline(browser: Browser, here: Street, refused: dict[Reason, str]) -> None:
    assert {*refused} == {*Reason} - UNDETERMINED_REASONS - {Reason.ACCEPTED}
    inspector = Inspector(here, browser).enrols("Handgerät 1")
    inspector.goes_offline()
    for reason, text in refused.items():
        inspector.types(text)
        assert (inspector.word(), inspector.code()) == ("Abgelehnt", reason)
    inspector.comes_back()
    inspector.refreshes()
    until(lambda: sorted(reason for _, reason, _ in here.scans()) == sorted(refused))
    inspector.leaves()


def test_a_revocation_is_known_on_a_connected_device_within_a_minute(
    browser: Browser, tmp_path: Path, key_folder_of_today: Path
) -> None:
    city = City(tmp_path / "issuer", keys=key_folder_of_today, start=datetime.now(UTC))
    permit = city.grants(PARKING.name, changing_vehicles=False)
    text = city.qr(permit)
    city.publishes()
    _, secret = TokenStore(city.office.engine, tokens).create(
        "parking", {("parking", "revoke")}, int(time.time()), 3600
    )
    waits = VerifierSettings(home=tmp_path).refresh_interval
    with running(create_issuing(city.office)) as issuing:
        place = {"published": f"{issuing}/published", "anchor": str(city.settings.anchor)}
        with street(tmp_path / "verifier", refresh_interval=waits, **place) as here:
            inspector = Inspector(here, browser).enrols("Handgerät 2")
            inspector.types(text)
            assert inspector.word() == "Gültig"
            city.clock.seconds = time.time()
            address = f"{issuing}/api/v1/passes/{permit.serial}/revocations"
            answer = httpx2.post(address, json={"reason": "moved"}, headers={"Authorization": f"Bearer {secret}"})
            assert answer.status_code == 200

            def is_refused() -> bool:
                inspector.types(text)
                return (inspector.word(), inspector.code()) == ("Abgelehnt", Reason.REVOKED)

            until(is_refused, seconds=60)
            inspector.leaves()
    city.office.engine.dispose()
