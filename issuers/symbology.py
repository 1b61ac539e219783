"""The barcodes that library machines read, and which of them can carry a card number exactly as it is written.

A number is never padded, upper-cased or stripped to make it fit: the machine would read another number.
"""

from __future__ import annotations

import re
from enum import StrEnum


class Symbology(StrEnum):
    """The barcode a library's self-checkout machines read."""

    CODE_39 = "code39"
    CODABAR = "codabar"
    INTERLEAVED_2_OF_5 = "itf"
    CODE_128 = "code128"


_CARRIED = {
    # No sign before a letter: scanners in full-ASCII mode read such a pair as one character.
    Symbology.CODE_39: re.compile(r"(?:[0-9A-Z.-]|[$/+%](?![A-Z]))+"),
    # No letters: A to D are start and stop characters, which frame the number and are no part of it.
    Symbology.CODABAR: re.compile(r"[0-9$:/.+-]+"),
    Symbology.INTERLEAVED_2_OF_5: re.compile(r"(?:[0-9]{2})+"),
    Symbology.CODE_128: re.compile(r"[ -~\xa0-\xff]+"),
}


def carries(symbology: Symbology, number: str) -> bool:
    """Whether the symbology can carry the number unchanged."""
    return _CARRIED[symbology].fullmatch(number) is not None
