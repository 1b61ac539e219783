"""COSE_Sign1 with ES256: the signed envelope of QR credentials and status lists. Source: RFC 9052 sections 4.2, 4.4.

Only what we write is read: tag 18, ES256, a key id of 8 bytes in the protected header, nothing unprotected.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from walletpass import cbor
from walletpass.errors import Malformed

ALG, KID, TYP, ES256 = 1, 4, 16, -7
KID_BYTES = 8
SIGNATURE_BYTES = 64
_CONTEXT = b"\x84\x6aSignature1"  # array of 4, the context string
_NO_EXTERNAL_DATA = b"\x40"
_BEGIN = cbor.COSE_SIGN1_TAG + b"\x84"  # an array of 4
_SIGNATURE_FOLLOWS = b"\x58\x40"  # 64 bytes


@dataclass(frozen=True, slots=True)
class Sign1:
    """A COSE_Sign1, taken apart and not yet believed. `message` is the Sig_structure that was signed."""

    kid: bytes
    typ: str | None
    payload: bytes
    message: bytes
    signature: bytes


def protected_header(kid: bytes, typ: str | None = None) -> bytes:
    """The encoded protected header map for ES256, to be prepared once per key."""
    if len(kid) != KID_BYTES:
        raise ValueError("a key id has 8 bytes")
    return cbor.encode({ALG: ES256, KID: kid} | ({TYP: typ} if typ else {}))


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """The bytes to sign: Sig_structure of RFC 9052 section 4.4, no external data."""
    return b"".join(
        (_CONTEXT, cbor.head(2, len(protected)), protected, _NO_EXTERNAL_DATA, cbor.head(2, len(payload)), payload)
    )


def assemble(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The tagged COSE_Sign1."""
    return b"".join(
        (
            _BEGIN,
            cbor.head(2, len(protected)),
            protected,
            b"\xa0",
            cbor.head(2, len(payload)),
            payload,
            _SIGNATURE_FOLLOWS,
            signature,
        )
    )


def split(data: bytes) -> tuple[bytes, bytes, bytes]:
    """Protected header, payload and signature of a tagged COSE_Sign1; raises `Malformed` for any other structure."""
    if data[:2] != _BEGIN:
        raise Malformed("This is not a signed COSE document (tag 18 is missing).")
    protected, at = cbor.read_bytes(data, 2)
    if data[at : at + 1] != b"\xa0":
        raise Malformed("The COSE document has an unprotected header.")
    payload, at = cbor.read_bytes(data, at + 1)
    if data[at : at + 2] != _SIGNATURE_FOLLOWS or len(data) != at + 2 + SIGNATURE_BYTES:
        raise Malformed("The COSE document does not end with the 64 bytes of an ES256 signature.")
    return protected, payload, data[at + 2 :]


def take_apart(data: bytes) -> Sign1:
    """Read a tagged COSE_Sign1 with a key id; raises `Malformed` for any other structure, algorithm or header."""
    protected, payload, signature = split(data)
    kid, typ = _read_header(protected)
    return Sign1(kid, typ, payload, sig_structure(protected, payload), signature)


@lru_cache(maxsize=256)
def _read_header(protected: bytes) -> tuple[bytes, str | None]:
    """Key id and `typ`. Remembered: a signer writes the same header into everything."""
    header = cbor.decode(protected)
    if not isinstance(header, dict) or header.get(ALG) != ES256 or not header.keys() <= {ALG, KID, TYP}:
        raise Malformed("The COSE header names another algorithm than ES256, or something we do not use.")
    kid, typ = header.get(KID), header.get(TYP)
    if not isinstance(kid, bytes) or len(kid) != KID_BYTES or not (typ is None or isinstance(typ, str)):
        raise Malformed("The COSE header has no key id of 8 bytes.")
    return kid, typ
