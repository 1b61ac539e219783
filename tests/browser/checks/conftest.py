"""One running service for a module, emptied for each test, and two inspectors with a browser each."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.checks.inspectors import Inspector, Service
from tests.browser.serving import running


@contextmanager
def serving(home: Path, days_ago: int = 0) -> Iterator[Service]:
    """A running service, of a city that has last published so many days ago."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        service = Service(home, listening.getsockname()[1], days_ago)
        with running(service.app, listening):
            yield service
        service.store.engine.dispose()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def service(lasting: Service) -> Service:
    lasting.forget()
    return lasting


@pytest.fixture
def karla(service: Service, browser: Browser) -> Iterator[Inspector]:
    inspector = Inspector(service, browser)
    yield inspector
    inspector.context.close()


@pytest.fixture
def jonas(service: Service, browser: Browser) -> Iterator[Inspector]:
    inspector = Inspector(service, browser, "Handheld 8")
    yield inspector
    inspector.context.close()
