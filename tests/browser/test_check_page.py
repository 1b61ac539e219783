"""The checking page in a real browser: without scripts, at both widths, with no finding of an accessibility checker."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.verifiers.pictures import as_bytes, qr_picture
from tests.verifiers.sample_city import SampleCity
from verifiers.app import create_app
from verifiers.settings import VerifierSettings
from walletpass.credential import StatusReference

WIDTHS = (360, 1280)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SampleCity:
    city = SampleCity(tmp_path_factory.mktemp("city"), now=int(time.time()) - 180)
    city.statuses.set(8, 2)
    city.publish()
    return city


@pytest.fixture(scope="module")
def address(city: SampleCity) -> Iterator[str]:
    """The address of the service, running in a thread."""
    app = create_app(VerifierSettings(home=city.home, refresh_interval=1, verifier_page_per_minute=1000))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    time.sleep(0.3)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def open_page(browser: Browser, width: int, *, scripts: bool = True) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts)
    return context.new_page()


def findings(page: Page) -> list[str]:
    result = Axe().run(page).response
    return [f"{found['id']}: {node['html']}" for found in result["violations"] for node in found["nodes"]]


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def presentations(city: SampleCity) -> dict[str, str]:
    suspended = city.qr(status=StatusReference(city.list_uri, 8))
    unknown = city.qr(status=StatusReference(f"{city.issuer}/status/2", 8))
    return {"Gültig": city.qr(), "Abgelehnt": suspended, "Nicht feststellbar": unknown}


@pytest.mark.parametrize("width", WIDTHS)
def test_every_outcome_is_readable_and_accessible(
    browser: Browser, address: str, city: SampleCity, width: int, tmp_path: Path
) -> None:
    page = open_page(browser, width)
    page.goto(address)
    assert findings(page) == []
    page.screenshot(path=tmp_path / "form.png", full_page=True)
    for headline, text in presentations(city).items():
        page.goto(address)
        page.get_by_label("Text des QR-Codes").fill(text)
        page.get_by_role("button", name="Prüfen").click()
        assert page.get_by_role("status").get_by_role("heading").inner_text() == headline
        assert page.get_by_role("status").locator("svg").is_visible()
        assert page.get_by_role("listitem").count() == 6
        assert findings(page) == []
        assert overflow(page) == 0
        page.screenshot(path=tmp_path / f"{headline}.png", full_page=True)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_works_without_scripts_with_a_photo_and_in_english(
    browser: Browser, address: str, city: SampleCity, width: int, tmp_path: Path
) -> None:
    (tmp_path / "photo.png").write_bytes(as_bytes(qr_picture(city.qr(), 4)))
    page = open_page(browser, width, scripts=False)
    page.goto(address)
    page.get_by_role("link", name="English").click()
    page.get_by_label("Or a photo of the QR code").set_input_files(tmp_path / "photo.png")
    page.get_by_role("button", name="Check").click()
    assert page.get_by_role("status").get_by_role("heading").inner_text() == "Accepted"
    page.get_by_role("link", name="Deutsch").click()
    page.get_by_role("heading", name="Ausweis prüfen").wait_for()


def test_the_page_is_usable_with_the_keyboard_alone(browser: Browser, address: str, city: SampleCity) -> None:
    page = open_page(browser, 1280)
    page.goto(address)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Zum Inhalt springen"
    page.get_by_label("Text des QR-Codes").focus()
    page.keyboard.insert_text(city.qr())
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_role("heading", name="Gültig").wait_for()


def test_a_mistake_is_announced(browser: Browser, address: str) -> None:
    page = open_page(browser, 360)
    page.goto(address)
    page.get_by_role("button", name="Prüfen").click()
    assert "Bitte einen Code einfügen" in page.get_by_role("alert").inner_text()
    assert findings(page) == []


def test_the_page_reports_no_violation_of_its_own_policy(browser: Browser, address: str, city: SampleCity) -> None:
    page = open_page(browser, 1280)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    page.get_by_label("Text des QR-Codes").fill(city.qr())
    page.get_by_role("button", name="Prüfen").click()
    page.get_by_role("status").wait_for()
    assert complaints == []
