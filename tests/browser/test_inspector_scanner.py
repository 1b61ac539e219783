"""The app's camera and reader in Chromium: a fake camera shows codes that the product drew, however badly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, Playwright

from tests.browser.frames import SEEN, write_camera_file
from tests.browser.serving import launch_with_camera, running, version_on
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
def page(playwright: Playwright, address: str, tmp_path: Path) -> Iterator[Page]:
    """A page of the app, whose camera shows every way of seeing a code, each for a second."""
    film = tmp_path / "camera.y4m"
    pictures = (draw(text) for draw, text in zip(SEEN.values(), TEXTS, strict=False))
    write_camera_file(film, pictures, repeated=2, rate=2)
    browser = launch_with_camera(playwright, film)
    page = browser.new_page()
    page.goto(f"{address}/inspector/")
    yield page
    browser.close()


def test_the_camera_reads_codes_however_they_are_seen(page: Page) -> None:
    assert len(TEXTS) >= len(SEEN)
    missing = page.evaluate(WATCH, [version_on(page), TEXTS[: len(SEEN)]])
    assert [list(SEEN)[number] for number in missing] == []
