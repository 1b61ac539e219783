"""The desk's own pages in a real browser: both widths, nothing an accessibility checker finds, fresh by themselves."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import uvicorn
from playwright.sync_api import Browser, Page
from starlette.testclient import TestClient

from tests.browser.test_desk import WIDTHS, look, open_page
from tests.verifiers.desk.test_desk_pages import case
from tests.verifiers.devices.phone import Phone
from tests.verifiers.sample_city import SampleCity
from tests.verifiers.scans.desk_of_scans import MINUTE, scan, sixteen, used
from tests.web.staff.visitor import Visitor
from verifiers.app import create_app
from verifiers.desk.staff import open_staff
from verifiers.devices.devices import Devices
from verifiers.devices.scope import read_scope
from verifiers.devices.store import open_devices
from verifiers.settings import VerifierSettings
from web.staff.accounts import Accounts
from web.staff.passwords import PasswordHasher


class Served:
    """A running service, a phone in the street and a lead who is signed in."""

    def __init__(self, home: Path, port: int) -> None:
        self.city = SampleCity(home, now=int(time.time()) - 120)
        self.city.publish()
        self.settings = VerifierSettings(home=home, verifier_port=port)
        self.app = create_app(self.settings)
        self.devices = Devices(open_devices(self.settings))
        self.origin = f"http://localhost:{port}"

    def fill(self) -> None:
        client = TestClient(self.app, base_url=self.origin)
        self.phone = Phone(client, self.origin)
        device, code = self.devices.invite("Handgerät 7", read_scope((), ("18", "MÜ"), "12345 06:00-22:00"))
        self.device_id = device.id
        assert self.phone.enrol(code).status_code == 201
        now = int(time.time())
        minute = now // MINUTE * MINUTE
        self.phone.post(
            "scans", {"scans": [scan("a", now), used("b", "p", minute, "A1"), used("c", "p", minute, "B1")]}
        )
        case(self.phone)
        self.phone.contact(waiting=3, quarantined=1, status_lists={self.city.list_uri: self.city.now})
        self.devices.invite("Handgerät 8 mit einer langen Bezeichnung für die Tiefgarage", read_scope())

    def session(self) -> str:
        store = open_staff(self.settings)
        visitor = Visitor(httpx2.Client(base_url=self.origin, timeout=60), self.origin, store)  # type: ignore[arg-type]
        _, start = Accounts(store, PasswordHasher(threads=1)).create("k.lange", "Karla Lange", {"lead"})
        visitor.enrol(start)
        return visitor.secret()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = Served(tmp_path_factory.mktemp("desk"), listening.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(served.app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        served.fill()
        served.secret = served.session()  # type: ignore[attr-defined]
        yield served
        server.should_exit = True
        thread.join()


def signed_in(browser: Browser, served: Served, width: int, *, scripts: bool = True) -> Page:
    page = open_page(browser, width, scripts=scripts)
    cookie = {"name": "verifier-session", "value": served.secret, "url": served.origin}  # type: ignore[attr-defined]
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    return page


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_of_the_desk_fits_and_is_accessible(
    browser: Browser, served: Served, width: int, tmp_path: Path
) -> None:
    page = signed_in(browser, served, width)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    pages = {
        "": "Prüfstelle",
        "/devices": "Geräte",
        f"/devices/{served.device_id}": "Handgerät 7",
        "/lists?since=2026-01-01T00:00:00": "Listen",
        "/statistics": "Statistik",
        "/cases": "Fälle",
        f"/cases/{sixteen('a')}": "Fall",
    }
    for number, (path, heading) in enumerate(pages.items()):
        page.goto(f"{served.origin}/desk{path}")
        page.get_by_role("heading", level=1, name=heading, exact=True).wait_for()
        look(page, tmp_path, f"{number}-{heading}")
    assert [text for text in complaints if "photo" not in text] == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_device_is_invited_and_suspended_by_pressing_buttons(
    browser: Browser, served: Served, scripts: bool, tmp_path: Path
) -> None:
    page = signed_in(browser, served, 360, scripts=scripts)
    page.goto(f"{served.origin}/desk")
    page.get_by_role("link", name="Geräte", exact=True).click()
    name = f"Handgerät {'mit' if scripts else 'ohne'} Skript"
    page.get_by_label("Bezeichnung").fill(name)
    page.get_by_text("Was das Gerät darf").click()
    page.get_by_label("Bewohnerparkausweis").check()
    page.get_by_label("Parkzonen").fill("18 MÜ")
    page.get_by_role("button", name="Einladung erstellen").click()
    page.get_by_role("img", name="QR-Code der Einladung").wait_for()
    if scripts:
        look(page, tmp_path, "invitation")
    page.get_by_role("link", name="Fertig").click()
    page.get_by_role("link", name=name).click()
    page.locator("summary").get_by_text("Zugang beenden", exact=True).click()
    page.get_by_role("button", name="Wirklich? Zugang beenden").click()
    page.locator("#device").get_by_text("beendet", exact=True).wait_for()


def test_what_a_device_says_appears_without_loading_the_page_again(browser: Browser, served: Served) -> None:
    page = signed_in(browser, served, 1280)
    page.goto(f"{served.origin}/desk/devices")
    row = page.get_by_role("row", name="Handgerät 7 aktiv")
    row.get_by_text("3", exact=False).first.wait_for()
    served.phone.contact(waiting=77, status_lists={served.city.list_uri: served.city.now})
    row.get_by_text("77").wait_for(timeout=60_000)
