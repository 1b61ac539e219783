"""The issuing service's pages in a real browser: nothing to scroll sideways, nothing an accessibility checker finds."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from issuers.app import create_app
from tests.city import City


@pytest.fixture
def address(city: City) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(create_app(city.office), port=0, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("path", ["/", "/docs", "/?lang=en"])
def test_a_page_fits_the_narrowest_phone_and_is_accessible(browser: Browser, address: str, path: str) -> None:
    for width in (360, 1280):
        context = browser.new_context(viewport={"width": width, "height": 800})
        page = context.new_page()
        page.goto(address + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert Axe().run(page).response["violations"] == []
        context.close()


@pytest.mark.parametrize(("path", "words"), [("/", "(für Programme, JSON)"), ("/?lang=en", "(for programs, JSON)")])
def test_what_is_for_programs_says_so(browser: Browser, address: str, path: str, words: str) -> None:
    page = browser.new_page()
    page.goto(address + path)
    links = page.locator("[aria-labelledby=everybody] h2:last-of-type + ul > li")
    assert links.count() > 1 and all(words in text for text in links.all_inner_texts())
    page.close()
