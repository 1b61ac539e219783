"""The real verifying service on a port of its own, and phones: browsers with its modules, without any screen."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import httpx2
import pytest
from playwright.sync_api import Browser

from tests.browser.device.phone import BrowserPhone, Meddler
from tests.browser.serving import running
from tests.verifiers.sample_city import SampleCity
from verifiers.app import create_app
from verifiers.devices.devices import Devices
from verifiers.devices.invitation import invitation_link
from verifiers.devices.scope import Scope, read_scope
from verifiers.devices.store import open_devices
from verifiers.settings import VerifierSettings


class Service:
    """A running service. `meddler` stands between it and its callers, and does nothing until it is told to."""

    def __init__(self, city: SampleCity, settings: VerifierSettings) -> None:
        self.city, self.settings = city, settings
        self.address = settings.desk_origin
        self.devices = Devices(open_devices(settings))
        self.meddler = Meddler(create_app(settings))

    def mirrored(self, path: str) -> bytes:
        """A document as the service hands it on; nothing where it has none."""
        answer = httpx2.get(f"{self.address}/published/{path}")
        return answer.content if answer.status_code == 200 else b""

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 8
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def restarts(self) -> None:
        """Another process, which knows what the first one has stored and nothing else."""
        self.meddler.app = create_app(self.settings)

    def invites(self, scope: Scope = read_scope()) -> str:  # noqa: B008 - frozen
        """An invitation's link."""
        return invitation_link(self.settings, self.devices.invite("Handy 7", scope)[1])


def serving(city: SampleCity, **options: object) -> Iterator[Service]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        values = {"home": city.home, "refresh_interval": 0.05, "verifier_port": port} | options
        service = Service(city, VerifierSettings.model_validate(values))
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
    yield from serving(city)


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
