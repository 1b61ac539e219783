"""COSE_Sign1: the bytes of RFC 9052, understood by an independent library, and nothing but what we write is read."""

from __future__ import annotations

import cbor2
import pytest
from cwt import COSE, COSEKey
from hypothesis import given
from hypothesis import strategies as st

from walletpass import cbor, cose
from walletpass.errors import Malformed

_KID = b"\x01\x02\x03\x04\x05\x06\x07\x08"
_GOOD = {cose.ALG: cose.ES256, cose.KID: _KID}


def _document(protected: object = None, unprotected: object = None, payload: object = b"p", signature: object = None):
    header = cbor2.dumps(_GOOD) if protected is None else protected
    parts = [header, {} if unprotected is None else unprotected, payload, bytes(64) if signature is None else signature]
    return cbor.COSE_SIGN1_TAG + cbor2.dumps(parts)


_REFUSED = {
    "no bytes": b"",
    "no tag": _document()[1:],
    "the tag of a CWT before": b"\xd8\x3d" + _document(),
    "the tag of a MAC": b"\xd1" + _document()[1:],
    "the tag of COSE_Sign": b"\xd8\x62" + _document()[1:],
    "tag 18 in two bytes": b"\xd8\x12" + _document()[1:],
    "a map instead of an array": b"\xd2\xa0",
    "three parts": b"\xd2" + cbor2.dumps([cbor2.dumps(_GOOD), {}, b"p"]),
    "five parts": b"\xd2" + cbor2.dumps([cbor2.dumps(_GOOD), {}, b"p", bytes(64), b""]),
    "bytes after the end": _document() + b"\x00",
    "something unprotected": _document(unprotected={4: _KID}),
    "an array where the unprotected map stands": _document(unprotected=[]),
    "no payload": b"\xd2" + cbor2.dumps([cbor2.dumps(_GOOD), {}, None, bytes(64)]),
    "a payload that is text": _document(payload="p"),
    "a signature that is text": _document(signature="s" * 64),
    "a signature of 63 bytes": _document(signature=bytes(63)),
    "a signature of 65 bytes": _document(signature=bytes(65)),
    "an empty signature": _document(signature=b""),
    "a protected header that is a map, not bytes": _document(protected=_GOOD),
    "an empty protected header": _document(protected=b""),
    "a protected header that is no map": _document(protected=cbor2.dumps([1])),
    "no algorithm": _document(protected=cbor2.dumps({4: _KID})),
    "the algorithm EdDSA": _document(protected=cbor2.dumps({1: -8, 4: _KID})),
    "the algorithm HMAC": _document(protected=cbor2.dumps({1: 5, 4: _KID})),
    "the algorithm ES384": _document(protected=cbor2.dumps({1: -35, 4: _KID})),
    "the algorithm as a name": _document(protected=cbor2.dumps({1: "ES256", 4: _KID})),
    "no key id": _document(protected=cbor2.dumps({1: -7})),
    "a key id of 7 bytes": _document(protected=cbor2.dumps({1: -7, 4: _KID[:7]})),
    "a key id of 9 bytes": _document(protected=cbor2.dumps({1: -7, 4: _KID + b"0"})),
    "a key id that is text": _document(protected=cbor2.dumps({1: -7, 4: "12345678"})),
    "a critical header": _document(protected=cbor2.dumps({1: -7, 2: [4], 4: _KID})),
    "a certificate chain": _document(protected=cbor2.dumps({1: -7, 4: _KID, 33: b"certificate"})),
    "a type that is a number": _document(protected=cbor2.dumps({1: -7, 4: _KID, 16: 7})),
    "a header that is not deterministic": _document(protected=cbor2.dumps({4: _KID, 1: -7})),
    "a header with a doubled algorithm": _document(protected=b"\xa3\x01\x26\x01\x26\x04\x48" + _KID),
}


@pytest.mark.parametrize("document", _REFUSED.values(), ids=_REFUSED.keys())
def test_anything_but_our_own_envelope_is_refused(document):
    with pytest.raises(Malformed):
        cose.take_apart(document)


def test_the_table_of_refusals_starts_from_a_document_that_is_read():
    assert cose.take_apart(_document()).kid == _KID


@given(st.binary(max_size=300), st.sampled_from([None, "application/statuslist+cwt"]))
def test_what_is_assembled_is_taken_apart_again(payload, typ):
    protected = cose.protected_header(_KID, typ)
    signed = cose.take_apart(cose.assemble(protected, payload, bytes(range(64))))
    assert signed == cose.Sign1(_KID, typ, payload, cose.sig_structure(protected, payload), bytes(range(64)))


@given(st.binary(max_size=300))
def test_the_signed_bytes_are_those_of_rfc_9052(payload):
    protected = cose.protected_header(_KID)
    assert cose.sig_structure(protected, payload) == cbor2.dumps(["Signature1", protected, b"", payload])
    assert cose.assemble(protected, payload, bytes(64)) == cbor2.dumps(
        cbor2.CBORTag(18, [protected, {}, payload, bytes(64)])
    )


def test_the_independent_library_believes_our_signature_and_not_that_of_another_payload(signer):
    protected, payload = cose.protected_header(signer.kid), cbor.encode({1: "https://pass.example.org"})
    signature = signer.sign(cose.sig_structure(protected, payload))
    key = COSEKey.new(
        {1: 2, 3: -7, -1: 1, 2: signer.kid}
        | dict(zip((-2, -3), _coordinates(signer.private_key.public_key()), strict=True))
    )
    assert COSE.new(verify_kid=True).decode(cose.assemble(protected, payload, signature), key) == payload
    with pytest.raises(Exception, match="verify"):
        COSE.new(verify_kid=True).decode(cose.assemble(protected, payload + b"\x00", signature), key)


def _coordinates(public_key):
    numbers = public_key.public_numbers()
    return numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")


def test_we_read_what_the_independent_library_signs(signer):
    numbers = signer.private_key.private_numbers()
    x, y = _coordinates(signer.private_key.public_key())
    key = COSEKey.new({1: 2, 3: -7, -1: 1, -2: x, -3: y, -4: numbers.private_value.to_bytes(32, "big")})
    document = COSE.new(deterministic_header=True).encode(b"payload", key, protected={1: -7, 4: signer.kid})
    signed = cose.take_apart(document)
    assert (signed.kid, signed.payload, signed.typ) == (signer.kid, b"payload", None)


@given(st.binary(max_size=200))
def test_any_bytes_are_taken_apart_or_malformed(document):
    for tagged in (document, b"\xd2" + document):
        try:
            cose.take_apart(tagged)
        except Malformed:
            continue


@pytest.mark.parametrize("length", [0, 7, 9])
def test_a_key_id_has_eight_bytes(length):
    with pytest.raises(ValueError, match="8 bytes"):
        cose.protected_header(bytes(length))
