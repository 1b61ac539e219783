"""Mutated live codes, from a seed: bent at every layer, and signed again by the holder, the city, both or nobody.

Nothing here knows what verdict must come of it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from tests.inspector.mutations import BENDS, CBOR_SHAPES, CBOR_VALUES, bent_text
from tests.vectors.vector_city import (
    CNF,
    CREDENTIAL,
    IAT,
    LIST_SIZE,
    REVOKED,
    SUSPENDED,
    VectorCity,
    live_text_of,
)
from walletpass import cbor

AGES = (0, 0, 0, 1, 19, 29, 30, 31, 32, 86400, -1, -29, -30, -31, -32, -86400)  # of a proof, in seconds


def live_text(city: VectorCity, rng: random.Random, now: int) -> str:
    """A live code for the moment `now`, mutated in one way."""
    ways = (_bent_text, _bent_proof, _bent_content, _bent_credential, _bent_payload, _other_confirmation)
    return rng.choice((*ways, _other_confirmation, _other_header, _other_member, _other_signers))(city, rng, now)


def _bent_text(city: VectorCity, rng: random.Random, now: int) -> str:
    return bent_text(rng, city.live(signed_at=now))


def _bent_proof(city: VectorCity, rng: random.Random, now: int) -> str:
    return live_text_of(rng.choice(BENDS)(rng, city.proof(signed_at=now)))


def _bent_content(city: VectorCity, rng: random.Random, now: int) -> str:
    """What the holder signs, bent and signed by the holder."""
    content = cbor.encode({IAT: now, CREDENTIAL: city.bound()})
    at = rng.choice((12, len(content)))  # else the credential, which is most of it, would be bent nearly every time
    return city.live(payload=rng.choice(BENDS)(rng, content[:at]) + content[at:])


def _bent_credential(city: VectorCity, rng: random.Random, now: int) -> str:
    return city.live(rng.choice(BENDS)(rng, city.bound()), now)


def _bent_payload(city: VectorCity, rng: random.Random, now: int) -> str:
    """What the city signs, bent and signed by the city and the holder."""
    payload = cbor.encode({CNF: city.confirmation()} | city.payload())
    return city.live(city.document(rng.choice(BENDS)(rng, payload)), now)


def _other_confirmation(city: VectorCity, rng: random.Random, now: int) -> str:
    confirmation: Any = city.confirmation()
    key = confirmation[1]
    place = rng.choice((confirmation, key, key, key))
    name = rng.choice([*place, *place, 2, 3, -4, "x"])
    value = rng.choice((*CBOR_VALUES, *CBOR_SHAPES, key[-2], key[-3], b"\xff" * 32, bytes(32), rng.randbytes(32)))
    if rng.random() < 0.15:
        place.pop(name, None)
    else:
        place[name] = value
    return city.live(city.bound(city.payload() | {CNF: confirmation}), now)


def _other_header(city: VectorCity, rng: random.Random, now: int) -> str:
    header: dict[object, object] = {1: -7, 16: "application/kb+cwt"}
    header[rng.choice((1, 4, 13, 16, 16, 2, "alg"))] = rng.choice((*CBOR_VALUES, *CBOR_SHAPES, bytes(8)))
    return city.live(signed_at=now, header=header)


def _other_member(city: VectorCity, rng: random.Random, now: int) -> str:
    content: dict[object, object] = {IAT: now, CREDENTIAL: city.bound()}
    content[rng.choice((IAT, IAT, CREDENTIAL, 3, 39, -1, "iat"))] = rng.choice((*CBOR_VALUES, *CBOR_SHAPES))
    return city.live(payload=content)


def _other_signers(city: VectorCity, rng: random.Random, now: int) -> str:
    """Whole in form: of any age, for any entry of the list, signed by whoever."""
    payload: Mapping[int, object] = city.payload(
        rng.choice(list(city.types)).name, rng.choice((0, 0, 0, 0, REVOKED, SUSPENDED, LIST_SIZE))
    )
    issuer = rng.choice((city.credential,) * 6 + (city.library_only, city.retired, city.stranger))
    holder = rng.choice((city.holder,) * 4 + (city.other_holder,))
    return city.live(city.bound(payload, issuer), now - rng.choice(AGES), holder)
