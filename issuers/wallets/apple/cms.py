"""The detached CMS signature of a manifest (RFC 5652), written around bytes that only the certificate decides.

Wallet wants SHA-256, the signing time among the signed attributes, and the certificate together with its intermediate.
Of all that only a digest, a time and the RSA signature change from pass to pass, and all three have fixed lengths.
cryptography's PKCS7SignatureBuilder encodes the rest anew each time, which costs a sixth of an RSA signature, and takes
the signing time from the clock; the tests hold this file against it and against OpenSSL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from secrets import token_bytes

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

_INTEGER, _OCTETS, _NULL, _OID, _UTC_TIME, _SEQUENCE, _SET, _CONTEXT_0 = 0x02, 0x04, 0x05, 0x06, 0x17, 0x30, 0x31, 0xA0
_RSA_SIGNED_DATA = "2a864886f70d0107"  # 1.2.840.113549.1.7: 1 data, 2 signed-data
_PKCS_9 = "2a864886f70d0109"  # 1.2.840.113549.1.9: 3 content type, 4 message digest, 5 signing time
_SHA_256 = "608648016503040201"
_RSA_ENCRYPTION = "2a864886f70d010101"


def _der(tag: int, *contents: bytes) -> bytes:
    """One DER value (X.690, 8.1)."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def _oid(content: str) -> bytes:
    return _der(_OID, bytes.fromhex(content))


def _integer(number: int) -> bytes:
    return _der(_INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _algorithm(oid: str) -> bytes:
    return _der(_SEQUENCE, _oid(oid), _der(_NULL))


def _attribute(oid: str, *value: bytes) -> bytes:
    return _der(_SEQUENCE, _oid(oid), _der(_SET, *value))


def _signed_attributes(tag: int, digest: bytes, signing_time: bytes) -> bytes:
    """Shortest first, as DER sorts a SET OF (X.690, 11.6)."""
    return _der(
        tag,
        _attribute(_PKCS_9 + "03", _oid(_RSA_SIGNED_DATA + "01")),
        _attribute(_PKCS_9 + "05", _der(_UTC_TIME, signing_time)),
        _attribute(_PKCS_9 + "04", _der(_OCTETS, digest)),
    )


class DetachedSignature:
    """The structure around one RSA certificate. `sign` makes PKCS#1 v1.5 signatures with SHA-256."""

    def __init__(self, leaf: x509.Certificate, intermediate: x509.Certificate, sign: Callable[[bytes], bytes]) -> None:
        key = leaf.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        self._sign = sign
        # Random, so that no certificate can hold the same bytes where the template is cut.
        digest, time, signature = token_bytes(32), token_bytes(13), token_bytes(key.key_size // 8)
        attributes = _signed_attributes(_SET, digest, time)
        self._attributes = _between(attributes, time, digest)
        whole = self._structure(leaf, intermediate, _signed_attributes(_CONTEXT_0, digest, time), signature)
        self._whole = _between(whole, time, digest, signature)

    def of(self, message: bytes, now: datetime) -> bytes:
        """The ContentInfo, DER. `now` (aware, before 2050: RFC 5652, 11.3) is the signing time."""
        digest = hashlib.sha256(message).digest()
        time = now.astimezone(UTC).strftime("%y%m%d%H%M%SZ").encode()
        head, middle, tail = self._attributes
        signature = self._sign(b"".join((head, time, middle, digest, tail)))
        before, between, after, end = self._whole
        return b"".join((before, time, between, digest, after, signature, end))

    @staticmethod
    def _structure(
        leaf: x509.Certificate, intermediate: x509.Certificate, attributes: bytes, signature: bytes
    ) -> bytes:
        certificates = sorted(certificate.public_bytes(Encoding.DER) for certificate in (leaf, intermediate))
        signer = _der(
            _SEQUENCE,
            _integer(1),
            _der(_SEQUENCE, leaf.issuer.public_bytes(), _integer(leaf.serial_number)),
            _algorithm(_SHA_256),
            attributes,
            _algorithm(_RSA_ENCRYPTION),
            _der(_OCTETS, signature),
        )
        signed_data = _der(
            _SEQUENCE,
            _integer(1),
            _der(_SET, _algorithm(_SHA_256)),
            _der(_SEQUENCE, _oid(_RSA_SIGNED_DATA + "01")),
            _der(_CONTEXT_0, *certificates),
            _der(_SET, signer),
        )
        return _der(_SEQUENCE, _oid(_RSA_SIGNED_DATA + "02"), _der(_CONTEXT_0, signed_data))


def _between(structure: bytes, *changing: bytes) -> tuple[bytes, ...]:
    """What stands before, between and behind the parts that change."""
    found = []
    for part in changing:
        before, _, structure = structure.partition(part)
        found.append(before)
    return (*found, structure)
