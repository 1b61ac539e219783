"""Mutated texts and documents, from a seed: what an attacker, a torn code or a careless issuer could present.

Some are only bent, some are bent and then signed again with the right key, so that the checks behind the signature
are reached too. Nothing here knows what verdict must come of it.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from keys.local_signer import LocalSigner
from tests.vectors.vector_city import NOW, VectorCity, b64, text_of
from walletpass import base45, cbor

Bend = Callable[[random.Random, bytes], bytes]

_BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/="
_TIMES = (0, -1, 1, NOW, NOW - 1, NOW + 1, NOW + 301, NOW + 300, 253_402_300_799, 253_402_300_800, 1 << 40)
_NUMBERS = (*_TIMES, 2, 3, 23, 24, 255, 256, 65534, 65535, (1 << 32) - 1, 1 << 32, (1 << 53) - 1, 1 << 53, 1 << 63)
_TEXTS = ("", "x", "ä", "😀", "\x00", "resident_parking_permit", "credential", "status-list", "plate-list", "a" * 300)
CBOR_VALUES: tuple[object, ...] = (*_NUMBERS, (1 << 64) - 1, -(1 << 53), -(1 << 64), *_TEXTS, True, False, None)
CBOR_SHAPES: tuple[object, ...] = (b"", bytes(8), bytes(9), [], {}, ["D-X 1"], ["D-X 1", 7], {"a": 1}, {1: 2}, [[[]]])
_RAW_JSON = (
    *("1.0", "1e3", "-0", "01", "NaN", "-1", "9007199254740991", "9007199254740992", "1" * 400, "true", "null"),
    *(
        '"\\ud800"',
        '"\\ud83d\\ude00"',
        '"\\u0000"',
        '"\\x"',
        '"',
        "[]",
        "{}",
        '[""]',
        '{"a":1,"a":2}',
        "[" * 17 + "]" * 17,
    ),
)


def flipped(rng: random.Random, raw: bytes) -> bytes:
    return _at(rng, raw, lambda old: bytes((old[0] ^ 1 << rng.randrange(8),)))


def replaced(rng: random.Random, raw: bytes) -> bytes:
    return _at(rng, raw, lambda _: bytes((rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256))),)))


def removed(rng: random.Random, raw: bytes) -> bytes:
    return _at(rng, raw, lambda _: b"")


def inserted(rng: random.Random, raw: bytes) -> bytes:
    return _at(rng, raw, lambda old: old + rng.randbytes(rng.choice((1, 1, 1, 2, 9))))


def cut(rng: random.Random, raw: bytes) -> bytes:
    return raw[: rng.randrange(len(raw) + 1)]


def lengthened(rng: random.Random, raw: bytes) -> bytes:
    return raw + rng.choice((b"\0", b"=", b".", b" ", raw[:9], rng.randbytes(3)))


def exchanged(rng: random.Random, raw: bytes) -> bytes:
    """Two neighbours change places."""
    at = rng.randrange(max(1, len(raw) - 1))
    return raw[:at] + raw[at : at + 2][::-1] + raw[at + 2 :]


def respelt(rng: random.Random, raw: bytes) -> bytes:
    """One character of Base64, of either alphabet, in place of another; or one of the end's."""
    at = rng.choice((rng.randrange(len(raw) or 1), len(raw) - 1))
    return raw[:at] + bytes((rng.choice(_BASE64),)) + raw[at + 1 :]


BENDS: tuple[Bend, ...] = (flipped, replaced, removed, inserted, cut, lengthened, exchanged)


def _at(rng: random.Random, raw: bytes, change: Callable[[bytes], bytes]) -> bytes:
    if not raw:
        return raw
    at = rng.randrange(len(raw))
    return raw[:at] + change(raw[at : at + 1]) + raw[at + 1 :]


def texts(city: VectorCity, rng: random.Random, count: int) -> Iterator[str]:
    """Mutated QR texts."""
    good = [city.text(city.payload(found.name)) for found in city.types]
    while count > 0:
        text = rng.choice(good)
        ways = (_bent_text, _bent_document, _bent_payload, _other_claim, _other_claim, _other_header)
        yield rng.choice(ways)(city, rng, text)
        count -= 1


def _bent_text(_: VectorCity, rng: random.Random, text: str) -> str:
    return bent_text(rng, text)


def bent_text(rng: random.Random, text: str) -> str:
    """One character of a QR text changed, lost or added, or another beginning or end."""
    at = rng.randrange(len(text))
    new = rng.choice((rng.choice(_BASE45), rng.choice(_BASE45), "", "ä", "\n", "😀", "a", text[at] * 2, " "))
    return rng.choice(
        (
            text[:at] + new + text[at + 1 :],
            text[:at],
            text + new,
            text[1:],
            "WP2:" + text,
            "WP3:" + text,
            "WP2:" + text[4:],
            "WP1:" + text[4:],
        )
    )


def _bent_document(_: VectorCity, rng: random.Random, text: str) -> str:
    return text_of(rng.choice(BENDS)(rng, base45.decode(text[4:])))


def _bent_payload(city: VectorCity, rng: random.Random, text: str) -> str:
    """Bent and signed again."""
    payload: Any = cbor.decode(base45.decode(text[4:])[1:])
    return city.text(rng.choice(BENDS)(rng, payload[2]))


def _other_claim(city: VectorCity, rng: random.Random, _: str) -> str:
    payload = city.payload(rng.choice(list(city.types)).name)
    value = rng.choice(CBOR_VALUES + CBOR_SHAPES)
    place: Any = payload
    while rng.random() < 0.7 and any(isinstance(item, dict) for item in place.values()):
        place = rng.choice([item for item in place.values() if isinstance(item, dict)])
    key = rng.choice([*place, *place, 8, 77, -1, 65535, 1 << 60, "x"])
    if rng.random() < 0.15:
        place.pop(key, None)
    else:
        place[key] = value
    return city.text(payload, rng.choice((city.credential, city.credential, city.library_only, city.retired)))


def _other_header(city: VectorCity, rng: random.Random, _: str) -> str:
    header: dict[object, object] = {1: -7, 4: city.credential.kid}
    header[rng.choice((1, 4, 4, 16, 2, "alg"))] = rng.choice(CBOR_VALUES + CBOR_SHAPES + (city.status.kid,))
    return text_of(city.document(header=header))


def resigned(token: bytes, signer: LocalSigner, header: bytes | None = None, payload: bytes | None = None) -> bytes:
    """A JWS with another header or payload, and a signature that holds."""
    parts = token.split(b".")
    first = parts[0] if header is None else b64(header).encode()
    message = first + b"." + (parts[1] if payload is None else b64(payload).encode())
    return message + b"." + b64(signer.sign(message)).encode()


def bent_jws(rng: random.Random, token: bytes, signer: LocalSigner) -> bytes:
    """A JWS, bent, or bent inside and signed again."""
    part = rng.randrange(5)
    if part == 0:
        return rng.choice((*BENDS, respelt))(rng, token)
    if part == 1:  # one of the three parts spelt differently, and signed as it stands
        head, body, signature = token.split(b".")
        head, body = (respelt(rng, head), body) if rng.random() < 0.5 else (head, respelt(rng, body))
        message = head + b"." + body
        return message + b"." + rng.choice((signature, b64(signer.sign(message)).encode()))
    header, payload = (base64.urlsafe_b64decode(p + b"=" * (-len(p) % 4)) for p in token.split(b".")[:2])
    bend: Bend = bent_json if part > 2 else rng.choice(BENDS)
    if rng.random() < 0.3:
        return resigned(token, signer, header=bend(rng, header))
    return resigned(token, signer, payload=bend(rng, payload))


def bent_json(rng: random.Random, raw: bytes) -> bytes:
    """One value in a JSON document replaced, removed or doubled; the new value may be no JSON at all."""
    document = json.loads(raw)
    places: list[tuple[Any, Any]] = []
    _collect(document, places)
    place, key = rng.choice(places)
    how = rng.random()
    if how < 0.1:
        del place[key]
        return json.dumps(document).encode()
    if how < 0.2 and isinstance(place, dict):
        place[f"{key}2"] = place[key]
        return json.dumps(document).replace(f'"{key}2"', f'"{key}"', 1).encode()
    if how < 0.5:
        place[key] = rng.choice((*_NUMBERS, *_TEXTS, True, False, None, [], {}, [1], ["x"], {"a": 1}))
        return json.dumps(document, ensure_ascii=rng.random() < 0.5).encode()
    place[key] = "\x7fhere"
    return json.dumps(document).replace(json.dumps("\x7fhere"), rng.choice(_RAW_JSON)).encode()


def _collect(value: object, places: list[tuple[Any, Any]]) -> None:
    """Every member and item, with where it stands."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            places.append((value, key))
            _collect(item, places)
