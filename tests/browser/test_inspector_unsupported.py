"""A browser that lacks what the app stands on is told so, in words, and nothing is begun in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, expect

from tests.browser.serving import running
from verifiers.inspector.serving import inspector_router

LACKS = {
    "storage": "Object.defineProperty(window, 'indexedDB', { value: undefined })",
    "cryptography": "Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined })",
    "a canvas in workers": "delete window.OffscreenCanvas",
    "workers": "delete window.Worker",
    "workers that are modules": "window.Worker = class { terminate() {} }",
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    app = FastAPI()
    app.include_router(inspector_router())
    with running(app) as address:
        yield f"{address}/inspector/"


@pytest.mark.parametrize("lack", LACKS)
def test_a_browser_that_lacks_something_is_told_that_it_is_not_enough(
    browser: Browser, address: str, lack: str
) -> None:
    context = browser.new_context(locale="de-DE")
    context.add_init_script(LACKS[lack])
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_role("heading", name="Dieser Browser reicht nicht")).to_be_visible()
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then(({ length }) => length)") == 0
    context.close()


def test_a_browser_that_has_everything_begins(browser: Browser, address: str) -> None:
    page = browser.new_page(locale="de-DE")
    page.goto(address)
    page.wait_for_function("navigator.serviceWorker.getRegistrations().then(({ length }) => length)")
    expect(page.get_by_role("heading", name="Dieser Browser reicht nicht")).to_have_count(0)
    page.close()
