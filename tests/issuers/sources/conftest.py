"""Lists written to disk, and what the reader makes of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from issuers.sources.entitlements import read_entitlements
from issuers.sources.errors import RowFailure
from walletpass.entitlement import Entitlement
from walletpass.pass_type import Catalogue
from walletpass.pass_types import load_catalogue

TODAY = date(2026, 11, 23)


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Write text (in an encoding) or bytes to a file."""

    def write(content: str | bytes, encoding: str = "utf-8") -> Path:
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return write


@pytest.fixture
def imported(written, catalogue):
    """Read a list of a type: the entitlements, and the failures."""

    def read(pass_type: str, content: str | bytes, encoding: str = "utf-8", zones=frozenset()):
        found = list(read_entitlements(written(content, encoding), catalogue.named(pass_type), TODAY, zones))
        good = [item for item in found if isinstance(item, Entitlement)]
        return good, [item for item in found if isinstance(item, RowFailure)]

    return read
