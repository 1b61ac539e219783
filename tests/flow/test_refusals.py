"""What an inspector sees, as one table: a sentence, what happened, and the reason. For every type and every format."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from keys.signer import Role
from tests.city import City
from walletpass.formats import load_formats
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
        lambda c, p: c.withdraws(p, "qr"),
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
    text = city.qr(pass_)
    assert load_formats()[format_].decode(text).format == format_
    assert city.inspector_sees(text).outcome is Outcome.ACCEPTED, "before anything happens"
    happens(city, pass_)
    verdict = city.inspector_sees(text)
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
