"""How a licence plate becomes an entry of a plate list, and how it is found there again (ADR 0010).

    stretched = PBKDF2-HMAC-SHA256(compare form of the plate, salt of the day, iterations)     RFC 8018 section 5.2
    tag       = HMAC-SHA256(key of the day, nonce of the list ‖ zone ‖ 0x00 ‖ stretched)       RFC 2104

An entry is the tag's first 8 bytes and, masked with the next 2, how many days after the list's day the permit still
runs. Without the day's key an entry is as good as random, the next list's entries look like others, and so does
another zone's entry for the same car.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise

from walletpass.claims import plate_key

KEY_BYTES = 32
SALT_BYTES = 16  # of the day
NONCE_BYTES = 16  # of the list
PREFIX_BYTES = 8
ENTRY_BYTES = PREFIX_BYTES + 2
MOST_DAYS = 0xFFFF
PADDING = 64  # a zone has a multiple of so many entries: nobody can count its permits


class TagsCollide(Exception):
    """Two cars have one prefix under this nonce (one list in 10¹⁰): take another nonce."""


def stretched(plate: str, salt: bytes, iterations: int) -> bytes:
    """What is tagged instead of the plate: 32 bytes that cost `iterations` to make of each guess."""
    return hashlib.pbkdf2_hmac("sha256", plate_key(plate).encode(), salt, iterations)


def tag(key: bytes, nonce: bytes, zone: str, stretched_plate: bytes) -> bytes:
    """The 32 bytes of a plate in a zone. A zone holds no NUL, and both ends have a fixed length: one reading only."""
    return hmac.digest(key, nonce + zone.encode() + b"\0" + stretched_plate, "sha256")


def key_check(key: bytes, nonce: bytes) -> bytes:
    """Tells whether this is the list's key: with another one every plate would seem to have no permit."""
    return hmac.digest(key, nonce, "sha256")[:PREFIX_BYTES]


def pack_entries(tagged: Iterable[tuple[bytes, int]]) -> bytes:
    """A zone's entries in rising order, decoys among them, from (tag, days left); raises `TagsCollide`."""
    entries: dict[bytes, bytes] = {}
    for full, days in tagged:
        if full[:PREFIX_BYTES] in entries:
            raise TagsCollide
        entries[full[:PREFIX_BYTES]] = _masked(full, min(days, MOST_DAYS))
    while not entries or len(entries) % PADDING:
        entries.setdefault(secrets.token_bytes(PREFIX_BYTES), secrets.token_bytes(ENTRY_BYTES - PREFIX_BYTES))
    return b"".join(prefix + masked for prefix, masked in sorted(entries.items()))


def days_left(entries: bytes, full: bytes) -> int | None:
    """How many days after the list's day the permit with this tag runs; None when there is none."""
    places = range(len(entries) // ENTRY_BYTES)
    wanted = full[:PREFIX_BYTES]
    place = bisect_left(places, wanted, key=lambda at: _prefix(entries, at))
    if place == len(places) or _prefix(entries, place) != wanted:
        return None
    end = (place + 1) * ENTRY_BYTES
    return int.from_bytes(_masked(full, int.from_bytes(entries[end - 2 : end], "big")), "big")


def in_order(entries: bytes) -> bool:
    """Is this one list of entries, in strictly rising order?"""
    found = [_prefix(entries, at) for at in range(len(entries) // ENTRY_BYTES)]
    rising = all(one < other for one, other in pairwise(found))
    return bool(found) and len(entries) % ENTRY_BYTES == 0 and rising


def _prefix(entries: bytes, place: int) -> bytes:
    start = place * ENTRY_BYTES
    return entries[start : start + PREFIX_BYTES]


def _masked(full: bytes, days: int) -> bytes:
    return (days ^ int.from_bytes(full[PREFIX_BYTES:ENTRY_BYTES], "big")).to_bytes(2, "big")
