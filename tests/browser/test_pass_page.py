"""The pass page in a real browser: its live code is photographed, judged, outdated, taken over, and shown offline.

The browser's clock is the city's: both stand still until a test lets both go on.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from issuers.app import create_app
from issuers.residents.links import PATH
from issuers.residents.texts import NO_CODE, TEXTS
from tests.city import City
from verifiers.images import text_in_picture
from walletpass.pass_type import Catalogue, LiveCode
from walletpass.passes import LOCAL_ZONE
from walletpass.verdict import Verdict

WIDTHS = (360, 1280)
PERMIT = "resident_parking_permit"
PLATES = ("D-AB 1234E", "D-XY 9876H")
SAID = TEXTS["de"]


class Street:
    """A city that serves pass pages, and browsers that look at them."""

    def __init__(self, city: City, browser: Browser, address: str, pictures: Path) -> None:
        self.city, self._browser, self._address, self._pictures = city, browser, address, pictures

    def opens(self, secret: str, width: int = 360, *, ahead: float = 0, scripts: bool = True) -> Page:
        """A new browser at the link; its clock is `ahead` seconds before the city's."""
        context = self._browser.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=scripts, timezone_id="Europe/Berlin"
        )
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.clock.set_fixed_time(self.city.clock() + ahead)
        page.goto(f"{self._address}{PATH}{secret}")
        return page

    def later(self, page: Page, seconds: int) -> None:
        """Time passes for both; the page's own timers notice within a second."""
        self.city.later(seconds=seconds)
        page.clock.set_fixed_time(self.city.clock())

    def waits_for_time(self, page: Page) -> None:
        """Until the page shows this very second."""
        page.get_by_text(f"{datetime.fromtimestamp(self.city.clock(), LOCAL_ZONE):%H:%M:%S}").wait_for()

    def photographs(self, page: Page) -> str:
        """The text in a photograph of the whole screen."""
        page.get_by_role("img", name=SAID["picture"]).locator("svg, :scope").first.wait_for()
        return text_in_picture(page.screenshot())

    def judges(self, text: str) -> Verdict:
        """An inspector with fresh lists, at this moment."""
        return self.city.inspector_sees(text)

    def looks(self, page: Page, name: str) -> None:
        """No finding of an accessibility checker, nothing wider than the screen; a picture for the eye."""
        found = Axe().run(page).response["violations"]
        assert [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]] == []
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
        page.screenshot(path=self._pictures / f"{name}.png", full_page=True)


@pytest.fixture
def street(city: City, browser: Browser, tmp_path: Path) -> Iterator[Street]:
    app = create_app(city.office, upkeep_interval=3600)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    yield Street(city, browser, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", pictures)
    for context in browser.contexts:
        context.close()
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("width", WIDTHS)
def test_the_code_on_the_screen_is_accepted_and_a_screenshot_of_it_is_stale(street: Street, width: int) -> None:
    page = street.opens(street.city.link(street.city.grants(PERMIT, plates=PLATES)), width)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    text = street.photographs(page)
    verdict = street.judges(text)
    assert (verdict.reason, verdict.steps[-1][1]) == ("accepted", "passed")
    assert verdict.claims and verdict.claims["plates"] == PLATES
    assert page.get_by_text("23.11.2026").count() == 1, "a picture of it shows its day to anybody"
    street.looks(page, f"live-{width}")
    street.city.later(seconds=30)
    assert street.judges(text).reason == "accepted"
    street.city.later(seconds=1)
    assert street.judges(text).reason == "proof_stale"
    assert complaints == []


def test_a_new_code_is_signed_every_twenty_seconds(street: Street) -> None:
    page = street.opens(street.city.link(street.city.grants(PERMIT)))
    codes = [street.photographs(page)]
    for _ in range(3):
        street.later(page, 20)
        street.waits_for_time(page)
        codes.append(street.photographs(page))
        assert street.judges(codes[-1]).reason == "accepted"
    assert len(set(codes)) == 4
    street.later(page, 7)
    street.waits_for_time(page)
    assert street.photographs(page) == codes[-1], "in between it stands still, so that a camera can catch it"


def test_the_time_is_written_as_the_days_are(street: Street) -> None:
    page = street.opens(street.city.link(street.city.grants(PERMIT)) + "?lang=en")
    shown = page.locator("[data-part=time]")
    shown.filter(has_text=":").wait_for()
    day = f"{datetime.fromtimestamp(street.city.clock(), LOCAL_ZONE):%-d %b %Y}"
    assert re.fullmatch(rf"{day}, \d\d:\d\d:\d\d", shown.inner_text())


def test_the_page_goes_on_without_a_network(street: Street) -> None:
    page = street.opens(street.city.link(street.city.grants(PERMIT)))
    street.photographs(page)
    page.context.set_offline(True)
    page.get_by_text(SAID["offline"]).wait_for()
    street.looks(page, "offline")
    street.later(page, 400)
    street.waits_for_time(page)
    assert street.judges(street.photographs(page)).reason == "accepted"
    page.context.set_offline(False)
    page.get_by_text(SAID["offline"]).wait_for(state="hidden")


def test_a_second_browser_takes_over_and_the_first_ones_code_is_refused(street: Street) -> None:
    secret = street.city.link(street.city.grants(PERMIT))
    first, second = street.opens(secret), street.opens(secret)
    old = street.photographs(first)
    assert street.judges(old).reason == "accepted"
    second.get_by_text(SAID["elsewhere"]).wait_for()
    assert street.judges(old).reason == "accepted", "looking takes nothing away"
    street.looks(second, "elsewhere")
    second.get_by_role("button", name=SAID["take_over"]).focus()
    second.keyboard.press("Enter")
    new = street.photographs(second)
    assert street.judges(new).reason == "accepted"
    assert street.judges(old).reason == "revoked"
    street.later(first, 300)
    first.get_by_text(SAID["elsewhere"]).wait_for()
    assert first.get_by_role("img", name=SAID["picture"]).count() == 0


def test_a_browser_keeps_its_key(street: Street) -> None:
    page = street.opens(street.city.link(street.city.grants(PERMIT)))
    street.photographs(page)
    page.reload()
    assert street.judges(street.photographs(page)).reason == "accepted"
    assert page.get_by_text(SAID["elsewhere"]).is_hidden()


@pytest.mark.parametrize(("ahead", "warned"), [(-45, True), (-12, True), (-5, False), (5, False), (300, True)])
def test_a_clock_that_is_off_is_said(street: Street, ahead: int, warned: bool) -> None:
    page = street.opens(street.city.link(street.city.grants(PERMIT)), ahead=ahead)
    text = street.photographs(page)
    assert page.get_by_role("alert").is_visible() == warned
    expected = {-45: "proof_stale", 300: "proof_early"}.get(ahead, "accepted")
    assert street.judges(text).reason == expected
    street.looks(page, f"clock{ahead}")


def test_a_pass_that_is_suspended_meanwhile_shows_no_code_any_more(street: Street) -> None:
    permit = street.city.grants(PERMIT)
    page = street.opens(street.city.link(permit))
    text = street.photographs(page)
    street.city.suspends(permit)
    assert street.judges(text).reason == "suspended"
    street.later(page, 300)
    page.get_by_text(NO_CODE["de"]["suspended"]).wait_for()
    assert page.get_by_role("img").count() == 0
    street.looks(page, "suspended")


def test_a_changed_plate_reaches_a_page_that_stays_open(street: Street) -> None:
    permit = street.city.grants(PERMIT)
    page = street.opens(street.city.link(permit))
    old = street.photographs(page)
    street.city.amends(permit, plates=("D-NEU 1",))
    street.later(page, 300)
    page.get_by_text("D-NEU 1").wait_for()
    verdict = street.judges(street.photographs(page))
    assert verdict.claims and verdict.claims["plates"] == ("D-NEU 1",)
    assert street.judges(old).reason == "revoked"


def test_a_server_out_of_reach_is_said_and_asked_again(street: Street) -> None:
    page = street.opens("none")
    page.route("**/live-code", lambda route: route.abort())
    page.goto(page.url.replace("none", street.city.link(street.city.grants(PERMIT))))
    page.get_by_text(SAID["failed"]).wait_for()
    street.looks(page, "failed")
    page.unroute("**/live-code")
    page.keyboard.press("Tab")
    page.get_by_role("button", name=SAID["again"]).press("Enter")
    assert street.judges(street.photographs(page)).reason == "accepted"


@pytest.mark.parametrize("pass_type", ["library_card", "registration_certificate", "social_pass"])
def test_other_types_have_their_look_and_their_code_too(street: Street, pass_type: str) -> None:
    page = street.opens(street.city.link(street.city.grants(pass_type)))
    assert street.judges(street.photographs(page)).reason == "accepted"
    street.looks(page, pass_type)


@pytest.mark.parametrize("width", WIDTHS)
def test_without_scripts_there_is_the_plain_code_or_a_sentence(street: Street, width: int) -> None:
    secret = street.city.link(street.city.grants(PERMIT))
    page = street.opens(secret, width, scripts=False)
    assert page.locator("noscript p").inner_text() == SAID["plain"]
    assert page.get_by_text(SAID["preparing"]).is_hidden()
    text = text_in_picture(page.screenshot(full_page=True))
    assert text.startswith("WP1:") and street.judges(text).reason == "accepted"
    page.screenshot(path=street._pictures / f"plain-{width}.png", full_page=True)
    city = street.city
    city.office.catalogue = Catalogue(replace(each, live_code=LiveCode.DEMANDED) for each in city.office.catalogue)
    page.reload()
    assert page.locator("noscript p").inner_text() == SAID["unable"]
    assert page.get_by_role("img").count() == 0


@pytest.mark.parametrize("demanded", [False, True])
def test_a_browser_that_cannot_sign_says_so(street: Street, demanded: bool) -> None:
    city = street.city
    if demanded:
        city.office.catalogue = Catalogue(replace(each, live_code=LiveCode.DEMANDED) for each in city.office.catalogue)
    page = street.opens("none")
    page.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    page.goto(page.url.replace("none", city.link(city.grants(PERMIT))))
    page.get_by_text(SAID["unable"] if demanded else SAID["plain"]).wait_for()
    assert page.get_by_role("img").count() == (0 if demanded else 1)
    street.looks(page, f"unable-{demanded}")


def test_an_address_that_opens_nothing_is_a_plain_page(street: Street) -> None:
    page = street.opens("none")
    page.get_by_role("heading", name=SAID["missing"]).wait_for()
    street.looks(page, "missing")
