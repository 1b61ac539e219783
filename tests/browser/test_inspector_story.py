"""The inspector's whole story in the app: enrol, go offline, check, look up plates, come back; everything arrives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser

from tests.browser.device.phone import give_authenticator
from tests.browser.street import PIN, Inspector, Street, street, until
from tests.city import City

PERMIT, SOCIAL = "resident_parking_permit", "social_pass"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, key_folder_of_today: object) -> Iterator[City]:
    """A city of today, whose plate lists go to the verifying service."""
    home = tmp_path_factory.mktemp("city")
    city = City(home, keys=key_folder_of_today, start=datetime.now(UTC), plate_list_iterations=1000)  # type: ignore
    _ = city.plate_documents
    yield city
    city.office.engine.dispose()


@pytest.fixture(scope="module")
def texts(city: City) -> dict[str, str]:
    """Codes by what they are, after the city has published."""
    permits = {
        "good": city.grants(PERMIT, zone="MÜ", plates=("D-AB 1234", "K-XY 7E"), changing_vehicles=False),
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


@pytest.fixture
def inspector(browser: Browser, here: Street) -> Iterator[Inspector]:
    inspector = Inspector(here, browser)
    yield inspector
    inspector.comes_back()
    inspector.leaves()


def test_enrolled_then_offline_then_back_and_everything_arrives_once(
    inspector: Inspector, here: Street, texts: dict[str, str]
) -> None:
    inspector.enrols("Handgerät 1")
    inspector.goes_offline()
    inspector.types(texts["good"])
    assert inspector.word() == "Gültig"
    said = inspector.verdict().inner_text()
    assert "MÜ" in said and "D-AB 1234" in said and "K-XY 7E" in said
    inspector.types(texts["revoked"])
    assert (inspector.word(), inspector.code()) == ("Abgelehnt", "revoked")
    inspector.types("HTTPS://EXAMPLE.ORG/")
    assert (inspector.word(), inspector.code()) == ("Abgelehnt", "malformed")
    inspector.goes_to("Kennzeichen")
    inspector.chooses_zone("MÜ")
    inspector.looks_up("d-ab 1234")
    assert inspector.word() == "Ausweis vorhanden"
    assert "Zone\nMÜ" in inspector.verdict().inner_text()
    inspector.looks_up("D-AB 1235")
    assert inspector.word() == "Kein Ausweis"
    assert "Zone\nMÜ" in inspector.verdict().inner_text()
    inspector.goes_to("Kennzeichen")
    inspector.chooses_zone("A1")
    inspector.looks_up("D-AB 1234")
    assert inspector.word() == "Nachfragen"
    assert "Wechselnde Fahrzeuge: nach dem Ausweis fragen" in inspector.verdict().inner_text()
    waits = inspector.waits()
    assert "6 Prüfungen gehen hinaus, sobald ein Netz da ist." in waits
    assert "Erledigte Prüfungen stehen nicht hier." in waits
    assert here.scans() == []
    inspector.page.reload()
    inspector.unlocks()
    inspector.types(texts["social"])
    said = inspector.verdict().inner_text()
    assert "Anna" in said and "1980" in said and "Mit Lichtbildausweis vergleichen" in said
    inspector.comes_back()
    inspector.refreshes()
    until(lambda: len(here.scans()) == 7)
    assert "Alles ist angekommen" in inspector.waits()
    inspector.refreshes()
    assert sorted(here.scans(), key=str) == sorted(
        [
            ("code", "accepted", None),
            ("code", "revoked", None),
            ("code", "malformed", None),
            ("plate", "listed", "MÜ"),
            ("plate", "not_listed", "MÜ"),
            ("plate", "not_listed", "A1"),
            ("code", "accepted", "A1"),
        ],
        key=str,
    )
    assert inspector.complaints == []


def test_an_old_list_says_nothing(inspector: Inspector, texts: dict[str, str]) -> None:
    inspector.page.clock.install()
    inspector.page.reload()  # so that its timers are the clock's
    inspector.enrols("Handgerät 2")
    inspector.goes_offline()
    inspector.page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=30))
    inspector.types(texts["good"])
    assert (inspector.word(), inspector.code()) == ("Nicht feststellbar", "status_stale")
    assert "Nicht ablehnen" in inspector.verdict().inner_text()
    inspector.looks_up("D-AB 1234")
    assert inspector.word() == "Nicht feststellbar"


def test_the_same_permit_at_two_cars_is_noticed(inspector: Inspector, texts: dict[str, str]) -> None:
    inspector.enrols("Handgerät 3")
    inspector.types(texts["good"])
    inspector.verdict().get_by_role("button", name="D-AB 1234").click()
    inspector.page.get_by_text("Vermerkt: D-AB 1234").wait_for()
    inspector.types(texts["good"])
    inspector.verdict().get_by_role("button", name="K-XY 7E").click()
    inspector.verdict().locator(".answer").get_by_text("lag heute um").wait_for()
    assert inspector.verdict().locator(".warnings").get_by_text("lag heute um").count() == 1


def test_a_permit_for_another_car_is_said_where_the_thumb_is(inspector: Inspector, texts: dict[str, str]) -> None:
    inspector.enrols("Handgerät 15")
    inspector.types(texts["good"])
    another = inspector.verdict().get_by_role("button", name="An einem anderen")
    said = inspector.verdict().locator(".answer").get_by_text("gilt nicht für dieses Fahrzeug")
    above = inspector.verdict().locator(".warnings").get_by_text("gilt nicht für dieses Fahrzeug")
    another.evaluate("(button) => button.scrollIntoView({ block: 'end' })")
    for _ in range(2):
        another.click()
        said.wait_for()
        assert (said.count(), above.count(), another.get_attribute("aria-pressed")) == (1, 1, "true")
    shown, actions = said.bounding_box(), inspector.verdict().locator(".actions").bounding_box()
    assert shown and actions and shown["y"] >= 0 and shown["y"] + shown["height"] <= actions["y"]
    inspector.verdict().get_by_role("button", name="D-AB 1234").click()
    inspector.page.get_by_text("Vermerkt: D-AB 1234").wait_for()
    assert (said.count(), above.count(), another.get_attribute("aria-pressed")) == (0, 0, "false")


def test_the_same_permit_at_two_places_is_noticed(inspector: Inspector, texts: dict[str, str]) -> None:
    inspector.enrols("Handgerät 4")
    inspector.chooses_zone("MÜ")
    inspector.types(texts["changing"])
    inspector.verdict().get_by_text("gilt für Zone A1, gewählt ist Zone MÜ").wait_for()
    inspector.goes_to("Scannen")
    inspector.chooses_zone("A1")
    inspector.types(texts["changing"])
    inspector.verdict().get_by_text("in Zone MÜ geprüft").wait_for()
    assert inspector.word() == "Gültig"
    inspector.verdict().get_by_label("Kennzeichen am Fahrzeug").fill("d-cd 5")
    inspector.presses("Bestätigen")
    inspector.page.get_by_text("Vermerkt: D-CD 5").wait_for()


def test_a_contested_check_becomes_a_case(inspector: Inspector, here: Street, texts: dict[str, str]) -> None:
    inspector.enrols("Handgerät 5")
    inspector.types(texts["revoked"])
    inspector.presses("Fall melden")
    inspector.presses("Fall abgeben")
    inspector.page.get_by_text("Bitte kurz beschreiben").wait_for()
    inspector.page.get_by_label("Was ist aufgefallen?").fill("Der Ausweis klebt an der Scheibe.")
    inspector.presses("Fall abgeben")
    inspector.page.get_by_text("Der Fall ist gespeichert und wird übertragen.").wait_for()
    cases = here.store.tables.cases
    inspector.refreshes()
    until(lambda: here.count(cases) == 1)


def test_a_device_is_for_its_types_and_zones(inspector: Inspector, texts: dict[str, str]) -> None:
    inspector.enrols("Handgerät 6", types=(PERMIT,), zones=("MÜ", "A1"))
    inspector.page.locator("#plate").wait_for()  # parking only: it opens on the plate
    assert inspector.page.locator("#zone option").all_inner_texts() == ["Alle Zonen", "A1", "MÜ"]
    inspector.types(texts["social"])
    assert inspector.word() == "Nicht Ihr Bereich"
    said = inspector.verdict().inner_text()
    assert "Düsselpass" in said and "Anna" not in said and "Gültig" not in said


def test_a_permit_of_another_zone_than_the_device_s_is_noticed(inspector: Inspector, texts: dict[str, str]) -> None:
    inspector.enrols("Handgerät 13", zones=("MÜ", "B2"))
    inspector.types(texts["changing"])
    inspector.verdict().get_by_text("gilt für Zone A1, dieses Gerät ist für Zone B2, MÜ").wait_for()
    assert inspector.word() == "Gültig"
    inspector.types(texts["good"])
    assert inspector.verdict().get_by_text("dieses Gerät ist für").count() == 0


def test_searches_are_limited_counted_and_reported(browser: Browser, city: City, texts: dict[str, str]) -> None:
    with street(city.settings.home, device_lookups_per_hour=2) as narrow:
        inspector = Inspector(narrow, browser).enrols("Handgerät 7")
        inspector.looks_up("D-AB 1234")
        assert "Noch 1 Abfrage in" in inspector.verdict().inner_text()
        inspector.looks_up("D-AB 1235")
        assert "Keine Abfrage mehr" in inspector.verdict().inner_text()
        inspector.goes_to("Kennzeichen")
        inspector.page.locator("#plate").fill("D-AB 1236")
        inspector.presses("Kennzeichen prüfen")
        inspector.page.get_by_text("sind alle Abfragen verbraucht. Die nächste Abfrage geht um").wait_for()
        inspector.refreshes()
        reported = narrow.devices.one(narrow.device("Handgerät 7")).reported
        assert list(reported["lookups"].values()) == [2]
        inspector.leaves()


def test_what_the_desk_says_of_a_device_is_done(inspector: Inspector, here: Street, texts: dict[str, str]) -> None:
    inspector.enrols("Handgerät 8")
    device = here.device("Handgerät 8")
    here.devices.suspend(device)
    inspector.goes_to("Stand")
    inspector.presses("Jetzt auffrischen")
    inspector.page.get_by_role("heading", name="Gerät angehalten").wait_for()
    here.devices.resume(device)
    inspector.presses("Kontakt aufnehmen")
    inspector.page.get_by_role("button", name="Code eingeben").wait_for()
    here.devices.revoke(device)
    inspector.goes_to("Stand")
    inspector.presses("Jetzt auffrischen")
    inspector.page.get_by_role("heading", name="Gerät abgemeldet").wait_for()
    inspector.presses("Neue Einladung verwenden")
    inspector.page.get_by_label("Link der Einladung").fill(here.invites("Handgerät 9"))
    inspector.presses("Weiter")
    inspector.chooses_pin()
    inspector.has_lists()


def test_a_device_without_contact_locks_itself(inspector: Inspector) -> None:
    inspector.page.clock.install()
    inspector.page.reload()  # so that its timers are the clock's
    inspector.enrols("Handgerät 10")
    inspector.goes_offline()
    inspector.page.clock.set_system_time(datetime.now(UTC) + timedelta(days=9))
    inspector.page.clock.fast_forward(20_000)
    inspector.page.get_by_role("heading", name="Gerät gesperrt").wait_for()
    inspector.presses("Kontakt aufnehmen")
    inspector.page.get_by_text("Der Prüfdienst antwortet nicht").wait_for()
    inspector.comes_back()
    inspector.page.clock.set_system_time(datetime.now(UTC))
    inspector.page.get_by_role("button", name="Code eingeben").wait_for()


def test_a_passkey_opens_the_app_too(inspector: Inspector, here: Street, texts: dict[str, str]) -> None:
    tools, authenticator = give_authenticator(inspector.page)
    inspector.page.goto(here.invites("Handgerät 14"))
    inspector.presses("Mit Passkey öffnen")
    inspector.has_lists()
    inspector.page.reload()
    inspector.page.get_by_role("heading", name="App öffnen").wait_for()
    tools.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    inspector.presses("Mit Passkey öffnen")
    inspector.page.get_by_text("Der Passkey wurde nicht verwendet").wait_for()
    tools.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": True})
    inspector.presses("Mit Passkey öffnen")
    inspector.types(texts["good"])
    assert inspector.word() == "Gültig"
    assert all("RS256" in said for said in inspector.complaints)  # our keys are on P-256 alone, Chromium advises both


def test_a_wrong_clock_is_said(inspector: Inspector, here: Street) -> None:
    inspector.page.clock.install(time=datetime.now(UTC) - timedelta(minutes=12))
    inspector.follows(here.invites("Handgerät 11"))
    inspector.page.get_by_text("Die Uhr dieses Geräts geht 12 Min. nach").wait_for()


def test_a_wrong_pin_and_an_old_invitation_are_said(inspector: Inspector, here: Street) -> None:
    link = here.invites("Handgerät 12")
    inspector.page.goto(link)
    inspector.presses("Mit PIN öffnen")
    inspector.presses("Zurück")
    inspector.presses("Mit PIN öffnen")
    inspector.page.locator("#pin").fill("123456")
    inspector.presses("Weiter")
    inspector.page.get_by_text("Diese PIN ist zu einfach").wait_for()
    for pin in (PIN, "470812"):
        inspector.page.locator("#pin").fill(pin)
        inspector.presses("Weiter")
    inspector.page.get_by_text("Die beiden PINs sind verschieden").wait_for()
    for _ in range(2):
        inspector.page.locator("#pin").fill(PIN)
        inspector.presses("Weiter")
    inspector.has_lists()
    inspector.page.reload()
    inspector.unlocks("999999")
    inspector.page.get_by_text("Die PIN stimmt nicht").wait_for()
    for digit in PIN:
        inspector.page.get_by_role("button", name=digit, exact=True).click()
    inspector.presses("Öffnen")
    inspector.page.get_by_role("button", name="Code eingeben").wait_for()
    other = Inspector(here, inspector.page.context.browser)
    other.follows(link)
    other.page.get_by_text("Diese Einladung gilt nicht mehr").wait_for()
    other.leaves()
