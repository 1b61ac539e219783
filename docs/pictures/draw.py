"""Draws the front of an Apple pass from the `.pkpass` itself: its colours, fields, logo and code.

Our drawing, not a screenshot: Wallet decides how a pass really looks. The pictures of this folder are made with

    python docs/pictures/draw.py permit.pkpass docs/pictures/pass.png
    pdftoppm -png -r 90 -f 2 -singlefile permit.pdf windscreen

The second is the windscreen sheet of the PDF, as it is printed.
"""

from __future__ import annotations

import io
import json
import sys
import unicodedata
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from issuers.symbols import png, qr_symbol

SCALE = 6  # pixels a point while drawing
SHOWN = 3  # pixels a point in the picture
WIDTH, HEIGHT, MARGIN, EDGE = 320, 446, 18, 10  # points
Colour = tuple[int, ...]
AREAS = ("primaryFields", "secondaryFields", "auxiliaryFields")


def colour(text: str) -> Colour:
    """`rgb(r, g, b)` as pass.json writes it."""
    return tuple(int(part) for part in text.removeprefix("rgb(").removesuffix(")").split(","))


class Front:
    """A pass's front. Coordinates and sizes are points; text is placed by its baseline."""

    def __init__(self, content: dict[str, Any], logo: Image.Image) -> None:
        self.content, self.logo = content, logo
        self.background, self.foreground, self.label = (
            colour(content[f"{name}Color"]) for name in ("background", "foreground", "label")
        )
        self.picture = Image.new("RGBA", (WIDTH * SCALE, HEIGHT * SCALE))
        self.pen = ImageDraw.Draw(self.picture)
        self.pen.rounded_rectangle((0, 0, *self.picture.size), 14 * SCALE, fill=self.background)

    def draw(self) -> Image.Image:
        """The picture, reduced to its final size."""
        self._place_logo()
        fields = next(value for key, value in self.content.items() if key in ("generic", "storeCard"))
        for field in fields.get("headerFields", ()):
            self._field(field, WIDTH - MARGIN, 26, 15, right=True)
        baseline = 92.0
        for area, size in zip(AREAS, (46, 19, 19), strict=True):
            for field in fields.get(area, ()):
                self._field(field, MARGIN, baseline, size)
                baseline += 82 if area == AREAS[0] else 54
        self._code(self.content["barcodes"][0])
        return self.picture.resize((WIDTH * SHOWN, HEIGHT * SHOWN), Image.Resampling.LANCZOS)

    def _place_logo(self) -> None:
        logo = self.logo.resize((30 * SCALE, 30 * SCALE), Image.Resampling.LANCZOS)
        self.picture.alpha_composite(logo, (MARGIN * SCALE, 16 * SCALE))
        self._text(MARGIN + 38, 37, self.content["logoText"], 15, self.foreground, weight=0.35)

    def _field(self, field: dict[str, Any], x: float, baseline: float, size: float, *, right: bool = False) -> None:
        value = str(field["value"])
        if "dateStyle" in field:
            value = f"{datetime.fromisoformat(value):%d.%m.%y}"
        label_size = 10.5
        self._text(x, baseline, field["label"], label_size, self.label, weight=0.2, right=right)
        self._text(x, baseline + 5 + size * 0.9, value, size, self.foreground, right=right)

    def _code(self, barcode: dict[str, str]) -> None:
        symbol = qr_symbol(barcode["message"])
        code = Image.open(io.BytesIO(png(symbol, 12))).convert("RGBA")
        side, below = 172, 20
        left, top = (WIDTH - side) / 2, HEIGHT - MARGIN - side - below
        box = (left - EDGE / 2, top - EDGE / 2, left + side + EDGE / 2, top + side + below + EDGE / 2)
        self.pen.rounded_rectangle([edge * SCALE for edge in box], 6 * SCALE, fill="white")
        at = (round(left * SCALE), round(top * SCALE))
        self.picture.alpha_composite(code.resize((side * SCALE, side * SCALE), Image.Resampling.BOX), at)
        width = self._width(barcode["altText"], 12)
        self._text((WIDTH - width) / 2, top + side + below - 6, barcode["altText"], 12, (20, 20, 20))

    def _width(self, text: str, size: float) -> float:
        plain = unicodedata.normalize("NFD", text).replace("\N{COMBINING DIAERESIS}", "")
        return ImageFont.load_default(size * SCALE).getlength(plain) / SCALE

    def _text(
        self,
        x: float,
        baseline: float,
        text: str,
        size: float,
        ink: Colour,
        weight: float = 0.0,
        *,
        right: bool = False,
    ) -> None:
        """Text in the face that Pillow brings along, so that every machine draws the same; it lacks the umlauts."""
        font = ImageFont.load_default(size * SCALE)
        at, y = (x - self._width(text, size) if right else x) * SCALE, baseline * SCALE
        stroke = round(weight * SCALE)
        for letter in unicodedata.normalize("NFC", text):
            plain, *dots = unicodedata.normalize("NFD", letter)
            self.pen.text((at, y), plain, ink, font, anchor="ls", stroke_width=stroke, stroke_fill=ink)
            if dots == ["\N{COMBINING DIAERESIS}"]:
                self._dots(at, y, plain, font, ink)
            at += font.getlength(plain)

    def _dots(self, at: float, y: float, plain: str, font: Any, ink: Colour) -> None:
        left, top, right, _ = font.getbbox(plain, anchor="ls")
        radius, middle = font.size * 0.062, at + (left + right) / 2
        for side in (-1, 1):
            self.pen.circle((middle + side * font.size * 0.13, y + top - font.size * 0.13), radius, fill=ink)


def main(package: Path, picture: Path) -> None:
    """Draw the pass in `package` and write it to `picture` (PNG)."""
    with zipfile.ZipFile(package) as files:
        content = json.loads(files.read("pass.json"))
        logo = Image.open(io.BytesIO(files.read("logo@3x.png"))).convert("RGBA")
    Front(content, logo).draw().quantize(128).save(picture, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
