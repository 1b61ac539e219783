"""Codes out of a picture: a photo of a screen or a sheet of paper. Bounded before anything is decoded.

A few kilobytes can claim to be a picture of a billion pixels (a decompression bomb), go through all of them thousands
of times (JPEG scans), or show finder patterns in thousands, whose combinations the reader tries with the third power.
So size and scans are judged first, and the reader sees small pieces. Only the formats that phones and browsers make
are opened: every decoder is attack surface. Measured at the bounds: 430 MB (a CMYK JPEG; others 300) and 8 seconds.
"""

from __future__ import annotations

import contextlib
import io
import re
import threading
import time
import warnings
from collections.abc import Iterator
from itertools import islice

import zxingcpp
from PIL import Image

from keys.errors import WalletPassError

MAX_BYTES = 10 << 20
MAX_PIXELS = 50_000_000  # the largest ordinary phone pictures have 48.8 megapixels
MAX_PIXELS_LAYERED = 16_000_000  # where decoding takes several buffers of four bytes a pixel
MAX_SIDE = 32_768  # pixels; the reader takes no more than 65,535
MAX_SCANS = 100  # of a JPEG; cameras and encoders make up to about 20
WAITING = 10.0  # seconds a picture waits for its turn
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_PREFIX = "WP"
_SCAN = re.compile(rb"\xff\xda\0[\x06\x08\x0a\x0c\x0e]")  # ITU-T T.81 section B.2.3, marker and length
_ARITHMETIC = re.compile(rb"\xff[\xc9-\xcb]\0[\x0b\x0e\x11\x14]\x08")  # section B.2.2; slow, and no browser reads it
_LONG_SIDE = 4000  # pixels; more detail finds nothing more
_WHOLE = 1600  # pixels of the long side that the reader sees at once: under 2 s for whatever they show
_PIECE, _STEP = 1500, 1000
_READING_TIME = 5.0  # seconds for all pieces together
_LARGE = threading.Lock()  # one picture above MAX_PIXELS_LAYERED at a time


class ImageUnreadable(WalletPassError):
    """The bytes are no picture that can be read."""

    code = "image_unreadable"
    wrong_usage = True


class ImageTooLarge(WalletPassError):
    """The picture has too many bytes or pixels."""

    code = "image_too_large"
    wrong_usage = True


class NoCodeFound(WalletPassError):
    """The picture shows no QR code."""

    code = "no_code_found"
    wrong_usage = True


class PicturesBusy(WalletPassError):
    """Other pictures are being read. `retry_after` is in seconds."""

    code = "pictures_busy"
    retry_after = 10


def text_in_picture(content: bytes) -> str:
    """The text of the QR code in a PNG, JPEG, WebP or GIF picture; a city pass is preferred when there are several.

    Raises `ImageTooLarge`, `ImageUnreadable`, `NoCodeFound`, or `PicturesBusy` while another large one is read.
    """
    if len(content) > MAX_BYTES:
        raise ImageTooLarge(f"The picture is larger than {MAX_BYTES >> 20} MB; take it with less detail.")
    scans = sum(1 for _ in islice(_SCAN.finditer(content), MAX_SCANS + 1))
    if content.startswith(b"\xff\xd8") and (scans > MAX_SCANS or _ARITHMETIC.search(content)):
        raise ImageUnreadable("The picture is a JPEG of a kind that is not read here; save it anew.")
    with _translated():
        picture = _open(content)
        width, height = picture.size
        with _turn(width * height > MAX_PIXELS_LAYERED):
            texts = _texts(_grey(picture))
    if not texts:
        raise NoCodeFound("There is no QR code in the picture; come closer and hold still.")
    return next((text for text in texts if text.startswith(_PREFIX)), texts[0])


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Broken pictures raise nearly anything in decoders."""
    try:
        yield
    except WalletPassError:
        raise
    except (Image.DecompressionBombError, MemoryError):
        raise _too_large(MAX_PIXELS) from None
    except Exception:
        raise ImageUnreadable("The picture cannot be read; send a whole PNG, JPEG, WebP or GIF.") from None


@contextlib.contextmanager
def _turn(large: bool) -> Iterator[None]:
    if large and not _LARGE.acquire(timeout=WAITING):
        raise PicturesBusy("Other large pictures are being read; try again in a moment.")
    try:
        yield
    finally:
        if large:
            _LARGE.release()


def _too_large(pixels: int) -> ImageTooLarge:
    return ImageTooLarge(f"The picture has more than {pixels // 1_000_000} megapixels; make it smaller.")


def _open(content: bytes) -> Image.Image:
    """The picture with its header read and judged; its pixels are decoded by `_grey`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own bomb warning: the bounds here are ours
        picture = Image.open(io.BytesIO(content), formats=_FORMATS)
    width, height = picture.size
    layered = picture.format in ("WEBP", "GIF") or (
        picture.format == "PNG" and (_is_clear(picture) or getattr(picture, "is_animated", False))
    )
    limit = MAX_PIXELS_LAYERED if layered else MAX_PIXELS
    if width * height > limit:
        raise _too_large(limit)
    if max(width, height) > MAX_SIDE:
        raise ImageTooLarge(f"The picture has more than {MAX_SIDE} pixels on one side; cut it.")
    return picture


def _is_clear(picture: Image.Image) -> bool:
    return "A" in picture.getbands() or "transparency" in picture.info


def _grey(picture: Image.Image) -> Image.Image:
    """The first frame, grey, its transparent parts white, its long side within bounds."""
    clear = _is_clear(picture)  # before decoding: what a file says behind its pixels was not bounded
    picture.draft("L", (_LONG_SIDE // 2, _LONG_SIDE // 2))  # a large JPEG is decoded smaller at once
    picture.load()
    if clear:
        layer = picture.convert("LA")
        grey = Image.new("L", layer.size, 255)
        grey.paste(layer.getchannel("L"), mask=layer.getchannel("A"))
    else:
        grey = picture.convert("L")
    grey.thumbnail((_LONG_SIDE, _LONG_SIDE))
    return grey


def _texts(grey: Image.Image) -> list[str]:
    """What the whole says, else its overlapping pieces: a small code in a large photo. Codes are found in any turn."""
    deadline = time.monotonic() + _READING_TIME
    whole = grey.copy()
    whole.thumbnail((_WHOLE, _WHOLE))  # less detail finds codes that noise hides, too
    found = _read(whole)
    width, height = grey.size
    if max(width, height) <= _WHOLE:
        return found
    for top in range(0, max(1, height - _PIECE + _STEP), _STEP):
        for left in range(0, max(1, width - _PIECE + _STEP), _STEP):
            if time.monotonic() > deadline or any(text.startswith(_PREFIX) for text in found):
                return found
            found += _read(grey.crop((left, top, min(left + _PIECE, width), min(top + _PIECE, height))))
    return found


def _read(piece: Image.Image) -> list[str]:
    # Made anew each time: a module that still holds one at the end makes the binding write to the log of leaks.
    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
    return [code.text for code in zxingcpp.read_barcodes(piece, formats=formats) if code.text]
