"""Small files that would cost minutes or a gigabyte: each is refused or read within bounds, and holds up nobody."""

from __future__ import annotations

import asyncio
import io
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from PIL import Image, ImageDraw

from tests.verifiers.pictures import as_bytes, qr_picture
from verifiers import images, picture_queue
from verifiers.images import MAX_SCANS, MAX_SIDE, ImageTooLarge, ImageUnreadable, NoCodeFound, PicturesBusy
from verifiers.images import text_in_picture as read
from verifiers.picture_queue import AT_ONCE, PictureQueue

LARGE = (4_001, 4_000)  # a little more than MAX_PIXELS_LAYERED


def segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def progressive_jpeg(width: int, height: int, scans: int, start_of_frame: int = 0xC2) -> bytes:
    """A white JPEG whose scans after the first say "nothing to add" about every block (ITU-T T.81 annex G)."""
    blocks = -(-width // 8) * -(-height // 8)
    tables = segment(0xDB, b"\0" + b"\1" * 64)
    tables += segment(start_of_frame, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0")
    tables += segment(0xC4, b"\x00\1" + bytes(16)) + segment(0xC4, b"\x10\1" + bytes(15) + b"\xe0")
    first = segment(0xDA, b"\1\1\0" + bytes([0, 0, 1])) + bytes(-(-blocks // 8))
    runs = "0" + "1" * 14  # an end-of-band run of 32,767 blocks
    bits = runs * (blocks // 32_767 + 1)
    bits += "1" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    more = segment(0xDA, b"\1\1\0" + bytes([1, 63, 1])) + packed
    return b"\xff\xd8" + tables + first + more * (scans - 1) + b"\xff\xd9"


def test_a_jpeg_of_very_many_scans_is_refused_and_one_of_many_is_read() -> None:
    with pytest.raises(NoCodeFound):
        read(progressive_jpeg(640, 480, MAX_SCANS))
    started = time.perf_counter()
    with pytest.raises(ImageUnreadable):
        read(progressive_jpeg(7_000, 7_000, 11_000))
    assert time.perf_counter() - started < 0.5


def test_arithmetic_coding_is_not_decoded() -> None:
    with pytest.raises(ImageUnreadable, match="of a kind that is not read"):
        read(progressive_jpeg(640, 480, 1, start_of_frame=0xCA))


def test_the_marks_of_scans_in_other_pictures_mean_nothing() -> None:
    marks = b"\xff\xda\x00\x08" * (MAX_SCANS + 1)
    assert read(as_bytes(qr_picture("WP1:A")) + marks) == "WP1:A"


def layered() -> Iterator[tuple[str, bytes]]:
    yield "webp", as_bytes(Image.new("RGB", LARGE), "WEBP", lossless=True, method=0, quality=0)
    yield "gif", as_bytes(Image.new("P", LARGE), "GIF")
    yield "rgba", as_bytes(Image.new("RGBA", LARGE), compress_level=1)
    yield "palette", as_bytes(Image.new("P", LARGE), transparency=b"\0")
    yield (
        "animated",
        as_bytes(Image.new("1", LARGE), save_all=True, append_images=[Image.new("1", LARGE, 1)], compress_level=1),
    )


@pytest.mark.parametrize("content", [pytest.param(content, id=kind) for kind, content in layered()])
def test_pictures_that_are_decoded_in_layers_have_a_lower_bound(content: bytes) -> None:
    with pytest.raises(ImageTooLarge, match="16 megapixels"):
        read(content)


def test_a_transparent_picture_at_its_bound_costs_little_memory() -> None:
    picture = as_bytes(Image.new("RGBA", (4_000, 4_000), (9, 8, 7, 99)), compress_level=1)
    code = (
        "import sys; from verifiers.images import NoCodeFound, text_in_picture\n"
        "picture = sys.stdin.buffer.read()\n"
        "try: text_in_picture(picture)\n"
        "except NoCodeFound: print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    done = subprocess.run([sys.executable, "-c", code], input=picture, capture_output=True, timeout=60, check=True)
    assert int(done.stdout.split()[1]) < 300 << 10  # kB


@pytest.mark.parametrize(
    "size", [(MAX_SIDE + 1, 1), (1, MAX_SIDE + 1), (65_536, 1), (50_000_000, 1)], ids=["wide", "high", "reader", "bomb"]
)
def test_a_side_is_bounded_too(size: tuple[int, int]) -> None:
    with pytest.raises(ImageTooLarge):
        read(as_bytes(Image.new("1", size, 1)))


def test_a_long_thin_picture_shows_no_code_and_is_no_accident() -> None:
    for size in ((MAX_SIDE, 1), (1, MAX_SIDE), (5_000, 3), (1, 1)):
        with pytest.raises(NoCodeFound):
            read(as_bytes(Image.new("1", size, 1)))


def test_finder_patterns_in_thousands_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "_READING_TIME", 0.2)
    piece = Image.new("1", (90, 90), 1)
    draw = ImageDraw.Draw(piece)
    for left, top in ((x, y) for x in range(0, 90, 18) for y in range(0, 90, 18)):
        for inset, ink in ((0, 0), (2, 1), (4, 0)):
            draw.rectangle((left + inset, top + inset, left + 13 - inset, top + 13 - inset), ink)
    wall = Image.new("1", (3_960, 3_960))
    for left, top in ((x, y) for x in range(0, 3_960, 90) for y in range(0, 3_960, 90)):
        wall.paste(piece, (left, top))
    started = time.perf_counter()
    with pytest.raises(NoCodeFound):
        read(as_bytes(wall))
    assert time.perf_counter() - started < 5


def test_a_small_code_is_found_anywhere_in_a_large_picture_without_colours() -> None:
    for where in ((10, 10), (3_700, 2_700), (1_400, 1_350)):
        photo = Image.new("L", (4_000, 3_000), 200)
        photo.paste(qr_picture("WP1:SMALL", 3), where)
        assert read(as_bytes(photo)) == "WP1:SMALL"


def test_a_pass_is_found_beside_a_larger_foreign_code() -> None:
    page = Image.new("L", (4_000, 3_000), 255)
    page.paste(qr_picture("https://example.org/", 30), (100, 100))
    page.paste(qr_picture("WP1:SMALL", 3), (3_500, 2_500))
    assert read(as_bytes(page)) == "WP1:SMALL"


def test_one_large_picture_is_decoded_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "WAITING", 0.05)
    large = as_bytes(Image.new("1", LARGE, 1))
    with images._LARGE:
        with pytest.raises(PicturesBusy):
            read(large)
        assert read(as_bytes(qr_picture("WP1:A"))) == "WP1:A"
    with pytest.raises(NoCodeFound):
        read(large)


def test_pictures_wait_for_a_place_only_so_long_and_never_on_the_threads_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picture_queue, "WAITING", 0.1)
    large, small = as_bytes(Image.new("1", LARGE, 1)), as_bytes(qr_picture("WP1:A"))

    async def ask() -> list[object]:
        queue = PictureQueue()
        with images._LARGE:  # two large pictures wait for it and hold both places
            held = [asyncio.create_task(queue.text(large)) for _ in range(AT_ONCE)]
            await asyncio.sleep(0.05)
            waiting = await asyncio.gather(*(queue.text(small) for _ in range(40)), return_exceptions=True)
            threads = {thread.name.rpartition("_")[0] for thread in threading.enumerate()}
            assert "asyncio" not in threads and await asyncio.to_thread(int, "7") == 7
        await asyncio.gather(*held, return_exceptions=True)
        return [*waiting, await queue.text(small)]

    *refused, last = asyncio.run(ask())
    assert [type(each) for each in refused] == [PicturesBusy] * 40
    assert last == "WP1:A"


def test_a_cut_jpeg_of_many_scans_is_no_accident() -> None:
    content = progressive_jpeg(640, 480, 20)
    for length in range(4, len(content), len(content) // 9):
        with pytest.raises((ImageUnreadable, NoCodeFound)):
            read(content[:length])
    assert Image.open(io.BytesIO(content)).size == (640, 480)
