"""Every screen of the app is for everybody: no accessibility checker finds a thing, nothing is cut off or too small."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from tests.browser.street import PIN, Inspector, Street, street, until
from tests.city import City

PERMIT, SOCIAL = "resident_parking_permit", "social_pass"
LOOKS = {
    "phone": {"viewport": {"width": 360, "height": 740}},
    "phone at night": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
    "phone turned": {"viewport": {"width": 740, "height": 360}},
    "tablet": {"viewport": {"width": 1280, "height": 800}},
}
# What is said of which code, one for each tone; the last one after the lists have grown old.
SAID = {"good": "Gültig", "revoked": "Abgelehnt", "social": "Nicht Ihr Bereich", "changing": "Nicht feststellbar"}
NO_CAMERA = "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); }"
TAP = 56  # pixels
SMALL = """(tap) => [...document.querySelectorAll("button, select, input, textarea, summary")]
  .filter((element) => element.offsetParent && element.getBoundingClientRect().height < tap)
  .map((element) => element.outerHTML)"""
# The contrast of each text of an answer with each colour of its ground (WCAG 2.2, relative luminance).
CONTRASTS = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
  const luminance = (colour) => numbers(colour)
    .map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, n) => sum + part * [0.2126, 0.7152, 0.0722][n], 0);
  const ratio = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  const ground = getComputedStyle(document.querySelector(".verdict"));
  const colours = [...(ground.backgroundImage.match(/rgb\\([^)]*\\)/g) ?? []), ground.backgroundColor]
    .filter((colour) => !colour.startsWith("rgba(0, 0, 0, 0"));
  return [...document.querySelectorAll(".told h1, .told p")].flatMap((text) =>
    colours.map((colour) => ratio(luminance(getComputedStyle(text).color), luminance(colour))));
}"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, key_folder_of_today: Path) -> Iterator[City]:
    city = City(
        tmp_path_factory.mktemp("city"), keys=key_folder_of_today, start=datetime.now(UTC), plate_list_iterations=1000
    )
    _ = city.plate_documents
    yield city
    city.office.engine.dispose()


@pytest.fixture(scope="module")
def texts(city: City) -> dict[str, str]:
    permits = {
        "good": city.grants(PERMIT, zone="MÜ", plates=("D-AB 1234", "KR-ZA 713E"), changing_vehicles=False),
        "revoked": city.grants(PERMIT, zone="MÜ", plates=("D-ZZ 9",), changing_vehicles=False),
        "changing": city.grants(PERMIT, zone="A1", plates=(), changing_vehicles=True),
        "social": city.grants(SOCIAL),
    }
    texts = {name: city.qr(permit) for name, permit in permits.items()}
    city.revokes(permits["revoked"])
    city.publishes()
    city.office.plates.publish()
    return texts


@pytest.fixture(scope="module")
def here(city: City, texts: dict[str, str]) -> Iterator[Street]:
    with street(city.settings.home) as made:
        yield made


class Looking(Inspector):
    """An inspector whose every screen is looked at."""

    folder: Path
    looked: int = 0

    def look(self, name: str) -> None:
        self.page.wait_for_timeout(200)  # until what moves has come to rest
        self.looked += 1
        self.page.screenshot(path=self.folder / f"{self.looked:02}-{name}.png")
        assert self.findings() == [], name
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(wide) == 0, name
        assert self.page.evaluate(SMALL, TAP) == [], name
        assert self.page.locator("h1").count() == 1, name
        assert self.page.title().endswith("Ausweisprüfung"), name

    def look_at_answer(self, word: str) -> None:
        assert self.word() == word
        self.look(word)
        assert min(self.page.evaluate(CONTRASTS)) >= 7, word
        if self.page.locator("summary").is_visible():
            self.page.locator("summary").click()
            self.look(f"{word} unfolded")

    def enrolment(self, link: str) -> None:
        self.look("enrol")
        self.page.goto(link)
        self.look("how to open")
        self.presses("Mit PIN öffnen")
        self.look("choose a PIN")
        for _ in range(2):
            self.page.locator("#pin").fill(PIN)
            self.presses("Weiter")
        self.has_lists()

    def plates(self) -> None:
        self.page.locator("#plate").fill("D-AB 12O4")
        self.page.get_by_text("Meinten Sie D-AB 1204?").wait_for()
        self.look("plate")
        for zone, plate, word in (
            ("MÜ", "D-AB 1234", "Ausweis vorhanden"),
            ("MÜ", "D-AB 1235", "Kein Ausweis"),
            ("A1", "D-AB 1235", "Nachfragen"),
        ):
            self.goes_to("Kennzeichen")
            self.chooses_zone(zone)
            self.looks_up(plate)
            self.look_at_answer(word)
        self.goes_to("Kennzeichen")
        self.presses("Foto")
        self.look("plate photo")
        self.presses("Abbrechen")

    def codes(self, texts: dict[str, str]) -> None:
        self.goes_to("Scannen")
        self.look("scan")
        self.presses("Code eingeben")
        self.look("type")
        self.presses("Abbrechen")
        for text, word in (("good", "Gültig"), ("revoked", "Abgelehnt"), ("social", "Nicht Ihr Bereich")):
            self.types(texts[text])
            self.look_at_answer(word)
        self.presses("Fall melden")
        self.look("case")
        self.presses("Abbrechen")
        self.types(texts["changing"])
        self.look("a field for the plate")

    def lists(self) -> None:
        self.goes_to("Stand")
        self.look("state")
        self.goes_to("Protokoll")
        self.look("log")

    def refused(self, text: str) -> None:
        """A check that the service does not take, until it is sent once more."""
        self.context.route("**/api/v1/device/scans", from_the_future)
        self.types(text)
        self.refreshes()
        self.goes_to("Protokoll")
        self.page.get_by_role("heading", name="Nicht angenommen").wait_for()
        assert "Code: Gültig" in self.page.locator(".rows li").first.inner_text()
        assert "Die Uhr dieses Geräts ging vor. scan_from_future" in self.page.locator(".why").first.inner_text()
        self.look("not taken")
        self.context.unroute("**/api/v1/device/scans")
        self.presses("Noch einmal senden")
        self.page.get_by_text("1 Prüfung wird in Kürze übertragen.").wait_for()
        assert self.page.get_by_role("heading", name="Nicht angenommen").count() == 0
        self.refreshes()
        assert "Alles ist angekommen" in self.waits()

    def without_contact(self, text: str) -> None:
        self.goes_offline()
        self.page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=30))
        self.types(text)
        self.look_at_answer("Nicht feststellbar")
        self.page.clock.set_system_time(datetime.now(UTC) + timedelta(days=9))
        self.page.clock.fast_forward(20_000)
        self.page.get_by_role("heading", name="Gerät gesperrt").wait_for()
        self.look("locked")
        self.page.clock.set_system_time(datetime.now(UTC))
        self.comes_back()
        self.page.locator("#plate").wait_for()

    def endings(self, here: Street, name: str) -> None:
        here.devices.suspend(here.device(name))
        self.refreshes_unless(self.page.get_by_role("heading", name="Gerät angehalten"))
        self.look("suspended")
        self.page.reload()
        self.page.locator("#pin").wait_for()
        self.look("open")
        here.devices.revoke(here.device(name))
        self.unlocks()
        self.page.get_by_role("heading", name="Gerät abgemeldet").wait_for()
        self.look("ended")


def from_the_future(route: Route) -> None:
    """Checks as a clock that is a day ahead writes them down; the device's own copy is right."""
    sent = json.loads(route.request.post_data or "")
    for scan in sent["scans"]:
        scan["at"] += 86_400
    route.continue_(post_data=json.dumps(sent))


@pytest.mark.parametrize("look", LOOKS)
def test_every_screen_is_for_everybody(
    browser: Browser, here: Street, texts: dict[str, str], look: str, tmp_path: Path
) -> None:
    context = browser.new_context(**LOOKS[look])  # type: ignore[arg-type]
    context.add_init_script(NO_CAMERA)
    inspector, name = Looking(here, context), f"Gerät {look}"
    inspector.folder = tmp_path
    inspector.page.clock.install()
    inspector.page.reload()  # so that its timers are the clock's
    inspector.enrolment(here.invites(name, types=(PERMIT,), zones=("MÜ", "A1")))
    inspector.page.locator("#plate").wait_for()
    inspector.plates()
    inspector.codes(texts)
    inspector.lists()
    inspector.refreshes()  # what was looked at so far has arrived
    inspector.refused(texts["good"])
    inspector.without_contact(texts["good"])
    inspector.endings(here, name)
    assert inspector.complaints == []
    inspector.leaves()


def test_english_fits_too(browser: Browser, here: Street, texts: dict[str, str], tmp_path: Path) -> None:
    inspector = Looking(here, browser)
    inspector.folder = tmp_path
    inspector.enrols("English")
    inspector.goes_to("Stand")
    inspector.presses("English")
    page = inspector.page
    assert page.locator("html").get_attribute("lang") == "en"
    page.get_by_role("heading", name="Status", exact=True).wait_for()
    page.get_by_role("navigation").get_by_role("button", name="Scan").click()
    page.get_by_role("button", name="Type the code").click()
    page.locator("#typed").fill(texts["good"])
    page.get_by_role("button", name="Check", exact=True).click()
    assert inspector.word() == "Accepted"
    assert inspector.findings() == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.reload()
    page.get_by_role("heading", name="Open the app").wait_for()
    inspector.leaves()


def test_the_keyboard_is_enough(browser: Browser, here: Street, texts: dict[str, str]) -> None:
    inspector = Inspector(here, browser.new_context(viewport={"width": 1280, "height": 800}))
    page = inspector.page
    keys = page.keyboard

    def reach(name: str) -> None:
        for _ in range(30):
            if page.evaluate("document.activeElement.innerText || document.activeElement.id") == name:
                return
            keys.press("Tab")
        raise AssertionError(f"the Tab key never comes to {name}")

    reach("link")
    keys.insert_text(here.invites("Tastatur"))
    keys.press("Enter")
    reach("Mit PIN öffnen")
    keys.press("Enter")
    for _ in range(2):
        reach("pin")
        keys.type(PIN, delay=120)
        keys.press("Enter")
    inspector.has_lists()
    reach("Code eingeben")
    keys.press("Space")
    reach("typed")
    keys.insert_text(texts["good"])
    reach("Prüfen")
    keys.press("Enter")
    inspector.verdict().wait_for()
    assert page.evaluate("document.activeElement.innerText") == "Gültig"  # what a screen reader begins with
    reach("Prüfschritte")
    keys.press("Enter")
    reach("Nächste Prüfung")
    keys.press("Enter")
    reach("Kennzeichen")
    keys.press("Enter")
    reach("plate")
    keys.type("D-AB 1234", delay=120)
    keys.press("Enter")
    inspector.verdict().wait_for()
    assert inspector.word() == "Ausweis vorhanden"
    inspector.leaves()


def test_an_answer_is_for_the_ear_and_the_hand_too(browser: Browser, here: Street, texts: dict[str, str]) -> None:
    context = browser.new_context(viewport=LOOKS["phone"]["viewport"])  # type: ignore[arg-type]
    context.add_init_script("""
      window.pulses = [];
      navigator.vibrate = (pulses) => window.pulses.push(pulses.filter((_, n) => n % 2 === 0).length);
      window.tones = [];
      const start = OscillatorNode.prototype.start;
      OscillatorNode.prototype.start = function (at) {
        window.tones.push(this.frequency.value);
        start.call(this, at);
      };
    """)
    inspector = Inspector(here, context)
    page = inspector.page
    page.clock.install()
    page.reload()  # so that its timers are the clock's
    inspector.enrols("Ohr", types=(PERMIT,))
    announced = page.locator("[aria-live=assertive]")
    heard: dict[str, list[float]] = {}
    signs: set[str] = set()
    for text, word in SAID.items():
        if word == "Nicht feststellbar":
            inspector.goes_offline()
            page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=30))  # every list is too old by then
        page.evaluate("window.tones.length = 0")
        inspector.types(texts[text])
        until(lambda: bool(page.evaluate("window.tones.length")))
        heard[word] = page.evaluate("window.tones")
        signs.add(page.locator(".sign svg").inner_html())
        assert inspector.word() == word and word in announced.inner_text()
    assert [len(tones) for tones in heard.values()] == page.evaluate("window.pulses") == [1, 2, 1, 3]
    assert len({tones[0] for tones in heard.values()}) == len(signs) == 4
    page.clock.set_system_time(datetime.now(UTC))
    inspector.comes_back()
    inspector.goes_to("Stand")
    inspector.presses("Töne ausschalten")
    page.evaluate("window.tones.length = 0")
    inspector.types(texts["good"])
    assert page.evaluate("window.tones") == []
    assert "Gültig. Der Ausweis ist echt" in announced.inner_text()
    inspector.leaves()
