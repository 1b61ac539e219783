"""What everybody who writes below `published/` shares: one writer at a time, and one sentence for a failing disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from issuers.errors import PublishFailed
from keys.atomic_file import locked_folder
from web.database import translated


@contextmanager
def one_publisher(engine: Engine, folder: Path, number: int) -> Iterator[None]:
    """An advisory lock of that number on PostgreSQL, a file lock in `folder` beside SQLite; both end with us."""
    if engine.dialect.name != "postgresql":
        with locked_folder(folder):
            yield
        return
    with translated(), engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:number)"), {"number": number})
        connection.commit()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": number})
            connection.commit()


@contextmanager
def publishing_disk() -> Iterator[None]:
    """The disk's failures as `PublishFailed`."""
    try:
        yield
    except OSError as failure:
        raise PublishFailed(
            f"The published documents could not be written ({failure.strerror}); the old ones stay, the change is kept "
            "and is published as soon as this works again. Is the folder there, with room? Then run walletpass publish."
        ) from failure
