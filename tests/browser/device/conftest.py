"""The real verifying service on a port of its own, and phones: browsers with its modules, without any screen."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest
from playwright.sync_api import Browser

from tests.browser.device.phone import BrowserPhone, Meddler
from tests.browser.serving import running
from tests.verifiers.sample_city import SampleCity
from verifiers.app import create_app
from verifiers.devices.devices import Devices
from verifiers.devices.invitation import invitation_link
from verifiers.devices.scope import Scope
from verifiers.devices.store import open_devices
from verifiers.settings import VerifierSettings

ANYTHING = Scope()
Some = TypeVar("Some", bound="Running")


class Running:
    """A running service. `meddler` stands between it and its callers, and does nothing until it is told to."""

    def __init__(self, settings: VerifierSettings) -> None:
        self.settings, self.address = settings, settings.desk_origin
        self.devices = Devices(open_devices(settings))
        self.meddler = Meddler(create_app(settings))

    def invites(self, scope: Scope = ANYTHING) -> str:
        """An invitation's link."""
        return invitation_link(self.settings, self.devices.invite("Handy 7", scope)[1])

    def mirrored(self, path: str) -> bytes:
        """A document as the service hands it on; nothing where it has none."""
        answer = httpx2.get(f"{self.address}/published/{path}")
        return answer.content if answer.status_code == 200 else b""

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def restarts(self) -> None:
        """Another process, which knows what the first one has stored and nothing else."""
        self.meddler.app = create_app(self.settings)


class Service(Running):
    """The service of a city that publishes by hand."""

    def __init__(self, settings: VerifierSettings, city: SampleCity) -> None:
        super().__init__(settings)
        self.city = city

    def publishes(self) -> None:
        """The city publishes all anew, and the service has taken it."""
        before, self.city.now = self.mirrored("trust-list.jwt"), self.city.now + 1
        self.city.publish()
        self.until(lambda: self.mirrored("trust-list.jwt") != before)

    def revokes(self, index: int, status: int = 1) -> None:
        """The pass at this place is revoked (or has another status), and the service has taken the new list."""
        before, self.city.now = self.mirrored("status/1.cwt"), self.city.now + 1
        self.city.statuses.set(index, status)
        self.city.publish_statuses()
        self.until(lambda: self.mirrored("status/1.cwt") != before)


@contextmanager
def serving(home: Path, make: Callable[[VerifierSettings], Some]) -> Iterator[Some]:
    """A service on a port of its own, made with its settings."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        service = make(VerifierSettings(home=home, refresh_interval=0.05, verifier_port=port))
        with running(service.meddler, listening):
            yield service
        service.devices.store.engine.dispose()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SampleCity:
    city = SampleCity(tmp_path_factory.mktemp("city"), now=int(time.time()) - 180)
    city.publish()
    return city


@pytest.fixture(scope="module")
def service(city: SampleCity) -> Iterator[Service]:
    with serving(city.home, lambda settings: Service(settings, city)) as service:
        yield service


@pytest.fixture(scope="module")
def enrolled(browser: Browser, service: Service) -> Iterator[BrowserPhone]:
    """One enrolled phone for all tests of a module that leave it as it was."""
    phone = BrowserPhone(browser, service.address).enrolled(service.invites())
    yield phone
    phone.context.close()


@pytest.fixture
def phone(browser: Browser, service: Service) -> Iterator[Callable[..., BrowserPhone]]:
    """Makes phones that are not enrolled yet."""
    made: list[BrowserPhone] = []

    def make(*, waits_quickly: bool = False) -> BrowserPhone:
        made.append(BrowserPhone(browser, service.address))
        made[-1].waits_quickly = waits_quickly
        return made[-1]

    yield make
    service.meddler.rest()
    for each in made:
        each.context.close()
