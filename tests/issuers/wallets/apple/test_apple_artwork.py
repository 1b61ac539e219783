"""Icon and logo."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from issuers.wallets.apple.artwork import draw
from tests.issuers.wallets.apple.apple_pass import TYPES
from walletpass.pass_type import Category

POINTS = {"icon": 38, "logo": 50}
SCALES = {"": 1, "@2x": 2, "@3x": 3}
LOOK = TYPES["library_card"].look


def picture(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


@pytest.mark.parametrize("category", Category)
def test_icon_and_logo_come_in_three_sizes_that_wallet_allows(category):
    pictures = draw(category, LOOK)
    assert set(pictures) == {f"{name}{suffix}.png" for name in POINTS for suffix in SCALES}
    for name, points in POINTS.items():
        for suffix, scale in SCALES.items():
            drawn = picture(pictures[f"{name}{suffix}.png"])
            assert (drawn.format, drawn.size) == ("PNG", (points * scale, points * scale))
            assert drawn.mode == ("RGB" if name == "icon" else "RGBA")


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("suffix", SCALES)
def test_the_symbol_is_visible_in_the_colours_of_the_look_and_touches_no_edge(category, suffix):
    icon = picture(draw(category, LOOK)[f"icon{suffix}.png"])
    ink, paper = (tuple(bytes.fromhex(c[1:])) for c in (LOOK.foreground, LOOK.background))
    pixels = list(icon.get_flattened_data())
    assert 0.1 < pixels.count(ink) / len(pixels) < 0.5
    assert pixels.count(paper) / len(pixels) > 0.4
    edge = icon.width
    assert {icon.getpixel(at) for at in ((0, 0), (edge - 1, 0), (0, edge - 1), (edge - 1, edge - 1))} == {paper}


@pytest.mark.parametrize("category", Category)
def test_the_logo_is_clear_around_its_symbol(category):
    alpha = picture(draw(category, LOOK)["logo@3x.png"]).getchannel("A")
    assert alpha.getextrema() == (0, 255)
    left, top, right, bottom = alpha.getbbox()
    assert min(left, top, 150 - right, 150 - bottom) >= 10


def test_each_category_has_its_own_symbol():
    assert len({draw(category, LOOK)["logo.png"] for category in Category}) == len(Category)


def test_the_same_look_gives_the_same_bytes_and_another_colour_others():
    assert draw(Category.PARKING, LOOK) == draw(Category.PARKING, LOOK)
    other = draw(Category.PARKING, replace(LOOK, background="#000000"))
    assert other["icon.png"] != draw(Category.PARKING, LOOK)["icon.png"]
    assert other["logo.png"] == draw(Category.PARKING, LOOK)["logo.png"], "the logo lies on the pass itself"
