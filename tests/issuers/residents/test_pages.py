"""The pass page over HTTP: what it shows and to whom, what it never says, and how often it may be asked."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import issuers
from issuers.residents.links import PATH
from issuers.residents.pages import static_files
from issuers.residents.texts import NO_CODE, STATUSES, TEXTS
from tests.city import ANNA
from tests.issuers.api.conftest import Serve, Service
from tests.issuers.residents.test_live_codes import GOOD, PERMIT, demand_live_codes
from tests.phone import Phone
from walletpass.pass_types import load_catalogue


def page_of(service: Service, secret: str, lang: str = "") -> str:
    answer = service.client.get(f"{PATH}{secret}", params={"lang": lang} if lang else {})
    assert answer.status_code == 200
    return answer.text


def asks(service: Service, secret: str, body: Any) -> Any:
    return service.client.post(f"{PATH}{secret}/live-code", content=json.dumps(body))


def test_the_page_shows_the_pass_in_its_holders_language_or_the_one_asked_for(service: Service) -> None:
    city = service.city
    secret = city.link(city.grants(PERMIT, plates=("D-AB 1234E", "D-XY 99")))
    german = page_of(service, secret)
    for said in ("Bewohnerparkausweis", "Zone", "MÜ", "D-AB 1234E, D-XY 99", "Gültig bis", "11.06.2027", "Live-Code"):
        assert said in german
    english = page_of(service, secret, "en")
    assert "Resident parking permit" in english and "Valid until" in english and "11 Jun 2027" in english
    english_speaker = replace(ANNA, language="en")
    assert "Social pass" in page_of(service, city.link(city.grants("social_pass", holder=english_speaker)))


@pytest.mark.parametrize("pass_type", [each.name for each in load_catalogue()])
def test_the_page_shows_no_more_of_a_person_than_the_front_of_the_pass(service: Service, pass_type: str) -> None:
    city = service.city
    text = page_of(service, city.link(city.grants(pass_type)))
    front = {claim.holder_field for claim in city.office.catalogue.named(pass_type).claims if claim.front}
    for name in ("given_name", "family_name", "street", "postcode", "email"):
        assert (str(getattr(ANNA, name)) in text) == (name in front), name


def test_nobody_keeps_indexes_or_is_sent_the_address(service: Service) -> None:
    secret = service.city.link(service.city.grants(PERMIT))
    for answer in (
        service.client.get(f"{PATH}{secret}"),
        service.client.get(f"{PATH}{secret}/code.svg"),
        asks(service, secret, {"jwk": GOOD}),
        service.client.get(f"{PATH}unknown"),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy and "unsafe" not in policy
    assert '<meta name="robots" content="noindex, nofollow">' in service.client.get(f"{PATH}{secret}").text


def test_whatever_is_wrong_with_an_address_the_answer_is_the_same_page(service: Service) -> None:
    city = service.city
    permit = city.grants(PERMIT)
    ended = city.link(permit)
    secret = city.link(permit)
    wrong = ("unknown", "A" * 22, ended, secret[:-1], secret + "x", secret.swapcase(), "%C3%A4", "x" * 3000)
    answers = [service.client.get(f"{PATH}{guess}") for guess in wrong]
    answers += [service.client.get(f"{PATH}{guess}/code.svg") for guess in wrong]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert "Diese Seite gibt es nicht" in answers[0].text
    told = [asks(service, guess, {"jwk": GOOD}) for guess in wrong]
    assert {(answer.status_code, answer.json()["code"], answer.json()["detail"]) for answer in told} == {
        (404, "not_found", "There is nothing at this address.")
    }


@pytest.mark.parametrize("word", ["suspended", "revoked", "expired"])
def test_a_pass_that_does_not_count_shows_no_code_and_says_so(service: Service, word: str) -> None:
    city = service.city
    permit = city.grants(PERMIT)
    secret = city.link(permit)
    assert "page.js" in page_of(service, secret)
    changes = {"suspended": lambda: city.suspends(permit), "revoked": lambda: city.revokes(permit)}
    changes.get(word, lambda: city.later(days=201))()
    for lang in ("de", "en"):
        text = page_of(service, secret, lang)
        assert NO_CODE[lang][word] in text and STATUSES[lang][word] in text
        assert "<script" not in text and "code.svg" not in text and "WP1:" not in text
    assert service.client.get(f"{PATH}{secret}/code.svg").status_code == 404
    refused = asks(service, secret, {"jwk": GOOD})
    assert (refused.status_code, refused.json()["code"]) == (409, word)


def test_a_reinstated_pass_shows_its_code_again_with_the_same_credential(service: Service) -> None:
    city, phone = service.city, Phone()
    permit = city.grants(PERMIT)
    secret = city.link(permit)
    first = asks(service, secret, {"jwk": phone.jwk()}).json()["credential"]
    city.suspends(permit)
    assert city.inspector_sees(phone.shows(first, city.clock())).reason == "suspended"
    city.reinstates(permit)
    assert asks(service, secret, {"jwk": phone.jwk()}).json()["credential"] == first
    assert city.inspector_sees(phone.shows(first, city.clock())).reason == "accepted"


def test_a_pass_that_begins_next_week_says_when(service: Service) -> None:
    begins = service.city.today + timedelta(days=7)
    text = page_of(service, service.city.link(service.city.grants(PERMIT, valid_from=begins)))
    assert "Noch nicht gültig" in text and "Gültig ab" in text and f"{begins:%d.%m.%Y}" in text


def test_the_credential_comes_with_the_servers_time_and_the_taken_over_is_refused_at_once(service_on: Service) -> None:
    city, first, second = service_on.city, Phone(), Phone()
    secret = city.link(city.grants(PERMIT))
    asked_at = int(city.clock())
    held = asks(service_on, secret, {"jwk": first.jwk()})
    assert held.status_code == 200
    assert asked_at <= held.json()["now"] <= city.clock()
    refused = asks(service_on, secret, {"jwk": second.jwk()})
    assert (refused.status_code, refused.json()["code"]) == (409, "bound_elsewhere")
    taken = asks(service_on, secret, {"jwk": second.jwk(), "take_over": True}).json()["credential"]
    assert city.inspector_sees(first.shows(held.json()["credential"], city.clock())).reason == "revoked"
    assert city.inspector_sees(second.shows(taken, city.clock())).reason == "accepted"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "bad_request"),
        (b"[]", 400, "bad_request"),
        (b"{}", 400, "bad_request"),
        (b"\xff", 400, "bad_request"),
        (b'{"jwk": 1, "more": 2}', 400, "bad_request"),
        (b'{"jwk": 1, "jwk": 1}', 400, "bad_request"),
        (b'{"jwk": {}, "take_over": 1}', 400, "bad_request"),
        (b'{"jwk": {}}', 422, "jwk_invalid"),
        (b"{" * 70_000, 413, "body_too_large"),
    ],
)
def test_a_request_of_another_form_is_refused_without_repeating_it(
    service: Service, body: bytes, status: int, code: str
) -> None:
    secret = service.city.link(service.city.grants(PERMIT))
    answer = service.client.post(f"{PATH}{secret}/live-code", content=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert secret not in answer.text


def test_a_private_key_is_refused_and_not_repeated(service: Service) -> None:
    secret = service.city.link(service.city.grants(PERMIT))
    answer = asks(service, secret, {"jwk": GOOD | {"d": "c2VjcmV0"}})
    assert (answer.status_code, answer.json()["code"]) == (422, "jwk_invalid")
    assert "c2VjcmV0" not in answer.text


def test_a_page_that_demands_the_live_code_offers_no_other(service: Service) -> None:
    demand_live_codes(service.city)
    secret = service.city.link(service.city.grants(PERMIT))
    text = page_of(service, secret)
    assert "code.svg" not in text and TEXTS["de"]["unable"] in text
    assert service.client.get(f"{PATH}{secret}/code.svg").status_code == 404
    assert asks(service, secret, {"jwk": GOOD}).status_code == 200


def test_without_scripts_the_page_shows_the_plain_code_where_that_is_enough(service: Service) -> None:
    secret = service.city.link(service.city.grants(PERMIT))
    without = page_of(service, secret).partition("<noscript>")[2].partition("</noscript>")[0]
    assert TEXTS["de"]["plain"] in without and f'src="{PATH}{secret}/code.svg"' in without
    picture = service.client.get(f"{PATH}{secret}/code.svg")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert picture.text == service.client.get(f"{PATH}{secret}/code.svg").text


def test_a_page_seen_makes_no_credential(service: Service) -> None:
    city = service.city
    permit = city.grants(PERMIT)
    page_of(service, city.link(permit))
    assert service.call("GET", f"/api/v1/passes/{permit.serial}").json()["carriers"] == []


def test_each_address_may_ask_so_often_a_minute_guesses_included(make_city: Any, serve: Serve) -> None:
    service = serve(make_city(pass_pages_per_minute=3))
    secret = service.city.link(service.city.grants(PERMIT))
    assert [service.client.get(f"{PATH}{guess}").status_code for guess in ("x", "y", secret)] == [404, 404, 200]
    page = service.client.get(f"{PATH}{secret}")
    assert (page.status_code, TEXTS["de"]["busy"] in page.text) == (429, True) and int(page.headers["retry-after"]) > 0
    refused = asks(service, secret, {"jwk": GOOD})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")


def test_only_listed_files_are_served(service: Service) -> None:
    for name, media_type in {
        "page.js": "text/javascript",
        "live_code.js": "text/javascript",
        "key_store.js": "text/javascript",
        "qr.js": "text/javascript",
        "page.css": "text/css",
        "looks.css": "text/css",
    }.items():
        answer = service.client.get(f"/p-static/{name}")
        assert answer.status_code == 200 and answer.headers["content-type"].startswith(media_type)
        again = service.client.get(f"/p-static/{name}", headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    for name in ("pages.py", "links.py", "package.json", "..%2Fapp.py", "%2e%2e/app.py", ""):
        assert service.client.get(f"/p-static/{name}", follow_redirects=False).status_code == 404, name


def test_each_type_has_its_look() -> None:
    styles = static_files(load_catalogue())["looks.css"][0].decode()
    for each in load_catalogue():
        assert f".look-{each.name} {{ background: {each.look.background}; color: {each.look.foreground}; }}" in styles


def test_a_secret_reaches_no_log_line_and_no_figure(service: Service, capfd: pytest.CaptureFixture[str]) -> None:
    secret = service.city.link(service.city.grants(PERMIT))
    page_of(service, secret)
    service.client.get(f"{PATH}{secret}/code.svg")
    asks(service, secret, {"jwk": GOOD})
    asks(service, secret, {"jwk": {}})
    out, err = capfd.readouterr()
    assert "/p/{secret}" in out + err, "the requests were logged"
    assert secret not in out + err + service.client.get("/metrics").text


def test_every_language_has_every_sentence_and_none_is_idle() -> None:
    for texts in (TEXTS, STATUSES, NO_CODE):
        assert texts["de"].keys() == texts["en"].keys()
    templates = Path(issuers.__path__[0]) / "templates" / "residents"
    source = "".join(path.read_text() for path in templates.glob("*.html"))
    used = set(re.findall(r"\bt\.(\w+)", source)) | {"title", "missing", "missing_hint", "busy", "busy_hint"}
    assert TEXTS["de"].keys() == used
