"""The seal: opens for its owner only, keeps purposes apart, and is the same for two processes that start at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from web.staff.sealing import Seal, read_seal


def test_what_is_sealed_opens_unchanged_for_the_same_owner_and_key_only() -> None:
    seal = Seal(bytes(32))
    sealed = seal.seal(b"key", "karla")
    assert sealed != seal.seal(b"key", "karla") and b"key" not in sealed
    assert seal.open(sealed, "karla") == b"key"
    changed = bytes([sealed[0] ^ 1]) + sealed[1:]
    for wrong, owner in [
        (sealed, "other"),
        (changed, "karla"),
        (sealed[:-1], "karla"),
        (b"", "karla"),
        (b"x", "karla"),
    ]:
        assert seal.open(wrong, owner) is None
    assert Seal(b"1" * 32).open(sealed, "karla") is None


def test_digests_depend_on_key_purpose_and_where_a_part_ends() -> None:
    seal = Seal(bytes(32))
    found = [
        seal.digest("a", b"xy"),
        seal.digest("b", b"xy"),
        seal.digest("a", b"x", b"y"),
        seal.digest("a", b"xy", b""),
    ]
    assert len({*found, Seal(b"1" * 32).digest("a", b"xy")}) == 5
    assert seal.digest("a", b"xy") == found[0] and len(found[0]) == 32


def test_processes_that_start_at_once_share_one_seal(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        seals = list(pool.map(lambda _: read_seal(tmp_path / "new" / "staff.key"), range(8)))
    assert len({seal.digest("a") for seal in seals}) == 1


def test_a_damaged_seal_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "staff.key").write_bytes(b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        read_seal(tmp_path / "staff.key")
