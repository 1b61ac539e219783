"""The cases about live codes: a credential bound to a phone's key, and that key's proof of the time around it.

As in `vector_cases.py` the verdicts are written by hand from the design.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.vectors.vector_cases import MALFORMED, Case
from tests.vectors.vector_city import (
    CNF,
    CREDENTIAL,
    DAY,
    EXP,
    IAT,
    NOW,
    REVOKED,
    SUSPENDED,
    VectorCity,
    changed,
    live_text_of,
    text_of,
)
from walletpass import cbor

_FIELD = (1 << 256) - (1 << 224) + (1 << 192) + (1 << 96) - 1  # the number of elements of P-256's field


def live_cases(city: VectorCity) -> list[Case]:
    return [*_accepted(city), *_proofs(city), *_earlier_steps(city), *_texts(city), *_envelopes(city), *_keys(city)]


def _accepted(city: VectorCity) -> Iterator[Case]:
    yes = ("accepted", "accepted", None)
    for pass_type in city.types:
        text = city.live(city.bound(city.payload(pass_type.name)))
        yield Case(f"A live code of a {pass_type.name} is accepted", text, *yes)
    yield Case("A live code is good for 30 seconds", city.live(signed_at=NOW - 30), *yes)
    yield Case("A phone's clock may be 30 seconds ahead", city.live(signed_at=NOW + 30), *yes)
    yield Case("A live code needs no network: a list in CBOR serves too", city.live(), *yes, "a status list in CBOR")


def _proofs(city: VectorCity) -> Iterator[Case]:
    stale, early = ("refused", "proof_stale", "holder"), ("refused", "proof_early", "holder")
    yield Case("A live code is stale after 31 seconds", city.live(signed_at=NOW - 31), *stale)
    yield Case("A screenshot of yesterday is stale", city.live(signed_at=NOW - DAY), *stale)
    yield Case("A proof from 1970 is stale", city.live(signed_at=0), *stale)
    yield Case("A live code from 31 seconds ahead is early", city.live(signed_at=NOW + 31), *early)
    yield Case("A proof signed for tomorrow is early", city.live(signed_at=NOW + DAY), *early)
    bad = ("refused", "bad_proof", "holder")
    good, old = city.proof(), city.proof(signed_at=NOW - 60)
    other_id = city.bound(city.payload("library_card"))
    forged = {
        "Another phone's key": city.proof(holder=city.other_holder),
        "The city's own key": city.proof(holder=city.credential),
        "A screenshot with the time made new": old.replace(cbor.encode(NOW - 60), cbor.encode(NOW), 1),
        "The proof of another credential": city.proof(other_id)[:-64] + good[-64:],
        "The proof of an earlier moment": good[:-64] + old[-64:],
        "A changed last byte of the proof": good[:-1] + bytes((good[-1] ^ 1,)),
        "A proof of zeros": good[:-64] + bytes(64),
        "A proof with its halves exchanged": good[:-64] + good[-32:] + good[-64:-32],
        "A forged proof, however old it says it is,": city.proof(signed_at=NOW - DAY, holder=city.other_holder),
    }
    for name, document in forged.items():
        yield Case(f"{name} is a bad proof", live_text_of(document), *bad)


def _earlier_steps(city: VectorCity) -> Iterator[Case]:
    """Steps 1 to 5 judge the bound credential as any other; what fails there never asks for the proof."""
    good = city.bound()
    changed_claim = good.replace("MÜ".encode(), "MÄ".encode(), 1)
    bad = ("refused", "bad_signature", "signature")
    yield Case("A changed claim in a live code is a bad signature", city.live(changed_claim), *bad)
    swapped = city.document({CNF: city.confirmation(city.other_holder)} | city.payload())[:-64] + good[-64:]
    yield Case("Another key put into a bound credential is a bad signature",
               city.live(swapped, holder=city.other_holder), *bad)  # fmt: skip
    unknown = ("refused", "unknown_key", "signature")
    yield Case("A credential that the phone signed itself is of an unknown key",
               city.live(city.bound(signer=city.stranger)), *unknown)  # fmt: skip
    only = city.live(city.bound(signer=city.library_only))
    yield Case("A live permit by a key for library cards is refused", only, "refused", "key_not_allowed", "trust")
    expired = city.live(city.bound(changed(city.payload(), {EXP: NOW})))
    yield Case("A live code of an expired pass has expired", expired, "refused", "expired", "validity")
    revoked, suspended = (city.live(city.bound(city.payload(index=index))) for index in (REVOKED, SUSPENDED))
    yield Case("A live code of a revoked pass is refused", revoked, "refused", "revoked", "status")
    yield Case("A live code of a suspended pass is refused", suspended, "refused", "suspended", "status")
    stale = city.live(city.bound(city.payload(index=REVOKED)), signed_at=NOW - DAY)
    yield Case("A revoked pass is revoked, however old its live code", stale, "refused", "revoked", "status")
    none = ("undetermined", "status_unavailable", "status")
    yield Case("A live code says nothing without a status list", city.live(), *none, "no status list")
    nothing = ("undetermined", "trust_list_stale", "signature")
    yield Case("A live code says nothing without a trust list", city.live(), *nothing, "no trust list")


def _texts(city: VectorCity) -> Iterator[Case]:
    good, bound = city.live(), city.bound()
    texts = {
        "The prefix of a live code alone": "WP2:",
        "A live code without its prefix": good[4:],
        "A live code in lower case": "WP2:" + good[4:].lower(),
        "A live code of one character more": good + "0",
        "A live code that lacks its last character": good[:-1],
        "A live code with a line feed after it": good + "\n",
        "A live code beyond 1,800 characters": "WP2:" + "0" * 1797,
        "A live code under the unbound prefix": "WP1:" + good[4:],
        "A bound credential whose proof was taken off": text_of(bound),
        "A bound credential without proof": live_text_of(bound),
        "An unbound pass under the live prefix": live_text_of(city.document()),
        "An unbound pass with a proof around it": city.live(city.document()),
        "A live code around a live code": city.live(city.proof()),
        "A proof around nothing": city.live(b""),
        "A proof around a text": city.live("WP1:"),
    }
    for name, text in texts.items():
        yield Case(f"{name} is malformed", text, *MALFORMED)


def _envelopes(city: VectorCity) -> Iterator[Case]:
    good, bound = city.proof(), city.bound()
    content = {IAT: NOW, CREDENTIAL: bound}
    encoded = cbor.encode(content)
    typ = "application/kb+cwt"
    proofs = {
        "A proof without tag": good[1:],
        "A proof with bytes after its end": good + b"\x00",
        "A proof cut off in the signature": good[:-1],
        "A proof without type": city.proof(header={1: -7}),
        "A proof with a key id": city.proof(header={1: -7, 4: city.credential.kid, 16: typ}),
        "A proof with its type as a number": city.proof(header={1: -7, 16: 294}),
        "A proof of another type": city.proof(header={1: -7, 16: "application/kb+jwt"}),
        "A proof with the algorithm ES384": city.proof(header={1: -35, 16: typ}),
        "A proof with an empty header": city.proof(header={}),
        "A proof whose header is not in order": good.replace(
            cbor.encode({1: -7, 16: typ}), b"\xa2\x10" + cbor.encode(typ) + b"\x01\x26", 1
        ),
        "A proof with an audience": city.proof(payload=content | {3: "https://example.org"}),
        "A proof with a nonce": city.proof(payload=content | {39: bytes(8)}),
        "A proof without time": city.proof(payload={CREDENTIAL: bound}),
        "A proof without credential": city.proof(payload={IAT: NOW}),
        "A proof with a time that is text": city.proof(payload=content | {IAT: str(NOW)}),
        "A proof with a time that is true": city.proof(payload=content | {IAT: True}),
        "A proof with a time before 1970": city.proof(payload=content | {IAT: -1}),
        "A proof with a time after the year 9999": city.proof(payload=content | {IAT: 253_402_300_800}),
        "A proof with a time beyond 2^53": city.proof(payload=content | {IAT: 1 << 60}),
        "A proof with a time that is a float": city.proof(
            payload=encoded.replace(cbor.encode(NOW), b"\xfa\x4e\xda\x28\x00", 1)
        ),
        "A proof that is a list": city.proof(payload=[NOW, bound]),
        "A proof with bytes after its payload": city.proof(payload=encoded + b"\x00"),
        "A proof of indefinite length": city.proof(payload=b"\xbf" + encoded[1:] + b"\xff"),
        "A bound credential with the type of a proof": city.proof(
            city.document({CNF: city.confirmation()} | city.payload(), header={1: -7, 4: bytes(8), 16: typ})
        ),
    }
    for name, document in proofs.items():
        yield Case(f"{name} is malformed", live_text_of(document), *MALFORMED)


def _keys(city: VectorCity) -> Iterator[Case]:
    """RFC 8747 section 3.1 allows keys of any kind, encrypted keys and key ids; here one point has one spelling."""
    cnf = city.confirmation()
    key = cnf[1]
    assert isinstance(key, Mapping)
    x, y = (int.from_bytes(key[name], "big") for name in (-2, -3))
    confirmations: dict[str, object] = {
        "A confirmation that is a list": [key],
        "A confirmation without key": {},
        "A confirmation by key id": {3: bytes(8)},
        "A confirmation with an encrypted key": {2: [b"", {}, b""]},
        "A confirmation with a key and a key id": cnf | {3: bytes(8)},
        "A key as bytes": {1: b"\x04" + key[-2] + key[-3]},
        "A key with its own id": {1: key | {2: bytes(8)}},
        "A key with its algorithm": {1: key | {3: -7}},
        "A key with its private part": {1: key | {-4: bytes(31) + b"\x01"}},
        "A key of an octet key pair": {1: key | {1: 1}},
        "A key with its type as a name": {1: key | {1: "EC2"}},
        "A key on the curve P-384": {1: key | {-1: 2}},
        "A key on a curve called true": {1: key | {-1: True}},
        "A compressed point": {1: key | {-3: bool(y & 1)}},
        "A point without y": {1: changed(key, {-3: ...})},
        "A point whose x has 31 bytes": {1: key | {-2: key[-2][1:]}},
        "A point whose x has 33 bytes": {1: key | {-2: b"\x00" + key[-2]}},
        "A point whose x is a number": {1: key | {-2: x & 0xFFFF}},
        "A point beside the curve": {1: key | {-3: ((y + 1) % _FIELD).to_bytes(32, "big")}},
        "A point of zeros": {1: key | {-2: bytes(32), -3: bytes(32)}},
        "A point with its coordinates exchanged": {1: key | {-2: key[-3], -3: key[-2]}},
        "A point beyond the field": {1: key | {-2: b"\xff" * 32}},
    }
    for name, confirmation in confirmations.items():
        text = city.live(city.bound(city.payload() | {CNF: confirmation}))
        yield Case(f"{name} is malformed", text, *MALFORMED)
    other = city.live(
        city.bound({CNF: city.confirmation(city.other_holder)} | city.payload()), holder=city.other_holder
    )
    yield Case("A second phone's code is its own", other, "accepted", "accepted", None)
