"""Changing passes, on both databases: what is allowed, what is refused, what is recorded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from issuers import lifecycle, repository
from issuers.errors import BadValidity, NotOfferable, PassRevoked, ReasonRequired, UnknownSerial
from issuers.lifecycle import Action
from issuers.models import audit, credentials, outbox
from keys.signer import Role
from tests.city import ANNA, City
from walletpass.errors import TransitionNotAllowed
from walletpass.status import Status
from walletpass.verdict import Reason
from web.database import read_transaction, write_transaction


def rows(city: City, table: object) -> list[dict[str, object]]:
    with read_transaction(city.office.engine) as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]  # type: ignore[call-overload]


def test_a_granted_pass_is_stored_and_has_no_credential_before_its_first_offer(city_on: City) -> None:
    pass_ = city_on.grants("family_card")
    assert city_on.stored(pass_) == pass_
    assert rows(city_on, credentials) == []


def test_an_unchanged_pass_offers_the_same_bytes_again(city_on: City) -> None:
    pass_ = city_on.grants("resident_parking_permit")
    first = city_on.qr(pass_)
    city_on.later(hours=5)
    assert city_on.qr(pass_) == first
    assert len(rows(city_on, credentials)) == 1


def test_each_carrier_holds_its_own_credential_with_its_own_status_index(city_on: City) -> None:
    pass_ = city_on.grants("resident_parking_permit")
    for wallet in ("qr", "apple", "google"):
        city_on.offers(pass_, wallet)
    found = rows(city_on, credentials)
    assert {row["carrier"] for row in found} == {"qr", "apple", "google"}
    assert len({row["status_index"] for row in found}) == 3


def test_a_number_is_taken_until_its_pass_is_revoked(city_on: City) -> None:
    pass_ = city_on.grants("family_card", number="F-1000")
    with pytest.raises(IntegrityError):
        city_on.grants("family_card", number="F-1000")
    city_on.grants("volunteer_card", number="F-1000")  # another type has its own numbers
    city_on.revokes(pass_)
    again = city_on.grants("family_card", number="F-1000")
    assert again.serial != pass_.serial


def test_a_renewal_keeps_the_serial_and_lets_the_old_credential_run_out(city_on: City) -> None:
    pass_ = city_on.grants("resident_parking_permit")
    old = city_on.qr(pass_)
    renewed = city_on.renews(pass_, pass_.valid_until + timedelta(days=100))
    new = city_on.qr(renewed)
    assert renewed.serial == pass_.serial
    assert new != old
    assert city_on.inspector_sees(old).reason is Reason.ACCEPTED
    assert city_on.inspector_sees(new).valid_until == renewed.valid_until.isoformat()


def test_another_plate_withdraws_the_old_credential_at_once(city_on: City) -> None:
    pass_ = city_on.grants("resident_parking_permit")
    old = city_on.qr(pass_)
    amended = city_on.amends(pass_, plates=("D-NEU 1",))
    assert city_on.inspector_sees(old).reason is Reason.REVOKED
    assert city_on.inspector_sees(city_on.qr(amended)).claims["plates"] == ("D-NEU 1",)


def test_a_changed_address_withdraws_nothing_that_does_not_say_it(city_on: City) -> None:
    pass_ = city_on.grants("resident_parking_permit")
    text = city_on.qr(pass_)
    city_on._change(pass_, renewing=False, holders=(replace(ANNA, street="Neue Straße 1"),))
    assert city_on.inspector_sees(text).reason is Reason.ACCEPTED
    assert city_on.qr(pass_) == text


def test_a_shortened_pass_withdraws_the_longer_credential(city_on: City) -> None:
    pass_ = city_on.grants("resident_parking_permit")
    old = city_on.qr(pass_)
    city_on._change(pass_, renewing=False, valid_until=city_on.today + timedelta(days=5))
    assert city_on.inspector_sees(old).reason is Reason.REVOKED


def test_revoking_flips_every_credential_also_those_of_before_a_renewal(city_on: City) -> None:
    pass_ = city_on.grants("resident_parking_permit")
    texts = [city_on.qr(pass_)]
    city_on.renews(pass_, pass_.valid_until + timedelta(days=50))
    texts.append(city_on.qr(pass_))
    city_on.revokes(pass_)
    assert [city_on.inspector_sees(text).reason for text in texts] == [Reason.REVOKED] * 2


def test_reinstating_a_pass_does_not_bring_a_withdrawn_carrier_back(city_on: City) -> None:
    pass_ = city_on.grants("family_card")
    text = city_on.qr(pass_)
    city_on.withdraws(pass_, "qr")
    city_on.suspends(pass_)
    city_on.reinstates(pass_)
    assert city_on.inspector_sees(text).reason is Reason.REVOKED
    assert city_on.inspector_sees(city_on.qr(pass_)).reason is Reason.ACCEPTED


def test_nothing_leaves_revoked(city_on: City) -> None:
    pass_ = city_on.grants("family_card")
    city_on.revokes(pass_)
    for change in (city_on.suspends, city_on.reinstates, city_on.revokes):
        with pytest.raises(TransitionNotAllowed):
            change(pass_)
    with pytest.raises(PassRevoked):
        city_on.renews(pass_, pass_.valid_until + timedelta(days=9))
    with pytest.raises(NotOfferable) as refusal:
        city_on.qr(pass_)
    assert refusal.value.code == "revoked"
    assert city_on.stored(pass_).status is Status.INVALID


@pytest.mark.parametrize(("prepare", "code"), [("suspends", "suspended"), ("revokes", "revoked")])
def test_a_withdrawn_pass_cannot_be_offered(prepare: str, code: str, city: City) -> None:
    pass_ = city.grants("family_card")
    getattr(city, prepare)(pass_)
    with pytest.raises(NotOfferable) as refusal:
        city.offers(pass_, "apple")
    assert refusal.value.code == code


def test_an_expired_pass_cannot_be_offered_until_it_is_renewed(city: City) -> None:
    pass_ = city.grants("family_card", valid_until=city.today - timedelta(days=1))
    with pytest.raises(NotOfferable) as refusal:
        city.qr(pass_)
    assert refusal.value.code == "expired"
    assert city.inspector_sees(city.qr(city.renews(pass_, city.today))).reason is Reason.ACCEPTED


def test_a_suspension_and_a_revocation_need_a_reason(city: City) -> None:
    pass_ = city.grants("family_card")
    for action in (Action.SUSPEND, Action.REVOKE):
        with pytest.raises(ReasonRequired), write_transaction(city.office.engine) as connection:
            lifecycle.set_status(connection, [pass_.serial], action, city.order(reason="  "))
    assert city.stored(pass_).status is Status.VALID


def test_one_unknown_serial_among_several_changes_none_of_them(city_on: City) -> None:
    pass_ = city_on.grants("family_card")
    with pytest.raises(UnknownSerial), write_transaction(city_on.office.engine) as connection:
        lifecycle.set_status(connection, [pass_.serial, "nothing"], Action.REVOKE, city_on.order())
    assert city_on.stored(pass_).status is Status.VALID


@pytest.mark.parametrize("days", [-400, -1, 0])
def test_a_renewal_must_lengthen(days: int, city: City) -> None:
    pass_ = city.grants("family_card")
    with pytest.raises(BadValidity):
        city.renews(pass_, pass_.valid_until + timedelta(days=days))


def test_a_validity_beyond_the_types_rule_is_refused(city: City) -> None:
    pass_ = city.grants("registration_certificate")
    with pytest.raises(BadValidity):
        city.renews(pass_, city.today + timedelta(days=3660))


def test_every_change_is_recorded_with_who_what_why_and_when_but_no_person(city_on: City) -> None:
    pass_ = city_on.grants("social_pass")
    city_on.qr(pass_)
    city_on.renews(pass_, pass_.valid_until + timedelta(days=3))
    city_on._change(pass_, renewing=False, holders=(replace(ANNA, family_name="Geheimrat"),))
    city_on.suspends(pass_)
    city_on.reinstates(pass_)
    city_on.withdraws(pass_, "qr")
    city_on.revokes(pass_)
    records = rows(city_on, audit)
    assert [r["action"] for r in records] == [
        "issue", "renew", "amend", "suspend", "reinstate", "withdraw", "revoke",
    ]  # fmt: skip
    assert {(r["actor"], r["serial"], r["reason"]) for r in records} == {("test", pass_.serial, "a test")}
    assert records[2]["detail"] == "family_name"
    told = repr(records) + repr(rows(city_on, outbox))
    for personal in ("Anna", "Müller", "Geheimrat", "Bilker", "1980", "anna@"):
        assert personal not in told


def test_a_failed_change_leaves_no_trace(city_on: City) -> None:
    pass_ = city_on.grants("family_card")
    before = (rows(city_on, audit), rows(city_on, outbox), city_on.stored(pass_))
    with pytest.raises(RuntimeError), write_transaction(city_on.office.engine) as connection:  # noqa: PT012
        lifecycle.set_status(connection, [pass_.serial], Action.REVOKE, city_on.order())
        raise RuntimeError("power cut")
    assert (rows(city_on, audit), rows(city_on, outbox), city_on.stored(pass_)) == before


def test_passes_are_listed_by_the_status_a_department_reads(city_on: City) -> None:
    today = city_on.today
    made = {
        "valid": city_on.grants("family_card"),
        "expired": city_on.grants("family_card", valid_until=today - timedelta(days=1)),
        "not_yet_valid": city_on.grants("family_card", valid_from=today + timedelta(days=1)),
        "suspended": city_on.grants("family_card"),
        "revoked": city_on.grants("family_card", valid_until=today - timedelta(days=1)),
    }
    city_on.suspends(made["suspended"])
    city_on.revokes(made["revoked"])
    for word, pass_ in made.items():
        with read_transaction(city_on.office.engine) as connection:
            found = list(repository.every(connection, pass_type="family_card", status=word, today=today))
        assert [p.serial for p in found] == [pass_.serial]
        assert found[0].status_word(today) == word


def test_after_a_key_was_withdrawn_the_pass_is_offered_anew(city_on: City) -> None:
    pass_ = city_on.grants("family_card")
    old = city_on.qr(pass_)
    kid = city_on.office.signer(Role.CREDENTIAL).kid
    city_on.adds_key(Role.CREDENTIAL)
    city_on.office.ring.withdraw(kid, city_on.office.now())
    city_on.publishes()
    assert city_on.inspector_sees(old).reason is Reason.UNKNOWN_KEY
    new = city_on.qr(pass_)
    assert city_on.inspector_sees(new).reason is Reason.ACCEPTED
