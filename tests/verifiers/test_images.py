"""Codes out of pictures: real QR symbols, and everything a picture can be instead."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import zlib
from typing import Any

import pytest
from PIL import Image, ImageFilter

from tests.verifiers.pictures import as_bytes, qr_picture
from verifiers.images import MAX_BYTES, ImageTooLarge, ImageUnreadable, NoCodeFound, text_in_picture

TEXT = "WP1:6BF+70790T9WJWG.FKY*4GO0.O1CV2 O5 N2FBBRW1*70HS8WY04AC*WIFN0AHCD8KD97TK0F90"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_code_is_read_from_every_usual_format(form: str) -> None:
    assert text_in_picture(as_bytes(qr_picture(TEXT), form)) == TEXT


@pytest.mark.parametrize("form", ["BMP", "TIFF", "PPM", "ICO", "PDF"])
def test_other_formats_are_not_opened(form: str) -> None:
    with pytest.raises(ImageUnreadable):
        text_in_picture(as_bytes(qr_picture(TEXT), form))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK"])
def test_every_kind_of_colour_is_read(mode: str) -> None:
    form = "JPEG" if mode == "CMYK" else "PNG"
    assert text_in_picture(as_bytes(qr_picture(TEXT).convert(mode), form)) == TEXT


def test_a_transparent_background_is_paper() -> None:
    symbol = qr_picture(TEXT)
    clear = Image.new("RGBA", symbol.size, (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), mask=symbol.convert("L").point(lambda grey: 255 - grey))
    assert text_in_picture(as_bytes(clear)) == TEXT


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_read_however_the_phone_was_held(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert text_in_picture(as_bytes(qr_picture(TEXT).convert("RGB"), "JPEG", exif=exif.tobytes())) == TEXT


def test_a_small_code_in_a_large_tilted_blurred_photo_is_found() -> None:
    photo = Image.new("RGB", (4000, 3000), (120, 130, 125))
    photo.paste(qr_picture(TEXT, 6).rotate(17, expand=True, fillcolor=255).convert("RGB"), (1500, 900))
    assert text_in_picture(as_bytes(photo.filter(ImageFilter.GaussianBlur(2)), "JPEG", quality=70)) == TEXT


def test_of_several_codes_the_pass_is_taken() -> None:
    page = Image.new("L", (1400, 700), 255)
    page.paste(qr_picture("https://example.org/", 8), (20, 20))
    page.paste(qr_picture(TEXT, 8), (700, 20))
    assert text_in_picture(as_bytes(page)) == TEXT


def test_a_foreign_code_is_still_handed_on_to_be_judged() -> None:
    assert text_in_picture(as_bytes(qr_picture("HC1:SOMETHING"))) == "HC1:SOMETHING"


def test_a_picture_without_a_code_says_so() -> None:
    with pytest.raises(NoCodeFound) as refusal:
        text_in_picture(as_bytes(Image.new("RGB", (300, 300), "white")))
    assert refusal.value.code == "no_code_found"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_a_picture_that_is_cut_off_is_unreadable(form: str) -> None:
    whole = as_bytes(qr_picture(TEXT), form)
    for length in (8, len(whole) // 3, len(whole) * 2 // 3):
        with pytest.raises((ImageUnreadable, NoCodeFound)):
            text_in_picture(whole[:length])


@pytest.mark.parametrize("content", [b"", b"WP1:", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", bytes(1000)])
def test_bytes_that_are_no_picture_are_unreadable(content: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        text_in_picture(content)


def huge_png(width: int, height: int) -> bytes:
    """A well-formed PNG of a few kilobytes that claims to be enormous."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(min((width // 8 + 1) * height, 20_000_000)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(10_000, 10_000), (7_072, 7_072), (60_000, 60_000)])
def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    content = huge_png(*size)
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(ImageTooLarge) as refusal:
        text_in_picture(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refusal.value.code == "image_too_large"
    assert peak < 4 << 20
    assert time.perf_counter() - started < 1


def test_a_picture_just_within_the_bound_is_decoded() -> None:
    with pytest.raises(NoCodeFound):
        text_in_picture(as_bytes(Image.new("1", (7_071, 7_071), 1)))


def test_a_file_of_too_many_bytes_is_refused_unopened() -> None:
    with pytest.raises(ImageTooLarge):
        text_in_picture(as_bytes(qr_picture(TEXT)) + bytes(MAX_BYTES))


def test_text_chunks_that_inflate_without_end_are_unreadable() -> None:
    picture: Any = qr_picture(TEXT)
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    raw = sink.getvalue()
    bomb = b"zTXt" + b"k\x00\x00" + zlib.compress(bytes(80_000_000), 9)
    chunk = struct.pack(">I", len(bomb) - 4) + bomb + struct.pack(">I", zlib.crc32(bomb))
    with pytest.raises(ImageUnreadable):
        text_in_picture(raw[:33] + chunk + raw[33:])
