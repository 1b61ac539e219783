"""Binding a pass page's credential to a phone: one phone at a time, the same bytes again, and only real keys."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from issuers.errors import NotOfferable
from issuers.models import credentials
from issuers.offers import PAGE, Holding
from issuers.residents.live_codes import BOUND_FORMAT, KEYS_AT_MOST, BoundElsewhere, LinkUnknown, LiveCodes
from tests.city import City
from tests.phone import Phone
from walletpass.formats import load_formats
from walletpass.pass_type import Catalogue, LiveCode
from web.database import read_transaction, write_transaction
from web.jwk import JwkInvalid
from web.limits import TooManyRequests

PERMIT = "resident_parking_permit"


def demand_live_codes(city: City) -> None:
    """Every type of this city demands the live code. What is published does not change."""
    city.office.catalogue = Catalogue(replace(each, live_code=LiveCode.DEMANDED) for each in city.office.catalogue)


def count(city: City) -> int:
    with read_transaction(city.office.engine) as connection:
        return connection.scalar(select(func.count()).select_from(credentials)) or 0


def test_an_unchanged_pass_and_key_gets_the_same_bytes(city_on: City) -> None:
    permit, phone = city_on.grants(PERMIT), Phone()
    secret = city_on.link(permit)
    first = city_on.binds(secret, phone)
    city_on.later(days=1)
    city_on.publishes()
    assert city_on.binds(secret, phone) == first == city_on.binds(secret, phone, take_over=True)
    assert count(city_on) == 1
    verdict = city_on.inspector_sees(phone.shows(first, city_on.clock()))
    assert (verdict.reason, verdict.steps[-1][1]) == ("accepted", "passed")


def test_another_phone_takes_over_on_purpose_only(city_on: City) -> None:
    permit, first, second = city_on.grants(PERMIT), Phone(), Phone()
    secret = city_on.link(permit)
    held = city_on.binds(secret, first)
    with pytest.raises(BoundElsewhere):
        city_on.binds(secret, second)
    assert city_on.inspector_sees(first.shows(held, city_on.clock())).reason == "accepted"
    taken = city_on.binds(secret, second, take_over=True)
    assert city_on.inspector_sees(first.shows(held, city_on.clock())).reason == "revoked"
    assert city_on.inspector_sees(second.shows(taken, city_on.clock())).reason == "accepted"
    with pytest.raises(BoundElsewhere):  # the first one's page, still open, does not take it back by itself
        city_on.binds(secret, first)
    again = city_on.binds(secret, first, take_over=True)
    assert again != held, "what is withdrawn stays withdrawn"
    assert city_on.inspector_sees(second.shows(taken, city_on.clock())).reason == "revoked"


def test_of_two_phones_at_once_one_is_bound(city_on: City) -> None:
    secret, phones = city_on.link(city_on.grants(PERMIT)), [Phone() for _ in range(4)]

    def bind(phone: Phone) -> str | None:
        try:
            return LiveCodes(city_on.office).enrol(secret, phone.jwk(), take_over=False)
        except BoundElsewhere:
            return None

    with ThreadPoolExecutor(4) as pool:
        bound = [credential for credential in pool.map(bind, phones) if credential]
    assert len(bound) == 1 == count(city_on)


def test_once_the_pass_has_changed_any_phone_may_begin_anew(city: City) -> None:
    permit, first, second = city.grants(PERMIT), Phone(), Phone()
    secret = city.link(permit)
    held = city.binds(secret, first)
    city.amends(permit, plates=("D-XX 1",))
    assert city.inspector_sees(first.shows(held, city.clock())).reason == "revoked"
    city.binds(secret, second)


def test_a_renewed_pass_gives_its_phone_a_longer_credential_and_the_old_one_runs_out(city: City) -> None:
    permit, phone = city.grants(PERMIT), Phone()
    secret = city.link(permit)
    held = city.binds(secret, phone)
    city.renews(permit, city.today + timedelta(days=300))
    longer = city.binds(secret, phone)
    seen = [city.inspector_sees(phone.shows(credential, city.clock())) for credential in (held, longer)]
    assert [verdict.reason for verdict in seen] == ["accepted", "accepted"]
    assert str(seen[0].valid_until) < str(seen[1].valid_until)


def test_a_pass_that_does_not_count_gets_no_code(city: City) -> None:
    permit, phone = city.grants(PERMIT), Phone()
    secret = city.link(permit)
    for change, code in ((city.suspends, "suspended"), (city.revokes, "revoked")):
        change(permit)
        for ask in (lambda: city.binds(secret, phone), lambda: LiveCodes(city.office).plain_text(secret)):
            with pytest.raises(NotOfferable) as refusal:
                ask()
            assert refusal.value.code == code
    assert count(city) == 0


def test_a_second_phone_hears_that_the_pass_does_not_count_before_it_hears_of_the_first(city: City) -> None:
    permit = city.grants(PERMIT)
    secret = city.link(permit)
    city.binds(secret, Phone())
    city.suspends(permit)
    with pytest.raises(NotOfferable):
        city.binds(secret, Phone())


def test_each_key_is_given_the_credential_that_is_bound_to_it(city: City) -> None:
    permit, phones = city.grants(PERMIT), (Phone(), Phone())
    made = []
    for phone in phones * 2:
        with write_transaction(city.office.engine) as connection:
            holding = Holding(PAGE, BOUND_FORMAT, phone.point)
            made += city.office.credentials.texts(connection, [permit], holding, city.order())
    assert made[:2] == made[2:] and len(set(made)) == 2
    for phone, credential in zip(phones, made, strict=False):
        proof = load_formats()[BOUND_FORMAT].decode(phone.shows(credential, city.clock())).holder_proof
        assert proof is not None and proof.key == phone.point


def test_a_type_that_demands_it_shows_no_other_code_on_its_page(city: City) -> None:
    demand_live_codes(city)
    permit, phone = city.grants(PERMIT), Phone()
    secret = city.link(permit)
    with pytest.raises(NotOfferable) as refusal:
        LiveCodes(city.office).plain_text(secret)
    assert refusal.value.code == "live_code_demanded"
    assert city.inspector_sees(phone.shows(city.binds(secret, phone), city.clock())).reason == "accepted"


def test_paper_and_wallets_have_codes_of_their_own_whatever_the_page_demands(city: City) -> None:
    demand_live_codes(city)
    permit = city.grants(PERMIT)
    for carrier in city.office.wallets:
        [carried] = city.office.carry([permit.serial], carrier, city.order())
        assert carried.qr_text.startswith("WP1:")
        assert city.inspector_sees(carried.qr_text).reason == "accepted", carrier


def test_a_type_that_begins_to_demand_it_ends_the_plain_code_of_its_page(city: City) -> None:
    permit, phone = city.grants(PERMIT), Phone()
    secret = city.link(permit)
    paper, (_, plain) = city.qr(permit), LiveCodes(city.office).plain_text(secret)
    city.binds(secret, phone)
    assert city.inspector_sees(plain).reason == "accepted"
    demand_live_codes(city)
    city.binds(secret, phone)
    assert city.inspector_sees(plain).reason == "revoked"
    assert city.inspector_sees(paper).reason == "accepted"


def test_the_plain_code_is_one_without_a_key(city: City) -> None:
    secret = city.link(city.grants(PERMIT))
    shown, text = LiveCodes(city.office).plain_text(secret)
    assert shown.pass_type.name == PERMIT
    assert load_formats()["cwt"].decode(text).holder_proof is None
    assert LiveCodes(city.office).plain_text(secret)[1] == text


GOOD = Phone().jwk()
JWKS: dict[str, object] = {
    "nothing": None,
    "a list": [],
    "no members": {},
    "a member too many": GOOD | {"kid": "x"},
    "what a browser adds": GOOD | {"ext": True, "key_ops": []},
    "a private key": GOOD | {"d": "AQ"},
    "another type": GOOD | {"kty": "OKP"},
    "another curve": GOOD | {"crv": "P-384"},
    "no y": {name: value for name, value in GOOD.items() if name != "y"},
    "x and y exchanged": GOOD | {"x": GOOD["y"], "y": GOOD["x"]},
    "x with padding": GOOD | {"x": f"{GOOD['x']}="},
    "x cut off": GOOD | {"x": str(GOOD["x"])[:-2]},
    "x as a number": GOOD | {"x": 7},
    "a point of zeros": GOOD | {"x": "A" * 43, "y": "A" * 43},
}


@pytest.mark.parametrize("jwk", JWKS.values(), ids=JWKS.keys())
def test_what_is_no_key_of_the_curve_is_bound_to_nothing(city: City, jwk: object) -> None:
    secret = city.link(city.grants(PERMIT))
    with pytest.raises(JwkInvalid):
        LiveCodes(city.office).enrol(secret, jwk, take_over=False)
    assert count(city) == 0


def test_a_link_that_is_unknown_ended_or_of_a_type_switched_off_gets_nothing(city: City) -> None:
    permit = city.grants(PERMIT)
    ended, card = city.link(permit), city.link(city.grants("library_card"))
    city.link(permit)
    city.office.catalogue = Catalogue(each for each in city.office.catalogue if each.name == PERMIT)
    codes = LiveCodes(city.office)
    for secret in ("unknown", ended, card):
        for ask in (
            lambda secret=secret: codes.open(secret),
            lambda secret=secret: codes.enrol(secret, GOOD, take_over=True),
            lambda secret=secret: codes.plain_text(secret),
        ):
            with pytest.raises(LinkUnknown):
                ask()


def test_a_pass_goes_over_to_no_more_phones_than_a_household_has(city: City) -> None:
    secret = city.link(city.grants("resident_parking_permit"))
    phones = [Phone() for _ in range(KEYS_AT_MOST + 1)]
    for phone in phones[:-1]:
        city.binds(secret, phone, take_over=True)
    with pytest.raises(TooManyRequests):
        city.binds(secret, phones[-1], take_over=True)
    city.later(hours=26)
    assert city.binds(secret, phones[-1], take_over=True)
