"""Passkeys over HTTP with an authenticator in software: in, as first and second factor, and everything refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import delete

from tests.web.staff.authenticator import PRESENT, VERIFIED, Authenticator
from tests.web.staff.visitor import NAME, PASSWORD, Clock, Visitor, somebody, where
from web.database import write_transaction
from web.staff.accounts import Accounts
from web.staff.passkeys import CHALLENGE_LIFETIME
from web.staff.passwords import PasswordHasher
from web.staff.store import StaffStore

Visitors = Callable[..., Visitor]
OWN = "http://localhost:8001"


@pytest.fixture
def phone() -> Authenticator:
    return Authenticator()


@pytest.fixture
def karla(store: StaffStore, hasher: PasswordHasher, visitor: Visitors, phone: Authenticator) -> Visitor:
    """Somebody with an app and a passkey, signed out."""
    karla = somebody(store, hasher, visitor())
    assert where(karla.enrol_passkey(phone)) == "/desk/factors"
    karla.post("/sign-out", form_at="")
    return karla


def with_passkey(visitor: Visitor, answer: str) -> int:
    return visitor.post("/sign-in", credential=answer).status_code


def test_a_passkey_alone_is_enough_to_enrol_and_to_sign_in(
    store_on: StaffStore, hasher: PasswordHasher, visitor_on: Visitors, phone: Authenticator
) -> None:
    _, start = Accounts(store_on, hasher).create(NAME, "Karla Lange", set())
    karla = visitor_on()
    karla.sign_in(NAME, start)
    karla.post("/password", old=start, new=PASSWORD, repeated=PASSWORD)
    shown = karla.enrol_passkey(phone)
    assert shown.text.count("<li><code>") == 10
    assert karla.get().status_code == 200
    other = visitor_on()
    assert where(other.post("/sign-in", credential=phone.get(other.options("/sign-in"), OWN))) == "/desk"
    assert other.get().status_code == 200


def test_a_passkey_serves_as_second_factor(karla: Visitor, phone: Authenticator) -> None:
    karla.sign_in()
    options = karla.options("/second-factor")
    assert len(json.loads(options)["allowCredentials"]) == 1
    assert where(karla.post("/second-factor", credential=phone.get(options, OWN))) == "/desk"


def test_an_answer_is_good_once(karla: Visitor, phone: Authenticator, visitor: Visitors) -> None:
    answer = phone.get(karla.options("/sign-in"), OWN)
    form = {"token": karla.token(karla.get("/sign-in")), "credential": answer}
    phone.count += 1  # so that the counter is not what refuses
    assert karla.send("/sign-in", form).status_code == 303
    assert karla.send("/sign-in", form).status_code == 422
    fresh = phone.get(visitor().options("/sign-in"), OWN, count=0)
    assert with_passkey(visitor(), fresh) == 422


def test_an_answer_without_counter_is_good_once_too(
    store: StaffStore, hasher: PasswordHasher, visitor: Visitors, phone: Authenticator
) -> None:
    karla = somebody(store, hasher, visitor())
    karla.enrol_passkey(phone)
    karla.post("/sign-out", form_at="")
    form = {
        "credential": phone.get(karla.options("/sign-in"), OWN, count=0),
        "token": karla.token(karla.get("/sign-in")),
    }
    assert karla.send("/sign-in", form).status_code == 303
    assert karla.send("/sign-in", form).status_code == 422


def test_an_answer_is_good_in_its_own_browser_only(karla: Visitor, phone: Authenticator, visitor: Visitors) -> None:
    thief = visitor()
    assert with_passkey(thief, phone.get(karla.options("/sign-in"), OWN)) == 422


def test_an_answer_is_good_for_a_quarter_of_an_hour(karla: Visitor, phone: Authenticator, clock: Clock) -> None:
    options = karla.options("/sign-in")
    clock.seconds += CHALLENGE_LIFETIME
    assert with_passkey(karla, phone.get(options, OWN)) == 422
    options = karla.options("/sign-in")
    clock.seconds += CHALLENGE_LIFETIME - 1
    assert with_passkey(karla, phone.get(options, OWN)) == 303


@pytest.mark.parametrize(
    "origin", ["https://localhost:8001", "http://localhost:8000", "http://evil.example", "http://localhost"]
)
def test_an_answer_made_for_another_site_is_refused(karla: Visitor, phone: Authenticator, origin: str) -> None:
    assert with_passkey(karla, phone.get(karla.options("/sign-in"), origin)) == 422


@pytest.mark.parametrize("flags", [PRESENT, VERIFIED, 0])
def test_who_was_not_verified_by_the_device_is_refused(karla: Visitor, phone: Authenticator, flags: int) -> None:
    assert with_passkey(karla, phone.get(karla.options("/sign-in"), OWN, flags)) == 422
    karla.sign_in()
    assert (
        karla.post("/second-factor", credential=phone.get(karla.options("/second-factor"), OWN, flags)).status_code
        == 422
    )
    karla.post("/second-factor", recovery_code=karla.codes[0])
    other = Authenticator()
    made = other.create(karla.options("/factors"), OWN, flags)
    assert karla.post("/factors", change="passkey", credential=made).status_code == 422


def test_a_copied_passkey_that_counts_alongside_is_refused(
    karla: Visitor, phone: Authenticator, visitor: Visitors
) -> None:
    assert with_passkey(karla, phone.get(karla.options("/sign-in"), OWN, count=7)) == 303
    copy = visitor()
    assert with_passkey(copy, phone.get(copy.options("/sign-in"), OWN, count=7)) == 422
    assert with_passkey(copy, phone.get(copy.options("/sign-in"), OWN, count=8)) == 303


def test_somebody_elses_passkey_is_no_second_factor(
    karla: Visitor, store: StaffStore, hasher: PasswordHasher, visitor: Visitors
) -> None:
    mallory, own = somebody(store, hasher, visitor(), "mallory"), Authenticator()
    mallory.enrol_passkey(own)
    karla.sign_in()
    assert karla.post("/second-factor", credential=own.get(karla.options("/second-factor"), OWN)).status_code == 422


def test_a_passkey_that_claims_to_be_somebody_elses_is_refused(karla: Visitor, phone: Authenticator) -> None:
    phone.user = "bm9ib2R5"
    assert with_passkey(karla, phone.get(karla.options("/sign-in"), OWN)) == 422


def test_a_passkey_that_is_known_already_is_not_taken_again(
    karla: Visitor, phone: Authenticator, store: StaffStore, hasher: PasswordHasher, visitor: Visitors
) -> None:
    mallory, theirs = somebody(store, hasher, visitor(), "mallory"), Authenticator()
    theirs.id = phone.id
    assert mallory.enrol_passkey(theirs).status_code == 422
    assert with_passkey(karla, phone.get(karla.options("/sign-in"), OWN)) == 303


def test_a_removed_passkey_and_a_closed_account_sign_nobody_in(
    karla: Visitor, phone: Authenticator, visitor: Visitors, accounts: Accounts
) -> None:
    waiting = visitor()
    early = phone.get(waiting.options("/sign-in"), OWN)
    accounts.disable(NAME)
    assert with_passkey(waiting, early) == 422
    _, start = accounts.enable(NAME)
    fresh = visitor()
    assert where(fresh.post("/sign-in", credential=phone.get(fresh.options("/sign-in"), OWN))) == "/desk/password"
    fresh.post("/password", old=start, new=PASSWORD, repeated=PASSWORD)
    assert where(fresh.post("/factors", change="remove", factor=phone.id.hex())) == "/desk/factors"
    gone = visitor()
    assert with_passkey(gone, phone.get(gone.options("/sign-in"), OWN)) == 422


def broken(answer: str) -> list[str]:
    """The answer with each of its parts gone, of another type, or filled with rubbish."""
    whole = json.loads(answer)
    texts = ["{}", "[]", "null", "7", "[" * 9000, "x" * 20_000, '{"response":[]}', '{"response":{}}']
    for place in (whole, whole["response"]):
        for name in list(place):
            kept = place[name]
            for rubbish in (None, 7, [], {}, "", "!", "AAAA", "ä", "_" * 3000):
                place[name] = rubbish
                if name != "userHandle" or rubbish in (7, [], {}, "AAAA"):  # an authenticator may leave it out
                    texts.append(json.dumps(whole))
            place[name] = kept
    return texts


def test_no_broken_answer_is_accepted_or_upsets_the_desk(karla: Visitor, phone: Authenticator) -> None:
    form = {"token": karla.token(karla.get("/sign-in"))}
    answer = phone.get(karla.options("/sign-in"), OWN)
    for text in broken(answer):
        with write_transaction(karla.store.engine) as connection:
            connection.execute(delete(karla.store.tables.delays))
        assert karla.send("/sign-in", form | {"credential": text}).status_code == 422, text[:300]
    assert karla.send("/sign-in", form | {"credential": answer}).status_code == 303
