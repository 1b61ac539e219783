"""Icon and logo of each category of pass, drawn here: a symbol cut in plain shapes, four times too large, then reduced.

Drawing costs some milliseconds and happens once per type and process, so no picture lies in the repository.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from PIL import Image, ImageDraw

from walletpass.pass_type import Category, Look

ICON_POINTS = 38
LOGO_POINTS = 50
SCALES = {"": 1, "@2x": 2, "@3x": 3}
_STENCIL = 50 * 3 * 4  # pixels: four times the largest picture
_ICON_INK, _LOGO_INK = 0.70, 0.84  # share of the picture's edge that the symbol fills

Point = tuple[float, float]


class _Stencil:
    """A mask in which coordinates run from 0 to 1; what is drawn shows, what is cut does not."""

    def __init__(self) -> None:
        self.mask = Image.new("L", (_STENCIL, _STENCIL))
        self._pen = ImageDraw.Draw(self.mask)

    def polygon(self, points: Iterable[Point], ink: int = 255) -> None:
        self._pen.polygon([(x * _STENCIL, y * _STENCIL) for x, y in points], ink)

    def circle(self, centre: Point, radius: float, ink: int = 255) -> None:
        self._pen.circle((centre[0] * _STENCIL, centre[1] * _STENCIL), radius * _STENCIL, ink)

    def bar(self, corner: Point, opposite: Point, radius: float = 0, ink: int = 255) -> None:
        box = [coordinate * _STENCIL for coordinate in (*corner, *opposite)]
        self._pen.rounded_rectangle(box, radius * _STENCIL, ink)


def _curve(start: Point, control: Point, control_2: Point, end: Point) -> list[Point]:
    """A cubic Bézier curve as 33 points."""
    points = []
    for step in range(33):
        t = step / 32
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        corners = (start, control, control_2, end)
        points.append(
            (
                sum(w * corner[0] for w, corner in zip(weights, corners, strict=True)),
                sum(w * corner[1] for w, corner in zip(weights, corners, strict=True)),
            )
        )
    return points


def _mirrored(points: Iterable[Point]) -> list[Point]:
    return [(1 - x, y) for x, y in points]


def _open_book(stencil: _Stencil) -> None:
    top = _curve((0.03, 0.20), (0.20, 0.12), (0.38, 0.14), (0.475, 0.25))
    bottom = _curve((0.475, 0.86), (0.38, 0.76), (0.20, 0.74), (0.03, 0.81))
    page = top + bottom
    for side in (page, _mirrored(page)):
        stencil.polygon(side)
    for height in (0.33, 0.46, 0.59):
        line = _curve((0.12, height), (0.22, height - 0.04), (0.31, height - 0.03), (0.39, height + 0.03))
        band = line + [(x, y + 0.05) for x, y in reversed(line)]
        for side in (band, _mirrored(band)):
            stencil.polygon(side, 0)


def _parking_sign(stencil: _Stencil) -> None:
    stencil.bar((0.02, 0.02), (0.98, 0.98), 0.20)
    stencil.bar((0.29, 0.19), (0.44, 0.82), 0.02, 0)
    stencil.bar((0.29, 0.19), (0.74, 0.59), 0.20, 0)
    stencil.bar((0.29, 0.19), (0.50, 0.59), 0.02, 0)
    stencil.bar((0.44, 0.32), (0.60, 0.46), 0.07)
    stencil.bar((0.44, 0.32), (0.52, 0.46), 0.0)


def _heart(stencil: _Stencil) -> None:
    left = _curve((0.50, 0.25), (0.44, 0.06), (0.02, 0.04), (0.02, 0.38))
    left += _curve((0.02, 0.38), (0.02, 0.62), (0.30, 0.76), (0.50, 0.95))
    stencil.polygon(left + list(reversed(_mirrored(left))))


def _sealed_document(stencil: _Stencil) -> None:
    stencil.bar((0.12, 0.02), (0.80, 0.98), 0.07)
    stencil.polygon([(0.57, 0.0), (0.82, 0.0), (0.82, 0.25)], 0)
    stencil.polygon([(0.57, 0.02), (0.80, 0.25), (0.60, 0.25), (0.57, 0.22)])
    stencil.polygon([(0.545, 0.0), (0.575, 0.0), (0.575, 0.245), (0.82, 0.245), (0.82, 0.275), (0.545, 0.275)], 0)
    for height, end in ((0.36, 0.68), (0.49, 0.68), (0.62, 0.44)):
        stencil.bar((0.23, height), (end, height + 0.06), 0.03, 0)
    stencil.circle((0.72, 0.74), 0.205, 0)
    stencil.circle((0.72, 0.74), 0.165)
    tick = [(0.635, 0.745), (0.665, 0.715), (0.705, 0.755), (0.785, 0.675), (0.815, 0.705), (0.705, 0.815)]
    stencil.polygon(tick, 0)


_SYMBOLS: dict[Category, Callable[[_Stencil], None]] = {
    Category.LIBRARY: _open_book,
    Category.PARKING: _parking_sign,
    Category.MEMBERSHIP: _heart,
    Category.CERTIFICATE: _sealed_document,
}


def _png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _picture(mask: Image.Image, edge: int, ink: float, paper: tuple[int, ...], colour: tuple[int, ...]) -> bytes:
    """The symbol in `colour`, centred on `paper` (RGB, or RGBA for a transparent one); `edge` in pixels."""
    inner = round(edge * ink)
    picture = Image.new("RGBA" if len(paper) == 4 else "RGB", (edge, edge), paper)
    offset = (edge - inner) // 2
    picture.paste(colour, (offset, offset), mask.resize((inner, inner), Image.Resampling.LANCZOS))
    return _png(picture)


@lru_cache(maxsize=64)
def draw(category: Category, look: Look) -> Mapping[str, bytes]:
    """`icon.png` and `logo.png` with their @2x and @3x sizes, by file name.

    The icon fills its square, since iOS rounds the corners itself. The logo is transparent and lies on the pass.
    """
    stencil = _Stencil()
    _SYMBOLS[category](stencil)
    background, foreground = (tuple(bytes.fromhex(c.removeprefix("#"))) for c in (look.background, look.foreground))
    clear = (*foreground, 0)
    pictures: dict[str, bytes] = {}
    for suffix, scale in SCALES.items():
        pictures[f"icon{suffix}.png"] = _picture(stencil.mask, ICON_POINTS * scale, _ICON_INK, background, foreground)
        pictures[f"logo{suffix}.png"] = _picture(
            stencil.mask, LOGO_POINTS * scale, _LOGO_INK, clear, (*foreground, 255)
        )
    return pictures
