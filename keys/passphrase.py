"""The passphrase of the keys: from a setting, or from a file that only its owner can read."""

from __future__ import annotations

import stat
from pathlib import Path

from passlib import pwd

from keys.atomic_file import create_private, make_private_folder
from keys.errors import WrongPassphrase
from keys.ring_entries import INDEX_FILE

PASSPHRASE_FILE = "key-passphrase"  # noqa: S105 - a file name
KEYS_FOLDER = "keys"
ENTROPY = 160  # bits of a passphrase we make
SHORT = 16  # characters; the keys' encryption stretches a passphrase only little
_MAX_FILE = 4096  # bytes


def read_passphrase(given: str | None, issuer_home: Path) -> tuple[bytes, str]:
    """The passphrase, and a warning sentence or nothing.

    `given` is the setting; without it the file `key-passphrase` in `issuer_home` is read, or made with a random one
    while there are no keys yet. Raises `WrongPassphrase`.
    """
    if given:
        short = len(given) < SHORT
        return given.encode(), f"The passphrase of the keys is shorter than {SHORT} characters." if short else ""
    file = issuer_home / PASSPHRASE_FILE
    if file.exists():
        return _read(file), ""
    if (issuer_home / KEYS_FOLDER / INDEX_FILE).exists():
        raise WrongPassphrase("There are keys but no passphrase; set WALLETPASS_KEY_PASSPHRASE.")
    make_private_folder(issuer_home)
    try:
        create_private(file, f"{pwd.genword(entropy=ENTROPY)}\n".encode())
    except FileExistsError:  # another process was first
        return _read(file), ""
    warning = f"No passphrase was set: a random one now opens the keys; it lies in {file}. Keep a copy elsewhere."
    return _read(file), warning


def _read(file: Path) -> bytes:
    try:
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise WrongPassphrase(f"Others can read the passphrase; run: chmod 600 {file}")
        with file.open("rb") as opened:
            passphrase = opened.read(_MAX_FILE).strip()
    except OSError as error:
        raise WrongPassphrase(f"The file {file} cannot be read: {error.strerror}.") from None
    if not passphrase:
        raise WrongPassphrase(f"The file {file} is empty.")
    return passphrase
