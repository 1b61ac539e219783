"""The six steps: every way to be refused or undetermined, and both sides of every boundary second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.signer import Role
from keys.trust_list import ListedKey
from tests.verifiers.sample_city import CLAIMS, DAY, HOUR, NOW, PARKING, TYPES, SampleCity
from verifiers.published import PublishedSet
from verifiers.verification import verify
from walletpass import base45, cbor, cose
from walletpass.credential import StatusReference
from walletpass.cwt_claims import APP, CTI, EXP, IAT, ISS, NBF, STATUS
from walletpass.status_list import StatusList
from walletpass.verdict import UNDETERMINED_REASONS, Outcome, Reason, Step, StepResult, Verdict

UNTIL = NOW + 100 * DAY


def raw_text(city: SampleCity, app: Mapping[int, Any], **claims: Any) -> str:
    """A well-signed credential that our own writer would refuse to write."""
    signer = city.signer(Role.CREDENTIAL)
    payload = {ISS: city.issuer, EXP: UNTIL, NBF: NOW, IAT: NOW, CTI: b"12345678", APP: dict(app)}
    payload[STATUS] = {"status_list": {"idx": 7, "uri": city.list_uri}}
    payload |= {int(key): value for key, value in claims.items()}
    encoded = cbor.encode({key: value for key, value in payload.items() if value is not None})
    protected = cose.protected_header(signer.kid)
    signature = signer.sign(cose.sig_structure(protected, encoded))
    return "WP1:" + base45.encode(cose.assemble(protected, encoded, signature))


def stops(verdict: Verdict, step: Step, reason: Reason) -> bool:
    """The verdict's reason, that it stopped at `step`, passed all before and asked nothing after."""
    unknown = reason in UNDETERMINED_REASONS
    at = list(Step).index(step)
    here = StepResult.UNKNOWN if unknown else StepResult.FAILED
    expected = [StepResult.PASSED] * at + [here] + [StepResult.NOT_CHECKED] * (5 - at)
    assert verdict.reason is reason
    assert [step for step, _ in verdict.steps] == list(Step)
    assert [result for _, result in verdict.steps] == expected
    assert verdict.outcome is (Outcome.UNDETERMINED if unknown else Outcome.REFUSED)
    assert (verdict.claims is None) == (at <= 2)
    return True


def test_a_good_pass_is_accepted_with_its_claims_and_all_steps(city: SampleCity) -> None:
    verdict = verify(city.qr(), city.known(), datetime.fromtimestamp(NOW + 62, UTC))
    assert (verdict.outcome, verdict.reason) == (Outcome.ACCEPTED, Reason.ACCEPTED)
    assert verdict.claims == CLAIMS
    assert verdict.pass_type == "resident_parking_permit"
    assert verdict.status_age_seconds == 62
    assert verdict.valid_until == "2027-04-25"
    assert [result for _, result in verdict.steps] == [StepResult.PASSED] * 5 + [StepResult.NOT_CHECKED]


@pytest.mark.parametrize("pass_type", list(TYPES), ids=lambda found: found.name)
def test_every_type_of_pass_is_accepted(city: SampleCity, pass_type: Any) -> None:
    samples: dict[str, Any] = {"flag": True, "plates": ("D-AB 1",), "year": 1990, "count": 2, "date": "1990-01-01"}
    claims = {claim.name: samples.get(claim.kind.value, "AB12") for claim in pass_type.qr_claims}
    verdict = verify(city.qr(pass_type=pass_type, claims=claims), city.known(), NOW)
    assert verdict.outcome is Outcome.ACCEPTED
    assert verdict.claims == claims


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-1],
        lambda text: text + "0",
        lambda text: text.replace("WP1:", "HC1:"),
        lambda text: text.lower(),
        lambda text: "WP1:",
        lambda text: "",
        lambda text: "WP1:" + "A" * 10_000_000,
        lambda text: "WP1:" + base45.encode(b"\xd2\x84" + b"\x81" * 400),
        lambda text: "WP1:" + base45.encode(base45.decode(text[4:]) + b"\x00"),
        lambda text: "WP1:\ud800",
    ],
    ids=["cut", "longer", "other", "lower", "bare", "empty", "10 MB", "nested", "trailing", "surrogate"],
)
def test_what_is_no_credential_is_malformed(city: SampleCity, spoil: Callable[[str], str]) -> None:
    assert stops(verify(spoil(city.qr()), city.known(), NOW), Step.SHAPE, Reason.MALFORMED)


@pytest.mark.parametrize("number", range(3, 10))
def test_a_reserved_format_is_named_as_such(city: SampleCity, number: int) -> None:
    assert stops(verify(f"WP{number}:ABC", city.known(), NOW), Step.SHAPE, Reason.UNSUPPORTED_FORMAT)


def test_without_a_trust_list_nothing_is_known(city: SampleCity) -> None:
    assert stops(verify(city.qr(), PublishedSet(), NOW), Step.SIGNATURE, Reason.TRUST_LIST_STALE)


def test_a_trust_list_serves_until_the_second_it_ends(city: SampleCity) -> None:
    city.publish(expires_at=NOW + HOUR)
    known = city.known()
    assert verify(city.qr(), known, NOW + HOUR - 1).outcome is Outcome.ACCEPTED
    assert stops(verify(city.qr(), known, NOW + HOUR), Step.SIGNATURE, Reason.TRUST_LIST_STALE)


def test_a_key_that_is_not_listed_is_unknown(city: SampleCity, tmp_path: Any) -> None:
    forger = SampleCity(tmp_path / "forger")
    assert stops(verify(forger.qr(), city.known(), NOW), Step.SIGNATURE, Reason.UNKNOWN_KEY)


@pytest.mark.parametrize("role", [Role.STATUS_LIST, Role.TRUST_LIST])
def test_a_listed_key_of_another_role_signs_no_credential(city: SampleCity, role: Role) -> None:
    assert stops(verify(city.qr(city.signer(role)), city.known(), NOW), Step.SIGNATURE, Reason.UNKNOWN_KEY)


def test_every_key_with_the_same_short_id_is_tried(city: SampleCity, tmp_path: Any) -> None:
    stranger = SampleCity(tmp_path / "stranger").publish()
    other = next(key for key in stranger.keys if key.role is Role.CREDENTIAL)
    known = city.known()
    [(kid, keys)] = known.credential_keys.items()
    twin = replace(other, kid=kid)
    assert verify(city.qr(), replace(known, credential_keys={kid: (twin, *keys)}), NOW).outcome is Outcome.ACCEPTED
    alone = replace(known, credential_keys={kid: (twin,)})
    assert stops(verify(city.qr(), alone, NOW), Step.SIGNATURE, Reason.BAD_SIGNATURE)


def test_no_changed_byte_is_ever_accepted(city: SampleCity) -> None:
    known, genuine = city.known(), base45.decode(city.qr()[4:])
    for at in range(len(genuine)):
        changed = bytearray(genuine)
        changed[at] ^= 1 << at % 8
        verdict = verify("WP1:" + base45.encode(bytes(changed)), known, NOW)
        assert verdict.outcome is Outcome.REFUSED
        assert verdict.reason in (Reason.MALFORMED, Reason.UNKNOWN_KEY, Reason.BAD_SIGNATURE)
        assert verdict.claims is None


def test_a_type_that_is_not_listed_is_unknown(city: SampleCity) -> None:
    assert stops(verify(raw_text(city, {0: 999, 1: "X"}), city.known(), NOW), Step.TRUST, Reason.UNKNOWN_TYPE)


def change_credential_key(**changes: Any) -> Callable[[ListedKey], ListedKey]:
    return lambda key: replace(key, **changes) if key.role is Role.CREDENTIAL else key


def test_a_key_signs_only_the_types_it_is_listed_for(city: SampleCity) -> None:
    city.publish(change_credential_key(pass_types=frozenset({"library_card"})))
    assert stops(verify(city.qr(), city.known(), NOW), Step.TRUST, Reason.KEY_NOT_ALLOWED)
    city.publish(change_credential_key(pass_types=frozenset({PARKING.name})))
    assert verify(city.qr(), city.known(), NOW).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("window", "issued_at", "good"),
    [
        ({"sign_from": NOW}, NOW, True),
        ({"sign_from": NOW + 1}, NOW, False),
        ({"sign_until": NOW}, NOW, True),
        ({"sign_until": NOW}, NOW + 1, False),
        ({"sign_until": None}, NOW + 1, True),
    ],
)
def test_a_credential_is_signed_inside_its_keys_time(
    city: SampleCity, window: dict[str, Any], issued_at: int, good: bool
) -> None:
    city.publish(change_credential_key(**window))
    verdict = verify(city.qr(issued_at=issued_at), city.known(), NOW)
    assert verdict.outcome is Outcome.ACCEPTED if good else stops(verdict, Step.TRUST, Reason.KEY_OUTSIDE_WINDOW)


def test_the_issuer_is_the_one_the_trust_list_names(city: SampleCity) -> None:
    assert stops(verify(city.qr(issuer="https://other.example"), city.known(), NOW), Step.TRUST, Reason.WRONG_ISSUER)


@pytest.mark.parametrize("spoil", ["absent", "changed"])
def test_a_type_without_its_listed_document_cannot_be_judged(city: SampleCity, spoil: str) -> None:
    document = city.published / f"{PARKING.path()}.json"
    if spoil == "absent":
        document.unlink()
    else:
        document.write_bytes(document.read_bytes().replace(b'"mandatory":true', b'"mandatory":false'))
    assert stops(verify(city.qr(), city.known(), NOW), Step.TRUST, Reason.TYPE_UNAVAILABLE)


@pytest.mark.parametrize(
    "app",
    [{0: 2, 1: "BP-1", 2: 7}, {0: 2, 1: "BP-1", 2: "A", 4: 1}, {0: 2, 1: "BP-1", 2: "A", 3: "D-AB 1"}, {0: 2, 2: "A"}],
    ids=["number for a zone", "number for a flag", "text for plates", "permit number missing"],
)
def test_claims_that_do_not_fit_their_type_are_refused(city: SampleCity, app: dict[int, Any]) -> None:
    assert stops(verify(raw_text(city, app), city.known(), NOW), Step.TRUST, Reason.CLAIM_INVALID)


def test_nothing_undeclared_and_nothing_meant_for_others_is_shown(city: SampleCity) -> None:
    assert verify(raw_text(city, {0: 2, 1: "BP-1", 2: "A", 99: "secret"}), city.known(), NOW).claims == {
        "permit_number": "BP-1",
        "zone": "A",
    }
    library = verify(raw_text(city, {0: 1, 1: "L-1", 2: "Anna"}), city.known(), NOW)
    assert library.claims == {"card_number": "L-1"}


def test_a_pass_is_valid_from_its_first_to_its_last_second(city: SampleCity) -> None:
    text, known = city.qr(valid_from=NOW + HOUR, valid_until=NOW + 2 * HOUR), city.known()
    assert stops(verify(text, known, NOW + HOUR - 1), Step.VALIDITY, Reason.NOT_YET_VALID)
    assert verify(text, known, NOW + HOUR).outcome is Outcome.ACCEPTED
    assert verify(text, known, NOW + 2 * HOUR - 1).outcome is Outcome.ACCEPTED
    assert stops(verify(text, known, NOW + 2 * HOUR), Step.VALIDITY, Reason.EXPIRED)


def test_a_clock_that_signed_lists_prove_wrong_decides_nothing(city: SampleCity) -> None:
    known, text = city.known(), city.qr(valid_from=NOW - DAY)
    assert verify(text, known, NOW - 300).outcome is Outcome.ACCEPTED
    assert stops(verify(text, known, NOW - 301), Step.VALIDITY, Reason.CLOCK_WRONG)
    assert known.trust_list is not None
    earlier = replace(known, trust_list=replace(known.trust_list, issued_at=NOW - DAY))
    assert stops(verify(text, earlier, NOW - 301), Step.STATUS, Reason.CLOCK_WRONG)


def with_list(known: PublishedSet, city: SampleCity, **changes: Any) -> PublishedSet:
    return replace(known, status_lists={city.list_uri: replace(known.status_lists[city.list_uri], **changes)})


@pytest.mark.parametrize(
    ("value", "reason"), [(1, Reason.REVOKED), (2, Reason.SUSPENDED), (3, Reason.STATUS_UNKNOWN_VALUE)]
)
def test_each_status_but_valid_refuses(city: SampleCity, value: int, reason: Reason) -> None:
    city.statuses.set(7, value)
    city.publish_statuses()
    assert stops(verify(city.qr(), city.known(), NOW), Step.STATUS, reason)


def test_a_status_list_serves_until_it_is_too_old_for_the_type(city: SampleCity) -> None:
    text, known = city.qr(), city.known()
    assert verify(text, known, NOW + PARKING.max_status_age).outcome is Outcome.ACCEPTED
    late = verify(text, known, NOW + PARKING.max_status_age + 1)
    assert stops(late, Step.STATUS, Reason.STATUS_STALE)
    assert late.status_age_seconds == PARKING.max_status_age + 1


def test_a_status_list_serves_until_the_second_it_ends(city: SampleCity) -> None:
    known = with_list(city.known(), city, expires_at=NOW + HOUR)
    assert verify(city.qr(), known, NOW + HOUR - 1).outcome is Outcome.ACCEPTED
    assert stops(verify(city.qr(), known, NOW + HOUR), Step.STATUS, Reason.STATUS_STALE)


def test_revoked_is_final_so_even_an_old_list_says_it_but_suspended_may_have_ended(city: SampleCity) -> None:
    known, later = city.known(), NOW + 2 * DAY
    revoked = with_list(known, city, raw=b"\x00\x40")
    suspended = with_list(known, city, raw=b"\x00\x80")
    assert stops(verify(city.qr(), revoked, later), Step.STATUS, Reason.REVOKED)
    assert stops(verify(city.qr(), suspended, later), Step.STATUS, Reason.STATUS_STALE)
    assert stops(verify(city.qr(), suspended, NOW), Step.STATUS, Reason.SUSPENDED)


def test_the_last_entry_of_a_list_is_on_it_and_the_next_is_not(city: SampleCity) -> None:
    known = city.known()
    last, beyond = (StatusReference(city.list_uri, index) for index in (1023, 1024))
    assert verify(city.qr(status=last), known, NOW).outcome is Outcome.ACCEPTED
    assert stops(verify(city.qr(status=beyond), known, NOW), Step.STATUS, Reason.STATUS_OUT_OF_RANGE)
    late = NOW + PARKING.max_status_age + 1  # an old list may have been followed by a longer one
    assert stops(verify(city.qr(status=beyond), known, late), Step.STATUS, Reason.STATUS_STALE)


@pytest.mark.parametrize("uri", ["/status/2", "/status/1/", "/STATUS/1", "/status/1?a"])
def test_a_status_uri_is_compared_letter_by_letter(city: SampleCity, uri: str) -> None:
    text = city.qr(status=StatusReference(city.issuer + uri, 7))
    assert stops(verify(text, city.known(), NOW), Step.STATUS, Reason.STATUS_UNAVAILABLE)


def test_a_credential_without_a_status_is_refused(city: SampleCity) -> None:
    text = raw_text(city, {0: 2, 1: "BP-1", 2: "A"}, **{str(STATUS): None})
    assert stops(verify(text, city.known(), NOW), Step.STATUS, Reason.STATUS_MISSING)


class AskedForStatus(AssertionError):
    """A status was looked up."""


class Guarded(dict[str, StatusList]):
    def get(self, *_: Any) -> Any:
        raise AskedForStatus


def test_a_credential_that_already_failed_never_asks_for_its_status(city: SampleCity) -> None:
    known = replace(city.known(), status_lists=Guarded())
    assert verify(city.qr(valid_until=NOW + 1), known, NOW + 1).reason is Reason.EXPIRED
    with pytest.raises(AskedForStatus):
        verify(city.qr(), known, NOW)


def test_a_time_without_a_zone_is_a_mistake_of_the_caller(city: SampleCity) -> None:
    with pytest.raises(ValueError, match="zone"):
        verify(city.qr(), city.known(), datetime(2027, 1, 1))  # noqa: DTZ001


@pytest.fixture(scope="module")
def known_once(tmp_path_factory: pytest.TempPathFactory) -> PublishedSet:
    city = SampleCity(tmp_path_factory.mktemp("city"))
    city.publish()
    return city.known()


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.binary(max_size=300).map(lambda raw: "WP1:" + base45.encode(raw))))
def test_any_text_gets_a_verdict(known_once: PublishedSet, text: str) -> None:
    verdict = verify(text, known_once, NOW)
    assert verdict.outcome is Outcome.REFUSED
    assert verdict.claims is None
