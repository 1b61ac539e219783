"""A desk that receives scans, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.verifiers.scans.desk_of_scans import Clock, Desk


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk_on(database_url: str, clock: Clock) -> Iterator[Desk]:
    """Once on SQLite, once on PostgreSQL."""
    desk = Desk(database_url, clock)
    yield desk
    desk.engine.dispose()


@pytest.fixture
def desk(tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    """On SQLite."""
    desk = Desk(f"sqlite:///{tmp_path / 'desk.db'}", clock)
    yield desk
    desk.engine.dispose()
