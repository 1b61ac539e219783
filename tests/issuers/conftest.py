"""What tests of the issuing side share: a city to lose, and its service."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.city import City
from tests.issuers.api.conftest import serve
from tests.issuers.disaster import Disaster

__all__ = ["serve"]


@pytest.fixture
def disaster(request: pytest.FixtureRequest, city_on: City, tmp_path: Path) -> Disaster:
    return Disaster(city_on, tmp_path, lambda: request.getfixturevalue("postgresql"))
