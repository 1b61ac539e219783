"""The inspector's app in Chromium: a frame that shows a code → its verdict, and the first verdict after opening.

Both are times, so the limit stands beside them in milliseconds and the ratio is limit ÷ figure. A frame is a picture of
1280 × 720 with a permit's code; its verdict is there when the screen has been drawn. Opening begins with the address of
the installed app: its files from the device, the PIN (PBKDF2), the camera, the reader, the store.
"""

from __future__ import annotations

import base64
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from bench.installation import city, permits
from bench.measuring import ROUNDS, Row, measure
from tests.browser.frames import turned, write_camera_file
from tests.browser.serving import launch_with_camera, version_on
from tests.browser.street import PIN, Inspector, Street, street
from tests.verifiers.pictures import as_bytes
from web.logs import configure_logs

FRAME_LIMIT, OPENING_LIMIT = 50, 2000  # milliseconds that the app is to keep
# What a hand does as soon as the PIN's field is there, and when the verdict stands on the screen.
_OPENING = """
  const seen = new MutationObserver(() => {
    const field = document.querySelector("#pin");
    if (field && !field.value) {
      field.value = PIN;
      setTimeout(() => field.form.requestSubmit());
    }
    if (document.querySelector(".verdict") && !window.opened) {
      requestAnimationFrame(() => setTimeout(() => (window.opened = performance.now())));
    }
  });
  seen.observe(document, { childList: true, subtree: true });
"""
_FRAMES = """async ([version, pin, picture, rounds]) => {
  const load = (name) => import(`/inspector/${version}/app/${name}`);
  const [{ Session }, { Scanner }, { verdictScreen }] = await Promise.all(
    ["session.js", "scanner.js", "screens/verdict.js"].map(load));
  const [session, scanner] = [await Session.open(), new Scanner()];
  await session.unlock({ pin });
  const app = { session, announce() {}, judge() {}, home() {}, show() {} };
  const raw = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0));
  const frame = await createImageBitmap(new Blob([raw]));
  const place = document.querySelector("main");
  const times = [];
  for (let n = 0; n <= rounds; n++) {
    const start = performance.now();
    const text = await scanner.look(await createImageBitmap(frame));
    const { element } = verdictScreen(app, await session.judge(text));
    place.replaceChildren(element);
    place.getBoundingClientRect();
    times.push(performance.now() - start);
  }
  return times.slice(1);
}"""


@contextmanager
def _enrolled() -> Iterator[tuple[Street, Page, Image.Image]]:
    """A page of the installed app of an enrolled device, whose camera sees a permit's code; and what it sees."""
    configure_logs()  # to stderr: the figures go to stdout
    with tempfile.TemporaryDirectory(prefix="walletpass-bench-") as folder, city(start=datetime.now(UTC)) as here:
        [permit] = permits(here, 1)
        film = Path(folder) / "camera.y4m"
        seen = turned(here.qr(permit), 8)
        write_camera_file(film, [seen], rate=20)
        here.publishes()
        with street(here.settings.home) as made, sync_playwright() as playwright:
            browser = launch_with_camera(playwright, film)
            inspector = Inspector(made, browser).enrols()
            inspector.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
            inspector.verdict().wait_for()
            yield made, inspector.page, seen
            browser.close()


def frame() -> Row:
    """Picture → text → judged, stored on the disk, drawn."""
    with _enrolled() as (_, page, seen):
        picture = base64.b64encode(as_bytes(seen)).decode()
        times = page.evaluate(_FRAMES, [version_on(page), PIN, picture, ROUNDS * 4])
    return _row("camera frame → verdict in Chromium", statistics.median(times), FRAME_LIMIT)


def opening() -> Row:
    """The address of the installed app → the first verdict."""
    times = []
    with _enrolled() as (made, page, _):
        page.context.add_init_script(f"const PIN = {json.dumps(PIN)};{_OPENING}")
        for _ in range(ROUNDS):
            page.goto("about:blank")
            page.goto(made.address, wait_until="commit")
            times.append(_when_opened(page))
    return _row("opening the app → first verdict", statistics.median(times), OPENING_LIMIT)


def _when_opened(page: Page) -> float:
    """Asked again and again: the app's policy lets a page evaluate nothing by itself."""
    while (when := page.evaluate("window.opened")) is None:
        page.wait_for_timeout(50)
    return float(when)


def _row(what: str, figure: float, limit: int) -> Row:
    return Row(what, figure, "ms", "to be kept", limit, limit / figure, 1.0)


if __name__ == "__main__":
    measure({"frame": frame, "opening": opening}, sys.argv[1:])
