"""Secrets sealed for the database: only the passphrase opens them, each as what it is."""

from __future__ import annotations

import pytest

from keys.errors import WrongPassphrase
from keys.sealing import seal, unseal

SECRET = bytes(range(32))


def test_what_is_sealed_opens_again_and_looks_different_every_time() -> None:
    one, other = (seal(SECRET, b"passphrase", "a key") for _ in range(2))
    assert unseal(one, b"passphrase", "a key") == unseal(other, b"passphrase", "a key") == SECRET
    assert one != other
    assert SECRET not in one


@pytest.mark.parametrize(("passphrase", "about"), [(b"another", "a key"), (b"passphrase", "another key")])
def test_another_passphrase_or_purpose_opens_nothing(passphrase: bytes, about: str) -> None:
    with pytest.raises(WrongPassphrase):
        unseal(seal(SECRET, b"passphrase", "a key"), passphrase, about)


@pytest.mark.parametrize("place", [0, 20, 40, -1])
def test_damage_is_seen(place: int) -> None:
    sealed = bytearray(seal(SECRET, b"passphrase", "a key"))
    sealed[place] ^= 1
    with pytest.raises(WrongPassphrase):
        unseal(bytes(sealed), b"passphrase", "a key")
    with pytest.raises(WrongPassphrase):
        unseal(bytes(sealed[:20]), b"passphrase", "a key")
