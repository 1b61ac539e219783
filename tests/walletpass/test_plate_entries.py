"""Entries of plate lists: found by their key's holder, and as good as random for everybody else."""

from __future__ import annotations

import hashlib
import hmac
import secrets

import pytest

from walletpass.plate_entries import (
    ENTRY_BYTES,
    MOST_DAYS,
    PADDING,
    TagsCollide,
    days_left,
    in_order,
    key_check,
    pack_entries,
    stretched,
    tag,
)

KEY, OTHER_KEY = bytes(range(32)), bytes(range(1, 33))
SALT, NONCE = b"s" * 16, b"n" * 16


def tag_of(plate: str, zone: str = "7", key: bytes = KEY, nonce: bytes = NONCE) -> bytes:
    return tag(key, nonce, zone, stretched(plate, SALT, 1000))


def test_a_tag_is_what_the_decision_says() -> None:
    """The same bytes by another way round, so that another language can be held to them."""
    slow = hashlib.pbkdf2_hmac("sha256", "DÖAB1234E".encode(), SALT, 1000)
    expected = hmac.new(KEY, NONCE + "MÜ".encode() + b"\x00" + slow, hashlib.sha256).digest()
    assert tag_of("DÖ-AB 1234E", "MÜ") == expected
    assert expected.hex() == "6034967033f04baa0abf25cfc14e4da193c5769ade110328542a8418c56bd63a"


@pytest.mark.parametrize("days", [0, 1, 365, MOST_DAYS, MOST_DAYS + 1])
def test_what_was_packed_is_found_with_its_end(days: int) -> None:
    tags = [tag_of(f"D-AB {number}") for number in range(1, 80)]
    entries = pack_entries((full, days) for full in tags)
    assert in_order(entries)
    assert {days_left(entries, full) for full in tags} == {min(days, MOST_DAYS)}
    assert days_left(entries, tag_of("D-AB 80")) is None


def test_first_and_last_entries_are_found() -> None:
    entries = pack_entries([(b"\x00" * 32, 5), (b"\xff" * 32, 6)])
    assert days_left(entries, b"\x00" * 32) == 5
    assert days_left(entries, b"\xff" * 32) == 6


@pytest.mark.parametrize(("permits", "entries"), [(0, 64), (1, 64), (63, 64), (64, 64), (65, 128)])
def test_nobody_can_count_the_permits_of_a_zone(permits: int, entries: int) -> None:
    packed = pack_entries((secrets.token_bytes(32), 9) for _ in range(permits))
    assert len(packed) == entries * ENTRY_BYTES
    assert entries % PADDING == 0


@pytest.mark.parametrize(
    "other",
    [
        tag_of("D-AB 1234", "8"),
        tag_of("D-AB 1234", key=OTHER_KEY),
        tag_of("D-AB 1234", nonce=b"m" * 16),
        tag(KEY, NONCE, "7", stretched("D-AB 1234", b"t" * 16, 1000)),
        tag(KEY, NONCE, "7", stretched("D-AB 1234", SALT, 1001)),
    ],
    ids=["zone", "key", "nonce", "salt", "iterations"],
)
def test_another_zone_key_nonce_salt_or_cost_finds_nothing(other: bytes) -> None:
    entries = pack_entries([(tag_of("D-AB 1234"), 100)])
    assert days_left(entries, tag_of("D-AB 1234")) == 100
    assert days_left(entries, other) is None


def test_two_lists_of_the_same_cars_have_no_entry_in_common() -> None:
    lists = []
    for nonce in (b"a" * 16, b"b" * 16):
        packed = pack_entries((tag_of(f"D-AB {n}", nonce=nonce), 300) for n in range(1, 65))
        lists.append({packed[at : at + ENTRY_BYTES] for at in range(0, len(packed), ENTRY_BYTES)})
    assert not lists[0] & lists[1]


def test_equal_ends_look_different() -> None:
    """Without the mask, one end of many permits (31 December) would show at a glance."""
    packed = pack_entries((tag_of(f"D-AB {n}"), 38) for n in range(1, 65))
    ends = {packed[at + 8 : at + 10] for at in range(0, len(packed), ENTRY_BYTES)}
    assert len(ends) > 55


def test_a_collision_is_told_and_not_swallowed() -> None:
    with pytest.raises(TagsCollide):
        pack_entries([(b"prefix--" + b"a" * 24, 1), (b"prefix--" + b"b" * 24, 2)])


def test_a_key_is_known_by_its_check() -> None:
    assert key_check(KEY, NONCE) == key_check(KEY, NONCE)
    assert len({key_check(KEY, NONCE), key_check(OTHER_KEY, NONCE), key_check(KEY, b"m" * 16)}) == 3


@pytest.mark.parametrize(
    "entries",
    [b"", b"x", bytes(11), bytes(10) + bytes(10), b"b" * 10 + b"a" * 10],
    ids=["none", "cut off", "one byte more", "doubled", "out of order"],
)
def test_what_is_no_list_of_entries_is_told(entries: bytes) -> None:
    assert not in_order(entries)
