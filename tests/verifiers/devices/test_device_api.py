"""Enrolment and contact over HTTP: what a phone hears, what a copied token is worth, and what hostile bodies do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from starlette.testclient import TestClient

from tests.verifiers.devices.phone import API, ORIGIN, REPORT, Phone
from tests.verifiers.sample_city import SampleCity
from tests.web.dpop_caller import Caller
from verifiers.app import create_app
from verifiers.devices.devices import Devices
from verifiers.devices.scope import Scope, read_scope
from verifiers.devices.store import open_devices
from verifiers.models import PROOFS
from verifiers.settings import VerifierSettings
from walletpass.passes import local_day
from web.database import read_transaction

ANYTHING = Scope()
TODAY = local_day(datetime.now(UTC)).isoformat()


class Desk:
    """A running service and its devices."""

    def __init__(self, city: SampleCity, client: TestClient, devices: Devices, settings: VerifierSettings) -> None:
        self.city, self.client, self.devices, self.settings = city, client, devices, settings
        self._addresses = (f"10.0.{n // 250}.{n % 250}" for n in count(1))

    def invites(self, scope: Scope = ANYTHING) -> str:
        return self.devices.invite("Handy 7", scope)[1]

    def stranger(self, address: str = "") -> Phone:
        """A phone that is not enrolled, at an address of its own or at this one."""
        origin = (address or next(self._addresses), 50_000)
        return Phone(TestClient(self.client.app, base_url=ORIGIN, client=origin))

    def phone(self, scope: Scope = ANYTHING, address: str = "") -> Phone:
        """An enrolled phone."""
        phone = self.stranger(address)
        assert phone.enrol(self.invites(scope)).status_code == 201
        return phone

    def device_id(self, phone: Phone) -> str:
        found = self.devices.with_token(phone.token or "")
        assert found is not None
        return found.id


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from running(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def desk_on(tmp_path: Path, database_url: str) -> Iterator[Desk]:
    """Once on SQLite, once on PostgreSQL."""
    yield from running(tmp_path, verifier_database_url=database_url)


def running(home: Path, **options: Any) -> Iterator[Desk]:
    city = SampleCity(home / "city", now=int(time.time()) - 60)
    city.publish()
    chosen = VerifierSettings(home=city.home, refresh_interval=0.05, **options)
    with TestClient(create_app(chosen), base_url=ORIGIN) as client:
        until(lambda: client.get("/published/status/1.cwt").status_code == 200)
        devices = Devices(open_devices(chosen))
        yield Desk(city, client, devices, chosen)
        devices.store.engine.dispose()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_phone_is_enrolled_hears_what_it_may_do_and_is_heard(desk_on: Desk) -> None:
    scope = read_scope(["resident_parking_permit"], ["MÜ"], "1234567 00:00-00:00")
    phone = desk_on.stranger()
    enrolled = phone.enrol(desk_on.invites(scope)).json()
    assert enrolled["anchor"] == desk_on.city.ring.anchor_certificate.public_bytes(Encoding.PEM).decode()
    device = enrolled["device"]
    assert device | {"id": "", "desk_key": {}} == {
        "id": "",
        "name": "Handy 7",
        "state": "active",
        "pass_types": ["resident_parking_permit"],
        "zones": ["MÜ"],
        "shift": {"days": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "until": "00:00"},
        "lock_after_days": 7,
        "lookups_per_hour": 120,
        "double_use_minutes": 15,
        "desk_key": {},
    }
    assert set(device["desk_key"]) == {"kty", "crv", "x", "y"}
    uri = desk_on.city.list_uri
    answer = phone.contact(now=int(time.time()) + 3600, waiting=2, status_lists={uri: 7}, lookups={TODAY: 3})
    heard = answer.json()
    assert answer.headers["cache-control"] == "no-store" and abs(heard["server_time"] - time.time()) < 60
    assert (heard["device"], heard["warnings"]) == (device, [])
    assert heard["keys"]["use"][0]["day"] == TODAY
    assert {len(phone.decrypted(key["jwe"])) for key in heard["keys"]["use"]} == {32}
    for path, etag in heard["documents"].items():
        fetched = desk_on.client.get(f"/published/{path}")
        assert (fetched.status_code, fetched.headers["etag"]) == (200, etag)
    found = desk_on.devices.one(device["id"])
    assert found.last_contact_at is not None and abs(found.reported["clock_difference"] - 3600) < 60
    assert (found.reported["waiting"], found.reported["status_lists"]) == (2, {uri: 7})
    assert "keys" not in found.reported


def test_any_process_hears_a_phone_and_none_takes_a_request_again(desk_on: Desk) -> None:
    phone = desk_on.phone()
    with TestClient(create_app(desk_on.settings), base_url=ORIGIN) as other:
        for client in (other, desk_on.client, other):
            phone.client = TestClient(client.app, base_url=ORIGIN)
            assert phone.send("contact", REPORT | {"now": 1}).status_code == 200, "without another round for a nonce"
        proof = phone.caller.proof("POST", f"{ORIGIN}{API}/contact", phone.nonce, phone.token)
        assert phone.send("contact", REPORT | {"now": 1}, DPoP=proof).status_code == 200
        phone.client = desk_on.client
        assert code_of(phone.send("contact", REPORT | {"now": 1}, DPoP=proof)) == (401, "dpop_proof_invalid")


def test_an_enrolment_that_is_sent_again_takes_no_phone_its_token(desk_on: Desk) -> None:
    stranger, code = desk_on.stranger(), desk_on.invites()
    stranger.send("enrolment", {})
    body = {"code": code, "agreement_key": stranger.caller.jwk, "app_version": "1"}
    proof = stranger.caller.proof("POST", f"{ORIGIN}{API}/enrolment", stranger.nonce)
    early = stranger.send("enrolment", body | {"code": "wrong"}, DPoP=proof)
    assert code_of(early) == (403, "enrolment_refused"), "what is refused uses no proof up"
    first = stranger.send("enrolment", body, DPoP=proof)
    assert first.status_code == 201
    assert code_of(stranger.send("enrolment", body, DPoP=proof)) == (401, "dpop_proof_invalid")
    stranger.token = first.json()["token"]
    assert stranger.contact().status_code == 200


def test_a_revoked_phone_leaves_no_row(desk_on: Desk) -> None:
    lost = desk_on.phone()
    desk_on.devices.revoke(desk_on.device_id(lost))
    assert [code_of(lost.contact()) for _ in range(3)] == [(401, "device_revoked")] * 3
    with read_transaction(desk_on.devices.store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(PROOFS)) == 1, "that of its enrolment"


def test_keys_that_a_phone_has_are_not_sent_again(desk: Desk) -> None:
    phone = desk.phone()
    keys = phone.contact().json()["keys"]["use"]
    held = {key["day"]: key["kid"] for key in keys}
    assert phone.contact(keys={"plate": {}, "use": held}).json()["keys"]["use"] == []
    other = dict.fromkeys(held, "0" * 16)
    again = phone.contact(keys={"use": other}).json()["keys"]["use"]
    assert {key["day"]: key["kid"] for key in again} == held
    assert [phone.decrypted(key["jwe"]) for key in again] == [phone.decrypted(key["jwe"]) for key in keys]
    assert [desk.phone().contact().json()["keys"]["use"][0]["kid"]] == [keys[0]["kid"]]


def test_outside_its_shift_a_phone_is_given_no_keys(desk: Desk) -> None:
    weekday = (datetime.now(UTC).isoweekday() + 2) % 7 + 1
    heard = desk.phone(read_scope([], [], f"{weekday} 12:00-12:01")).contact().json()
    assert heard["keys"] == {"plate": [], "use": []} and heard["documents"]


def test_a_suspended_phone_is_heard_and_given_documents_only(desk: Desk) -> None:
    phone = desk.phone()
    desk.devices.suspend(desk.device_id(phone))
    heard = phone.contact().json()
    assert heard["device"]["state"] == "suspended" and heard["documents"]
    assert heard["keys"] == {"plate": [], "use": []}
    desk.devices.resume(desk.device_id(phone))
    assert phone.contact().json()["keys"]["use"]


@pytest.mark.parametrize("order", ["revoke", "wipe"])
def test_an_ended_phone_is_told_so_and_nothing_is_taken_from_it(desk: Desk, order: str) -> None:
    phone = desk.phone()
    device_id = desk.device_id(phone)
    phone.contact()
    before = getattr(desk.devices, order)(device_id)
    for path in ("contact", "scans", "cases"):
        assert code_of(phone.post(path, REPORT)) == (401, f"device_{before.state}")
    assert desk.devices.one(device_id) == before


def test_a_copied_token_is_worth_nothing(desk: Desk) -> None:
    phone, thief = desk.phone(), desk.stranger()
    thief.token = phone.token
    assert code_of(thief.contact()) == (401, "dpop_proof_invalid")
    desk.devices.wipe(desk.device_id(phone))
    assert code_of(thief.contact()) == (401, "dpop_proof_invalid"), "nothing is told about the device either"
    for authorization in (f"Bearer {phone.token}", f"DPoP {phone.token}x", f"DPoP {'x' * 5000}", "DPoP", ""):
        refused = thief.send("contact", REPORT, Authorization=authorization)
        assert code_of(refused) == (401, "device_unknown")
        assert refused.headers["www-authenticate"] == 'DPoP error="invalid_token", algs="ES256"'
    both = [("DPoP", "x"), *[("Authorization", f"DPoP {phone.token}")] * 2]
    assert code_of(phone.client.post(f"{API}/contact", json=REPORT, headers=both)) == (401, "device_unknown")


def test_a_proof_for_one_address_opens_no_other_and_the_host_header_does_not_matter(desk: Desk) -> None:
    phone = desk.phone()
    phone.contact()
    for method, address in (("POST", f"{ORIGIN}{API}/scans"), ("GET", f"{ORIGIN}{API}/contact")):
        proof = phone.caller.proof(method, address, phone.nonce, phone.token)
        assert code_of(phone.send("contact", REPORT, DPoP=proof)) == (401, "dpop_proof_invalid")
    lured = phone.caller.proof("POST", f"https://evil.example{API}/contact", phone.nonce, phone.token)
    assert code_of(phone.send("contact", REPORT, DPoP=lured, Host="evil.example")) == (401, "dpop_proof_invalid")
    assert phone.send("contact", REPORT | {"now": 1}, Host="evil.example").status_code == 200


def test_a_repeated_request_is_refused(desk: Desk) -> None:
    phone = desk.phone()
    phone.contact()
    proof = phone.caller.proof("POST", f"{ORIGIN}{API}/contact", phone.nonce, phone.token)
    assert phone.send("contact", REPORT | {"now": 1}, DPoP=proof).status_code == 200
    assert code_of(phone.send("contact", REPORT | {"now": 1}, DPoP=proof)) == (401, "dpop_proof_invalid")


def test_who_fails_too_often_is_put_off_and_nobody_else(desk: Desk) -> None:
    phone = desk.phone(address="192.0.2.20")
    thief = desk.stranger("192.0.2.20")
    thief.token = "wpd_" + "A" * 43
    answers = [code_of(thief.send("contact", REPORT)) for _ in range(40)]
    assert answers[0] == (401, "device_unknown") and answers[-1] == (429, "too_many_requests")
    assert phone.contact().status_code == 200


def test_codes_are_not_guessed_quickly(desk: Desk) -> None:
    stranger = desk.stranger()
    answers = [code_of(stranger.enrol(f"guess-{n}")) for n in range(70)]
    assert answers[0] == (403, "enrolment_refused") and answers[-1] == (429, "too_many_requests")


def test_enrolment_asks_for_a_proof_of_the_key_it_binds(desk: Desk) -> None:
    code = desk.invites()
    stranger = desk.stranger()
    assert code_of(stranger.send("enrolment", {"code": code})) == (422, "invalid_request")
    other = Caller().proof("POST", f"{ORIGIN}{API}/contact", stranger.nonce)
    body = {"code": code, "agreement_key": stranger.caller.jwk, "app_version": "1"}
    assert code_of(stranger.send("enrolment", body, DPoP=other)) == (401, "dpop_proof_invalid")
    assert code_of(stranger.enrol(code, agreement_key=stranger.caller.jwk | {"d": "AAAA"})) == (422, "jwk_invalid")
    assert stranger.enrol(code).status_code == 201


BAD_REPORTS: dict[str, Any] = {
    "nothing": {},
    "a list": [],
    "a member more": REPORT | {"now": 1, "plate": "D-AB 1234"},
    "a time as text": REPORT | {"now": "1"},
    "a time as truth": REPORT | {"now": True},
    "a time with a fraction": REPORT | {"now": 1.5},
    "a time before time": REPORT | {"now": -1},
    "a time without end": REPORT | {"now": 1 << 41},
    "a version with a NUL": REPORT | {"now": 1, "app_version": "1\0"},
    "a long version": REPORT | {"now": 1, "app_version": "1" * 41},
    "many lists": REPORT | {"now": 1, "status_lists": {f"https://a.example/{n}": 1 for n in range(257)}},
    "a long address": REPORT | {"now": 1, "status_lists": {"https://a.example/" + "x" * 300: 1}},
    "a day that is none": REPORT | {"now": 1, "lookups": {"today": 1}},
    "a day with more": REPORT | {"now": 1, "lookups": {"2027-01-01\n": 1}},
    "many days": REPORT | {"now": 1, "lookups": {f"2027-01-{n:02}": 1 for n in range(1, 20)}},
    "another kind of key": REPORT | {"now": 1, "keys": {"master": {}}},
    "a kid that is none": REPORT | {"now": 1, "keys": {"use": {"2027-01-01": "x" * 16}}},
}


@pytest.mark.parametrize("body", BAD_REPORTS.values(), ids=list(BAD_REPORTS))
def test_a_malformed_report_is_refused_and_changes_nothing(desk: Desk, body: Any) -> None:
    phone = desk.phone()
    before = desk.devices.one(desk.device_id(phone))
    assert code_of(phone.post("contact", body)) == (422, "invalid_request")
    assert desk.devices.one(before.id) == before


@pytest.fixture(scope="module")
def known_phone(desk: Desk) -> Phone:
    return desk.phone()


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 422), (b"{", 422), (b"null", 422), (b"\xff", 400), (b"[" * 60_000, 400), (b"x" * 70_000, 413)],
    ids=["nothing", "cut off", "null", "not UTF-8", "nested", "huge"],
)
def test_what_is_no_json_is_refused_with_a_problem(known_phone: Phone, content: bytes, status: int) -> None:
    for path in ("contact", "enrolment"):
        refused = known_phone.send(path, content)
        assert refused.status_code in (status, 429)
        assert refused.headers["content-type"] == "application/problem+json" and refused.headers["dpop-nonce"]


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=10), inner), max_leaves=8
)
_MEMBERS = st.sampled_from([*REPORT, "now", "code", "agreement_key"])


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
@given(changes=st.dictionaries(_MEMBERS, _JSON, min_size=1), whole=_JSON)
def test_no_body_is_answered_with_an_error_of_ours(known_phone: Phone, changes: dict[str, Any], whole: Any) -> None:
    for body in (REPORT | {"now": 1} | changes, whole):
        answer = known_phone.post("contact", body)
        assert answer.status_code in (200, 422), answer.text
        enrolment = known_phone.send("enrolment", {"code": "x", "app_version": "1", "agreement_key": {}} | changes)
        assert enrolment.status_code in (401, 403, 422, 429)


def test_an_answer_repeats_nothing_of_what_was_sent_and_no_log_names_a_token(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    phone = desk.phone()
    word = "Überbringer"
    refused = phone.post("contact", REPORT | {"app_version": word, word: word})
    assert refused.status_code == 422 and word not in refused.text
    phone.contact()
    logged = "".join(capsys.readouterr())
    assert phone.token and phone.token not in logged and json.dumps(phone.nonce) not in logged
