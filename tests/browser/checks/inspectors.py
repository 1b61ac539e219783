"""Inspectors with real browsers, and the real service between them: checks, bad networks and killed apps."""

from __future__ import annotations

import base64
import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import delete, func, select
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from tests.verifiers.devices.phone import Phone
from tests.verifiers.sample_city import SampleCity
from verifiers.app import create_app
from verifiers.devices.devices import Devices
from verifiers.devices.scope import Scope
from verifiers.devices.store import open_devices
from verifiers.scans.store import open_scans
from verifiers.settings import VerifierSettings
from walletpass.credential import StatusReference
from walletpass.passes import LOCAL_ZONE
from web.database import read_transaction, write_transaction

ROOT = Path(__file__).parents[3]
FOLDERS = {"src": "verifiers/inspector/src", "app": "verifiers/inspector/app", "tests": "tests/inspector"}
MINUTES = 15


class Service:
    """The verifying service on a port of this machine, with the app's modules as they are written below `/try`."""

    def __init__(self, home: Path, port: int, days_ago: int = 0) -> None:
        # Tests go on for an hour or two, and a day's uses end at midnight.
        late = 4 * 3600 if datetime.now(LOCAL_ZONE).hour >= 20 else 0
        self.began = int(time.time()) - (days_ago * 86400 or late)
        self.city = SampleCity(home, now=self.began - 60)
        self.city.publish()
        self.settings = VerifierSettings(home=home, verifier_port=port)
        self.origin = self.settings.desk_origin
        self.store, self.devices = open_scans(self.settings), Devices(open_devices(self.settings))
        self._phones: dict[str, Phone] = {}
        self.app = create_app(self.settings)
        for name, folder in FOLDERS.items():
            self.app.mount(f"/try/{name}", StaticFiles(directory=ROOT / folder))
        self.app.add_route("/try/", lambda _: HTMLResponse("<!doctype html><title>Prüfen</title>"))

    def phone(self, name: str) -> Phone:
        """A device's keys and token; enrolled once, because ten a minute are let in."""
        if name not in self._phones:
            self._phones[name] = Phone(httpx2.Client(base_url=self.origin), self.origin)
            self._phones[name].enrol(self.devices.invite(name, Scope())[1])
        return self._phones[name]

    def forget(self) -> None:
        """All that devices have sent."""
        with write_transaction(self.store.engine) as connection:
            for table in (self.store.tables.scans, self.store.tables.counts, self.store.tables.uses):
                connection.execute(delete(table))
            for table in (self.store.tables.warnings, self.store.tables.cases):
                connection.execute(delete(table))

    def nonces(self) -> list[str]:
        """Of every scan that the service has, in order."""
        with read_transaction(self.store.engine) as connection:
            found = connection.scalars(select(self.store.tables.scans.c.nonce))
            return sorted(urlsafe_b64encode(nonce).decode().rstrip("=") for nonce in found)

    def counted(self) -> int:
        with read_transaction(self.store.engine) as connection:
            return connection.scalar(select(func.sum(self.store.tables.counts.c.count))) or 0

    def rows(self, table: str) -> Sequence[Any]:
        with read_transaction(self.store.engine) as connection:
            return connection.execute(select(getattr(self.store.tables, table))).all()


class Inspector:
    """A browser with the app's modules, and the network it has: `network(path, body, post)` may lose what it likes."""

    def __init__(self, service: Service, browser: Browser, name: str = "Handheld 7") -> None:
        self.service, self.phone = service, service.phone(name)
        self.scope: list[str] = []
        self.network: Callable[[str, Any, Callable[[], Any]], Any] = lambda _path, _body, post: post()
        self.zone: str | None = "A1"
        self.now = service.began
        self.context: BrowserContext = browser.new_context()
        self.context.set_default_timeout(60_000)
        self.context.expose_function("sendToService", self._send)
        self.page = self._opened()

    def _opened(self) -> Page:
        page = self.context.new_page()
        page.goto(f"{self.service.origin}/try/")
        page.evaluate(
            "async (asked) => { const { Device } = await import('/try/tests/checks.mjs');"
            " window.device = await Device.open(asked); }",
            self._asked(),
        )
        return page

    def _asked(self) -> dict[str, Any]:
        city, contact = self.service.city, self.phone.contact().json()
        files = [path for path in city.published.rglob("*") if path.is_file()]
        return {
            "anchor": city.ring.anchor_certificate.public_bytes(Encoding.PEM).decode(),
            "documents": {
                path.relative_to(city.published).as_posix(): base64.b64encode(path.read_bytes()).decode()
                for path in files
            },
            "now": self.now,
            "zone": self.zone,
            "scope": self.scope,
            "minutes": MINUTES,
            "deskKey": contact["device"]["desk_key"],
        }

    def _send(self, path: str, body: str) -> str:
        """As the app sends: a network error raises, an answer that is no JSON has none."""
        sent = json.loads(body)
        answer = self.network(path, sent, lambda: self.phone.post(path, sent))
        try:
            found = answer.json()
        except ValueError:
            found = None
        return json.dumps({"status": answer.status_code, "body": found})

    def is_killed(self) -> None:
        """The app ends without a word, and is opened again."""
        self.page.close()
        self.page = self._opened()

    def at(self, *, zone: str | None = "A1", seconds: int = 0) -> Inspector:
        """Now the inspector is there, so many seconds later."""
        self.zone, self.now = zone, self.now + seconds
        self.page.evaluate("([zone, now]) => Object.assign(device, { zone, now })", [zone, self.now])
        return self

    def gets_key(self, day: str, content: bytes | None = None, kid: str = "0123456789abcdef") -> None:
        """The use key of a day."""
        key = base64.b64encode(content or secrets.token_bytes(32)).decode()
        self.page.evaluate("(given) => device.giveKey(...given)", [day, kid, key])

    def judges(self, text: str) -> Any:
        return self.run("judging.judge", text)

    def uploads(self) -> Any:
        return self.run("uploads")

    def queue(self) -> Any:
        return self.run("judging.queue")

    def stored(self, name: str) -> Any:
        """What is in a part of the browser's store, by key."""
        return dict(self.run("stored", name))

    def run(self, what: str, *asked: Any) -> Any:
        """Call what `checks.mjs` has by that name; a refusal of ours comes back as its code."""
        owner, _, name = f"device.{what}".rpartition(".")
        return self.page.evaluate(
            f"async (asked) => {{ try {{ return await {owner}.{name}(...asked); }}"
            " catch (problem) { if (!problem.code || problem instanceof DOMException) throw problem;"
            " return problem.code; } }",
            list(asked),
        )


def permit(service: Service, number: int = 7) -> str:
    city = service.city
    return city.qr(credential_id=bytes([number]) * 8, status=StatusReference(city.list_uri, number))
