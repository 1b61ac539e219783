"""Where a department's list lies while it is read: it is personal data, so a private file that is gone afterwards.

What a killed process left is deleted later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from keys.atomic_file import make_private_folder
from walletpass.errors import WalletPassError

LIMIT = 64 << 20  # bytes of one list
_KEPT = 24 * 3600  # seconds until what a killed process left is deleted


class NoRoom(WalletPassError):
    """A list could not be written to disk."""

    code = "no_room"


@contextmanager
def upload(home: Path) -> Iterator[IO[bytes]]:
    """A file that only we can read, and that is gone afterwards. Raises `NoRoom`."""
    folder = uploads_folder(home)
    try:
        make_private_folder(folder)
        file = tempfile.NamedTemporaryFile(dir=folder, suffix=".csv")  # noqa: SIM115 - closed below, whatever the disk says
    except OSError as failure:
        raise no_room() from failure
    try:
        yield file
    finally:
        with suppress(OSError):  # closing writes what a full disk did not take; the file is deleted all the same
            file.close()


def uploads_folder(home: Path) -> Path:
    return home / "uploads"


def forget_old_uploads(home: Path, now: float) -> None:
    """Delete what killed processes left."""
    for left in uploads_folder(home).glob("*.csv"):
        if now - left.stat().st_mtime > _KEPT:
            left.unlink(missing_ok=True)


def no_room() -> NoRoom:
    return NoRoom("The list cannot be stored here at this moment; nothing was imported.")
