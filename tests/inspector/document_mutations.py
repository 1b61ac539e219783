"""Mutated sets of published documents, from a seed; see `mutations`. A set may come in several refreshes."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from tests.inspector.certificate_mutations import certificate_like, spoilt_anchor
from tests.inspector.mutations import BENDS, bent_json, bent_jws, resigned
from tests.vectors.vector_city import DAY, NOW, STATUS_URI, Documents, VectorCity, b64
from walletpass import cbor, cose
from walletpass.status_list import compress

TRUST, STATUS_JWT, STATUS_CWT, LISTS = "trust-list.jwt", "status/1.jwt", "status/1.cwt", "status-lists.json"
_PERMIT = "types/resident_parking_permit/1.json"


@dataclass(frozen=True)
class Publication:
    """What is read one after the other, each at its time, under one anchor (PEM)."""

    anchor: str
    refreshes: tuple[tuple[Documents, int], ...]


def publications(city: VectorCity, rng: random.Random, count: int) -> Iterator[Publication]:
    """Mutated sets of documents."""
    ways = (_bent_bytes, _bent_trust, _bent_trust, _bent_status_jwt, _bent_status_cwt, _bent_packed, _bent_type)
    ways += (
        _bent_lists,
        _other_certificate,
        _other_certificate,
        _other_certificate,
        _reissued_signer,
        _reissued_signer,
        _exchanged,
    )
    for _ in range(count):
        how = rng.random()
        if how < 0.1:
            yield Publication(city.anchor_pem(), _one_after_the_other(city, rng))
        elif how < 0.15:
            yield Publication(spoilt_anchor(city, rng), ((city.documents(), NOW),))
        else:
            documents = city.documents()
            documents.update(rng.choice(ways)(city, rng, documents))
            yield Publication(city.anchor_pem(), ((documents, NOW),))


def _bent_bytes(_: VectorCity, rng: random.Random, documents: Documents) -> Documents:
    path = rng.choice(list(documents))
    return {path: rng.choice(BENDS)(rng, documents[path])}


def _bent_trust(city: VectorCity, rng: random.Random, documents: Documents) -> Documents:
    return {TRUST: bent_jws(rng, documents[TRUST], city.trust)}


def _bent_status_jwt(city: VectorCity, rng: random.Random, documents: Documents) -> Documents:
    return {STATUS_JWT: bent_jws(rng, documents[STATUS_JWT], city.status)}


def _bent_status_cwt(city: VectorCity, rng: random.Random, _: Documents) -> Documents:
    """The CBOR form, with one value replaced or its bytes bent, signed again or not."""
    token = city.status_list(form="cwt")
    how = rng.random()
    if how < 0.2:
        return {STATUS_JWT: b"", STATUS_CWT: rng.choice(BENDS)(rng, token)}
    parts: Any = cbor.decode(token[1:])
    claims: Any = cbor.decode(parts[2])
    place = rng.choice((claims, claims[65533]))
    place[rng.choice([*place, "x", 1])] = rng.choice(
        (0, 1, 3, 8, NOW, NOW + 301, 1 << 40, 1 << 60, "", b"", None, {}, [1])
    )
    body = cbor.encode(claims) if how < 0.7 else rng.choice(BENDS)(rng, parts[2])
    header = {1: -7, 4: city.status.kid, 16: "application/statuslist+cwt"}
    if rng.random() < 0.2:
        header[16] = rng.choice(("application/statuslist+jwt", "", None))
    protected = cbor.encode(header)
    signed = city.status.sign(cose.sig_structure(protected, body))
    return {STATUS_JWT: b"", STATUS_CWT: cose.assemble(protected, body, signed)}


def _bent_packed(city: VectorCity, rng: random.Random, _: Documents) -> Documents:
    """Well signed, but what should inflate is bent, longer, shorter, or in larger or smaller entries."""
    packed = compress(rng.randbytes(rng.choice((0, 1, 256, 5000))))
    if rng.random() < 0.8:
        packed = rng.choice(BENDS)(rng, packed)
    token = city.status_list(packed=packed)
    if rng.random() < 0.5:
        claims = json.loads(base64.urlsafe_b64decode(token.split(b".")[1] + b"=="))
        claims["status_list"]["bits"] = rng.choice((1, 2, 4, 8, 3, True))
        token = resigned(token, city.status, payload=json.dumps(claims).encode())
    return {STATUS_JWT: token}


def _bent_type(city: VectorCity, rng: random.Random, documents: Documents) -> Documents:
    """A type document bent, and listed with its new digest."""
    document = (bent_json if rng.random() < 0.8 else rng.choice(BENDS))(rng, documents[_PERMIT])
    claims = _payload(documents[TRUST])
    for listed in claims["types"]:
        if listed["name"] == "resident_parking_permit":
            listed["sha256"] = hashlib.sha256(document).hexdigest()
    return {_PERMIT: document, TRUST: resigned(documents[TRUST], city.trust, payload=json.dumps(claims).encode())}


def _bent_lists(_: VectorCity, rng: random.Random, documents: Documents) -> Documents:
    bend = bent_json if rng.random() < 0.7 else rng.choice(BENDS)
    return {LISTS: bend(rng, documents[LISTS])}


def _other_certificate(city: VectorCity, rng: random.Random, documents: Documents) -> Documents:
    """A listed key with another certificate, its kid made to fit, the list signed again."""
    claims = _payload(documents[TRUST])
    listed = rng.choice(claims["keys"])
    der = certificate_like(city, rng, base64.b64decode(listed["x5c"][0]))
    listed["x5c"] = [base64.b64encode(der).decode()]
    listed["kid"] = b64(hashlib.sha256(der).digest()[:8])
    return {TRUST: resigned(documents[TRUST], city.trust, payload=json.dumps(claims).encode())}


def _reissued_signer(city: VectorCity, rng: random.Random, documents: Documents) -> Documents:
    """The trust list shows another certificate for the key that signed it."""
    der = certificate_like(city, rng, city.trust.chain[0].public_bytes(Encoding.DER))
    header = {"alg": "ES256", "typ": "trustlist+jwt", "kid": b64(hashlib.sha256(der).digest()[:8])}
    header["x5c"] = [base64.b64encode(der).decode()]  # type: ignore[assignment]
    return {TRUST: resigned(documents[TRUST], city.trust, header=json.dumps(header).encode())}


def _exchanged(_: VectorCity, rng: random.Random, documents: Documents) -> Documents:
    """Two documents in each other's place."""
    one, other = rng.sample(list(documents), 2)
    return {one: documents[other], other: documents[one]}


def _one_after_the_other(city: VectorCity, rng: random.Random) -> tuple[tuple[Documents, int], ...]:
    """Newer and older lists in any order, some signed by keys that are not listed, or from the future."""
    found = []
    for _ in range(rng.choice((2, 3))):
        documents = city.documents()
        issued = NOW - rng.choice((0, 600, DAY, 2 * DAY, -200, -301))
        documents[TRUST] = city.trust_list(issued_at=issued, version=rng.choice((6, 7, 8)))
        claims = _payload(documents[TRUST])
        if rng.random() < 0.3:
            claims["keys"] = [key for key in claims["keys"] if rng.random() < 0.7]
        if rng.random() < 0.2:
            claims["keys"][-1:] = [key | {"sign_until": NOW - rng.choice((0, 600, 700))} for key in claims["keys"][-1:]]
        documents[TRUST] = resigned(documents[TRUST], city.trust, payload=json.dumps(claims).encode())
        signer = rng.choice((city.status, city.status, city.withdrawn_status, city.credential))
        statuses = {"issued_at": NOW - rng.choice((0, 600, 900, DAY, -301)), "uri": rng.choice((STATUS_URI, "x/1"))}
        for path, form in ((STATUS_JWT, "jwt"), (STATUS_CWT, "cwt")):
            if rng.random() < 0.6:
                documents[path] = city.status_list(signer, form=form, **statuses)
        for path in rng.sample(list(documents), rng.choice((0, 0, 1, 3))):
            del documents[path]
        found.append((documents, NOW + rng.choice((0, 0, 300))))
    return tuple(found)


def _payload(token: bytes) -> Any:
    part = token.split(b".")[1]
    return json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
