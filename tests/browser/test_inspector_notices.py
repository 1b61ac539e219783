"""What the line above every screen says of trouble: no room left, nobody who answers."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.device.phone import FILLED
from tests.browser.serving import version_on
from tests.browser.street import PHONE, Inspector, Street, street, until
from tests.verifiers.sample_city import SampleCity

ROOM = 600_000  # bytes: for a beginning only


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SampleCity:
    city = SampleCity(tmp_path_factory.mktemp("city"), now=int(time.time()) - 180)
    city.publish()
    return city


@pytest.fixture(scope="module")
def here(city: SampleCity) -> Iterator[Street]:
    with street(city.home) as made:
        yield made


def test_a_full_disk_is_said_and_the_check_arrives_all_the_same(
    browser: Browser, here: Street, city: SampleCity
) -> None:
    context = browser.new_context(viewport=PHONE, service_workers="block")  # type: ignore[arg-type]
    tools = context.new_cdp_session(context.new_page())  # said before anything is stored: browsers remember for a while
    tools.send("Storage.overrideQuotaForOrigin", {"origin": here.settings.desk_origin, "quotaSize": ROOM})
    inspector = Inspector(here, context).enrols("Voll")
    page = inspector.page
    full = page.locator("header").get_by_text("Der Speicher des Geräts ist voll. Bitte Platz schaffen")
    assert full.count() == 0
    page.evaluate(f"import('/inspector/{version_on(page)}/app/store.js').then(({{ Store }}) => ({FILLED})(Store))")
    inspector.goes_offline()
    inspector.types(city.qr())
    assert inspector.word() == "Gültig"
    said = inspector.verdict().inner_text()
    assert "nicht gespeichert" in said and "Gesendet wird sie, solange die App offen bleibt" in said
    full.wait_for()
    assert inspector.findings() == []
    inspector.comes_back()
    inspector.refreshes()
    until(lambda: here.scans() == [("code", "accepted", None)])
    full.wait_for(state="detached")
    inspector.leaves()


def test_a_browser_that_does_not_keep_the_storage_is_said(browser: Browser, here: Street) -> None:
    inspector = Inspector(here, browser)
    inspector.page.add_init_script("navigator.storage.persist = async () => false")
    inspector.enrols("Speicher").goes_to("Stand")
    inspector.presses("Speicher dauerhaft machen")
    inspector.page.get_by_text("Der Browser hat es abgelehnt.").wait_for()
    assert inspector.findings() == []
    inspector.leaves()


def test_behind_a_captive_portal_the_app_is_offline(browser: Browser, here: Street) -> None:
    """The browser thinks that it has a network, and somebody answers everything; but it is not the service."""
    inspector = Inspector(here, browser).enrols("Portal")
    header = inspector.page.locator("header")
    header.get_by_text("Online", exact=True).wait_for()
    here.network.spoils = lambda _: "portal"
    inspector.goes_to("Stand")
    inspector.presses("Jetzt auffrischen")
    header.get_by_text("Offline", exact=True).wait_for()
    assert inspector.page.evaluate("navigator.onLine") is True
    inspector.comes_back()
    inspector.refreshes()
    header.get_by_text("Online", exact=True).wait_for()
    assert inspector.complaints == []
    inspector.leaves()
