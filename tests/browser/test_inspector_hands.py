"""Codes that come without the camera: photographs, typing, pasting, and hand scanners that type."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.frames import TABLE, code
from tests.browser.street import Inspector, Street, street
from tests.verifiers.sample_city import SampleCity


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SampleCity:
    city = SampleCity(tmp_path_factory.mktemp("city"), now=int(time.time()) - 180)
    city.publish()
    return city


@pytest.fixture(scope="module")
def here(city: SampleCity) -> Iterator[Street]:
    with street(city.home) as made:
        yield made


@pytest.fixture(scope="module")
def inspector(browser: Browser, here: Street) -> Iterator[Inspector]:
    inspector = Inspector(here, browser).enrols()
    yield inspector
    assert inspector.complaints == []
    inspector.leaves()


def begin(inspector: Inspector) -> None:
    if inspector.verdict().is_visible():
        inspector.presses("Nächste Prüfung")
    inspector.page.get_by_role("button", name="Code eingeben").wait_for()


def chooses(inspector: Inspector, picture: Image.Image, form: str = "PNG") -> None:
    file = io.BytesIO()
    picture.save(file, form)
    with inspector.page.expect_file_chooser() as chooser:
        inspector.presses("Foto wählen")
    chooser.value.set_files({"name": "foto", "mimeType": f"image/{form.lower()}", "buffer": file.getvalue()})


def test_a_large_photo_with_a_small_code_is_read(inspector: Inspector, city: SampleCity) -> None:
    begin(inspector)
    photo = Image.new("RGB", (4032, 3024), TABLE)
    photo.paste(code(city.qr(), 330).rotate(12, expand=True, fillcolor=TABLE), (3100, 2300))
    chooses(inspector, photo, "JPEG")
    inspector.verdict().wait_for()
    assert inspector.word() == "Gültig"


def test_a_photo_without_a_code_and_a_file_that_is_none_are_said(inspector: Inspector) -> None:
    begin(inspector)
    chooses(inspector, Image.new("RGB", (800, 600), TABLE))
    inspector.page.get_by_text("Auf dem Bild ist kein QR-Code zu erkennen").wait_for()
    with inspector.page.expect_file_chooser() as chooser:
        inspector.presses("Foto wählen")
    chooser.value.set_files({"name": "foto.png", "mimeType": "image/png", "buffer": b"no picture"})
    inspector.page.get_by_text("Das Bild ist nicht lesbar").wait_for()


def test_a_typed_code_is_tidied_and_an_empty_one_asked_for(inspector: Inspector, city: SampleCity) -> None:
    begin(inspector)
    inspector.presses("Code eingeben")
    inspector.presses("Prüfen")
    inspector.page.get_by_text("Bitte den Text des Codes eingeben").wait_for()
    inspector.page.locator("#typed").fill(f"\n  {city.qr()}\r\n")
    inspector.presses("Prüfen")
    inspector.verdict().wait_for()
    assert inspector.word() == "Gültig"


def test_what_a_scanner_mistyped_is_explained_and_not_judged(inspector: Inspector, city: SampleCity) -> None:
    begin(inspector)
    inspector.presses("Code eingeben")
    inspector.page.locator("#typed").fill(city.qr().replace("WP1:", "WP1Ö"))
    inspector.presses("Prüfen")
    inspector.page.get_by_text("Der Handscanner tippt für eine andere Tastatur").wait_for()
    assert not inspector.verdict().is_visible()
    inspector.presses("Abbrechen")


def burst(inspector: Inspector, text: str) -> None:
    """As a hand scanner types it: a key every five milliseconds, however busy this machine is, then Enter."""
    session = inspector.context.new_cdp_session(inspector.page)
    began = time.time()
    for number, key in enumerate([*text, "Enter"]):
        typed = {"key": key, "text": "\r" if key == "Enter" else key, "timestamp": began + number * 0.005}
        session.send("Input.dispatchKeyEvent", {"type": "keyDown", **typed})
        session.send("Input.dispatchKeyEvent", {"type": "keyUp", **typed})
    session.detach()


def test_a_hand_scanner_needs_no_field(inspector: Inspector, city: SampleCity) -> None:
    begin(inspector)
    burst(inspector, city.qr())
    inspector.verdict().wait_for()
    assert inspector.word() == "Gültig"
    burst(inspector, "HTTPS://EXAMPLE.ORG/ A B")  # the next one, without pressing anything
    inspector.page.locator(".verdict.refused").wait_for()
    assert inspector.code() == "malformed"


def test_a_burst_neither_presses_buttons_nor_stays_in_a_field(inspector: Inspector, city: SampleCity) -> None:
    begin(inspector)
    inspector.page.get_by_role("button", name="Foto wählen").focus()
    burst(inspector, f"WP1: {city.qr()}")  # a blank would press the button
    inspector.verdict().wait_for()
    inspector.goes_to("Kennzeichen")
    inspector.page.locator("#plate").fill("D-AB 1")
    inspector.page.locator("#plate").focus()
    burst(inspector, city.qr())
    inspector.verdict().wait_for()
    assert inspector.word() == "Gültig"


def test_a_tab_key_that_is_held_goes_on(inspector: Inspector) -> None:
    begin(inspector)
    focused = set()
    for _ in range(8):
        inspector.page.keyboard.press("Tab")
        focused.add(inspector.page.evaluate("document.activeElement.innerText"))
    assert len(focused) > 5


def test_fingers_are_no_scanner(inspector: Inspector) -> None:
    begin(inspector)
    inspector.goes_to("Kennzeichen")
    inspector.page.locator("#plate").press_sequentially("D-AB 12345", delay=130)
    assert inspector.page.locator("#plate").input_value().upper() == "D-AB 12345"
    assert not inspector.verdict().is_visible()
    inspector.goes_to("Scannen")
