"""The inspector's own verification, in Node, beside the raw WebCrypto operation that each check needs."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

from bench.installation import carried, city
from bench.measuring import Row, measure, medians
from tests.inspector.node import node

_DOCUMENTS = ("*.jwt", "*.cwt", "*.json")


def judged() -> Row:
    """QR text → verdict with all six steps, from documents that are published as usual."""
    with city() as here:
        texts = [item.qr_text for item in carried(here, 500)]
        here.publishes()
        folder = here.settings.published
        files = [file for pattern in _DOCUMENTS for file in folder.rglob(pattern)]
        asked = {
            "anchor": here.settings.anchor.read_text(),
            "documents": {
                file.relative_to(folder).as_posix(): base64.b64encode(file.read_bytes()).decode() for file in files
            },
            "texts": texts,
            "now": int(here.clock()),
        }
        command = [node(), str(Path(__file__).with_suffix(".mjs"))]
        found = json.loads(
            subprocess.run(command, check=True, input=json.dumps(asked).encode(), capture_output=True).stdout
        )
        figure, limit, ratio = medians(found["rounds"])
        what = "QR text → verdict in Node"
        return Row(what, figure, "/s", "raw WebCrypto ES256", limit, ratio, 0.50, found["peak"])


if __name__ == "__main__":
    measure({"judged": judged}, sys.argv[1:])
