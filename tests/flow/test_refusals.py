"""What an inspector sees, as one table: a sentence, what happened, and the reason. For every type and every format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keys.signer import Role
from keys.trust_list import TrustList, read_trust_list, sign_trust_list
from tests.city import City
from tests.phone import Phone
from verifiers.published import read_anchor
from walletpass.formats import load_formats
from walletpass.pass_type import ClaimKind
from walletpass.pass_types import load_catalogue
from walletpass.passes import Pass
from walletpass.verdict import Outcome, Reason, Step, StepResult

Event = Callable[[City, Pass], object]


def _lets_it_expire(city: City, pass_: Pass) -> None:
    city.later(days=201)
    city.publishes()


def _stays_silent(days: float) -> Event:
    return lambda city, _: city.later(days=days)


def _withdraws_the_signing_key(city: City, pass_: Pass) -> None:
    kid = city.office.signer(Role.CREDENTIAL).kid
    city.adds_key(Role.CREDENTIAL)
    city.office.ring.withdraw(kid, city.office.now())
    city.publishes()


def _loses(name: str) -> Event:
    def lose(city: City, _: Pass) -> None:
        for path in city.settings.published.glob(name):
            path.unlink()

    return lose


def _status_lists_signed_by_a_credential_key(city: City, _: Pass) -> None:
    """Somebody who holds a credential key signs a list that says VALID: the wrong role."""
    real = city.office.ring
    publication = city.office.publication
    publication._ring = _OtherRole(real, Role.STATUS_LIST, Role.CREDENTIAL)  # type: ignore[assignment]
    city.later(seconds=5)
    publication.publish_all()


def _amends(city: City, pass_: Pass) -> None:
    """Whatever this type's QR code says: a plate, a flag, a count, a name."""
    city._change(pass_, renewing=False, **_other_words(city, pass_))


def _other_words(city: City, pass_: Pass) -> dict[str, Any]:
    declared = city.office.catalogue.named(pass_.pass_type)
    for claim in declared.qr_claims:
        if claim.holder_field == "family_name":
            return {"holders": (replace(pass_.holders[0], family_name="Anders"),)}
        if claim.kind is ClaimKind.PLATES:
            return {"claims": dict(pass_.claims) | {claim.name: ("D-XX 1",)}}
    number = declared.number_claim.name
    return {"claims": dict(pass_.claims) | {number: "T-OTHER"}}


def _listed_otherwise(city: City, change: Callable[[TrustList], TrustList]) -> None:
    """The city publishes a trust list that says something else of its keys or types."""
    city.later(seconds=5)
    anchor = read_anchor(city.settings.anchor)
    path = city.settings.published / "trust-list.jwt"
    listed = read_trust_list(path.read_bytes(), anchor, int(city.clock()))
    changed = replace(change(listed), version=listed.version + 1, issued_at=int(city.clock()))
    path.write_bytes(sign_trust_list(changed, city.office.signer(Role.TRUST_LIST)))


def _switches_the_type_off(city: City, pass_: Pass) -> None:
    _listed_otherwise(city, lambda t: replace(t, types=tuple(x for x in t.types if x.name != pass_.pass_type)))


def _limits_the_key(city: City, pass_: Pass) -> None:
    _listed_otherwise(city, lambda t: _of_credential_keys(t, pass_types=frozenset({"another_type"})))


def _key_signs_later(city: City, _: Pass) -> None:
    _listed_otherwise(city, lambda t: _of_credential_keys(t, sign_from=int(city.clock())))


def _of_credential_keys(listed: TrustList, **change: Any) -> TrustList:
    keys = (replace(key, **change) if key.role is Role.CREDENTIAL else key for key in listed.keys)
    return replace(listed, keys=tuple(keys))


class _OtherRole:
    """A ring that hands out the key of another role."""

    def __init__(self, ring: object, asked: Role, given: Role) -> None:
        self._ring, self._asked, self._given = ring, asked, given

    def signer(self, role: Role, now: object) -> object:
        return self._ring.signer(self._given if role is self._asked else role, now)  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        return getattr(self._ring, name)


SENTENCES: dict[str, tuple[Event, Outcome, Reason, Step | None]] = {
    "a pass that nothing happened to": (lambda *_: None, Outcome.ACCEPTED, Reason.ACCEPTED, None),
    "a suspended pass": (lambda c, p: c.suspends(p), Outcome.REFUSED, Reason.SUSPENDED, Step.STATUS),
    "a revoked pass": (lambda c, p: c.revokes(p), Outcome.REFUSED, Reason.REVOKED, Step.STATUS),
    "a pass suspended and reinstated": (
        lambda c, p: (c.suspends(p), c.reinstates(p)),
        Outcome.ACCEPTED,
        Reason.ACCEPTED,
        None,
    ),
    "a pass suspended and then revoked": (
        lambda c, p: (c.suspends(p), c.revokes(p)),
        Outcome.REFUSED,
        Reason.REVOKED,
        Step.STATUS,
    ),
    "a pass whose last day is over": (_lets_it_expire, Outcome.REFUSED, Reason.EXPIRED, Step.VALIDITY),
    "a renewed pass shown with its old code": (
        lambda c, p: c.renews(p, c.today + timedelta(days=300)),
        Outcome.ACCEPTED,
        Reason.ACCEPTED,
        None,
    ),
    "a carrier that was reported lost": (
        lambda c, p: (c.withdraws(p, "qr"), c.withdraws(p, "page")),
        Outcome.REFUSED,
        Reason.REVOKED,
        Step.STATUS,
    ),
    "another carrier was reported lost": (
        lambda c, p: c.withdraws(p, "apple"),
        Outcome.ACCEPTED,
        Reason.ACCEPTED,
        None,
    ),
    "a code signed with a key that was withdrawn": (
        _withdraws_the_signing_key,
        Outcome.REFUSED,
        Reason.UNKNOWN_KEY,
        Step.SIGNATURE,
    ),
    "a code signed before the key was followed by another": (
        lambda c, p: (c.adds_key(Role.CREDENTIAL), c.publishes()),
        Outcome.ACCEPTED,
        Reason.ACCEPTED,
        None,
    ),
    "a code whose pass was amended since": (_amends, Outcome.REFUSED, Reason.REVOKED, Step.STATUS),
    "a pass that was shortened since": (
        lambda c, p: c._change(p, renewing=False, valid_until=c.today + timedelta(days=3)),
        Outcome.REFUSED,
        Reason.REVOKED,
        Step.STATUS,
    ),
    "a code of a type the city no longer lists": (
        _switches_the_type_off,
        Outcome.REFUSED,
        Reason.UNKNOWN_TYPE,
        Step.TRUST,
    ),
    "a key that may sign other types only": (_limits_the_key, Outcome.REFUSED, Reason.KEY_NOT_ALLOWED, Step.TRUST),
    "a code from before the key might sign": (_key_signs_later, Outcome.REFUSED, Reason.KEY_OUTSIDE_WINDOW, Step.TRUST),
    "status lists older than the type allows": (
        _stays_silent(7.1),
        Outcome.UNDETERMINED,
        Reason.STATUS_STALE,
        Step.STATUS,
    ),
    "a trust list that has ended": (
        _stays_silent(31),
        Outcome.UNDETERMINED,
        Reason.TRUST_LIST_STALE,
        Step.SIGNATURE,
    ),
    "no trust list": (_loses("trust-list.jwt"), Outcome.UNDETERMINED, Reason.TRUST_LIST_STALE, Step.SIGNATURE),
    "no status lists": (_loses("status/*"), Outcome.UNDETERMINED, Reason.STATUS_UNAVAILABLE, Step.STATUS),
    "no type documents": (_loses("types/*/*"), Outcome.UNDETERMINED, Reason.TYPE_UNAVAILABLE, Step.TRUST),
    "status lists signed by a key of another role": (
        _status_lists_signed_by_a_credential_key,
        Outcome.UNDETERMINED,
        Reason.STATUS_UNAVAILABLE,
        Step.STATUS,
    ),
}


@pytest.mark.parametrize("pass_type", [t.name for t in load_catalogue()])
@pytest.mark.parametrize("format_", sorted(load_formats()))
@pytest.mark.parametrize("sentence", SENTENCES)
def test_an_inspector_judges(sentence: str, format_: str, pass_type: str, city: City) -> None:
    happens, outcome, reason, failing = SENTENCES[sentence]
    pass_ = city.grants(pass_type)
    presents = city.presents(pass_, format_)
    assert load_formats()[format_].decode(presents()).format == format_
    assert city.inspector_sees(presents()).outcome is Outcome.ACCEPTED, "before anything happens"
    happens(city, pass_)
    verdict = city.inspector_sees(presents())
    assert (verdict.outcome, verdict.reason) == (outcome, reason)
    results = dict(verdict.steps)
    assert list(results) == list(Step)
    if failing is None:
        assert StepResult.FAILED not in results.values()
    else:
        expected = StepResult.UNKNOWN if outcome is Outcome.UNDETERMINED else StepResult.FAILED
        assert results[failing] is expected
        assert all(
            r is StepResult.NOT_CHECKED for s, r in results.items() if list(Step).index(s) > list(Step).index(failing)
        )


@pytest.mark.parametrize("pass_type", [t.name for t in load_catalogue()])
def test_an_inspector_judges_a_live_code_by_its_phone_and_moment(pass_type: str, city: City) -> None:
    phone, stranger, now = Phone(), Phone(), city.clock()
    credential = city.binds(city.link(city.grants(pass_type)), phone)
    for text, reason in (
        (phone.shows(credential, now), Reason.ACCEPTED),
        (phone.shows(credential, now - 31), Reason.PROOF_STALE),
        (phone.shows(credential, now + 31), Reason.PROOF_EARLY),
        (stranger.shows(credential, now), Reason.BAD_PROOF),
    ):
        verdict = city.inspector_sees(text)
        assert verdict.reason is reason
        holder = StepResult.PASSED if reason is Reason.ACCEPTED else StepResult.FAILED
        assert dict(verdict.steps)[Step.HOLDER] is holder


@pytest.mark.parametrize(("pass_type", "hours"), [("resident_parking_permit", 24), ("library_card", 7 * 24)])
def test_each_type_says_how_old_a_status_list_may_be(pass_type: str, hours: int, city: City) -> None:
    text = city.qr(city.grants(pass_type))
    city.publishes()
    signed_at = city.office.publication._now()
    city.clock.seconds = signed_at + hours * 3600 - 60
    assert city.inspector_sees(text).reason is Reason.ACCEPTED
    city.clock.seconds = signed_at + hours * 3600 + 60
    assert city.inspector_sees(text).reason is Reason.STATUS_STALE


def test_a_pass_that_begins_next_month_is_not_yet_valid(city: City) -> None:
    pass_ = city.grants("resident_parking_permit", valid_from=city.today + timedelta(days=10))
    text = city.qr(pass_)
    assert city.inspector_sees(text).reason is Reason.NOT_YET_VALID
    city.later(days=10)
    city.publishes()
    assert city.inspector_sees(text).reason is Reason.ACCEPTED


def test_a_pass_is_valid_through_its_last_local_day(city: City) -> None:
    last = city.today + timedelta(days=1)
    text = city.qr(city.grants("resident_parking_permit", valid_until=last))
    midnight = city.office.now().replace(hour=23, minute=0, second=0) + timedelta(days=1)  # 00:00 in Düsseldorf
    city.publishes()
    city.clock.seconds = midnight.timestamp() - 1
    city.publishes()
    assert city.inspector_sees(text).reason is Reason.ACCEPTED
    city.clock.seconds = midnight.timestamp() + 2
    assert city.inspector_sees(text).reason is Reason.EXPIRED
