"""The verifying service over HTTP: its API, its limits, its health, and what it keeps to itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.verifiers.pictures import as_bytes, qr_picture
from tests.verifiers.sample_city import CLAIMS, SampleCity
from verifiers.app import create_app
from verifiers.settings import VerifierSettings
from verifiers.tokens import open_tokens

Start = Callable[..., TestClient]


@pytest.fixture
def living_city(tmp_path: Path) -> SampleCity:
    """A city whose documents are of this very moment."""
    city = SampleCity(tmp_path, now=int(time.time()) - 60)
    city.publish()
    return city


@pytest.fixture
def start(living_city: SampleCity) -> Iterator[Start]:
    """Starts the service with these settings and waits until it has read what is published."""
    started: list[TestClient] = []

    def run(**settings: Any) -> TestClient:
        defaults = {"home": living_city.home, "refresh_interval": 0.05}
        client = TestClient(create_app(VerifierSettings(**defaults | settings)), base_url="http://localhost:8001")
        client.__enter__()
        started.append(client)
        deadline = time.monotonic() + 60
        while (living_city.published / "trust-list.jwt").exists() and client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        time.sleep(0.1)
        return client

    yield run
    for client in started:
        client.__exit__(None, None, None)


def token_for(city: SampleCity, scope: tuple[str, str] = ("*", "verify"), **options: Any) -> dict[str, str]:
    store = open_tokens(VerifierSettings(home=city.home))
    values = {"now": int(time.time()), "lifetime": 3600} | options
    return {"Authorization": f"Bearer {store.create('Handheld 7', {scope}, **values)[1]}"}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_text_gets_a_verdict_with_claims_and_steps(start: Start, living_city: SampleCity) -> None:
    client, headers = start(), token_for(living_city)
    answer = client.post("/api/v1/verifications", json={"presentation": living_city.qr()}, headers=headers)
    verdict = answer.json()
    assert answer.status_code == 200
    assert (verdict["outcome"], verdict["reason"]) == ("accepted", "accepted")
    assert verdict["claims"] == CLAIMS | {"plates": list(CLAIMS["plates"])}
    assert verdict["steps"][4] == {"step": "status", "result": "passed"}
    assert 0 <= verdict["status_age_seconds"] <= 120


def test_a_revocation_reaches_a_running_service_and_outlives_a_restart_without_the_source(
    start: Start, living_city: SampleCity
) -> None:
    client, headers, text = start(), token_for(living_city), living_city.qr()

    def reason(of: TestClient) -> str:
        return of.post("/api/v1/verifications", json={"presentation": text}, headers=headers).json()["reason"]

    assert reason(client) == "accepted"
    living_city.now += 1
    living_city.statuses.set(7, 1)
    living_city.publish_statuses()
    until(lambda: reason(client) == "revoked")
    assert reason(start(published="http://127.0.0.1:9/published")) == "revoked"


def test_a_picture_gets_a_verdict(start: Start, living_city: SampleCity) -> None:
    client, headers = start(), token_for(living_city)
    for form in ("PNG", "JPEG"):
        picture = as_bytes(qr_picture(living_city.qr(), 4), form)
        answer = client.post("/api/v1/verifications/image", files={"image": ("a.jpg", picture)}, headers=headers)
        assert answer.json()["outcome"] == "accepted"


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"no picture", 422, "image_unreadable"),
        (as_bytes(qr_picture("x").crop((0, 0, 9, 9))), 422, "no_code_found"),
        (bytes((10 << 20) + 1), 413, "image_too_large"),
        (bytes(12 << 20), 413, "body_too_large"),
    ],
)
def test_a_picture_that_does_not_serve_gets_a_problem(
    start: Start, living_city: SampleCity, content: bytes, status: int, code: str
) -> None:
    answer = start().post(
        "/api/v1/verifications/image", files={"image": ("a.png", content)}, headers=token_for(living_city)
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [{}, {"presentation": 7}, {"presentation": "WP1:", "more": 1}, [], "WP1:secret"])
def test_a_body_of_another_form_gets_a_problem_that_repeats_nothing(
    start: Start, living_city: SampleCity, body: object
) -> None:
    answer = start().post("/api/v1/verifications", json=body, headers=token_for(living_city))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "secret" not in answer.text


def test_a_text_of_ten_megabytes_is_refused_before_it_is_parsed(start: Start, living_city: SampleCity) -> None:
    client, headers = start(), token_for(living_city)
    answer = client.post("/api/v1/verifications", json={"presentation": "A" * 10_000_000}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    long = client.post("/api/v1/verifications", json={"presentation": "WP1:" + "A" * 60_000}, headers=headers)
    assert long.json()["reason"] == "malformed"


def test_who_brings_no_token_or_a_wrong_or_ended_one_is_not_answered(start: Start, living_city: SampleCity) -> None:
    client = start()
    ended = token_for(living_city, now=int(time.time()) - 7200)
    for headers, code in [
        ({}, "token_missing"),
        ({"Authorization": "Basic YTpi"}, "token_missing"),
        ({"Authorization": "Bearer wpt_wrong"}, "token_invalid"),
        ({"Authorization": "Bearer " + "x" * 5000}, "token_invalid"),
        (ended, "token_invalid"),
    ]:
        answer = client.post("/api/v1/verifications", json={"presentation": "WP1:"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_without_the_right_to_verify_is_refused(start: Start, living_city: SampleCity) -> None:
    client = start()
    for scope, status in [(("*", "read"), 403), (("parking", "verify"), 200), (("*", "*"), 200)]:
        headers = token_for(living_city, scope)
        answer = client.post("/api/v1/verifications", json={"presentation": "WP1:"}, headers=headers)
        assert answer.status_code == status


def test_each_token_has_so_many_checks_a_minute(start: Start, living_city: SampleCity) -> None:
    client = start(verifier_checks_per_minute=3)
    first, second = token_for(living_city), token_for(living_city)
    body = {"presentation": "WP1:"}
    statuses = [client.post("/api/v1/verifications", json=body, headers=first).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = client.post("/api/v1/verifications", json=body, headers=first)
    assert 1 <= int(refused.headers["retry-after"]) <= 61
    assert client.post("/api/v1/verifications", json=body, headers=second).status_code == 200


def test_readiness_is_about_the_trust_list_and_health_is_not(start: Start, living_city: SampleCity) -> None:
    (living_city.published / "trust-list.jwt").unlink()
    client = start()
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["trust_list"])
    living_city.publish()
    until(lambda: client.get("/readyz").status_code == 200)


def test_figures_count_outcomes_and_routes_and_name_nobody(start: Start, living_city: SampleCity) -> None:
    client, text = start(), living_city.qr()
    client.post("/api/v1/verifications", json={"presentation": text}, headers=token_for(living_city))
    client.get("/nowhere/BP-2027-000123")
    figures = client.get("/metrics").text
    assert 'walletpass_verdicts_total{outcome="accepted",reason="accepted"} 1.0' in figures
    assert 'route="/api/v1/verifications",status="200"' in figures
    assert "BP-2027-000123" not in figures
    assert 'route="unmatched",status="404"' in figures


def test_neither_texts_nor_claims_nor_tokens_reach_the_log(
    start: Start, living_city: SampleCity, capfd: pytest.CaptureFixture[str]
) -> None:
    client, headers, text = start(), token_for(living_city), living_city.qr()
    client.post(
        "/api/v1/verifications?presentation=" + CLAIMS["permit_number"], json={"presentation": text}, headers=headers
    )
    client.post("/check", data={"presentation": text})
    client.post("/check", data={"presentation": "WP1:BROKEN"})
    written = "".join(capfd.readouterr())
    assert "/api/v1/verifications" in written
    for secret in (text, text[4:40], CLAIMS["permit_number"], "D-AB", "BROKEN", headers["Authorization"][10:]):
        assert secret not in written


def test_unknown_addresses_and_methods_are_problems_too(start: Start) -> None:
    client = start()
    assert client.get("/nowhere").json()["code"] == "not_found"
    assert client.put("/api/v1/verifications").json()["code"] == "method_not_allowed"


def test_the_description_of_the_api_has_examples_and_security(start: Start) -> None:
    document = start().get("/api/v1/openapi.json").json()
    assert set(document["paths"]) >= {"/api/v1/verifications", "/api/v1/verifications/image", "/readyz"}
    assert document["components"]["schemas"]["VerdictOut"]["examples"]
    assert "check" not in json.dumps(list(document["paths"]))


def test_the_page_judges_pasted_texts_and_photos_in_both_languages(start: Start, living_city: SampleCity) -> None:
    client, text = start(), living_city.qr()
    assert '<html lang="de">' in client.get("/").text
    german = client.post("/check", data={"presentation": f"  {text}\r\n"}).text
    for expected in ("Gültig", "MÜ", "D-AB 1234E", "vor ", "bestanden"):
        assert expected in german
    english = client.post("/check?lang=en", files={"image": ("a.png", as_bytes(qr_picture(text, 4)))}).text
    assert '<html lang="en">' in english and "Accepted" in english and "Licence plates" in english
    refused = client.post("/check", data={"presentation": text[:-9]})
    assert "Abgelehnt" in refused.text and "<code>malformed</code>" in refused.text


def test_the_page_answers_mistakes_with_a_sentence(start: Start) -> None:
    client = start()
    assert "Bitte einen Code einfügen" in client.post("/check", data={"presentation": " "}).text
    assert (
        "kein QR-Code"
        in client.post("/check", files={"image": ("a.png", as_bytes(qr_picture("x").crop((0, 0, 9, 9))))}).text
    )
    assert "nicht lesbar" in client.post("/check", files={"image": ("a.png", b"x")}).text
    assert "Abgelehnt" in client.post("/check", data={"presentation": "WP1:" + "A" * 9_000_000}).text
    assert (
        client.post("/check", content=b"\xff" * 50, headers={"content-type": "multipart/form-data"}).status_code < 500
    )


def test_what_a_code_says_is_text_on_the_page_and_never_markup(start: Start, living_city: SampleCity) -> None:
    text = living_city.qr(claims=CLAIMS | {"zone": "<b>"})
    page = start().post("/check", data={"presentation": text}).text
    assert "&lt;b&gt;" in page and "<b>" not in page


def test_an_address_has_so_many_page_checks_a_minute(start: Start) -> None:
    client = start(verifier_page_per_minute=2)
    statuses = [client.post("/check", data={"presentation": "WP1:"}).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


def test_every_answer_carries_the_security_headers(start: Start) -> None:
    client = start()
    for path in ("/", "/healthz", "/nowhere", "/static/site.css"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    page = client.get("/").text
    assert "<script" not in page and "style=" not in page and "http://" not in page.replace("http://www.w3.org", "")
