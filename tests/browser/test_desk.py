"""The desk in a real browser: with a virtual authenticator, without scripts, at both widths, for everybody."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from fastapi import FastAPI
from playwright.sync_api import Browser, Page

from tests.web.staff.plain_desk import plain_desk
from verifiers.desk.staff import open_staff
from verifiers.settings import VerifierSettings
from web.edge import fit_edge
from web.staff.accounts import Accounts
from web.staff.passwords import PasswordHasher
from web.staff.totp import code_at

WIDTHS = (360, 1280)
PASSWORD = "vier Möwen kreischen laut"


class Served:
    """A running desk and its accounts."""

    def __init__(self, home: Path, port: int) -> None:
        settings = VerifierSettings(home=home, verifier_port=port)
        self.address = f"http://localhost:{port}/desk"
        self.store = open_staff(settings)
        self.accounts = Accounts(self.store, PasswordHasher(threads=1))
        self.app = FastAPI()
        fit_edge(self.app, {}, lambda: ())
        self.app.include_router(plain_desk(self.store, settings))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        served = Served(tmp_path_factory.mktemp("desk"), listening.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(served.app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield served
        server.should_exit = True
        thread.join()


def open_page(browser: Browser, width: int = 1280, *, scripts: bool = True) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts)
    context.set_default_timeout(60_000)
    return context.new_page()


def give_authenticator(page: Page) -> None:
    """A phone's own authenticator, whose owner always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def look(page: Page, folder: Path, name: str) -> None:
    """No finding of an accessibility checker, nothing wider than the screen; a picture for the eye."""
    found = Axe().run(page).response["violations"]
    assert [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def sign_in(page: Page, desk: Served, name: str, password: str) -> None:
    page.goto(desk.address)
    page.get_by_label("Benutzername").fill(name)
    page.get_by_label("Passwort").fill(password)
    page.get_by_role("button", name="Anmelden", exact=True).click()


def choose_password(page: Page, start: str) -> None:
    page.get_by_label("Startpasswort").fill(start)
    page.get_by_label("Neues Passwort", exact=True).fill(PASSWORD)
    page.get_by_label("Neues Passwort wiederholen").fill(PASSWORD)
    page.get_by_role("button", name="Speichern").click()


def code(page: Page, ahead: int = 0) -> str:
    """What an app shows that has read the page's key."""
    key = base64.b32decode(page.locator("code").inner_text().replace(" ", ""))
    return code_at(key, int(time.time()) // 30 + ahead)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_passkey_is_set_up_at_the_first_sign_in_and_is_enough_from_then_on(
    browser: Browser, desk: Served, width: int, tmp_path: Path
) -> None:
    name = f"karla.{width}"
    _, start = desk.accounts.create(name, "Karla Lange", {"lead"})
    page = open_page(browser, width)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    give_authenticator(page)
    page.goto(desk.address)
    page.get_by_role("button", name="Mit Passkey anmelden").wait_for()
    look(page, tmp_path, "sign-in")
    sign_in(page, desk, name, start)
    page.get_by_role("heading", name="Eigenes Passwort wählen").wait_for()
    look(page, tmp_path, "password")
    choose_password(page, start)
    page.get_by_role("heading", name="Zweiten Faktor einrichten").wait_for()
    look(page, tmp_path, "enrol")
    page.get_by_role("button", name="Passkey einrichten").click()
    page.get_by_role("heading", name="Wiederherstellungscodes").wait_for()
    assert page.get_by_role("listitem").count() == 10
    look(page, tmp_path, "codes")
    page.get_by_role("link", name="Ich habe sie notiert").click()
    page.get_by_text(f"Karla Lange ({name})").wait_for()
    look(page, tmp_path, "start")
    page.get_by_role("link", name="Meine Sitzungen").click()
    page.get_by_text("diese Sitzung").wait_for()
    look(page, tmp_path, "sessions")
    page.get_by_role("link", name="Zweite Faktoren").click()
    page.get_by_text("Passkey 1").wait_for()
    look(page, tmp_path, "factors")
    page.get_by_role("button", name="Abmelden").click()
    page.get_by_role("button", name="Mit Passkey anmelden").click()
    page.get_by_text(f"Karla Lange ({name})").wait_for()
    page.get_by_role("button", name="Abmelden").click()
    sign_in(page, desk, name, PASSWORD)
    page.get_by_role("heading", name="Zweiter Faktor").wait_for()
    look(page, tmp_path, "second-factor")
    page.get_by_role("button", name="Passkey verwenden").click()
    page.get_by_text(f"Karla Lange ({name})").wait_for()
    assert complaints == []


@pytest.mark.parametrize("width", WIDTHS)
def test_everything_but_passkeys_works_without_scripts(browser: Browser, desk: Served, width: int) -> None:
    name = f"emil.{width}"
    _, start = desk.accounts.create(name, "Emil Kowalski", set())
    page = open_page(browser, width, scripts=False)
    sign_in(page, desk, name, start)
    assert page.get_by_role("button", name="Mit Passkey anmelden").count() == 0
    choose_password(page, start)
    page.get_by_text("Dafür braucht es einen neueren Browser").wait_for()
    page.get_by_label("Code aus der Authenticator-App").fill(code(page, -1))
    page.get_by_role("button", name="App einrichten").click()
    codes = page.get_by_role("listitem").all_inner_texts()
    page.get_by_role("link", name="Ich habe sie notiert").click()
    page.get_by_role("button", name="Abmelden").click()
    sign_in(page, desk, name, PASSWORD)
    page.get_by_text("Kein Zugriff auf App oder Passkey?").click()
    page.get_by_label("Wiederherstellungscode").fill(codes[3])
    page.get_by_role("button", name="Weiter").last.click()
    page.get_by_text(f"Emil Kowalski ({name})").wait_for()
    page.get_by_role("link", name="English").click()
    page.get_by_role("link", name="My sessions").click()
    page.get_by_role("button", name="End", exact=False).first.click()
    page.get_by_role("heading", name="Sign in").wait_for()


def test_refusals_are_announced_and_the_keyboard_is_enough(browser: Browser, desk: Served, tmp_path: Path) -> None:
    page = open_page(browser, 360)
    page.goto(desk.address)
    page.get_by_label("Benutzername").focus()
    page.keyboard.type("nobody")
    page.keyboard.press("Tab")
    page.keyboard.type("guess")
    page.keyboard.press("Enter")
    assert "keinem offenen Konto" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Passwort").input_value() == ""
    look(page, tmp_path, "refused")


def test_a_passkey_that_is_not_there_is_said_and_harms_nothing(browser: Browser, desk: Served, tmp_path: Path) -> None:
    page = open_page(browser)
    give_authenticator(page)
    page.goto(desk.address)
    page.get_by_role("button", name="Mit Passkey anmelden").click()
    page.get_by_text("Es wurde kein Passkey verwendet").wait_for()
    look(page, tmp_path, "no-passkey")


def test_a_page_of_another_site_cannot_send_our_forms(browser: Browser, desk: Served) -> None:
    page = open_page(browser)
    page.goto(desk.address)
    field = page.locator("input[name=token]").first.get_attribute("value")
    page.goto("about:blank")
    form = f'<form method="post" action="{desk.address}/sign-in"><input name="token" value="{field}"></form>'
    page.set_content(form)
    with page.expect_navigation() as gone:
        page.evaluate("document.forms[0].submit()")
    assert gone.value.status == 403
