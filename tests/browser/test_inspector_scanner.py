"""The app's camera and reader in Chromium: a fake camera shows codes that the product drew, however badly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Page, Playwright

from tests.browser.frames import SEEN, photographed, write_camera_file
from tests.browser.serving import launch_with_camera, running, version_on
from tests.city import City
from tests.inspector.node import ROOT
from verifiers.inspector.serving import inspector_router

_CASES = json.loads((ROOT / "tests/vectors/cases.json").read_text())
TEXTS = list(dict.fromkeys(case["text"] for case in _CASES if case["outcome"] == "accepted"))
# Watches until every text was seen once, in whatever order the film shows them.
WATCH = """async ([version, wanted]) => {
  const { Camera } = await import(`/inspector/${version}/app/camera.js`);
  const { Scanner } = await import(`/inspector/${version}/app/scanner.js`);
  const camera = new Camera(document.body.appendChild(document.createElement("video")));
  const scanner = new Scanner();
  const missing = new Set(wanted);
  setTimeout(() => scanner.stop(), 60_000);
  await camera.start();
  for (let text; missing.size && (text = await scanner.watch(camera.video)) !== null; ) {
    missing.delete(text);
    camera.touch();
  }
  camera.stop();
  return [...missing].map((text) => wanted.indexOf(text));
}"""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    app = FastAPI()
    app.include_router(inspector_router())
    with running(app) as address:
        yield address


@pytest.fixture
def printed(city: City) -> tuple[str, Image.Image]:
    """The text of a permit's code, and the windscreen sheet of its PDF as another program draws it."""
    permit = city.grants("resident_parking_permit", changing_vehicles=False)
    [carried] = city.office.carry([permit.serial], "paper", city.order())
    pages = pypdfium2.PdfDocument(city.offers(permit, "paper", "pdf").body)
    return carried.qr_text, pages[1].render(scale=130 / 72).to_pil().convert("RGB")


def opened(playwright: Playwright, address: str, film: Path) -> Page:
    page = launch_with_camera(playwright, film).new_page()
    page.goto(f"{address}/inspector/")
    return page


@pytest.fixture
def page(playwright: Playwright, address: str, tmp_path: Path) -> Iterator[Page]:
    """A page of the app, whose camera shows every way of seeing a code, each for a second."""
    film = tmp_path / "camera.y4m"
    pictures = (draw(text) for draw, text in zip(SEEN.values(), TEXTS, strict=False))
    write_camera_file(film, pictures, repeated=2, rate=2)
    page = opened(playwright, address, film)
    yield page
    page.context.browser.close()


def test_the_camera_reads_codes_however_they_are_seen(page: Page) -> None:
    assert len(TEXTS) >= len(SEEN)
    missing = page.evaluate(WATCH, [version_on(page), TEXTS[: len(SEEN)]])
    assert [list(SEEN)[number] for number in missing] == []


def test_the_camera_reads_the_paper_that_we_print(
    playwright: Playwright, address: str, tmp_path: Path, printed: tuple[str, Image.Image]
) -> None:
    text, windscreen = printed
    film = tmp_path / "paper.y4m"
    write_camera_file(film, [photographed(windscreen)], rate=5)
    page = opened(playwright, address, film)
    assert page.evaluate(WATCH, [version_on(page), [text]]) == []
    page.context.browser.close()
