"""What an inspector's device encrypts, unwraps and reckons is what Python reads, sends and reckons."""

from __future__ import annotations

import base64
import hmac
import json
import random
import re
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from tests.inspector.node import ROOT, answered_by
from verifiers.devices.scope import read_shift

ALGORITHMS = ("ECDH-ES", "A256GCM")
HEADER = {"alg": ALGORITHMS[0], "enc": ALGORITHMS[1]}
DAY_KEY = bytes(range(32))


@pytest.fixture(scope="module")
def key() -> ECKey:
    return ECKey.generate_key("P-256")


def encrypted(key: ECKey, content: bytes = DAY_KEY, header: dict[str, Any] = HEADER) -> str:
    algorithms = [header["alg"], header["enc"]]
    return jwe.encrypt_compact(header, content, ECKey.import_key(key.as_dict(private=False)), algorithms=algorithms)


def test_a_key_of_a_day_is_unwrapped_for_signing_and_cannot_be_read(key: ECKey) -> None:
    line = {"unwrap": encrypted(key), "with": key.as_dict(private=True), "message": "use"}
    [answer] = answered_by("device.mjs", [line])
    assert base64.b64decode(answer["code"]) == hmac.digest(DAY_KEY, b"use", "sha256")
    assert (answer["extractable"], answer["usages"]) == (False, ["sign"])


def part(text: str, number: int, changed: str) -> str:
    parts = text.split(".")
    parts[number] = changed
    return ".".join(parts)


def flipped(text: str, number: int) -> str:
    found = text.split(".")[number]
    return part(text, number, ("B" if found[0] == "A" else "A") + found[1:])


def header_with(key: ECKey, **changes: Any) -> str:
    text = encrypted(key)
    header = text.partition(".")[0]
    read = json.loads(base64.urlsafe_b64decode(header + "=="))
    changed = {name: value for name, value in (read | changes).items() if value is not None}
    return part(text, 0, base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode())


def test_what_is_no_key_of_a_day_for_us_is_refused(key: ECKey) -> None:
    good = encrypted(key)
    off_curve = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43}
    bad = {
        "nothing": "",
        "four parts": good.rpartition(".")[0],
        "six parts": good + ".x",
        "for another device": encrypted(ECKey.generate_key("P-256")),
        "an encrypted key": part(good, 1, "AAAA"),
        "another header": flipped(good, 0),
        "another iv": flipped(good, 2),
        "another ciphertext": flipped(good, 3),
        "another tag": flipped(good, 4),
        "a longer key": encrypted(key, bytes(33)),
        "a shorter key": encrypted(key, bytes(31)),
        "another way": encrypted(key, DAY_KEY, {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}),
        "another cipher": encrypted(key, DAY_KEY, {"alg": "ECDH-ES", "enc": "A128GCM"}),
        "no header": part(good, 0, ""),
        "a header member more": header_with(key, zip="DEF"),
        "no epk": header_with(key, epk=None),
        "an epk off the curve": header_with(key, epk=off_curve),
        "an epk of another curve": header_with(key, epk=ECKey.generate_key("P-384").as_dict(private=False)),
        "an epk that is text": header_with(key, epk="x"),
        "padded": good + "=",
    }
    lines = [{"unwrap": text, "with": key.as_dict(private=True), "message": ""} for text in bad.values()]
    answers = zip(bad, answered_by("device.mjs", lines), strict=True)
    assert [name for name, answer in answers if answer != {"refused": "jwe_invalid"}] == []


@pytest.mark.parametrize(
    "content", ["", "Kontrolle am Fürstenwall, Ö", "x" * 3_000_000], ids=["empty", "note", "photo"]
)
def test_what_a_device_encrypts_only_the_desk_opens(key: ECKey, content: str) -> None:
    [compact] = answered_by("device.mjs", [{"encrypt": content, "for": key.as_dict(private=False)}])
    registry = jwe.JWERegistry(algorithms=list(ALGORITHMS))
    registry.max_ciphertext_length = 4 << 20
    opened = jwe.decrypt_compact(compact, key, registry=registry)
    assert (opened.plaintext or b"").decode() == content
    assert opened.protected.keys() == {"alg", "enc", "epk"} and opened.protected["epk"].keys() == {
        *("kty", "crv", "x", "y")
    }


def test_keys_are_derived_as_in_the_standards_example() -> None:
    """RFC 7518 appendix C."""
    secret = [158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156, 251, 49, 110, 163]
    secret += [218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196]
    line = {"secret": base64.b64encode(bytes(secret)).decode(), "algorithm": "A128GCM", "bits": 128}
    [derived] = answered_by("device.mjs", [line | {"sender": "Alice", "receiver": "Bob"}])
    assert base64.urlsafe_b64encode(base64.b64decode(derived)) == b"VqqN6vgjbSBcIijNcacQGg=="


APP = ROOT / "verifiers" / "inspector" / "app"
ALONE = {
    r"\bindexedDB\.": {"store.js"},
    r"\b(?:fetch|sendBeacon|XMLHttpRequest|WebSocket)\(": {"dpop.js", "fetching.js"},
}


@pytest.mark.parametrize(("reached", "modules"), ALONE.items(), ids=["store", "network"])
def test_the_store_and_the_network_are_reached_through_their_own_modules(reached: str, modules: set[str]) -> None:
    """What passes by them would not be tried with a full disk, a captive portal or another browser's token."""
    found = {path.name for path in APP.rglob("*.js") if re.search(reached, path.read_text())}
    assert found == modules


SHIFTS = ["12345 06:00-22:00", "67 06:00-22:00", "5 22:00-06:00", "7 22:00-06:00", "6 22:00-03:00", "1 00:00-00:00"]


def test_a_shift_covers_the_same_minutes_on_both_sides() -> None:
    chance = random.Random(7)
    times = [1_800_000_000 + 60 * chance.randrange(60 * 24 * 400) for _ in range(400)]
    changes = [1_806_195_600, 1_824_944_400]  # 28 March and 31 October 2027, 01:00 UTC
    times += [change + 60 * minute for change in changes for minute in range(-90, 91, 10)]
    shifts = [found for text in SHIFTS if (found := read_shift(text))]
    lines = [{"shift": shift.document(), "now": now} for shift in shifts for now in times]
    expected = [shift.covers(now) for shift in shifts for now in times]
    assert answered_by("device.mjs", lines) == expected and len(set(expected)) == 2
    assert answered_by("device.mjs", [{"shift": None, "now": 0}]) == [True]
