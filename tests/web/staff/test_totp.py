"""Time-based codes: the standard's own numbers, the window, and a QR code that others can read."""

from __future__ import annotations

import io

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from web.staff.totp import code_at, key_text, key_uri, matching_step, new_key, qr_path

RFC_KEY = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_rfc_6238_appendix_b(seconds: int, code: str) -> None:
    assert code_at(RFC_KEY, seconds // 30) == code[2:]
    assert matching_step(RFC_KEY, code[2:], seconds) == seconds // 30


def test_one_step_before_and_after_is_accepted_and_no_other() -> None:
    now = 1_800_000_000
    found = [matching_step(RFC_KEY, code_at(RFC_KEY, now // 30 + ahead), now) for ahead in range(-3, 4)]
    assert found == [None, None, now // 30 - 1, now // 30, now // 30 + 1, None, None]


def test_a_key_has_160_random_bits_and_is_shown_in_groups() -> None:
    assert len({new_key() for _ in range(5)}) == 5
    assert len(new_key()) == 20
    assert key_text(RFC_KEY) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"


def test_the_qr_code_says_what_apps_read() -> None:
    uri = key_uri(RFC_KEY, "Prüfstelle", "k.lange")
    assert uri == (
        "otpauth://totp/Pr%C3%BCfstelle:k.lange?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Pr%C3%BCfstelle"
    )
    width, path = qr_path(uri)
    assert zxingcpp.read_barcode(drawn(width, path)).text == uri


def drawn(width: int, path: str) -> Image.Image:
    """The path as a picture, four pixels a module."""
    picture = Image.new("L", (width * 4, width * 4), 255)
    pen = ImageDraw.Draw(picture)
    for run in path.split("z")[:-1]:
        start, _, rest = run.removeprefix("M").partition("h")
        x, y = map(int, start.split())
        length = int(rest.partition("v")[0])
        pen.rectangle((x * 4, y * 4, (x + length) * 4 - 1, y * 4 + 3), fill=0)
    picture.save(io.BytesIO(), "PNG")
    return picture
