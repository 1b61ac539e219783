"""An inspector in the street: a city, its verifying service, and the app in a real browser with a camera and a network.

    with Street(home, playwright, film) as street:
        inspector = street.inspector(zones=("MÜ",))
        inspector.types(street.city.qr())
        assert inspector.word() == "Gültig"

Everything is the product's own code over real parts; only what the camera sees is drawn.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page
from sqlalchemy import Table, func, select

from tests.browser.inspector_versions import Address
from tests.browser.serving import running
from verifiers.app import create_app
from verifiers.devices.devices import Devices
from verifiers.devices.invitation import invitation_link
from verifiers.devices.scope import read_scope
from verifiers.devices.store import open_devices
from verifiers.scans.store import open_scans
from verifiers.settings import VerifierSettings
from web.database import read_transaction

PHONE = {"width": 360, "height": 740}
PIN = "130579"
PATIENCE = 60_000  # milliseconds, for a machine that does other things too


class Street:
    """The verifying service of a city (`home`: its folder) on this machine, behind a network that may fail."""

    def __init__(self, home: Path, port: int, **settings: Any) -> None:
        quick = {"refresh_interval": 1} | settings
        self.settings = VerifierSettings(home=home, verifier_port=port, **quick)
        self.devices, self.store = Devices(open_devices(self.settings)), open_scans(self.settings)
        self.network = Address(create_app(self.settings))
        self.address = f"{self.settings.desk_origin}/inspector/"

    def invites(self, name: str, types: tuple[str, ...] = (), zones: tuple[str, ...] = (), shift: str = "") -> str:
        """The link that enrols a device."""
        _, code = self.devices.invite(name, read_scope(types, zones, shift))
        return invitation_link(self.settings, code)

    def device(self, name: str) -> str:
        """The id of a device."""
        return next(device.id for device in self.devices.all() if device.name == name)

    def count(self, table: Table) -> int:
        """Rows of a table."""
        with read_transaction(self.store.engine) as connection:
            return connection.scalar(select(func.count()).select_from(table)) or 0

    def scans(self) -> list[tuple[str, str, str | None]]:
        """Kind, reason and zone of every scan that has arrived."""
        table = self.store.tables.scans
        with read_transaction(self.store.engine) as connection:
            rows = connection.execute(select(table.c.kind, table.c.reason, table.c.zone)).all()
        return [(str(row.kind), str(row.reason), row.zone) for row in rows]


@contextmanager
def street(home: Path, **settings: Any) -> Iterator[Street]:
    """A street, open; settings of the service by keyword."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Street(home, listening.getsockname()[1], **settings)
        with running(made.network, listening):
            yield made


class Inspector:
    """Somebody with a phone. Every method does what a hand does."""

    def __init__(
        self, street: Street, browser: Browser | BrowserContext, viewport: dict[str, int] | None = None
    ) -> None:
        self.street = street
        if isinstance(browser, Browser):
            browser = browser.new_context(viewport=viewport or PHONE, permissions=["camera"])
        self.context: BrowserContext = browser
        self.context.set_default_timeout(PATIENCE)
        self.complaints: list[str] = []
        self.page = self.opens()

    def opens(self, link: str = "") -> Page:
        """A page of the app, at an address."""
        page = self.context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(link or self.street.address)
        page.locator("#screen h1").first.wait_for(state="attached")
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        """What the browser complains about: our policy, our scripts. That an answer was refused is none of it."""
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)

    def enrols(self, name: str = "Handgerät 7", pin: str = PIN, **scope: tuple[str, ...]) -> Inspector:
        """With a link from the desk and a PIN, until the first lists are here."""
        self.follows(self.street.invites(name, **scope), pin)
        self.has_lists()
        return self

    def follows(self, link: str, pin: str = PIN) -> None:
        """An invitation."""
        self.page.goto(link)
        self.chooses_pin(pin)

    def chooses_pin(self, pin: str = PIN) -> None:
        self.presses("Mit PIN öffnen")
        for _ in range(2):
            self.page.locator("#pin").fill(pin)
            self.presses("Weiter")

    def has_lists(self) -> None:
        self.page.get_by_text("Sperrliste vor").or_(self.page.get_by_text("Sperrliste gerade")).first.wait_for()

    def unlocks(self, pin: str = PIN) -> None:
        self.page.locator("#pin").fill(pin)
        self.presses("Öffnen")

    def presses(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def chooses_zone(self, zone: str) -> None:
        self.page.locator("#zone").select_option(zone)

    def types(self, text: str) -> None:
        """A code, by hand."""
        if not self.page.get_by_role("button", name="Code eingeben").is_visible():
            self.goes_to("Scannen")
        self.presses("Code eingeben")
        self.page.locator("#typed").fill(text)
        self.presses("Prüfen")
        self.verdict().wait_for()

    def looks_up(self, plate: str) -> None:
        self.goes_to("Kennzeichen")
        self.page.locator("#plate").fill(plate)
        self.presses("Kennzeichen prüfen")
        self.verdict().wait_for()

    def goes_to(self, section: str) -> None:
        """A section, from wherever the inspector is."""
        for leaving in ("Nächste Prüfung", "Nächstes Kennzeichen"):
            button = self.page.get_by_role("button", name=leaving, exact=True)
            if button.is_visible():
                button.click()
        self.page.get_by_role("navigation").get_by_role("button", name=section, exact=True).click()

    def verdict(self) -> Locator:
        return self.page.locator(".verdict")

    def word(self) -> str:
        """What stands largest on the screen."""
        return self.verdict().get_by_role("heading").inner_text()

    def code(self) -> str:
        """The reason's code, from the unfolded steps."""
        return self.verdict().locator("details code").text_content() or ""

    def findings(self) -> list[str]:
        """What an accessibility checker finds on this screen."""
        result = Axe().run(self.page).response
        return [f"{found['id']}: {node['html']}" for found in result["violations"] for node in found["nodes"]]

    def goes_offline(self) -> None:
        """No network, neither for pages nor for workers."""
        self.street.network.spoils = lambda _: "lost"
        self.context.set_offline(True)

    def comes_back(self) -> None:
        self.street.network.spoils = lambda _: None
        self.context.set_offline(False)

    def refreshes(self) -> None:
        """Contact now, and everything that hangs on it."""
        self.goes_to("Stand")
        self.presses("Jetzt auffrischen")
        self.page.get_by_text("Aufgefrischt.").wait_for()

    def refreshes_unless(self, seen: Locator) -> None:
        """Contact now, where something else has not come of the last one already."""
        self.goes_to("Stand")
        if not seen.is_visible():
            self.presses("Jetzt auffrischen")
        seen.wait_for()

    def waits(self) -> str:
        """What the log says of checks that have not arrived."""
        self.goes_to("Protokoll")
        return self.page.locator(".card").first.inner_text()

    def leaves(self) -> None:
        self.context.close()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something that the service does in its own time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)
