"""The addresses that devices send to: what they take, what they answer, and how much."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from tests.verifiers.scans.desk_of_scans import MINUTE, NOW, Desk, scan, sixteen, used
from tests.verifiers.scans.test_cases import encrypted, upload
from verifiers.api.scans import BODY_LIMITS, MAX_SCANS, STATUSES, scans_router
from verifiers.scans.cases import Cases
from web.edge import fit_edge
from web.tokens import TokenMissing

SCANS, CASES = "/api/v1/device/scans", "/api/v1/device/cases"


@dataclass(frozen=True, slots=True)
class _Device:
    id: str


async def _access(request: Request, suspended_may: bool = False) -> _Device:
    """The port's stand-in: a header says which device it is. Proving it is tested elsewhere."""
    if "device" not in request.headers or not suspended_may:
        raise TokenMissing("Say which device it is.")
    return _Device(request.headers["device"])


@pytest.fixture
def client(desk_on: Desk, tmp_path: Path) -> Iterator[TestClient]:
    app = FastAPI()
    fit_edge(app, STATUSES, lambda: (), BODY_LIMITS)
    app.include_router(scans_router(_access, desk_on.log, desk_on.uses, Cases(desk_on.store, tmp_path / "verifier")))
    with TestClient(app, headers={"device": "one"}) as client:
        yield client


def test_an_upload_says_what_was_received_and_refused_and_what_goes_together_with_nothing(client: TestClient) -> None:
    sent = [used("a", "permit", NOW, "A1"), used("b", "permit", NOW + MINUTE, "B1"), scan("c", zone="?"), {}]
    answer = client.post(SCANS, json={"scans": sent})
    assert answer.status_code == 200
    assert answer.json() == {
        "received": [sixteen("a"), sixteen("b")],
        "rejected": [{"nonce": sixteen("c"), "code": "scan_malformed"}, {"nonce": "", "code": "scan_malformed"}],
        "warnings": [
            {"kind": "two_places", "nonce": sixteen("a"), "at": NOW + MINUTE, "zone": "B1"},
            {"kind": "two_places", "nonce": sixteen("b"), "at": NOW, "zone": "A1"},
        ],
    }
    again = client.post(SCANS, json={"scans": sent[:2]}).json()
    assert again["received"] == [sixteen("a"), sixteen("b")]
    assert client.post(SCANS, json={"scans": []}, headers={"device": "other"}).json()["warnings"] == []


def test_five_hundred_scans_of_the_longest_kind_fit(client: TestClient, desk_on: Desk) -> None:
    long = {"reason": "status_unknown_value", "outcome": "refused", "pass_type": "x" * 64}
    sent = [used(n, f"permit {n}", NOW, "ÄÖÜÄ", plate=f"D{n}") | long for n in range(MAX_SCANS)]
    answer = client.post(SCANS, content=json.dumps({"scans": sent}, indent=1))
    assert len(answer.json()["received"]) == desk_on.scans() == MAX_SCANS
    sent.append(scan("one more"))
    answer = client.post(SCANS, json={"scans": sent})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_scans")
    answer = client.post(SCANS, content=bytes(BODY_LIMITS[SCANS] + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"scans": {}}',
        b'{"scans": null}',
        b'{"scans": [], "more": 1}',
        b"[" * 100_000,
        b'{"scans": [' + b"9" * 5000 + b"]}",
    ],
    ids=range(9),
)
def test_a_body_that_cannot_be_read_is_refused_as_a_whole(client: TestClient, body: bytes) -> None:
    for path in (SCANS, CASES):
        answer = client.post(path, content=body)
        expected = {(400, "malformed"), (422, "case_malformed")} if path == CASES else {(400, "malformed")}
        assert (answer.status_code, answer.json()["code"]) in expected


@pytest.mark.parametrize("item", ["1e999", "NaN", "-0.0", '"\\ud800"', '{"nonce": "\\ud800"}', "[[[[]]]]", "null"])
def test_a_hostile_item_is_refused_alone_and_not_repeated(client: TestClient, item: str) -> None:
    body = f'{{"scans": [{item}, {json.dumps(scan("a"))}]}}'
    found = client.post(SCANS, content=body).json()
    assert found["received"] == [sixteen("a")]
    assert found["rejected"] == [{"nonce": "", "code": "scan_malformed"}]


def test_a_case_is_new_once_and_large_ones_fit(client: TestClient, desk_on: Desk, tmp_path: Path) -> None:
    cases = Cases(desk_on.store, tmp_path / "verifier")
    sent: dict[str, Any] = upload(cases, encrypted=encrypted(cases, bytes(2_900_000)))
    assert [client.post(CASES, json=sent).status_code for _ in range(2)] == [201, 200]
    other = client.post(CASES, json=sent | {"at": NOW + MINUTE})
    assert (other.status_code, other.json()["code"]) == (409, "case_taken")
    answer = client.post(CASES, json=sent | {"encrypted": "A" * BODY_LIMITS[CASES]})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_device_gone_mad_does_not_fill_the_disk(client: TestClient, desk_on: Desk, tmp_path: Path) -> None:
    cases = Cases(desk_on.store, tmp_path / "verifier")
    answers = [client.post(CASES, json=upload(cases, str(n))).status_code for n in range(21)]
    assert answers == [201] * 20 + [429]
    assert client.post(CASES, json=upload(cases, "x"), headers={"device": "other"}).status_code == 201


def test_who_is_no_device_sends_nothing_and_the_description_does_not_name_the_addresses(client: TestClient) -> None:
    del client.headers["device"]
    for path in (SCANS, CASES):
        assert client.post(path, json={"scans": []}).status_code == 401
    assert "/device/" not in client.get("/openapi.json").text
