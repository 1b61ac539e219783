"""The key in `cnf`: one spelling of one point of P-256, and nothing beside the curve."""

from __future__ import annotations

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from walletpass import cbor
from walletpass.errors import Malformed
from walletpass.holder_key import from_confirmation, is_point, to_confirmation

# RFC 8747 section 3.2, the key of the first example.
RFC_X = bytes.fromhex("d7cc072de2205bdc1537a543d53c60a6acb62eccd890c7fa27c9e354089bbe13")
RFC_Y = bytes.fromhex("f95e1d4b851a2cc80fff87d8e23f22afb725d535e515d020731e79a3b4e47120")
RFC_KEY = {1: 2, -1: 1, -2: RFC_X, -3: RFC_Y}
FIELD = (1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1


def new_point() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def test_the_example_of_rfc_8747_is_read_and_written():
    assert from_confirmation({1: RFC_KEY}) == b"\x04" + RFC_X + RFC_Y
    assert to_confirmation(b"\x04" + RFC_X + RFC_Y) == {1: RFC_KEY}
    assert cbor.encode(to_confirmation(b"\x04" + RFC_X + RFC_Y)) == cbor2.dumps({1: RFC_KEY}, canonical=True)


def test_every_key_of_an_independent_library_is_a_point():
    for _ in range(50):
        point = new_point()
        assert is_point(point) and from_confirmation(to_confirmation(point)) == point


@given(st.binary(min_size=64, max_size=64))
def test_what_the_library_refuses_is_no_point(coordinates):
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + coordinates)
    except ValueError:
        assert not is_point(b"\x04" + coordinates)
    else:
        assert is_point(b"\x04" + coordinates)


@pytest.mark.parametrize(
    "point",
    [
        b"",
        b"\x04" + RFC_X,
        b"\x02" + RFC_X,
        b"\x02" + RFC_X + RFC_Y,
        b"\x06" + RFC_X + RFC_Y,  # the hybrid form
        b"\x04" + RFC_X + RFC_Y + b"\x00",
        b"\x04" + RFC_Y + RFC_X,
        b"\x04" + bytes(64),
        b"\x00",  # the point at infinity
    ],
)
def test_other_forms_are_no_point(point):
    assert not is_point(point)


# A point with x below 2^256 − p: beside itself it could be written with x + p.
_SMALL_X = 5
_SMALL_Y = 0x459243B9AA581806FE913BCE99817ADE11CA503C64D9A3C533415C083248FBCC


def test_a_coordinate_has_one_spelling():
    x, y = _SMALL_X.to_bytes(32, "big"), _SMALL_Y.to_bytes(32, "big")
    assert is_point(b"\x04" + x + y)
    assert not is_point(b"\x04" + (_SMALL_X + FIELD).to_bytes(32, "big") + y)


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        b"\x04" + RFC_X + RFC_Y,
        {},
        {1: None},
        {1: {}},
        {3: bytes(8)},
        {1: RFC_KEY, 3: bytes(8)},
        {"1": RFC_KEY},
        {1: RFC_KEY | {2: bytes(8)}},
        {1: RFC_KEY | {3: -7}},
        {1: RFC_KEY | {-4: bytes(32)}},
        {1: RFC_KEY | {1: 1}},
        {1: RFC_KEY | {-1: 2}},
        {1: RFC_KEY | {-1: True}},
        {1: RFC_KEY | {-2: RFC_X[1:]}},
        {1: RFC_KEY | {-2: b"\x00" + RFC_X}},
        {1: RFC_KEY | {-2: RFC_X.hex()}},
        {1: RFC_KEY | {-3: True}},
        {1: RFC_KEY | {-3: RFC_X}},
    ],
    ids=str,
)
def test_any_other_confirmation_is_malformed(value):
    with pytest.raises(Malformed) as refusal:
        from_confirmation(value)
    assert refusal.value.sentence.endswith(".")
