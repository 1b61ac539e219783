"""Takes the pictures of the inspector's app in docs/inspector.md: the app itself in Chromium, with a sample city.

    python docs/pictures/draw_inspector.py

A phone's screen of 360 × 740 at twice the pixels; the pass is that of the README's story, its keys are new each time.
"""

from __future__ import annotations

import io
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent.parent))

from tests.browser.serving import launch  # noqa: E402 - the repository is no installed package
from tests.browser.street import PHONE, Inspector, street  # noqa: E402
from tests.city import City  # noqa: E402

PERMIT = "resident_parking_permit"


def save(inspector: Inspector, name: str) -> None:
    """Small enough for a page: flat colours need no more than 64."""
    inspector.page.wait_for_timeout(400)
    picture = Image.open(io.BytesIO(inspector.page.screenshot())).convert("RGB")
    picture.quantize(64).save(FOLDER / f"inspector-{name}.png", optimize=True)


def main() -> None:
    """Enrol, check the same permit today and with a list that is too old, and open the field for plates."""
    with tempfile.TemporaryDirectory(prefix="walletpass-pictures-") as folder, sync_playwright() as playwright:
        city = City(Path(folder), start=datetime.now(UTC), plate_list_iterations=1000)
        _ = city.plate_documents
        plates = ("K-RJ 97E", "KR-ZA 713E")
        permit = city.grants(PERMIT, number="BP-000001", zone="18", plates=plates, changing_vehicles=False)
        text = city.qr(permit)
        city.publishes()
        city.office.plates.publish()
        with street(city.settings.home) as here:
            context = launch(playwright).new_context(viewport=PHONE, device_scale_factor=2)
            inspector = Inspector(here, context)
            inspector.page.clock.install()
            inspector.enrols()
            inspector.goes_to("Kennzeichen")
            inspector.chooses_zone("18")
            inspector.page.locator("#plate").fill("K-RJ 97E")
            save(inspector, "plate")
            inspector.types(text)
            save(inspector, "accepted")
            inspector.page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=30))
            inspector.types(text)
            save(inspector, "undetermined")
            context.browser.close()


if __name__ == "__main__":
    main()
