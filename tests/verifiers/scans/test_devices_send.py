"""Real devices and the real service: who may hand in scans and cases, and that both devices hear of a double use."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey
from sqlalchemy import func, select
from starlette.testclient import TestClient

from tests.verifiers.devices.phone import Phone
from tests.verifiers.sample_city import SampleCity
from tests.verifiers.scans.desk_of_scans import MINUTE, scan, sixteen, used
from tests.verifiers.scans.test_cases import CONTENT
from verifiers.app import create_app
from verifiers.devices.devices import Devices
from verifiers.devices.scope import Scope
from verifiers.devices.store import open_devices
from verifiers.scans.cases import ALGORITHMS, Cases
from verifiers.scans.store import ScanStore, open_scans
from verifiers.settings import VerifierSettings
from web.database import read_transaction

EVERYWHERE = Scope((), (), None)


class Street:
    """A service that runs, and phones that were enrolled at its desk."""

    def __init__(self, home: Path) -> None:
        self.city = city = SampleCity(home, now=int(time.time()) - 60)
        city.publish()
        self.settings = VerifierSettings(home=home)
        self.client = TestClient(create_app(self.settings), base_url="http://localhost:8001")
        self.devices = Devices(open_devices(self.settings))
        self.store: ScanStore = open_scans(self.settings)

    def phone(self, name: str) -> tuple[Phone, str]:
        """An enrolled phone and its identifier."""
        phone = Phone(self.client)
        _, code = self.devices.invite(name, EVERYWHERE)
        return phone, phone.enrol(code).json()["device"]["id"]

    def scans(self) -> int:
        with read_transaction(self.store.engine) as connection:
            return connection.scalar(select(func.count()).select_from(self.store.tables.scans)) or 0


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    street = Street(tmp_path)
    with street.client:
        deadline = time.monotonic() + 60
        while street.client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        yield street


def test_a_service_that_has_read_no_type_yet_has_scans_sent_again(tmp_path: Path) -> None:
    street = Street(tmp_path)
    shutil.rmtree(street.city.published)
    with street.client:
        phone, _ = street.phone("Handheld 1")
        answer = phone.post("scans", {"scans": [scan("a", int(time.time()))]})
        assert (answer.status_code, answer.json()["code"]) == (503, "types_not_known")
        assert answer.headers["Retry-After"] == "5"
        assert street.scans() == 0


def test_a_permit_in_two_places_is_told_to_both_devices_at_their_next_word(street: Street) -> None:
    now = int(time.time()) // MINUTE * MINUTE
    (one, _), (two, _) = street.phone("Handheld 1"), street.phone("Handheld 2")
    assert one.post("scans", {"scans": [used("a", "permit", now, "A1")]}).json()["warnings"] == []
    answer = two.post("scans", {"scans": [used("b", "permit", now, "B1")]}).json()
    assert answer == {
        "received": [sixteen("b")],
        "rejected": [],
        "warnings": [{"kind": "two_places", "nonce": sixteen("b"), "at": now, "zone": "A1"}],
    }
    assert one.contact().json()["warnings"] == [{"kind": "two_places", "nonce": sixteen("a"), "at": now, "zone": "B1"}]


def test_a_suspended_device_hands_in_what_it_has_and_one_that_has_ended_does_not(street: Street) -> None:
    phone, device_id = street.phone("Handheld 1")
    desk_key = phone.contact().json()["device"]["desk_key"]
    street.devices.suspend(device_id)
    assert phone.post("scans", {"scans": [scan("a", int(time.time()))]}).json()["received"] == [sixteen("a")]
    encrypted = jwe.encrypt_compact(
        dict(zip(("alg", "enc"), ALGORITHMS, strict=True)), json.dumps(CONTENT), ECKey.import_key(desk_key), ALGORITHMS
    )
    assert (
        phone.post("cases", {"id": sixteen("c"), "at": int(time.time()) // 60 * 60, "encrypted": encrypted}).status_code
        == 201
    )
    assert Cases(street.store, street.settings.verifier_home).open(sixteen("c")).note == CONTENT["note"]
    street.devices.revoke(device_id)
    answer = phone.post("scans", {"scans": [scan("b", int(time.time()))]})
    assert (answer.status_code, answer.json()["code"]) == (401, "device_revoked")
    assert street.scans() == 1


def test_a_copied_token_sends_nothing(street: Street) -> None:
    phone, _ = street.phone("Handheld 1")
    thief = Phone(street.client)
    thief.token = phone.token
    for path in ("scans", "cases"):
        answer = thief.post(path, {"scans": []})
        assert (answer.status_code, answer.json()["code"]) == (401, "dpop_proof_invalid")
        assert street.client.post(f"/api/v1/device/{path}", json={"scans": []}).status_code == 401


def test_a_days_scans_fit_through_the_real_edge(street: Street) -> None:
    phone, _ = street.phone("Handheld 1")
    now = int(time.time())
    sent = [used(n, f"permit {n}", now, "ÄÖÜÄ", plate=f"D{n}") for n in range(500)]
    assert len(phone.post("scans", {"scans": sent}).json()["received"]) == street.scans() == 500


def test_neither_an_answer_nor_a_log_repeats_what_was_sent(street: Street, capfd: pytest.CaptureFixture[str]) -> None:
    phone, _ = street.phone("Handheld 1")
    now = int(time.time())
    sent = [
        scan("a", now) | {"zone": "D-AB 1234"},
        {"nonce": "D-AB 1234 Max Muster.."},
        used("b", "permit", now) | {"use": {"plate": "D-AB 1234"}},
        "D-AB 1234",
    ]
    answers = [
        phone.post("scans", {"scans": sent}),
        phone.post("scans", {"D-AB 1234": 1}),
        phone.post("scans", b"D-AB"),
    ]
    answers.append(phone.post("cases", {"id": "D-AB 1234", "at": 0, "encrypted": "D-AB 1234"}))
    assert [answer.status_code for answer in answers] == [200, 400, 400, 422]
    heard = "".join([*(answer.text for answer in answers), *capfd.readouterr()])
    assert "scans" in heard and not [word for word in ("D-AB", "1234", "Muster") if word in heard]
