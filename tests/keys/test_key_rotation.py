"""Rotation: the new key waits until verifiers know it, the old one keeps its word, and nobody is surprised."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.errors import KeyNotFound, KeyProblem
from keys.key_ring import KeyRing
from keys.rotation import LEAD, OVERLAP, new_key, rotate, warnings
from keys.signer import Role
from tests.keys.sample_city import NOW

DAY = timedelta(days=1)


def test_the_new_key_is_listed_at_once_and_signs_after_the_lead(ring: KeyRing) -> None:
    old = ring.signer(Role.CREDENTIAL, NOW)
    new = rotate(ring, Role.CREDENTIAL, NOW)
    assert {old.kid, new.kid} <= {key.kid for key in ring.listed_keys(NOW)}
    assert ring.signer(Role.CREDENTIAL, NOW).kid == old.kid
    assert ring.signer(Role.CREDENTIAL, NOW + LEAD).kid == new.kid


def test_both_keys_may_sign_during_the_overlap_and_the_old_one_not_after(ring: KeyRing) -> None:
    old = ring.signer(Role.CREDENTIAL, NOW)
    new = rotate(ring, Role.CREDENTIAL, NOW)
    windows = {entry.kid: entry for entry in ring.entries()}
    for moment, may in ((NOW + LEAD, True), (NOW + OVERLAP - DAY, True), (NOW + OVERLAP, False)):
        assert windows[old.kid].can_sign(moment) is may
        assert windows[new.kid].can_sign(moment)


def test_what_the_old_key_signed_stays_good_until_it_is_withdrawn(ring: KeyRing) -> None:
    old = ring.signer(Role.CREDENTIAL, NOW)
    rotate(ring, Role.CREDENTIAL, NOW)
    much_later = NOW + timedelta(days=300)
    listed = {key.kid: key for key in ring.listed_keys(much_later)}
    assert listed[old.kid].sign_until == int((NOW + OVERLAP).timestamp())
    ring.withdraw(old.kid, much_later)
    assert old.kid not in {key.kid for key in ring.listed_keys(much_later)}


def test_rotation_at_once_is_possible_for_an_emergency(ring: KeyRing) -> None:
    old = ring.signer(Role.STATUS_LIST, NOW)
    new = rotate(ring, Role.STATUS_LIST, NOW, lead=timedelta(0), overlap=timedelta(0))
    assert ring.signer(Role.STATUS_LIST, NOW).kid == new.kid
    assert not next(entry for entry in ring.entries() if entry.kid == old.kid).can_sign(NOW)


def test_a_gap_without_any_signer_is_refused(ring: KeyRing) -> None:
    with pytest.raises(KeyProblem, match="no key could sign"):
        rotate(ring, Role.CREDENTIAL, NOW, lead=2 * DAY, overlap=DAY)


def test_rotation_never_lengthens_a_window(ring: KeyRing) -> None:
    old = ring.signer(Role.CREDENTIAL, NOW)
    rotate(ring, Role.CREDENTIAL, NOW)
    rotate(ring, Role.CREDENTIAL, NOW + 2 * DAY)
    entry = next(entry for entry in ring.entries() if entry.kid == old.kid)
    assert entry.sign_until == NOW + OVERLAP


def test_rotation_touches_its_own_role_only_and_keeps_the_pass_types(ring: KeyRing) -> None:
    types = frozenset({"library_card"})
    limited = new_key(ring, Role.CREDENTIAL, NOW, pass_types=types)
    before = {entry.kid: entry for entry in ring.entries()}
    assert ring.signer(Role.CREDENTIAL, NOW).kid == limited.kid
    assert rotate(ring, Role.CREDENTIAL, NOW).pass_types == types
    for entry in ring.entries():
        if entry.role is not Role.CREDENTIAL:
            assert entry == before[entry.kid]


@pytest.mark.parametrize("role", [Role.ANCHOR, Role.APPLE_PASS, Role.GOOGLE_SERVICE_ACCOUNT])
def test_keys_from_outside_are_not_made_here(ring: KeyRing, role: Role) -> None:
    with pytest.raises(KeyProblem, match="cannot be made here"):
        new_key(ring, role, NOW)


def test_without_the_anchor_no_key_is_made() -> None:
    with pytest.raises(KeyNotFound, match="anchor"):
        new_key(KeyRing.in_memory(), Role.CREDENTIAL, NOW)


@pytest.mark.parametrize(
    ("days_left", "words"),
    [
        (61, None),
        (60, "within 60 days"),
        (31, "within 60 days"),
        (30, "within 30 days"),
        (8, "within 30 days"),
        (7, "within a week"),
        (1, "within a week"),
        (0, "has ended"),
        (-5, "has ended"),
    ],
)
def test_a_certificate_that_ends_is_announced_in_time(ring: KeyRing, days_left: int, words: str | None) -> None:
    entry = next(entry for entry in ring.entries() if entry.role is Role.CREDENTIAL)
    found = warnings([entry], entry.certificate_until - timedelta(days=days_left))
    assert len(found) == (words is not None)
    if words:
        assert words in found[0] and "credential" in found[0] and f"{entry.certificate_until:%Y-%m-%d}" in found[0]
        assert found[0].endswith("walletpass keys rotate credential")


def test_each_role_is_told_its_own_remedy(demo_ring: KeyRing) -> None:
    apple = next(entry for entry in demo_ring.entries() if entry.role is Role.APPLE_PASS)
    assert "keys import apple-pass" in warnings([apple], apple.certificate_until)[0]
    google = next(entry for entry in demo_ring.entries() if entry.role is Role.GOOGLE_SERVICE_ACCOUNT)
    assert warnings([google], NOW + timedelta(days=9999)) == []


def test_a_successor_ends_the_warnings_but_a_withdrawn_one_does_not(ring: KeyRing) -> None:
    old = next(entry for entry in ring.entries() if entry.role is Role.CREDENTIAL)
    late = old.certificate_until - 5 * DAY
    successor = replace(old, kid=b"successr", certificate_until=old.certificate_until + 400 * DAY)
    assert len(warnings([old], late)) == 1
    assert warnings([old, successor], late) == []
    assert len(warnings([old, replace(successor, withdrawn_at=late)], late)) == 1
    assert warnings([replace(old, withdrawn_at=NOW)], late) == []
