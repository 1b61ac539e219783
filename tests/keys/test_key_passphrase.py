"""The passphrase: given, read from a private file, or made; never made over keys that need another."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from keys.errors import WrongPassphrase
from keys.passphrase import PASSPHRASE_FILE, read_passphrase


def test_a_given_passphrase_is_taken_and_nothing_is_written(tmp_path: Path) -> None:
    assert read_passphrase("a passphrase of some length", tmp_path) == (b"a passphrase of some length", "")
    assert list(tmp_path.iterdir()) == []


def test_a_short_passphrase_is_warned_of(tmp_path: Path) -> None:
    passphrase, warning = read_passphrase("short", tmp_path)
    assert passphrase == b"short" and "shorter than 16" in warning


@pytest.mark.parametrize("given", [None, ""])
def test_without_one_a_random_one_is_made_once_in_a_private_file(tmp_path: Path, given: str | None) -> None:
    passphrase, warning = read_passphrase(given, tmp_path / "issuer")
    file = tmp_path / "issuer" / PASSPHRASE_FILE
    assert len(passphrase) >= 27 and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert str(file) in warning and passphrase.decode() not in warning
    assert read_passphrase(given, tmp_path / "issuer") == (passphrase, "")
    assert read_passphrase(given, tmp_path / "other")[0] != passphrase


def test_keys_without_their_passphrase_get_no_new_one(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ring.json").write_text("{}")
    with pytest.raises(WrongPassphrase, match="WALLETPASS_KEY_PASSPHRASE"):
        read_passphrase(None, tmp_path)
    assert not (tmp_path / PASSPHRASE_FILE).exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / PASSPHRASE_FILE).write_text("a passphrase of some length\n")
    (tmp_path / PASSPHRASE_FILE).chmod(mode)
    with pytest.raises(WrongPassphrase, match="chmod 600"):
        read_passphrase(None, tmp_path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / PASSPHRASE_FILE).write_text("\n")
    (tmp_path / PASSPHRASE_FILE).chmod(0o600)
    with pytest.raises(WrongPassphrase, match="empty"):
        read_passphrase(None, tmp_path)
