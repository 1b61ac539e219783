"""Cookies and forms: what another site, another subdomain or a wire-tapper could do, and why it does not work."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.web.staff.visitor import NAME, PASSWORD, Visitor, somebody, where
from web.staff.accounts import Accounts
from web.staff.door import DeskAddressInvalid, Door
from web.staff.passwords import PasswordHasher
from web.staff.store import StaffStore

Visitors = Callable[..., Visitor]
OWN = "http://localhost:8001"


@pytest.fixture
def karla(store: StaffStore, hasher: PasswordHasher, visitor: Visitors) -> Visitor:
    return somebody(store, hasher, visitor())


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": OWN, "Sec-Fetch-Site": "same-site"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-site"},
        {"Origin": f"{OWN}.evil.example"},
        {},
    ],
)
def test_a_form_that_comes_from_elsewhere_is_refused_even_with_its_token(
    karla: Visitor, headers: dict[str, str]
) -> None:
    refused = karla.post("/sign-out", form_at="", headers=headers)
    assert refused.status_code == 403 and "http://localhost:8001" in refused.text
    assert karla.get().status_code == 200


@pytest.mark.parametrize("token", [None, "", "0" * 64, "ä", "x" * 5000])
def test_a_form_without_the_right_token_is_refused(karla: Visitor, token: str | None) -> None:
    form = {} if token is None else {"token": token}
    for path in ("/sign-out", "/sessions", "/password", "/factors", "/confirm"):
        assert karla.send(path, form).status_code == 403
    assert karla.get().status_code == 200


def test_a_token_is_good_for_its_own_session_only(
    karla: Visitor, store: StaffStore, hasher: PasswordHasher, visitor: Visitors
) -> None:
    somebody(store, hasher, other := visitor(), "other")
    assert karla.send("/sign-out", {"token": other.token(other.get())}).status_code == 403
    before = karla.token(karla.get())
    karla.post("/confirm", password=PASSWORD)
    assert karla.send("/sign-out", {"token": before}).status_code == 403


def test_the_sign_in_form_itself_cannot_be_sent_by_another_site(karla: Visitor, visitor: Visitors) -> None:
    victim, attacker = visitor(), visitor()
    form = {"user_name": NAME, "password": PASSWORD, "token": attacker.token(attacker.get("/sign-in"))}
    assert victim.send("/sign-in", form).status_code == 403
    victim.get("/sign-in")
    assert victim.send("/sign-in", form).status_code == 403
    own = form | {"token": victim.token(victim.get("/sign-in"))}
    assert victim.send("/sign-in", own, {"Origin": "https://evil.example"}).status_code == 403
    assert victim.send("/sign-in", own).status_code == 303


def test_cookies_are_for_this_host_this_site_and_no_script(
    store: StaffStore, hasher: PasswordHasher, visitor: Visitors
) -> None:
    url = "https://desk.example.org"
    anna = somebody(store, hasher, visitor(url))
    anna.post("/sign-out", form_at="")
    set_cookies = [
        *anna.client.get("/desk/sign-in", headers={"Cookie": ""}).headers.get_list("set-cookie"),
        *anna.post("/sign-in", user_name=NAME, password=PASSWORD).headers.get_list("set-cookie"),
        *anna.post("/second-factor", recovery_code=anna.codes[0]).headers.get_list("set-cookie"),
    ]
    assert {cookie.partition("=")[0] for cookie in set_cookies} == {
        "__Host-verifier-form",
        "__Host-verifier-session",
        "__Host-verifier-device",
    }
    for cookie in set_cookies:
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"secure", "httponly", "samesite=strict", "path=/"} <= attributes
        assert not any(attribute.startswith("domain") for attribute in attributes)
    assert anna.get().headers["strict-transport-security"] == "max-age=31536000"


def test_without_https_only_this_machine_is_served_and_cookies_say_so(karla: Visitor, store: StaffStore) -> None:
    cookie = karla.post("/confirm", password=PASSWORD).headers["set-cookie"]
    assert cookie.startswith("verifier-session=") and "secure" not in cookie.lower() and "httponly" in cookie.lower()
    for address in (
        "http://desk.example.org",
        "http://192.0.2.1:8001",
        "desk.example.org",
        "https://",
        "ftp://localhost",
    ):
        with pytest.raises(DeskAddressInvalid):
            Door(store, "verifier", address)
    with pytest.raises(DeskAddressInvalid):
        Door(store, "verifier", "https://desk.example.org/desk")


def test_two_cookies_of_one_name_open_nothing(karla: Visitor) -> None:
    cookie = f"verifier-session={karla.secret()}"
    karla.client.cookies.clear()
    assert karla.get(headers={"Cookie": cookie}).status_code == 200
    assert (
        where(karla.get(headers={"Cookie": f"{cookie}; verifier-session=planted-by-a-stranger-012345"}))
        == "/desk/sign-in"
    )
    for broken in ("verifier-session=", "verifier-session=%00", "verifier-session=" + "x" * 4000, "=;;=", cookie[:-1]):
        assert where(karla.get(headers={"Cookie": broken})) == "/desk/sign-in"


def test_every_page_is_kept_nowhere_and_runs_only_our_script(karla: Visitor, visitor: Visitors) -> None:
    for page in (*map(karla.get, ("", "/sessions", "/factors", "/password", "/confirm")), visitor().get("/sign-in")):
        assert page.status_code == 200
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert page.text.count("<script") == len(
            re.findall(r'<script src="/static/[a-z]+\.js" defer></script>', page.text)
        )
        assert "style=" not in page.text and " onclick" not in page.text


def test_names_are_text_and_never_markup(accounts: Accounts, visitor: Visitors) -> None:
    _, start = accounts.create("mallory", "<b>Mallory</b>", set())
    mallory = visitor(**{"User-Agent": "<b>Chrome</b> Linux"})
    mallory.enrol(start, "mallory")
    assert "&lt;b&gt;Mallory" in mallory.get().text and "<b>" not in mallory.get().text + mallory.get("/sessions").text


def test_a_long_form_is_refused_before_it_is_read(visitor: Visitors) -> None:
    stranger = visitor()
    token = stranger.token(stranger.get("/sign-in"))
    many = {f"field{number}": "x" for number in range(50)}
    assert stranger.send("/sign-in", {"token": token, "password": "x" * 70_000}).status_code == 413
    assert stranger.send("/sign-in", {"token": token} | many).status_code == 400
    assert stranger.send("/sign-in", {"token": token, "user_name": NAME, "password": "x" * 60_000}).status_code == 422
