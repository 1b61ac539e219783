"""The app's camera: what it shows becomes a verdict, it rests when nobody uses it, and says what it cannot."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright

from tests.browser.frames import any_code, code, on_the_table, turned, write_camera_file
from tests.browser.serving import launch_with_camera
from tests.browser.street import PHONE, Inspector, Street, street, until
from tests.verifiers.sample_city import SampleCity

# A camera that can more than Chromium's: the track says so, and keeps what it is asked for.
ABLE = """() => {
  const track = MediaStreamTrack.prototype;
  const capabilities = track.getCapabilities;
  track.getCapabilities = function () {
    return { ...capabilities.call(this), torch: true, zoom: { min: 1, max: 5, step: 0.5 } };
  };
  window.applied = [];
  track.applyConstraints = async function (wanted) { window.applied.push(...wanted.advanced); };
}"""

RUNS = "document.querySelector('video')?.srcObject?.active"
USED = "document.querySelector('video')?.srcObject?.getVideoTracks()[0].getSettings().deviceId"  # the camera's id


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SampleCity:
    city = SampleCity(tmp_path_factory.mktemp("city"), now=int(time.time()) - 180)
    city.publish()
    return city


@pytest.fixture(scope="module")
def here(city: SampleCity) -> Iterator[Street]:
    with street(city.home) as made:
        yield made


@pytest.fixture
def film(city: SampleCity, tmp_path: Path) -> Path:
    film = tmp_path / "camera.y4m"
    write_camera_file(film, [turned(city.qr(), 10)], rate=5)
    return film


@pytest.fixture
def inspector(playwright: Playwright, here: Street, film: Path) -> Iterator[Inspector]:
    browser = launch_with_camera(playwright, film)
    yield Inspector(here, browser)
    browser.close()


def test_a_code_before_the_camera_becomes_a_verdict(inspector: Inspector) -> None:
    inspector.enrols("Kamera 1")
    inspector.verdict().wait_for()
    if inspector.word() == "Nicht feststellbar":  # the camera was quicker than the first lists
        inspector.presses("Nächste Prüfung")
        inspector.verdict().wait_for()
    assert inspector.word() == "Gültig"
    inspector.presses("Nächste Prüfung")
    inspector.verdict().wait_for()  # the same code is still there, and after a moment it counts as the next one
    assert inspector.complaints == []
    inspector.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    inspector.goes_offline()
    inspector.page.reload()
    inspector.unlocks()
    inspector.verdict().wait_for()  # the reader of codes is on the device, too
    assert inspector.word() == "Gültig"
    inspector.comes_back()


def test_a_hostile_code_is_never_more_than_malformed(playwright: Playwright, here: Street, tmp_path: Path) -> None:
    hostile = ["HTTPS://EXAMPLE.ORG/", "JAVASCRIPT:ALERT(1)", "WP1:" + "A" * 2000, "WP1:%00%00"]
    for number, text in enumerate(hostile):
        film = tmp_path / f"{number}.y4m"
        write_camera_file(film, [on_the_table(any_code(text, 700))], rate=5)
        browser = launch_with_camera(playwright, film)
        inspector = Inspector(here, browser).enrols(f"Kamera 2{number}")
        inspector.verdict().wait_for()
        assert inspector.code() == "malformed"
        assert text[:12] not in inspector.page.locator("body").inner_text()
        assert inspector.page.locator("a, iframe, img").count() == 0
        assert inspector.complaints == []
        browser.close()


def test_the_camera_rests_after_thirty_seconds_and_a_tap_starts_it(
    playwright: Playwright, here: Street, tmp_path: Path
) -> None:
    film = tmp_path / "empty.y4m"
    write_camera_file(film, [on_the_table(code("HELLO", 4))], rate=5)
    browser = launch_with_camera(playwright, film)
    inspector = Inspector(here, browser)
    page = inspector.page
    inspector.enrols("Kamera 3")
    until(lambda: page.evaluate(RUNS) is True)
    page.clock.install()
    page.locator(".viewfinder").click()  # it is in use: thirty seconds from now
    page.clock.run_for(29_000)
    assert page.evaluate(RUNS) is True
    page.clock.run_for(2_000)
    page.get_by_text("Die Kamera ruht").wait_for()
    assert page.evaluate("document.querySelector('video').srcObject") is None
    inspector.presses("Kamera starten")
    until(lambda: page.evaluate(RUNS) is True)
    inspector.goes_to("Stand")
    assert page.locator("video").count() == 0
    browser.close()


def test_light_and_zoom_are_there_when_the_camera_has_them(inspector: Inspector) -> None:
    page = inspector.page
    inspector.enrols("Kamera 4")
    inspector.verdict().wait_for()
    assert page.get_by_role("button", name="Licht an").count() == 0
    page.evaluate(ABLE)
    inspector.goes_to("Stand")
    inspector.goes_to("Scannen")
    page.get_by_role("slider", name="Zoom").wait_for()
    inspector.presses("Licht an")
    inspector.presses("Näher")
    page.get_by_role("slider", name="Zoom").press("End")
    inspector.presses("Weiter weg")
    applied: list[dict[str, Any]] = page.evaluate("window.applied")
    assert applied == [{"torch": True}, {"zoom": 1.5}, {"zoom": 5}, {"zoom": 4.5}]
    assert page.get_by_role("button", name="Licht an").get_attribute("aria-pressed") == "true"


def test_two_fingers_zoom(inspector: Inspector) -> None:
    page = inspector.page
    inspector.enrols("Kamera 5")
    inspector.verdict().wait_for()
    page.evaluate(ABLE)
    inspector.goes_to("Stand")
    inspector.goes_to("Scannen")
    page.get_by_role("slider", name="Zoom").wait_for()
    page.evaluate("""() => {
      const view = document.querySelector(".viewfinder");
      const finger = (kind, pointerId, clientX) =>
        view.dispatchEvent(new PointerEvent(kind, { pointerId, clientX, clientY: 300, bubbles: true }));
      finger("pointerdown", 1, 100);
      finger("pointerdown", 2, 200);
      finger("pointermove", 2, 350);
      finger("pointerup", 1, 100);
      finger("pointermove", 2, 500);
    }""")
    assert page.evaluate("window.applied") == [{"zoom": 2.5}]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("NotAllowedError", "Die Kamera ist für diese Seite gesperrt"),
        ("NotFoundError", "Dieses Gerät hat keine Kamera"),
        ("NotReadableError", "Eine andere App benutzt die Kamera"),
    ],
)
def test_a_camera_that_does_not_start_says_why(browser: Browser, here: Street, name: str, sentence: str) -> None:
    context: BrowserContext = browser.new_context(viewport=PHONE)
    refuse = f"async () => {{ throw new DOMException('', {json.dumps(name)}); }}"
    context.add_init_script(f"navigator.mediaDevices.getUserMedia = {refuse}")
    inspector = Inspector(here, context).enrols(f"Kamera {name}")
    inspector.page.get_by_text(sentence).wait_for()
    inspector.presses("Code eingeben")  # which works all the same
    inspector.leaves()


def test_the_chosen_camera_is_remembered(playwright: Playwright, here: Street) -> None:
    browser = launch_with_camera(playwright, None, "--use-fake-device-for-media-stream=device-count=3")
    inspector = Inspector(here, browser).enrols("Kamera 6")
    cameras = inspector.page.get_by_role("combobox", name="Kamera")
    cameras.wait_for()
    options = cameras.locator("option").all()
    assert len(options) == 3
    other = next(option.get_attribute("value") for option in options if option.get_attribute("selected") is None)
    cameras.select_option(other)
    until(lambda: inspector.page.evaluate(USED) == other)
    inspector.page.reload()
    inspector.unlocks()
    until(lambda: inspector.page.evaluate(USED) == other)
    browser.close()
