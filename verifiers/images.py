"""Codes out of a picture: a photo of a screen or a sheet of paper. Bounded before anything is decoded.

A few kilobytes can claim to be a picture of a billion pixels (a decompression bomb), so the header's size is judged
first. Only the formats that phones and browsers make are opened: every decoder is attack surface.
"""

from __future__ import annotations

import io
import threading
import warnings

import zxingcpp
from PIL import Image

from keys.errors import WalletPassError

MAX_BYTES = 10 << 20
MAX_PIXELS = 50_000_000  # the largest ordinary phone pictures have 48.8 megapixels
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_CODES = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])
_PREFIX = "WP"
_LONG_SIDE = 2400  # pixels; a second try with less finds codes that noise hides
_AT_ONCE = threading.BoundedSemaphore(2)  # a large picture takes up to 250 MB while it is decoded


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


def text_in_picture(content: bytes) -> str:
    """The text of the QR code in a PNG, JPEG, WebP or GIF picture; a city pass is preferred when there are several.

    Raises `ImageTooLarge`, `ImageUnreadable` or `NoCodeFound`.
    """
    if len(content) > MAX_BYTES:
        raise ImageTooLarge(f"The picture is larger than {MAX_BYTES >> 20} MB; take it with less detail.")
    with _AT_ONCE:
        picture = _open(content)
        texts = _texts(picture)
        if not texts and max(picture.size) > _LONG_SIDE:
            picture.thumbnail((_LONG_SIDE, _LONG_SIDE))
            texts = _texts(picture)
    if not texts:
        raise NoCodeFound("There is no QR code in the picture; come closer and hold still.")
    return next((text for text in texts if text.startswith(_PREFIX)), texts[0])


def _open(content: bytes) -> Image.Image:
    """The first frame, grey, its transparent parts white. The reader finds codes however they are turned."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own bomb warning: the bound below is ours
            picture: Image.Image = Image.open(io.BytesIO(content), formats=_FORMATS)
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise ImageTooLarge(f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels; make it smaller.")
            picture.draft("L", (_LONG_SIDE, _LONG_SIDE))  # a large JPEG is decoded smaller at once
            picture.load()
            if "A" in picture.getbands() or "transparency" in picture.info:
                layer = picture.convert("RGBA")
                picture = Image.new("RGBA", layer.size, "white")
                picture.alpha_composite(layer)
            return picture.convert("L")
    except Image.DecompressionBombError:
        raise ImageTooLarge(
            f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels; make it smaller."
        ) from None
    except WalletPassError:
        raise
    except Exception:  # broken pictures raise nearly anything in Pillow's decoders
        raise ImageUnreadable("The picture cannot be read; send a whole PNG, JPEG, WebP or GIF.") from None


def _texts(picture: Image.Image) -> list[str]:
    return [found.text for found in zxingcpp.read_barcodes(picture, formats=_CODES) if found.text]
