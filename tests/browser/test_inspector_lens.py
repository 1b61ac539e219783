"""The screens with a camera, upright and turned: everything can be reached, and a photographed plate is answered."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser.frames import on_the_table, write_camera_file
from tests.browser.plate_pictures import Conditions, draw_plate, photograph
from tests.browser.serving import launch_with_camera
from tests.browser.street import Street, street, until
from tests.browser.test_inspector_camera import ABLE, RUNS
from tests.browser.test_inspector_screens import LOOKS, PERMIT, Looking
from tests.city import City

PLATE = "D-AB 1234"
HELD = ("phone", "phone turned")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory, key_folder_of_today: Path) -> Iterator[Street]:
    """The street of a city that has granted one permit."""
    home = tmp_path_factory.mktemp("city")
    city = City(home, keys=key_folder_of_today, start=datetime.now(UTC), plate_list_iterations=1000)
    _ = city.plate_documents
    city.grants(PERMIT, zone="MÜ", plates=(PLATE,), changing_vehicles=False)
    city.publishes()
    city.office.plates.publish()
    with street(city.settings.home) as made:
        yield made
    city.office.engine.dispose()


@pytest.fixture(params=HELD)
def inspector(
    request: pytest.FixtureRequest, playwright: Playwright, here: Street, film: Path, tmp_path: Path
) -> Iterator[Looking]:
    browser = launch_with_camera(playwright, film)
    context = browser.new_context(**LOOKS[request.param], permissions=["camera"])
    inspector = Looking(here, context)
    inspector.folder = tmp_path
    yield inspector
    browser.close()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A car from the front; nothing on it can be read as a code."""
    rng = random.Random(1)
    taken = photograph(draw_plate(PLATE, rng), rng, Conditions(width=400)).picture
    film = tmp_path / "car.y4m"
    write_camera_file(film, [on_the_table(taken)], rate=5)
    return film


def test_what_belongs_to_the_camera_is_for_everybody(inspector: Looking) -> None:
    inspector.enrols()
    inspector.goes_to("Scannen")
    page = inspector.page
    until(lambda: page.evaluate(RUNS) is True)
    page.evaluate(ABLE)
    inspector.goes_to("Stand")
    inspector.goes_to("Scannen")
    page.get_by_role("slider", name="Zoom").wait_for()
    inspector.look("camera")
    inspector.presses("Licht an")
    inspector.look("camera with light")


def test_a_plate_before_the_camera_is_read_compared_and_looked_up(inspector: Looking) -> None:
    inspector.enrols()
    inspector.goes_to("Kennzeichen")
    page = inspector.page
    inspector.presses("Foto")
    until(lambda: page.evaluate(RUNS) is True)
    inspector.look("plate before the camera")
    inspector.presses("Aufnehmen")
    proposal = page.get_by_role("button", name=PLATE, exact=True)
    proposal.wait_for()
    inspector.look("plate proposed")
    proposal.click()
    assert page.locator("#plate").input_value() == PLATE
    inspector.presses("Kennzeichen prüfen")
    inspector.verdict().wait_for()
    inspector.look_at_answer("Ausweis vorhanden")
    assert inspector.complaints == []
