"""The code on the front: the signed QR, or the card's own number for machines that know only the number.

Code 39, Codabar and Interleaved 2 of 5 came with iOS 27. The array is a priority list and a phone shows the first
entry it knows, so the last one is always a format that every iPhone knows.
"""

from __future__ import annotations

import json

from issuers.symbology import Symbology, carries
from issuers.wallets import CarriedPass
from walletpass.pass_type import FrontCode

_QR = "PKBarcodeFormatQR"
_CODE_128 = "PKBarcodeFormatCode128"
# Codabar's start and stop letters are the phone's to add: Apple's sample message has none.
_NEW_FORMATS = {
    Symbology.CODE_39: "PKBarcodeFormatCode39",
    Symbology.CODABAR: "PKBarcodeFormatCodabar",
    Symbology.INTERLEAVED_2_OF_5: "PKBarcodeFormatI2of5",
}

_encode = json.JSONEncoder(ensure_ascii=False).encode


def card_number_formats(number: str, symbology: Symbology) -> tuple[str, ...]:
    """The formats for a card number, best first. The last is Code 128, or QR where the number is not ASCII."""
    fallback = _CODE_128 if number.isascii() else _QR
    new = _NEW_FORMATS.get(symbology)
    return (new, fallback) if new and carries(symbology, number) else (fallback,)


def barcodes(carried: CarriedPass, symbology: Symbology) -> str:
    """The JSON array `barcodes`. The external number stands beneath the code, for people and broken scanners."""
    number = carried.pass_.external_number
    if carried.pass_type.front_code is FrontCode.CARD_NUMBER:
        entries = [(code_format, number) for code_format in card_number_formats(number, symbology)]
    else:
        entries = [(_QR, carried.qr_text)]
    text_beneath = _encode(number)
    objects = (
        f'{{"format":"{code_format}","message":{_encode(message)},'
        f'"messageEncoding":"{_encoding(message)}","altText":{text_beneath}}}'
        for code_format, message in entries
    )
    return f"[{','.join(objects)}]"


def _encoding(message: str) -> str:
    """Apple's recommendation; beyond ASCII UTF-8, because readers take a few Latin-1 letters for Japanese ones."""
    return "iso-8859-1" if message.isascii() else "utf-8"
