"""Files that are whole or absent: written beside, synced, renamed. Private ones are so from their first byte."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

PRIVATE_FILE = 0o600
PUBLIC_FILE = 0o644
PRIVATE_FOLDER = 0o700
_UNFINISHED = ".unfinished"


def make_private_folder(folder: Path) -> None:
    """The folder, open to its owner only if it is new; those above it as the umask has them."""
    if folder.is_dir():
        return  # and nothing above it is touched: it may be somebody else's
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def write_private(path: Path, content: bytes) -> None:
    """Replace the file at `path`; a kill or a full disk at any moment leaves the old one whole."""
    with _written_beside(path, (content,)) as beside:
        beside.replace(path)


def write_private_parts(path: Path, parts: Iterable[bytes]) -> None:
    """As `write_private`, for a content that is never in memory as a whole."""
    with _written_beside(path, parts) as beside:
        beside.replace(path)


def create_private(path: Path, content: bytes) -> None:
    """As `write_private`, but never over an existing file: raises `FileExistsError`, also in a race."""
    with _written_beside(path, (content,)) as beside:
        os.link(beside, path)


def write_public(path: Path, content: bytes, modified_at: int | None = None) -> None:
    """As `write_private`, for documents that anybody may read.

    `modified_at`: the file's time, in seconds since 1970. Web servers tell documents apart by its whole seconds and its
    size; of two within a second the second would be taken for the first.
    """
    with _written_beside(path, (content,), PUBLIC_FILE) as beside:
        if modified_at is not None:
            os.utime(beside, (modified_at, modified_at))
        beside.replace(path)


@contextlib.contextmanager
def _written_beside(path: Path, parts: Iterable[bytes], mode: int = PRIVATE_FILE) -> Iterator[Path]:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_UNFINISHED}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(descriptor)
        yield beside
        _sync_folder(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """One writer at a time, across processes; what a killed writer left unfinished is removed first."""
    make_private_folder(folder)
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for left_over in folder.glob(f".*{_UNFINISHED}"):
            left_over.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)
