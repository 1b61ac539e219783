"""The picture on Google passes: a ticked card on the city's blue, drawn here and fetched by Google over https.

The issuing service answers `{public_url}/{LOGO_PATH}` with `logo_png()`. Google masks it to a circle and asks for at
least 660 × 660 pixels with 15 % of margin (brand guidelines for generic passes).
"""

from __future__ import annotations

import io
from functools import cache

from PIL import Image, ImageDraw

LOGO_PATH = "logo.png"
EDGE = 660  # pixels
_FINER = 2  # drawn twice as large and reduced, for smooth edges
_GROUND, _CARD = (11, 79, 138), (255, 255, 255)


@cache
def logo_png() -> bytes:
    """A square PNG; drawn once per process."""
    picture = Image.new("RGB", (EDGE * _FINER, EDGE * _FINER), _GROUND)
    pen = ImageDraw.Draw(picture)

    def scaled(*coordinates: int) -> list[int]:
        return [coordinate * _FINER for coordinate in coordinates]

    pen.rounded_rectangle(scaled(140, 205, 520, 455), 34 * _FINER, fill=_CARD)
    pen.rectangle(scaled(140, 255, 520, 290), fill=_GROUND)
    pen.line(scaled(245, 365, 305, 420, 415, 320), fill=_GROUND, width=30 * _FINER, joint="curve")
    out = io.BytesIO()
    picture.resize((EDGE, EDGE), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()
