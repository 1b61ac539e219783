"""One's own account over HTTP: password, factors, recovery codes, sessions; and what ends when."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.web.staff.visitor import NAME, PASSWORD, Clock, Visitor, somebody, where
from web.database import write_transaction
from web.staff.accounts import Accounts
from web.staff.passwords import PasswordHasher
from web.staff.sessions import Sessions, Stage
from web.staff.store import Caller, StaffStore

Visitors = Callable[..., Visitor]
OTHER = "ein Kran hebt sieben Kisten"


@pytest.fixture
def karla(store: StaffStore, hasher: PasswordHasher, visitor: Visitors) -> Visitor:
    return somebody(store, hasher, visitor())


def second_browser(karla: Visitor, visitor: Visitors, clock: Clock, agent: str = "Firefox/140 Windows") -> Visitor:
    """The same person at another device."""
    clock.seconds += 60
    other = visitor(**{"User-Agent": agent})
    other.key, other.codes = karla.key, karla.codes
    other.sign_in()
    assert where(other.post("/second-factor", code=other.code())) == "/desk"
    return other


def changed_password(visitor: Visitor, old: str, new: str, repeated: str | None = None) -> tuple[int, str]:
    answer = visitor.post("/password", old=old, new=new, repeated=new if repeated is None else repeated)
    alert = re.search(r'role="alert"><h2>.*?</h2><p>(.*?)</p>', answer.text)
    return answer.status_code, alert[1] if alert else ""


def test_a_new_password_counts_at_once_and_ends_all_other_sessions(
    karla: Visitor, visitor: Visitors, clock: Clock
) -> None:
    other, before = second_browser(karla, visitor, clock), karla.secret()
    assert changed_password(karla, PASSWORD, OTHER) == (303, "")
    assert karla.get().status_code == 200 and karla.secret() != before
    assert where(other.get()) == "/desk/sign-in"
    assert visitor().sign_in().status_code == 422
    assert visitor().sign_in(NAME, OTHER).status_code == 303


def test_passwords_that_do_not_serve_are_refused_with_a_sentence(karla: Visitor) -> None:
    for old, new, repeated, sentence in [
        ("wrong", OTHER, OTHER, "keinem offenen Konto"),
        (PASSWORD, OTHER, OTHER + "x", "stimmen nicht überein"),
        (PASSWORD, "zu kurz", "zu kurz", "zu kurz"),
        (PASSWORD, "Passwort12345!", "Passwort12345!", "zu leicht"),
        (PASSWORD, PASSWORD, PASSWORD, "ist das bisherige"),
        (PASSWORD, "x y" * 60, "x y" * 60, "zu lang"),
    ]:
        status, alert = changed_password(karla, old, new, repeated)
        assert (status, sentence in alert) == (422, True), alert
    assert karla.get().status_code == 200


def test_the_start_password_cannot_stay(accounts: Accounts, visitor: Visitors) -> None:
    _, start = accounts.create(NAME, "Karla", set())
    karla = visitor()
    karla.sign_in(NAME, start)
    assert changed_password(karla, start, start)[0] == 422
    assert where(karla.get()) == "/desk/password"


def test_guessing_the_old_password_at_an_open_desk_is_paused(karla: Visitor) -> None:
    statuses = [karla.post("/confirm", password="guess").status_code for _ in range(6)]
    assert statuses == [422] * 5 + [429]
    assert changed_password(karla, PASSWORD, OTHER)[0] == 429


def test_a_session_ends_after_thirty_idle_minutes(karla: Visitor, clock: Clock) -> None:
    for _ in range(5):
        clock.seconds += 1799
        assert karla.get().status_code == 200
    clock.seconds += 1800
    assert where(karla.get()) == "/desk/sign-in"


def test_a_session_ends_after_twelve_hours_however_busy(karla: Visitor, clock: Clock) -> None:
    for _ in range(12 * 60 // 20 - 1):
        clock.seconds += 1200
        assert karla.get().status_code == 200
    clock.seconds += 1199
    assert karla.get().status_code == 200
    clock.seconds += 1
    assert where(karla.get()) == "/desk/sign-in"


def test_sessions_are_listed_with_device_and_ended_by_their_owner(
    karla: Visitor, visitor: Visitors, clock: Clock
) -> None:
    other = second_browser(karla, visitor, clock)
    page = karla.get("/sessions").text
    assert "Firefox, Windows" in page and page.count("diese Sitzung") == 1
    ids = dict(re.findall(r"<strong>(.*?)</strong>.*?name=\"session\" value=\"(\w+)\"", page, re.DOTALL))
    assert where(karla.post("/sessions", session=ids["Firefox, Windows"])) == "/desk/sessions"
    assert where(other.get()) == "/desk/sign-in"
    assert karla.get().status_code == 200


def test_nobody_ends_a_session_of_somebody_else(
    store_on: StaffStore, hasher: PasswordHasher, visitor_on: Visitors
) -> None:
    karla, other = somebody(store_on, hasher, visitor_on()), somebody(store_on, hasher, visitor_on(), "other")
    [session] = re.findall(r'name="session" value="(\w+)"', karla.get("/sessions").text)
    for guess in (session, "", "\x00", "' OR 1=1"):
        assert where(other.post("/sessions", session=guess)) == "/desk/sessions"
    assert karla.get().status_code == 200


def test_closing_an_account_ends_its_open_session_at_once(
    store_on: StaffStore, hasher: PasswordHasher, visitor_on: Visitors
) -> None:
    karla, accounts = somebody(store_on, hasher, visitor_on()), Accounts(store_on, hasher)
    accounts.disable(NAME)
    assert where(karla.get()) == "/desk/sign-in"
    _, start = accounts.enable(NAME)
    assert where(karla.get()) == "/desk/sign-in"
    assert visitor_on().sign_in().status_code == 422
    assert where(visitor_on().sign_in(NAME, start)) == "/desk/second-factor"


@pytest.mark.parametrize("reset", ["reset_password", "reset_second_factor"])
def test_resets_end_sessions_and_old_passwords(
    karla: Visitor, accounts: Accounts, visitor: Visitors, reset: str
) -> None:
    _, start = getattr(accounts, reset)(NAME)
    assert where(karla.get()) == "/desk/sign-in"
    assert visitor().sign_in().status_code == 422
    fresh = visitor()
    keeps_factor = reset == "reset_password"
    assert where(fresh.sign_in(NAME, start)) == ("/desk/second-factor" if keeps_factor else "/desk/password")
    if keeps_factor:
        assert where(fresh.post("/second-factor", recovery_code=karla.codes[0])) == "/desk/password"
        assert where(fresh.post("/password", old=start, new=OTHER, repeated=OTHER)) == "/desk"


def test_whoever_knew_the_start_password_cannot_enrol_after_its_owner(accounts: Accounts, visitor: Visitors) -> None:
    _, start = accounts.create(NAME, "Karla", set())
    thief, karla = visitor(), visitor()
    thief.sign_in(NAME, start)
    karla.enrol(start)
    assert where(thief.get("/password")) == "/desk/sign-in"


def test_factors_change_only_shortly_after_a_proof_of_identity(karla: Visitor, clock: Clock) -> None:
    assert karla.get("/factors").status_code == 200
    clock.seconds += 600
    assert where(karla.get("/factors")) == "/desk/confirm"
    refused = karla.send("/factors", {"token": karla.token(karla.get()), "change": "recovery_codes"})
    assert where(refused) == "/desk/confirm"
    assert karla.post("/confirm", password="wrong").status_code == 422
    assert where(karla.post("/confirm", password=PASSWORD)) == "/desk/factors"
    assert karla.get("/factors").status_code == 200


def test_a_change_of_factor_gives_a_new_session_id_and_ends_the_others(
    karla: Visitor, visitor: Visitors, clock: Clock
) -> None:
    other, before = second_browser(karla, visitor, clock), karla.secret()
    clock.seconds += 60
    karla.take_key()
    assert where(karla.post("/factors", change="totp", code=karla.code())) == "/desk/factors"
    assert karla.secret() != before
    assert where(other.get()) == "/desk/sign-in"


def test_an_app_is_taken_only_with_its_code(karla: Visitor, clock: Clock) -> None:
    old = karla.key
    karla.take_key()
    assert karla.key != old
    assert karla.post("/factors", change="totp", code="000000").status_code == 422
    again = karla.key
    assert karla.take_key() == again  # the one that was read already
    karla.post("/sign-out", form_at="")
    clock.seconds += 60
    karla.key = old
    karla.sign_in()
    assert where(karla.post("/second-factor", code=karla.code())) == "/desk"


def test_the_last_factor_stays(karla: Visitor) -> None:
    refused = karla.post("/factors", change="remove", factor="totp")
    assert refused.status_code == 422 and "letzte" in refused.text
    assert karla.post("/factors", change="remove", factor="zz").status_code == 303
    assert "Authenticator-App</strong>" in karla.get("/factors").text


def test_new_recovery_codes_end_the_old_ones(karla: Visitor, visitor: Visitors) -> None:
    shown = karla.post("/factors", change="recovery_codes")
    fresh = re.findall(r"<li><code>([a-z2-7-]+)</code>", shown.text)
    assert len(fresh) == len(set(fresh)) == 10 and not set(fresh) & set(karla.codes)
    assert fresh[0] not in karla.get("/factors").text
    other = visitor()
    other.sign_in()
    assert other.post("/second-factor", recovery_code=karla.codes[0]).status_code == 422
    assert other.post("/second-factor", recovery_code=fresh[0]).status_code == 303
    assert "übrig: 9" in other.get("/factors").text


def test_an_unknown_change_is_refused(karla: Visitor) -> None:
    for change in ("", "everything", "password"):
        assert karla.post("/factors", change=change).status_code == 422


def test_pages_speak_english_on_request(karla: Visitor, visitor: Visitors) -> None:
    assert '<html lang="de">' in karla.get().text and "Prüfstelle" in karla.get().text
    for path, words in [("", "Signed in as"), ("/sessions", "My sessions"), ("/password", "Current password")]:
        page = karla.get(f"{path}?lang=en").text
        assert '<html lang="en">' in page and words in page and "Verifying desk" in page
    stranger = visitor()
    page = stranger.get("/sign-in?lang=en")
    refused = stranger.send("/sign-in?lang=en", {"token": stranger.token(page), "user_name": "x", "password": "y"})
    assert "do not fit any open account" in refused.text and "/desk/sign-in?lang=en" in refused.text


def test_a_session_that_began_while_its_account_was_being_closed_opens_nothing(
    store_on: StaffStore, hasher: PasswordHasher, clock: Clock
) -> None:
    accounts, sessions = Accounts(store_on, hasher), Sessions(store_on)
    account, _ = accounts.create(NAME, "Karla", set())
    accounts.disable(NAME)
    with write_transaction(store_on.engine) as connection:
        secret = sessions.begin(connection, account.id, Stage.OPEN, Caller())
    assert sessions.find(secret) is None
    accounts.enable(NAME)
    assert sessions.find(secret) is None
