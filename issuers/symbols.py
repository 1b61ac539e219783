"""Drawing the machine-readable symbols of passes: QR codes and the barcodes library machines read.

A symbol is rows of modules; SVG and PNG are two ways to show the same rows. Sources: ISO/IEC 18004 (QR code),
ISO/IEC 16388 (Code 39), 15417 (Code 128), 16390 (Interleaved 2 of 5), EN 798 (Codabar).
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby
from typing import Any, cast
from xml.sax.saxutils import escape

import qrcode
import zxingcpp
from PIL import Image
from qrcode.util import MODE_ALPHA_NUM, QRData

from issuers.symbology import Symbology, carries
from walletpass.errors import WalletPassError

QUIET_QR = 4  # modules, ISO/IEC 18004 section 9.1
QUIET_BARCODE = 10  # modules, the widest that the four symbologies ask for
_BARCODE_HEIGHT = 40  # modules; a printed card stretches the bars to the room it has
# Signed text is as good as random, so no mask is better than another; trying all eight costs five times as much.
_MASK = 4
_ALPHANUMERIC = re.compile(r"[0-9A-Z $%*+./:-]+")


class SymbolRefused(WalletPassError):
    """The text does not fit any symbol we may draw for it."""

    code = "symbol_refused"


class ErrorCorrection(IntEnum):
    """How much of a QR code may be lost: about 15 % (M, on screens) or 25 % (Q, behind glass)."""

    M = qrcode.constants.ERROR_CORRECT_M
    Q = qrcode.constants.ERROR_CORRECT_Q


_CAPACITY = {ErrorCorrection.M: 3391, ErrorCorrection.Q: 2420}  # alphanumeric characters in version 40


@dataclass(frozen=True, slots=True)
class Symbol:
    """Dark and light modules, top row first, without the quiet zone around them. All sizes are in modules."""

    rows: tuple[tuple[bool, ...], ...]
    quiet_beside: int
    quiet_above: int
    row_height: int = 1

    @property
    def width(self) -> int:
        """Quiet zones included."""
        return len(self.rows[0]) + 2 * self.quiet_beside

    @property
    def height(self) -> int:
        """Quiet zones included."""
        return len(self.rows) * self.row_height + 2 * self.quiet_above

    @property
    def qr_version(self) -> int:
        """The version (size) of a QR code, 1 to 40."""
        return (len(self.rows) - 17) // 4


def qr_symbol(text: str, level: ErrorCorrection = ErrorCorrection.M) -> Symbol:
    """The smallest QR code for a text in the QR alphanumeric alphabet; raises `SymbolRefused` for any other text."""
    if not _ALPHANUMERIC.fullmatch(text):
        raise SymbolRefused("The text is empty or has characters that a QR code in alphanumeric mode cannot hold.")
    if len(text) > _CAPACITY[level]:
        raise SymbolRefused(f"The text has {len(text)} characters; a QR code holds at most {_CAPACITY[level]}.")
    code = qrcode.QRCode(error_correction=int(level), mask_pattern=_MASK, border=0)
    code.add_data(QRData(text.encode("ascii"), mode=MODE_ALPHA_NUM, check_data=False), optimize=0)
    code.make(fit=True)
    return Symbol(tuple(tuple(map(bool, row)) for row in code.modules), QUIET_QR, QUIET_QR)


_FORMATS = {
    Symbology.CODE_39: zxingcpp.BarcodeFormat.Code39Std,
    Symbology.CODABAR: zxingcpp.BarcodeFormat.Codabar,
    Symbology.INTERLEAVED_2_OF_5: zxingcpp.BarcodeFormat.ITF,
    Symbology.CODE_128: zxingcpp.BarcodeFormat.Code128,
}


def carried_by(number: str, wanted: Symbology) -> Symbology:
    """The symbology that can carry the number unchanged: the wanted one, else Code 128.

    Raises `SymbolRefused` for characters beyond ISO 8859-1.
    """
    for symbology in (wanted, Symbology.CODE_128):
        if carries(symbology, number):
            return symbology
    raise SymbolRefused("The card number has characters that no barcode holds; use letters, digits and plain signs.")


def barcode_symbol(number: str, wanted: Symbology) -> Symbol:
    """The barcode of a card number as one row of modules; see `carried_by` for the symbology that is drawn."""
    symbology = carried_by(number, wanted)
    # Codabar begins and ends with a letter A–D (EN 798); library readers are set to drop or expect A … A.
    text = f"A{number}A" if symbology is Symbology.CODABAR else number
    code = zxingcpp.create_barcode(text, _FORMATS[symbology])
    pixels = cast(list[list[int]], memoryview(cast(Any, code.to_image(scale=1, add_quiet_zones=False))).tolist())
    return Symbol((tuple(pixel == 0 for pixel in pixels[0]),), QUIET_BARCODE, 0, _BARCODE_HEIGHT)


def svg_path(symbol: Symbol) -> str:
    """All dark modules as the data of one SVG path: horizontal runs, the quiet zone included in the coordinates."""
    parts = []
    for row_number, row in enumerate(symbol.rows):
        x, y = symbol.quiet_beside, symbol.quiet_above + row_number * symbol.row_height
        for dark, run in groupby(row):
            length = sum(1 for _ in run)
            if dark:
                parts.append(f"M{x} {y}h{length}v{symbol.row_height}h-{length}z")
            x += length
    return "".join(parts)


def svg(symbol: Symbol, title: str, description: str) -> str:
    """A standing-alone SVG: one path on white, with a title and a description for those who cannot see it."""
    width, height = symbol.width, symbol.height
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'role="img" aria-labelledby="t d" xml:lang="de" shape-rendering="crispEdges">'
        f'<title id="t">{escape(title)}</title><desc id="d">{escape(description)}</desc>'
        f'<path fill="#fff" d="M0 0h{width}v{height}h-{width}z"/><path d="{svg_path(symbol)}"/></svg>\n'
    )


def png(symbol: Symbol, scale: int = 8) -> bytes:
    """A black and white PNG with `scale` pixels per module."""
    white = b"\xff"
    side, empty = white * symbol.quiet_beside, white * symbol.width * symbol.quiet_above
    rows = (side + bytes(0 if dark else 255 for dark in row) + side for row in symbol.rows)
    pixels = empty + b"".join(row * symbol.row_height for row in rows) + empty
    picture = Image.frombytes("L", (symbol.width, symbol.height), pixels)
    size = (symbol.width * scale, symbol.height * scale)
    out = io.BytesIO()
    picture.resize(size, Image.Resampling.NEAREST).convert("1").save(out, "PNG", optimize=True)
    return out.getvalue()
