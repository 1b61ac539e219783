"""The installed app: whole on the device, with the network cut, through interrupted updates and captive portals."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.browser.frames import code
from tests.browser.inspector_versions import PORTAL, Address, app_of, changed_copy
from tests.browser.serving import launch_with_profile, running, version_on
from tests.browser.street import until

WAITS = 60_000  # milliseconds, for a machine that does other things too


@pytest.fixture
def network() -> Address:
    return Address(app_of())


@pytest.fixture
def address(network: Address) -> Iterator[str]:
    with running(network) as address:
        yield f"{address}/inspector/"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    context.set_default_timeout(WAITS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Page:
    """The app, once it is whole on the device."""
    return opened(context, address)


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    return page


def caches(page: Page) -> dict[str, int]:
    """How many files each version on the device has."""
    script = """async () => Object.fromEntries(await Promise.all((await caches.keys()).map(
      async (name) => [name, (await (await caches.open(name)).keys()).length])))"""
    found: dict[str, int] = page.evaluate(script)
    return {name: count for name, count in found.items() if name.startswith("inspector-")}


def update(page: Page) -> None:
    """Look for a newer version, and wait until it is here or has failed."""
    page.evaluate("""async () => {
      const registration = await navigator.serviceWorker.ready;
      await registration.update().catch(() => undefined);
      const worker = registration.installing;
      if (!worker) return;
      await new Promise((done) => worker.addEventListener("statechange", done, { once: true }));
    }""")


def offered(page: Page) -> bool:
    return page.get_by_text("Eine neue Fassung ist geladen").is_visible()


def works(page: Page) -> None:
    """The app begins, and its reader reads a code."""
    page.reload()
    page.get_by_role("heading").first.wait_for(state="attached")
    version = version_on(page)
    script = """async ([version, picture]) => {
      const { Scanner } = await import(`/inspector/${version}/app/scanner.js`);
      const raw = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0));
      return new Scanner().read(new Blob([raw], { type: "image/png" }));
    }"""
    assert page.evaluate(script, [version, _PICTURE]) == "WP1:HELLO"


def _picture() -> str:
    file = io.BytesIO()
    code("WP1:HELLO", 200).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


_PICTURE = _picture()


def test_the_app_can_be_installed(playwright: Playwright, address: str, tmp_path: Path) -> None:
    context = launch_with_profile(playwright, tmp_path)  # nothing can be installed from a private window
    page = opened(context, address)
    session = context.new_cdp_session(page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["url"].endswith("/inspector/manifest.webmanifest")
    assert manifest["errors"] == []
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    context.close()


def test_it_works_from_the_device_alone(page: Page, context: BrowserContext, network: Address) -> None:
    version = version_on(page)
    assert list(caches(page)) == [f"inspector-{version}"]
    network.spoils = lambda _: "lost"
    context.set_offline(True)
    network.asked.clear()
    works(page)
    works(page)
    fresh = context.new_page()
    fresh.goto(page.url)
    works(fresh)
    assert network.asked == []


def test_the_service_worker_answers_nothing_but_the_apps_files(page: Page, network: Address) -> None:
    page.reload()
    network.asked.clear()
    paths = ["/inspector/0123456789abcdef/app/main.js", "/inspector/unknown", "/published/trust-list.jwt", "/desk"]
    statuses = page.evaluate("(paths) => Promise.all(paths.map(async (path) => (await fetch(path)).status))", paths)
    assert statuses == [404, 404, 404, 404]
    assert sorted(network.asked) == sorted(path.removeprefix("/inspector/") for path in paths)


def test_what_the_worker_answers_has_the_policy_and_the_type(page: Page, network: Address) -> None:
    network.spoils = lambda _: "lost"
    page.reload()
    script = """async (version) => {
      const found = await fetch(`/inspector/${version}/vendor/zxing-wasm/dist/reader/zxing_reader.wasm`);
      return ["content-type", "content-security-policy", "permissions-policy"].map((name) => found.headers.get(name));
    }"""
    media_type, policy, permissions = page.evaluate(script, version_on(page))
    assert media_type == "application/wasm"
    assert "'wasm-unsafe-eval'" in policy and "camera=(self)" in permissions


def test_an_update_is_offered_and_used_at_the_next_start(
    page: Page, address: str, network: Address, tmp_path: Path
) -> None:
    before = version_on(page)
    network.app = app_of(changed_copy(tmp_path, "app/app.css", lambda text: text + "/* newer */\n"))
    page.reload()
    network.asked.clear()
    update(page)
    page.get_by_text("Eine neue Fassung ist geladen").wait_for()
    assert version_on(page) == before
    fetched = [path for path in network.asked if "/" in path and not path.startswith("icons/")]
    assert [path.partition("/")[2] for path in fetched] == ["app/app.css"]  # what has not changed is not fetched again
    assert len(caches(page)) == 2  # the page that is open still needs its own
    page.reload()
    assert version_on(page) != before
    network.spoils = lambda _: "lost"
    works(page)
    after, context = version_on(page), page.context
    page.close()  # the last one: now the newer worker takes over, and what is old goes
    page = context.new_page()
    page.goto(address)
    until(lambda: page.evaluate("navigator.serviceWorker.ready.then((found) => !found.waiting)"))
    works(page)
    assert caches(page).keys() == {f"inspector-{after}"}


def test_the_inspector_can_have_the_update_at_once(page: Page, network: Address, tmp_path: Path) -> None:
    before = version_on(page)
    page.reload()
    network.app = app_of(changed_copy(tmp_path, "app/app.css", lambda text: text + "/* newer */\n"))
    update(page)
    page.get_by_role("button", name="Jetzt verwenden").click()
    until(lambda: version_on(page) != before)


@pytest.mark.parametrize("harm", ["lost", "portal"])
def test_an_update_that_is_interrupted_leaves_the_version_before(
    page: Page, network: Address, tmp_path: Path, harm: str
) -> None:
    before = version_on(page)
    copy = changed_copy(tmp_path, "app/app.css", lambda text: text + "/* newer */\n")
    for name in ("verify.js", "decode.js"):
        (copy / "src" / name).write_text((copy / "src" / name).read_text() + "// newer\n")
    network.app = app_of(copy)
    network.spoils = lambda path: harm if path.endswith("src/decode.js") else None
    update(page)
    assert not offered(page)
    works(page)
    assert version_on(page) == before
    network.spoils = lambda _: None
    network.asked.clear()
    update(page)
    page.get_by_text("Eine neue Fassung ist geladen").wait_for()
    assert "src/decode.js" in {path.partition("/")[2] for path in network.asked}
    kept = page.evaluate("""async () => {
      const answers = await Promise.all((await caches.keys()).map(async (name) => {
        const cache = await caches.open(name);
        return Promise.all((await cache.keys()).map(async (key) => (await cache.match(key)).text()));
      }));
      return answers.flat();
    }""")
    assert not any("Hotel WLAN" in text for text in kept)


def test_a_captive_portal_is_never_kept(context: BrowserContext, network: Address, address: str) -> None:
    network.spoils = lambda path: "portal" if path == "manifest.webmanifest" or path.endswith("share.js") else None
    page = context.new_page()
    page.goto(address)
    page.get_by_role("heading").first.wait_for(state="attached")
    until(lambda: page.evaluate("navigator.serviceWorker.getRegistration().then((found) => !found?.installing)"))
    assert page.evaluate("navigator.serviceWorker.getRegistration().then((found) => Boolean(found?.active))") is False
    network.spoils = lambda _: None
    page = opened(context, address)
    works(page)
    network.spoils = lambda _: "portal"  # now all of the network is one
    update(page)
    works(page)
    assert PORTAL not in page.content()
    assert "Bitte anmelden" not in page.locator("body").inner_text()


def test_files_that_the_browser_threw_away_are_fetched_again(page: Page, network: Address) -> None:
    page.evaluate("caches.keys().then((names) => Promise.all(names.map((name) => caches.delete(name))))")
    network.asked.clear()
    works(page)
    assert "" in network.asked
    network.spoils = lambda path: "portal" if path.endswith(".js") else None
    assert (
        page.evaluate("(path) => fetch(path).then(() => true, () => false)", f"{version_on(page)}/app/main.js") is False
    )
