"""The quick way to a verdict gives the very bytes of the ordinary one, and leaves to it what is not plain."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.verifiers.sample_city import CLAIMS, SampleCity
from verifiers.api.verifications import QuickChecks
from verifiers.app import create_app
from verifiers.settings import VerifierSettings
from verifiers.tokens import open_tokens

AGE = re.compile(rb'(?<="status_age_seconds":)\d+')
PLAIN, UNUSUAL = "application/json", "application/vnd.gate+json"  # the second is JSON too, by the ordinary way


@pytest.fixture
def living_city(tmp_path: Path) -> SampleCity:
    city = SampleCity(tmp_path, now=int(time.time()) - 60)
    city.publish()
    return city


@pytest.fixture
def client(living_city: SampleCity) -> Iterator[TestClient]:
    settings = VerifierSettings(home=living_city.home, refresh_interval=0.05)
    secret = open_tokens(settings).create("Gate", {("*", "verify")}, int(time.time()), 3600)[1]
    with TestClient(create_app(settings), headers={"Authorization": f"Bearer {secret}"}) as client:
        body = {"presentation": living_city.qr()}
        deadline = time.monotonic() + 60
        while client.post("/api/v1/verifications", json=body).json()["outcome"] != "accepted":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield client


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which way each request took that was plain enough to be looked at by the quick one."""
    found: list[str] = []
    quick = QuickChecks.answer

    def watched(self: QuickChecks, scope: object, body: bytes) -> bytes | None:
        content = quick(self, scope, body)  # type: ignore[arg-type]
        found.append("ordinary" if content is None else "quick")
        return content

    monkeypatch.setattr(QuickChecks, "answer", watched)
    return found


def test_each_kind_of_verdict_reads_the_same_on_both_ways(
    client: TestClient, living_city: SampleCity, ways: list[str]
) -> None:
    texts = [
        living_city.qr(),
        living_city.qr(claims=CLAIMS | {"zone": "MÜ"}, valid_until=living_city.now + 1),
        living_city.qr()[:-2] + "00",
        "WP1:BROKEN",
        "WP2:7",
        "",
        "ß\u2028\U0001f600",
    ]
    for text in texts:
        body = json.dumps({"presentation": text})
        answers = [
            client.post("/api/v1/verifications", content=body, headers={"Content-Type": form})
            for form in (PLAIN, UNUSUAL)
        ]
        first, second = (AGE.sub(b"", answer.content) for answer in answers)  # a second may have passed
        assert first == second
        assert [answer.headers["content-type"] for answer in answers] == ["application/json"] * 2
        assert answers[0].status_code == 200
    assert ways == ["quick"] * len(texts)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"presentation": 7}',
        b'{"presentation": "WP1:", "more": 1}',
        b'{"presentation": "\xff"}',
        b'{"presentation": "\\ud800"}',
        b"\xef\xbb\xbf" + b'{"presentation": "WP1:"}',
        b'{"presentation": NaN}',
        b"[" * 5000,
    ],
)
def test_what_is_not_plain_is_answered_by_the_ordinary_way(client: TestClient, ways: list[str], body: bytes) -> None:
    plain, unusual = (
        client.post("/api/v1/verifications", content=body, headers={"Content-Type": form}) for form in (PLAIN, UNUSUAL)
    )
    assert (plain.status_code, plain.content) == (unusual.status_code, unusual.content)
    assert ways == ["ordinary"]


@pytest.mark.parametrize("authorization", ["", "Basic YTpi", "Bearer", "Bearer  ", "Bearer wpt_wrong", "bearer wpt_x"])
def test_a_token_is_judged_alike_on_both_ways(client: TestClient, authorization: str) -> None:
    plain, unusual = (
        client.post(
            "/api/v1/verifications",
            content=b'{"presentation": "WP1:"}',
            headers={"Content-Type": form, "Authorization": authorization},
        )
        for form in (PLAIN, UNUSUAL)
    )
    assert plain.status_code == 401
    assert (plain.status_code, plain.content) == (unusual.status_code, unusual.content)
