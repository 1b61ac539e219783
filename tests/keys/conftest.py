"""A small city's keys, made at run time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from keys.demo import create_anchor, create_demo_keys
from keys.key_ring import KeyRing
from keys.rotation import ISSUED_ROLES, new_key
from tests.keys.sample_city import APPLE, CITY, NOW


@pytest.fixture
def new_ring() -> Callable[[], KeyRing]:
    """Makes a ring in memory with an anchor and the three signers under it, without the slow RSA keys."""

    def make() -> KeyRing:
        ring = KeyRing.in_memory()
        create_anchor(ring, NOW, **CITY)
        for role in ISSUED_ROLES:
            new_key(ring, role, NOW)
        return ring

    return make


@pytest.fixture
def ring(new_ring: Callable[[], KeyRing]) -> KeyRing:
    return new_ring()


@pytest.fixture(scope="session")
def demo_ring() -> KeyRing:
    """All roles; shared, so tests only read it."""
    ring = KeyRing.in_memory()
    create_demo_keys(ring, NOW, **CITY, **APPLE)
    return ring
