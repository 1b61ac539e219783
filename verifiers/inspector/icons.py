"""The app's icons, drawn: a card with a tick in a viewfinder, for the home screens of phones.

A maskable icon keeps everything within the inner 80 %, which no launcher cuts off (W3C Web App Manifest, section
"Icon masks"), and fills the rest.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageDraw

_SIDE = 1024  # pixels of the drawing
_UNITS = 32  # of the drawing's side
_BLUE, _WHITE, _GREEN = "#0b3d66", "#ffffff", "#0b6b3a"


@dataclass(frozen=True, slots=True)
class Icon:
    """`size` in pixels; `whole`: colour to the edges (maskable, and what iOS rounds itself)."""

    path: str
    size: int
    whole: bool


ICONS = (
    Icon("icons/192.png", 192, whole=False),
    Icon("icons/512.png", 512, whole=False),
    Icon("icons/maskable.png", 512, whole=True),
    Icon("icons/touch.png", 180, whole=True),
)


@cache
def draw_icon(icon: Icon) -> bytes:
    """The icon as PNG."""
    file = io.BytesIO()
    _drawn(icon.whole).resize((icon.size, icon.size), Image.Resampling.BOX).save(file, "PNG")
    return file.getvalue()


@cache
def _drawn(whole: bool) -> Image.Image:
    """Large; icons of all sizes are made from it."""
    picture = Image.new("RGBA", (_SIDE, _SIDE), _BLUE if whole else "#0000")
    pen = ImageDraw.Draw(picture)
    unit, inner = _SIDE / _UNITS, 0.72 if whole else 0.9

    def at(*places: float) -> list[float]:
        return [(_UNITS / 2 + (place - _UNITS / 2) * inner) * unit for place in places]

    if not whole:
        pen.rounded_rectangle([0, 0, _SIDE, _SIDE], 7 * unit, fill=_BLUE)
    for x, across in ((3.5, 6), (28.5, -6)):
        for y, down in ((3.5, 6), (28.5, -6)):
            pen.line(at(x + across, y, x, y, x, y + down), _WHITE, round(2 * unit * inner), joint="curve")
    pen.rounded_rectangle(at(6.5, 9.5, 25.5, 22.5), 2.5 * unit * inner, fill=_WHITE)
    pen.line(at(11, 16, 14.5, 19.5, 21.5, 12.5), _GREEN, round(2.6 * unit * inner), joint="curve")
    return picture
