"""Signing in over HTTP: the way in for those who belong here, and every refusal of those who do not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests.web.staff.visitor import NAME, PASSWORD, Clock, Visitor, somebody, where
from web.database import read_transaction
from web.staff.accounts import START_LIFETIME, Accounts
from web.staff.passwords import PasswordHasher
from web.staff.store import StaffStore

Visitors = Callable[..., Visitor]


@pytest.fixture
def enrolled(store: StaffStore, hasher: PasswordHasher, visitor: Visitors, clock: Clock) -> Visitor:
    """Karla, who has set everything up, signed out again, and waits for the next code."""
    karla = somebody(store, hasher, visitor())
    karla.post("/sign-out", form_at="")
    clock.seconds += 60
    return karla


def anew(enrolled: Visitor, visitor: Visitors, **options: str) -> Visitor:
    """Another browser of somebody who has the same app."""
    other = visitor(**options)
    other.key, other.codes = enrolled.key, enrolled.codes
    return other


def kinds(store: StaffStore) -> list[str]:
    table = store.tables.events
    with read_transaction(store.engine) as connection:
        return [row.kind for row in connection.execute(select(table).order_by(table.c.number))]


def test_the_first_sign_in_leads_from_start_password_to_own_password_to_factor_to_the_desk(
    store_on: StaffStore, hasher: PasswordHasher, visitor_on: Visitors
) -> None:
    karla = somebody(store_on, hasher, visitor_on())
    page = karla.get()
    assert page.status_code == 200 and "Karla Lange" in page.text and "Leitung" in page.text
    assert where(karla.post("/sign-out", form_at="")) == "/desk/sign-in"
    assert where(karla.get()) == "/desk/sign-in"


def test_later_sign_ins_ask_for_password_and_code(
    visitor_on: Visitors, store_on: StaffStore, hasher: PasswordHasher, clock: Clock
) -> None:
    karla = somebody(store_on, hasher, visitor_on())
    karla.post("/sign-out", form_at="")
    clock.seconds += 60
    assert where(karla.sign_in()) == "/desk/second-factor"
    assert where(karla.get()) == "/desk/second-factor"
    assert where(karla.post("/second-factor", code=f" {karla.code()[:3]} {karla.code()[3:]}")) == "/desk"
    assert karla.get().status_code == 200
    assert where(karla.get("/sign-in")) == "/desk"
    assert kinds(store_on)[-2:] == ["password_accepted", "signed_in_totp"]


@pytest.mark.parametrize("path", ["", "/factors", "/password", "/sessions", "/confirm", "/second-factor"])
def test_nothing_of_the_desk_is_shown_to_strangers(visitor: Visitors, path: str) -> None:
    assert where(visitor().get(path)) == "/desk/sign-in"
    assert where(visitor().get(f"{path}?lang=en")) == "/desk/sign-in?lang=en"


@pytest.mark.parametrize("path", ["", "/factors", "/password", "/sessions", "/confirm"])
def test_a_password_alone_opens_no_page(enrolled: Visitor, path: str) -> None:
    enrolled.sign_in()
    assert where(enrolled.get(path)) == "/desk/second-factor"


def test_a_start_password_alone_opens_its_change_and_nothing_else(accounts: Accounts, visitor: Visitors) -> None:
    _, start = accounts.create(NAME, "Karla", set())
    karla = visitor()
    karla.sign_in(NAME, start)
    for path in ("", "/factors", "/sessions", "/second-factor", "/confirm"):
        assert where(karla.get(path)) == "/desk/password"


def test_wrong_name_wrong_password_and_closed_account_get_the_same_answer(
    store_on: StaffStore, hasher: PasswordHasher, visitor_on: Visitors
) -> None:
    somebody(store_on, hasher, visitor_on())
    other = visitor_on()
    answers = [
        other.sign_in(NAME, "wrong"),
        other.sign_in("nobody", PASSWORD),
        other.sign_in("", ""),
        other.sign_in("\x00", "\x00"),
    ]
    Accounts(store_on, hasher).disable(NAME)
    answers.append(other.sign_in())
    for answer in answers:
        assert answer.status_code == 422
        assert answer.text.partition("<form")[0] == answers[0].text.partition("<form")[0]
        assert "session" not in answer.headers.get("set-cookie", "")


def test_a_start_password_is_good_for_a_week(accounts: Accounts, visitor: Visitors, clock: Clock) -> None:
    _, start = accounts.create(NAME, "Karla", set())
    clock.seconds += START_LIFETIME - 1
    assert visitor().sign_in(NAME, start).status_code == 303
    clock.seconds += 1
    assert visitor().sign_in(NAME, start).status_code == 422


def test_a_code_is_good_once(enrolled: Visitor, visitor: Visitors) -> None:
    code, other = enrolled.code(), anew(enrolled, visitor)
    enrolled.sign_in()
    other.sign_in()
    assert enrolled.post("/second-factor", code=code).status_code == 303
    assert other.post("/second-factor", code=code).status_code == 422
    assert other.post("/second-factor", code=other.code(-1)).status_code == 422
    assert other.post("/second-factor", code=other.code(+1)).status_code == 303


def test_the_code_that_set_up_the_app_signs_nobody_in(
    store: StaffStore, hasher: PasswordHasher, visitor: Visitors
) -> None:
    karla = somebody(store, hasher, visitor())
    thief = anew(karla, visitor)
    thief.sign_in()
    assert thief.post("/second-factor", code=karla.code()).status_code == 422


@pytest.mark.parametrize("ahead", [-2, 2, 1000])
def test_a_code_of_another_time_is_refused(enrolled: Visitor, ahead: int, clock: Clock) -> None:
    clock.seconds += 120
    enrolled.sign_in()
    assert enrolled.post("/second-factor", code=enrolled.code(ahead)).status_code == 422


@pytest.mark.parametrize("code", ["", "000000000", "12345", "äöüäöü", "١٢٣٤٥٦"])
def test_what_is_no_code_is_refused(enrolled: Visitor, code: str) -> None:
    enrolled.sign_in()
    assert enrolled.post("/second-factor", code=code).status_code == 422


def test_a_recovery_code_is_good_once_and_only_for_its_owner(
    enrolled: Visitor, visitor: Visitors, store: StaffStore, hasher: PasswordHasher
) -> None:
    somebody(store, hasher, other := visitor(), "other")
    other.post("/sign-out", form_at="")
    other.sign_in("other")
    assert other.post("/second-factor", recovery_code=enrolled.codes[0]).status_code == 422
    enrolled.sign_in()
    assert where(enrolled.post("/second-factor", recovery_code=enrolled.codes[0].upper().replace("-", " "))) == "/desk"
    again = anew(enrolled, visitor)
    again.sign_in()
    assert again.post("/second-factor", recovery_code=enrolled.codes[0]).status_code == 422
    assert again.post("/second-factor", recovery_code=enrolled.codes[1]).status_code == 303


def test_half_a_sign_in_ends_after_ten_minutes(enrolled: Visitor, clock: Clock) -> None:
    enrolled.sign_in()
    clock.seconds += 599
    assert enrolled.get("/second-factor").status_code == 200
    clock.seconds += 1
    assert where(enrolled.get("/second-factor")) == "/desk/sign-in"


def test_every_step_gives_a_new_session_id_and_the_old_one_opens_nothing(enrolled: Visitor, visitor: Visitors) -> None:
    enrolled.sign_in()
    half = enrolled.secret()
    enrolled.post("/second-factor", code=enrolled.code())
    whole = enrolled.secret()
    assert half != whole
    thief = visitor()
    thief.client.cookies.set("verifier-session", half)
    assert where(thief.get()) == "/desk/sign-in"
    enrolled.post("/sign-out", form_at="")
    thief.client.cookies.set("verifier-session", whole)
    assert where(thief.get()) == "/desk/sign-in"


def test_a_session_id_that_somebody_planted_is_never_used(enrolled: Visitor, visitor: Visitors) -> None:
    planted = "planted-by-a-stranger-0123456789"
    victim = anew(enrolled, visitor)
    victim.client.cookies.set("verifier-session", planted, domain="localhost.local", path="/")
    victim.sign_in()
    victim.post("/second-factor", code=victim.code())
    assert planted not in victim.secret()
    thief = visitor()
    thief.client.cookies.set("verifier-session", planted)
    assert where(thief.get()) == "/desk/sign-in"


def test_signing_in_anew_ends_the_session_that_was_open(enrolled: Visitor, visitor: Visitors, clock: Clock) -> None:
    enrolled.sign_in()
    enrolled.post("/second-factor", code=enrolled.code())
    form = {"token": "", "user_name": NAME, "password": PASSWORD}
    old = enrolled.secret()
    fresh = visitor()
    form["token"] = fresh.token(fresh.get("/sign-in"))
    for cookie in fresh.client.cookies.jar:
        enrolled.client.cookies.jar.set_cookie(cookie)
    assert where(enrolled.send("/sign-in", form)) == "/desk/second-factor"
    thief = visitor()
    thief.client.cookies.set("verifier-session", old)
    assert where(thief.get()) == "/desk/sign-in"


def test_pauses_double_after_four_failures_and_never_exceed_a_quarter_of_an_hour(
    enrolled: Visitor, visitor: Visitors, clock: Clock
) -> None:
    stranger, waits = visitor(address="198.51.100.1"), []
    for _ in range(4):
        assert stranger.sign_in(NAME, "guess").status_code == 422
    for _ in range(12):
        assert stranger.sign_in(NAME, "guess").status_code == 422
        refused = stranger.sign_in()  # the right one: during a pause nothing is tried
        assert refused.status_code == 429 and "Fehlversuche" in refused.text
        waits.append(int(refused.headers["retry-after"]))
        clock.seconds += waits[-1] - 1
        assert stranger.sign_in().status_code == 429
        clock.seconds += 1
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    assert stranger.sign_in().status_code == 303


def test_a_stranger_who_fails_on_purpose_does_not_keep_a_known_browser_out(
    enrolled: Visitor, visitor: Visitors
) -> None:
    stranger = visitor()  # behind the same office's address, even
    for _ in range(5):
        stranger.sign_in(NAME, "guess")
    assert stranger.sign_in().status_code == 429
    assert anew(enrolled, visitor).sign_in().status_code == 429
    assert enrolled.sign_in().status_code == 303


def test_a_known_browser_has_pauses_too_and_is_known_to_its_account_only(
    enrolled: Visitor, visitor: Visitors, accounts: Accounts
) -> None:
    for _ in range(5):
        assert enrolled.sign_in(NAME, "guess").status_code == 422
    assert enrolled.sign_in().status_code == 429
    assert visitor().sign_in().status_code == 303
    for _ in range(5):
        enrolled.sign_in("other", "guess")
    assert enrolled.sign_in("other", "guess").status_code == 429
    assert visitor(address="198.51.100.2").sign_in("other", "guess").status_code == 429


def test_unknown_names_are_paused_like_known_ones(visitor: Visitors) -> None:
    stranger = visitor()
    statuses = [stranger.sign_in("nobody", "guess").status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]


def test_an_address_that_tries_many_names_is_paused_and_one_good_sign_in_does_not_wash_it_clean(
    enrolled: Visitor, visitor: Visitors
) -> None:
    stranger = visitor(address="198.51.100.3")
    for number in range(20):
        assert stranger.sign_in(f"name{number}", "guess").status_code == 422
    assert stranger.sign_in().status_code == 303
    stranger.client.cookies.clear()
    assert stranger.sign_in("next", "guess").status_code == 422
    assert stranger.sign_in("after", "guess").status_code == 429
    assert visitor(address="198.51.100.4").sign_in("after", "guess").status_code == 422


def test_codes_are_paused_per_account(enrolled: Visitor, visitor: Visitors, clock: Clock) -> None:
    enrolled.sign_in()
    statuses = [enrolled.post("/second-factor", code="000000").status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    other = anew(enrolled, visitor)
    other.sign_in()
    assert other.post("/second-factor", recovery_code=enrolled.codes[0]).status_code == 429
    clock.seconds += 2
    assert other.post("/second-factor", recovery_code=enrolled.codes[0]).status_code == 303


def test_what_is_refused_is_noted_without_what_was_typed(
    enrolled: Visitor, visitor: Visitors, store: StaffStore
) -> None:
    stranger = visitor(**{"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36"})
    stranger.sign_in("my-password-by-mistake", "guess-1")
    stranger.sign_in(NAME, "guess-2")
    table = store.tables.events
    with read_transaction(store.engine) as connection:
        rows = connection.execute(select(table).order_by(table.c.number.desc()).limit(2)).all()
    assert [(row.kind, row.account_id is None) for row in rows] == [
        ("password_refused", False),
        ("password_refused", True),
    ]
    assert {(row.network, row.device) for row in rows} == {("192.0.2.0/24", "Chrome, Linux")}
    assert "mistake" not in repr(rows) and "guess" not in repr(rows)


def test_nothing_secret_reaches_logs_or_the_database(
    store: StaffStore, hasher: PasswordHasher, visitor: Visitors, capfd: pytest.CaptureFixture[str]
) -> None:
    _, start = Accounts(store, hasher).create(NAME, "Karla Lange", set())
    karla = visitor()
    karla.enrol(start)
    visitor().sign_in(NAME, "a wrong guess of mine")
    secrets = [
        start,
        PASSWORD,
        "a wrong guess",
        karla.code(),
        karla.secret(),
        karla.token(karla.get()),
        *karla.codes,
        NAME,
    ]
    written = "".join(capfd.readouterr())
    assert "/desk/sign-in" in written
    assert [secret for secret in secrets if secret in written] == []
    with read_transaction(store.engine) as connection:
        tables = [getattr(store.tables, name) for name in store.tables.__slots__]
        kept = repr([connection.execute(select(table)).all() for table in tables])
    assert NAME in kept
    bare = [code.replace("-", "") for code in karla.codes]
    assert [secret for secret in [*secrets[:-1], *bare] if secret in kept] == []
    assert repr(karla.key) not in kept and karla.key not in kept.encode("latin-1", "replace")
