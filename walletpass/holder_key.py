"""The key that a credential is bound to: an uncompressed point on P-256, and its one spelling in the claim `cnf`.

Sources: RFC 8747 section 3.1 (cnf with a COSE_Key), RFC 9052 section 7, RFC 9053 section 7.1.1 (EC2 keys), SEC 1
section 2.3.3 (uncompressed points).
"""

from __future__ import annotations

from walletpass.errors import Malformed

POINT_BYTES = 65
_COORDINATE = 32  # bytes
_COSE_KEY = 1  # the member of cnf that holds a COSE_Key
_KTY, _CRV, _X, _Y = 1, -1, -2, -3
_EC2, _P256 = 2, 1
# The curve y² = x³ − 3x + b over the field of _P elements (SP 800-186 section 3.2.1.3).
_P = (1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1
_B = 0x5AC635D8_AA3A93E7_B3EBBD55_769886BC_651D06B0_CC53B0F6_3BCE3C3E_27D2604B


def to_confirmation(point: bytes) -> dict[int, dict[int, int | bytes]]:
    """The value of `cnf` for a point of 65 bytes."""
    return {_COSE_KEY: {_KTY: _EC2, _CRV: _P256, _X: point[1 : 1 + _COORDINATE], _Y: point[1 + _COORDINATE :]}}


def from_confirmation(value: object) -> bytes:
    """The point in a decoded `cnf`, checked to lie on the curve; raises `Malformed` for any other value.

    A point beside the curve would have the verifying library say so only in the last step, or worse, compute with it.
    """
    if not isinstance(value, dict) or value.keys() != {_COSE_KEY}:
        raise Malformed("The credential is not bound to exactly one key.")
    key = value[_COSE_KEY]
    if not isinstance(key, dict) or key.keys() != {_KTY, _CRV, _X, _Y}:
        raise Malformed("The holder's key does not have exactly the members it should.")
    if (key[_KTY], key[_CRV]) != (_EC2, _P256) or type(key[_CRV]) is not int:
        raise Malformed("The holder's key is not one for the curve P-256.")
    x, y = key[_X], key[_Y]
    if not (isinstance(x, bytes) and isinstance(y, bytes) and len(x) == len(y) == _COORDINATE and _on_curve(x, y)):
        raise Malformed("The holder's key is no point of the curve P-256.")
    return b"\x04" + x + y


def is_point(point: bytes) -> bool:
    """Whether these are the 65 bytes of an uncompressed point of the curve."""
    at = 1 + _COORDINATE
    return len(point) == POINT_BYTES and point[0] == 4 and _on_curve(point[1:at], point[at:])


def _on_curve(x_bytes: bytes, y_bytes: bytes) -> bool:
    x, y = int.from_bytes(x_bytes, "big"), int.from_bytes(y_bytes, "big")
    return x < _P and y < _P and (y * y - (x * x - 3) * x - _B) % _P == 0
