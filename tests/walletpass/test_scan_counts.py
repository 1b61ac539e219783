"""Signed counts of checks: what was signed is read, and nothing that differs from it is believed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey

from walletpass.errors import ScanCountsInvalid
from walletpass.passes import end_second, first_second
from walletpass.scan_counts import MAX_TOKEN, ScanCount, ScanCounts, read_scan_counts, sign_scan_counts, thumbprint

DAY = date(2027, 3, 28)  # 23 hours: the clocks go forward
FIRST = first_second(DAY)
COUNTS = (
    ScanCount(FIRST, None, None, "code", "refused", 2),
    ScanCount(FIRST, "A12", "resident_parking_permit", "code", "accepted", 7),
    ScanCount(FIRST, "MÜ", "resident_parking_permit", "plate", "none", 1),
    ScanCount(end_second(DAY) - 3600, "A12", "resident_parking_permit", "code", "undetermined", 3),
)
GOOD = ScanCounts("https://pruefen.example", DAY, FIRST + 100, COUNTS)
KEY, OTHER = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def signs(key: ec.EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def signed(counts: ScanCounts = GOOD, key: ec.EllipticCurvePrivateKey = KEY) -> bytes:
    return sign_scan_counts(counts, thumbprint(KEY.public_key()), signs(key))


def forged(claims: Any = None, header: Any = None, raw: bytes | None = None) -> bytes:
    """Signed by the right key: what it says is what is wrong. A member that is `...` is left out."""
    parts = [json.loads(_unb64(part)) for part in signed().split(b".")[:2]]
    for part, changes in zip(parts, (header or {}, claims or {}), strict=True):
        part.update(changes)
    texts = [json.dumps({name: v for name, v in part.items() if v is not ...}).encode() for part in parts]
    message = b".".join(_b64(text) for text in (texts[0], texts[1] if raw is None else raw))
    return message + b"." + _b64(signs(KEY)(message))


def _b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _unb64(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"==")


def test_counts_are_read_as_they_were_signed_in_whatever_order_they_came() -> None:
    mixed = replace(GOOD, counts=COUNTS[::-1])
    assert read_scan_counts(signed(mixed), KEY.public_key()) == GOOD
    assert read_scan_counts(signed(replace(GOOD, counts=())), KEY.public_key()).counts == ()


def test_another_library_reads_them_too() -> None:
    claims = jwt.decode(signed(), KEY.public_key(), algorithms=["ES256"], options={"verify_iat": False})
    assert claims["day"] == "2027-03-28"
    assert claims["counts"][1] == {
        "hour": FIRST,
        "zone": "A12",
        "pass_type": "resident_parking_permit",
        "kind": "code",
        "outcome": "accepted",
        "count": 7,
    }


def test_the_thumbprint_is_that_of_the_standard() -> None:
    key = ECKey.generate_key("P-256")
    public = key.public_key
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert thumbprint(public) == key.thumbprint()


def test_only_the_one_key_counts() -> None:
    with pytest.raises(ScanCountsInvalid, match="another service"):
        read_scan_counts(signed(), OTHER.public_key())
    with pytest.raises(ScanCountsInvalid, match="signature"):
        read_scan_counts(signed(key=OTHER), KEY.public_key())
    with pytest.raises(ScanCountsInvalid, match="P-256"):
        read_scan_counts(signed(), ec.generate_private_key(ec.SECP384R1()).public_key())


def _count(**changes: Any) -> dict[str, Any]:
    good = {"hour": FIRST, "zone": "A12", "pass_type": "library_card", "kind": "code", "outcome": "accepted"}
    found = good | {"count": 1} | changes
    return {"counts": [{name: value for name, value in found.items() if value is not ...}]}


FORGERIES: list[dict[str, Any]] = [
    {"header": {"alg": "none"}},
    {"header": {"alg": "HS256"}},
    {"header": {"typ": "platekeys+jwt"}},
    {"header": {"typ": ...}},
    {"header": {"crit": ["exp"]}},
    {"header": {"jwk": {}}},
    {"header": {"kid": ["x"]}},
    {"claims": {"iss": ""}},
    {"claims": {"iss": 7}},
    {"claims": {"iss": ...}},
    {"claims": {"iat": FIRST - 1}},
    {"claims": {"iat": float(FIRST)}},
    {"claims": {"iat": True}},
    {"claims": {"day": "20270328"}},
    {"claims": {"day": "2027-03-27"}},
    {"claims": {"day": "2027-02-30"}},
    {"claims": {"day": 20270328}},
    {"claims": {"exp": FIRST}},
    {"claims": {"counts": None}},
    {"claims": {"counts": {}}},
    {"claims": {"counts": [None]}},
    {"claims": {"counts": [[]]}},
    {"claims": _count(hour=FIRST - 3600)},
    {"claims": _count(hour=end_second(DAY))},
    {"claims": _count(hour=FIRST + 1)},
    {"claims": _count(hour="8")},
    {"claims": _count(zone="")},
    {"claims": _count(zone="Bilk!")},
    {"claims": _count(zone=1)},
    {"claims": _count(pass_type="")},
    {"claims": _count(pass_type="Ausweis")},
    {"claims": _count(kind="face")},
    {"claims": _count(kind=["code"])},
    {"claims": _count(outcome="found")},
    {"claims": _count(outcome=["accepted"])},
    {"claims": _count(count=0)},
    {"claims": _count(count=-1)},
    {"claims": _count(count=1.5)},
    {"claims": _count(count=True)},
    {"claims": _count(count=1 << 41)},
    {"claims": _count(count=...)},
    {"claims": _count(device="Handheld 7")},
    {"claims": {"counts": _count()["counts"] * 2}},
    {"claims": {"counts": _count(zone="B1")["counts"] + _count(zone="A1")["counts"]}},
    {"raw": b"[]"},
    {"raw": b'{"iss": "a", "iss": "b"}'},
    {"raw": b"{" * 100},
    {"raw": b"\xff"},
]


@pytest.mark.parametrize("forgery", FORGERIES, ids=str)
def test_what_says_something_else_is_not_believed_though_the_key_is_right(forgery: dict[str, Any]) -> None:
    assert read_scan_counts(forged(), KEY.public_key()) == GOOD
    with pytest.raises(ScanCountsInvalid):
        read_scan_counts(forged(**forgery), KEY.public_key())


@pytest.mark.parametrize(
    "token",
    [b"", b"a.b.c", b"..", signed() + b".", signed() + b"=", b" " + signed(), signed()[:-2], b"a" * (MAX_TOKEN + 1)],
    ids=["empty", "words", "dots", "four parts", "padding", "blank", "short", "large"],
)
def test_what_is_no_signed_document_is_refused(token: bytes) -> None:
    with pytest.raises(ScanCountsInvalid):
        read_scan_counts(token, KEY.public_key())


@given(st.integers(0, len(signed()) - 1), st.integers(1, 255))
def test_one_changed_byte_is_never_believed(at: int, change: int) -> None:
    token = bytearray(signed())
    token[at % len(token)] ^= change
    with pytest.raises(ScanCountsInvalid):
        read_scan_counts(bytes(token), KEY.public_key())


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_our_error(token: bytes) -> None:
    with pytest.raises(ScanCountsInvalid):
        read_scan_counts(token, KEY.public_key())
