"""What an inspector's camera sees, drawn: codes of the product, turned, blurred, dim, glossy, torn, far away.

`write_camera_file` writes pictures as an uncompressed film (YUV4MPEG2), which Chromium plays as its camera.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import qrcode
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from qrcode.image.pil import PilImage

from issuers.symbols import png, qr_symbol

SIZE = (1280, 720)
TABLE = (148, 140, 130)  # what lies around a code
Picture = Image.Image


def code(text: str, side: int = 420) -> Picture:
    """The product's own drawing of a QR code, quiet zone included, `side` pixels wide."""
    drawn = Image.open(io.BytesIO(png(qr_symbol(text), 8))).convert("RGB")
    return drawn.resize((side, side), Image.Resampling.LANCZOS)


def any_code(text: str, side: int) -> Picture:
    """A QR code of any text, as others draw them."""
    drawn: Picture = qrcode.make(text, image_factory=PilImage).get_image().convert("RGB")
    return drawn.resize((side, side), Image.Resampling.LANCZOS)


def on_the_table(picture: Picture, at: tuple[int, int] | None = None, around: tuple[int, int, int] = TABLE) -> Picture:
    """In the middle of a frame, or at a place."""
    frame = Image.new("RGB", SIZE, around)
    place = at or ((SIZE[0] - picture.width) // 2, (SIZE[1] - picture.height) // 2)
    frame.paste(picture, place, picture if picture.mode == "RGBA" else None)
    return frame


def turned(text: str, degrees: float) -> Picture:
    return on_the_table(code(text).convert("RGBA").rotate(degrees, Image.Resampling.BICUBIC, expand=True))


def perspective(text: str) -> Picture:
    """Seen from the side: the left edge is near, the right one far."""
    side = 460
    flat = ImageOps.expand(code(text, side), 40, "white").convert("RGBA")
    size = flat.width
    corners = ((0, 0), (0, size), (size * 0.82, size * 0.8), (size * 0.82, size * 0.2))
    projection = _coefficients(corners, size)
    return on_the_table(flat.transform(flat.size, Image.Transform.PERSPECTIVE, projection, Image.Resampling.BICUBIC))


def _coefficients(corners: Iterable[tuple[float, float]], size: int) -> list[float]:
    """Of the projection that moves a square's corners (left top, left bottom, right bottom, right top) there."""
    square = ((0, 0), (0, size), (size, size), (size, 0))
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(corners, square, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    return _solved(rows)


def _solved(rows: list[list[float]]) -> list[float]:
    """A linear system, solved by elimination."""
    count = len(rows)
    for n in range(count):
        pivot = max(range(n, count), key=lambda row: abs(rows[row][n]))
        rows[n], rows[pivot] = rows[pivot], rows[n]
        rows[n] = [value / rows[n][n] for value in rows[n]]
        for other in range(count):
            if other != n:
                factor = rows[other][n]
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[n], strict=True)]
    return [row[-1] for row in rows]


def blurred(text: str) -> Picture:
    return on_the_table(code(text, 520)).filter(ImageFilter.GaussianBlur(3.2))


def dim(text: str) -> Picture:
    """In a cellar garage: a tenth of the light, and the noise of the sensor."""
    dark = ImageEnhance.Brightness(on_the_table(code(text))).enhance(0.14)
    noise = Image.effect_noise(SIZE, 10).convert("RGB")
    return ImageChops.add(dark, ImageEnhance.Brightness(noise).enhance(0.25))


def low_contrast(text: str) -> Picture:
    return ImageEnhance.Contrast(on_the_table(code(text))).enhance(0.16)


def glossy(text: str) -> Picture:
    """A lamp mirrored in the windscreen, over a corner that is no finder pattern and a stripe across."""
    frame = on_the_table(code(text, 520)).convert("RGB")
    light = Image.new("L", SIZE, 0)
    pen = ImageDraw.Draw(light)
    pen.ellipse((760, 470, 890, 590), fill=255)
    pen.polygon(((560, 90), (600, 90), (880, 640), (840, 640)), fill=110)
    return Image.composite(Image.new("RGB", SIZE, "white"), frame, light.filter(ImageFilter.GaussianBlur(14)))


def torn(text: str) -> Picture:
    """A corner is missing: the one without a finder pattern."""
    whole = code(text, 520)
    side = whole.width
    tear = ((side, side - 96), (side - 40, side - 70), (side - 96, side), (side, side))
    ImageDraw.Draw(whole).polygon(tear, fill=TABLE)
    return on_the_table(whole)


def small(text: str) -> Picture:
    """Far away, at the frame's edge: under 3 pixels a module."""
    return on_the_table(code(text, 196), (1040, 70))


def dark_screen(text: str) -> Picture:
    """A phone at night: the page is dark, the code light on dark."""
    return on_the_table(ImageOps.invert(code(text)), around=(8, 8, 8))


def photographed(page: Picture) -> Picture:
    """A printed sheet behind a windscreen, its right half in sight: askew, a little dim and blurred."""
    half = page.crop((page.width // 2, 0, page.width, page.height))
    askew = half.convert("RGBA").rotate(-7, Image.Resampling.BICUBIC, expand=True)
    frame = on_the_table(askew, ((SIZE[0] - askew.width) // 2, (SIZE[1] - askew.height) // 2))
    return ImageEnhance.Brightness(frame.filter(ImageFilter.GaussianBlur(1.1))).enhance(0.7)


SEEN: dict[str, Callable[[str], Picture]] = {
    "straight": lambda text: turned(text, 0),
    "turned by 15°": lambda text: turned(text, 15),
    "turned by 45°": lambda text: turned(text, 45),
    "turned by 90°": lambda text: turned(text, 90),
    "turned by 180°": lambda text: turned(text, 180),
    "from the side": perspective,
    "blurred": blurred,
    "dim": dim,
    "low contrast": low_contrast,
    "glossy": glossy,
    "torn": torn,
    "small": small,
    "on a dark screen": dark_screen,
}
"""Every way of seeing a code, by name."""


def write_camera_file(path: Path, pictures: Iterable[Picture], repeated: int = 1, rate: int = 10) -> None:
    """A film of `rate` pictures a second, each shown `repeated` times; played again and again by the browser."""
    with path.open("wb") as film:
        film.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (*SIZE, rate))
        for picture in pictures:
            luma, blue, red = picture.convert("YCbCr").split()
            half = (SIZE[0] // 2, SIZE[1] // 2)
            planes = luma.tobytes() + blue.resize(half).tobytes() + red.resize(half).tobytes()
            film.write((b"FRAME\n" + planes) * repeated)
