"""Pictures of QR symbols for tests."""

from __future__ import annotations

import io
from typing import Any

import qrcode
from PIL import Image


def qr_picture(text: str, module: int = 5) -> Image.Image:
    """A grey picture of the symbol with its quiet zone; `module` in pixels."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=module, mask_pattern=2)
    code.add_data(text)
    sink = io.BytesIO()
    code.make_image().save(sink)
    return Image.open(sink).convert("L")


def as_bytes(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    """The picture as a file of that format."""
    sink = io.BytesIO()
    picture.save(sink, form, **options)
    return sink.getvalue()
