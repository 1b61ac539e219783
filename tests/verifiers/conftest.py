"""A city of our own for the tests of the verifying side."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verifiers.sample_city import SampleCity


@pytest.fixture
def city(tmp_path: Path) -> SampleCity:
    city = SampleCity(tmp_path)
    city.publish()
    return city
