"""Licence plates drawn as they are made, and photographed as they are met: for trying the reader of photographs.

Sizes are those of FZV annex 4 (a plate of 520 × 110 mm, characters of 75 mm). The glyphs are those that Pillow brings,
squeezed into the cells of a plate: no font of the machine is needed. Real plates have letters of their own shape.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter, ImageFont

Point = tuple[float, float]

MM = 2  # pixels
HEIGHT, LETTER, DIGIT, GAP, SEALS, PAUSE = 75, 46, 43, 9, 54, 24  # mm: of characters, their widths, and what is between
BAND, EDGE = 44, 14  # mm: the blue field with the country's letter; from the rim to the characters
_STICKERS = ((0, 130, 70), (230, 120, 20), (40, 90, 180), (200, 170, 20), (190, 80, 120), (120, 70, 40))
_UMLAUTS = dict(zip("ÄÖÜ", "AOU", strict=True))


@dataclass(frozen=True)
class Conditions:
    """How a plate is met. `perspective`: how much shorter one end seems; `light` 1: daylight; `blur` in pixels."""

    degrees: float = 0
    perspective: float = 0
    light: float = 1
    blur: float = 0
    dirt: int = 0
    shadow: bool = False
    width: int = 640  # pixels of the plate in the photograph


@dataclass(frozen=True)
class Photograph:
    """`frame`: the box in which the inspector holds the plate: x, y, width, height as parts of the picture."""

    picture: Image.Image
    frame: tuple[float, float, float, float]


def draw_plate(plate: str, rng: random.Random, *, two_lines: bool = False, font: Path | None = None) -> Image.Image:
    """`D-AB 1234E` as a plate with its seals. Nothing but the characters tells which plate it is."""
    district, _, rest = plate.partition("-")
    letters, _, digits = rest.partition(" ")
    glyphs = _Glyphs(font)
    if two_lines:
        lines = [[*_cells(district), ("", SEALS)], [*_cells(letters), ("", PAUSE - GAP), *_cells(digits)]]
    else:
        lines = [[*_cells(district), ("", SEALS), *_cells(letters), ("", PAUSE - GAP), *_cells(digits)]]
    width = BAND + 2 * EDGE + max(sum(size + GAP for _, size in line) for line in lines)
    height = 35 + len(lines) * HEIGHT + (len(lines) - 1) * 15
    picture = Image.new("RGB", (width * MM, height * MM), (250, 250, 250))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, BAND * MM, height * MM), (0, 51, 153))
    draw.text((BAND * MM / 2, height * MM - 30), "D", (250, 250, 250), glyphs.font(40), anchor="mm")
    draw.rounded_rectangle((1, 1, width * MM - 2, height * MM - 2), 10 * MM, outline=(10, 10, 10), width=3 * MM)
    for number, line in enumerate(lines):
        x, y = BAND + EDGE, 17 + number * (HEIGHT + 15)
        for char, size in line:
            if char:
                glyphs.put(picture, char, (x * MM, y * MM), (size * MM, HEIGHT * MM))
            elif size == SEALS:
                _seals(draw, rng, (x + size / 2 - GAP / 2) * MM, y * MM)
            x += size + GAP
    return picture


def _cells(text: str) -> list[tuple[str, int]]:
    return [(char, DIGIT if char.isdigit() else 20 if char == "I" else LETTER) for char in text]


def _seals(draw: ImageDraw.ImageDraw, rng: random.Random, x: float, y: float) -> None:
    """The inspection's sticker above the seal of the authority."""
    for at, radius, colour in ((19, 17.5, rng.choice(_STICKERS)), (58, 16, (150, 150, 155))):
        box = (x - radius * MM, y + (at - radius) * MM, x + radius * MM, y + (at + radius) * MM)
        draw.ellipse(box, colour)
        draw.ellipse([v + d for v, d in zip(box, (14, 14, -14, -14), strict=True)], outline=(20, 20, 20), width=3)
        draw.line((x - 9, y + at * MM, x + 9, y + at * MM), (20, 20, 20), 4)


class _Glyphs:
    """Characters of one font, stretched to the cells of a plate."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def font(self, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        return ImageFont.truetype(self._path, size) if self._path else ImageFont.load_default(size)

    def put(self, picture: Image.Image, char: str, at: tuple[float, float], size: tuple[int, int]) -> None:
        letter = _UMLAUTS.get(char, char)
        drawn = Image.new("L", (500, 500), 0)
        bold = 0 if self._path else 9
        ImageDraw.Draw(drawn).text((250, 250), letter, 255, self.font(200), anchor="mm", stroke_width=bold)
        body = (size[0], size[1] * 78 // 100) if letter != char else size  # a letter with dots is shorter
        glyph = drawn.crop(drawn.getbbox()).resize(body, Image.Resampling.LANCZOS)
        place = (round(at[0]), round(at[1]) + size[1] - body[1])
        picture.paste((15, 15, 15), place, glyph)
        if letter != char:
            radius, draw = 5 * MM, ImageDraw.Draw(picture)
            for x in (size[0] * 0.27, size[0] * 0.73):
                centre = at[0] + x, at[1] + radius
                draw.ellipse(
                    (centre[0] - radius, centre[1] - radius, centre[0] + radius, centre[1] + radius), (15, 15, 15)
                )


def photograph(plate: Image.Image, rng: random.Random, met: Conditions) -> Photograph:
    """The plate on a car, somewhere in the picture."""
    scale = met.width / plate.width
    size = round(met.width * 1.5), round(plate.height * scale + met.width * 0.6)
    corners = _corners(plate, met, (size[0] / 2, size[1] / 2))
    car = tuple(rng.randrange(20, 220) for _ in range(3))
    scene = Image.new("RGB", size, car)
    draw = ImageDraw.Draw(scene)
    draw.rectangle((0, size[1] * 0.8, size[0], size[1]), tuple(v // 3 for v in car))  # the bumper
    dirty = _dirty(plate, rng, met.dirt)
    flat = dirty.transform(size, Image.Transform.PERSPECTIVE, _warp(corners, plate.size), Image.Resampling.BICUBIC)
    mask = Image.new("L", plate.size, 255).transform(
        size, Image.Transform.PERSPECTIVE, _warp(corners, plate.size), Image.Resampling.BICUBIC
    )
    scene.paste(flat, mask=mask)
    scene = _lit(scene, rng, met)
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    top, bottom = min(y for _, y in corners), max(y for _, y in corners)
    margin = [rng.uniform(0.02, 0.08) * met.width for _ in range(4)]
    x, y = (left - margin[0]) / size[0], (top - margin[1]) / size[1]
    frame = (x, y, (right + margin[2]) / size[0] - x, (bottom + margin[3]) / size[1] - y)
    return Photograph(scene, frame)


def _corners(plate: Image.Image, met: Conditions, centre: Point) -> list[Point]:
    """Where the plate's corners come to lie, clockwise from the upper left; the right end is the farther one."""
    half, tall = met.width / 2, plate.height / plate.width * met.width / 2
    far = 1 - met.perspective
    flat = [(-half, -tall), (half * far, -tall * far), (half * far, tall * far), (-half, tall)]
    turn = complex(0, met.degrees * 0.0174533)
    turned = [complex(*point) * (2.718281828**turn) for point in flat]
    return [(centre[0] + point.real, centre[1] + point.imag) for point in turned]


def _warp(corners: list[Point], size: tuple[int, int]) -> list[float]:
    """The eight numbers of Pillow's perspective transform, from places in the picture to those on the plate."""
    width, height = size
    rows: list[list[float]] = []
    for (x, y), (u, v) in zip(corners, ((0, 0), (width, 0), (width, height), (0, height)), strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y, u])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y, v])
    for at in range(8):  # Gauss and Jordan
        pivot = max(range(at, 8), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        rows[at] = [value / rows[at][at] for value in rows[at]]
        for row in range(8):
            if row != at:
                rows[row] = [a - rows[row][at] * b for a, b in zip(rows[row], rows[at], strict=True)]
    return [row[8] for row in rows]


def _dirty(plate: Image.Image, rng: random.Random, spots: int) -> Image.Image:
    """Splashes of mud, thin enough to see through, and one streak."""
    layer = Image.new("L", plate.size, 0)
    draw = ImageDraw.Draw(layer)
    for _ in range(spots):
        x, y, radius = rng.uniform(0, plate.width), rng.uniform(0, plate.height), rng.uniform(3, 12)
        draw.ellipse((x - radius, y - radius * 0.7, x + radius, y + radius * 0.7), rng.randrange(90, 200))
    if spots:
        y = rng.uniform(0, plate.height)
        draw.line((0, y, plate.width, y + rng.uniform(-40, 40)), 110, 8)
    dirty = plate.copy()
    dirty.paste((105, 85, 60), mask=layer.filter(ImageFilter.GaussianBlur(2)))
    return dirty


def _lit(scene: Image.Image, rng: random.Random, met: Conditions) -> Image.Image:
    """Shadow, blur, little light, and the noise of a small sensor."""
    if met.shadow:
        mask = Image.new("L", scene.size, 0)
        edge = scene.width * rng.uniform(0.35, 0.65)
        ImageDraw.Draw(mask).polygon(((0, 0), (edge, 0), (edge - 80, scene.height), (0, scene.height)), 140)
        scene.paste((0, 0, 0), mask=mask.filter(ImageFilter.GaussianBlur(6)))
    if met.blur:
        scene = scene.filter(ImageFilter.GaussianBlur(met.blur))
    noise = Image.effect_noise(scene.size, 14)
    dimmed = scene.point(lambda value: value * met.light)
    return Image.blend(dimmed, Image.merge("RGB", [noise] * 3).point(lambda value: value - 64), 0.06)
