"""What makes a callback Google's: the protocol's signatures over the texts as they came, and nothing less."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from issuers.wallets.google.signed_callback import (
    Callback,
    CallbackExpired,
    CallbackForged,
    CallbackMalformed,
    read_root_keys,
    verified,
)
from tests.issuers.wallets.google_callbacks import CallbackSigner, new_key, spki
from walletpass.errors import WalletPassError

ISSUER = "3388000000000000000"
NOW = 1_795_000_000.0
SIGNER = CallbackSigner(ISSUER, NOW + 86400)
MESSAGE = {
    "classId": f"{ISSUER}.library_card.1",
    "objectId": f"{ISSUER}.0123",
    "eventType": "save",
    "expTimeMillis": str(int((NOW + 60) * 1000)),
    "nonce": "7f1e",
}


def judged(envelope: dict[str, Any] | bytes, now: float = NOW, signer: CallbackSigner = SIGNER) -> Callback:
    body = envelope if isinstance(envelope, bytes) else json.dumps(envelope).encode()
    return verified(body, ISSUER, read_root_keys(json.dumps(signer.keys()).encode()), int(now * 1000))


def test_a_callback_of_googles_is_believed() -> None:
    found = judged(SIGNER.envelope(MESSAGE))
    assert found == Callback(MESSAGE["classId"], MESSAGE["objectId"], "save", "7f1e", int((NOW + 60) * 1000))


def test_a_time_may_be_a_number_too() -> None:
    assert judged(SIGNER.envelope(MESSAGE | {"expTimeMillis": int((NOW + 60) * 1000)})).nonce == "7f1e"


def test_texts_are_taken_as_they_came_and_measured_in_bytes() -> None:
    odd = json.dumps(MESSAGE | {"nonce": "Schlüssel-№-🅿"}, ensure_ascii=False, indent=3) + "  "
    assert len(odd) != len(odd.encode())
    assert judged(SIGNER.envelope(odd)).nonce == "Schlüssel-№-🅿"


def other_signature(envelope: dict[str, Any]) -> None:
    raw = bytearray(base64.b64decode(envelope["signature"]))
    raw[-1] ^= 1
    envelope["signature"] = base64.b64encode(bytes(raw)).decode()


def no_signature_of_the_key(envelope: dict[str, Any]) -> None:
    envelope["intermediateSigningKey"]["signatures"] = []


def other_message(envelope: dict[str, Any]) -> None:
    envelope["signedMessage"] = envelope["signedMessage"].replace("save", "del")


def other_key(envelope: dict[str, Any]) -> None:
    part = envelope["intermediateSigningKey"]
    part["signedKey"] = part["signedKey"].replace(spki(SIGNER.intermediate), spki(new_key()))


def own_root(envelope: dict[str, Any]) -> None:
    envelope |= CallbackSigner(ISSUER, NOW + 86400).envelope(MESSAGE)


def other_issuer(envelope: dict[str, Any]) -> None:
    envelope |= SIGNER.envelope(MESSAGE, issuer_id="3388000000099999999")


def same_in_other_words(envelope: dict[str, Any]) -> None:
    envelope["signedMessage"] = json.dumps(MESSAGE, separators=(",", ":"))


FORGERIES = [
    other_signature,
    no_signature_of_the_key,
    other_message,
    other_key,
    own_root,
    other_issuer,
    same_in_other_words,
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_a_forged_callback_is_refused(forge: Callable[[dict[str, Any]], None]) -> None:
    envelope = SIGNER.envelope(MESSAGE)
    forge(envelope)
    with pytest.raises(CallbackForged):
        judged(envelope)


def test_the_right_signature_may_be_one_of_four_and_more_are_not_looked_at() -> None:
    envelope = SIGNER.envelope(MESSAGE)
    part = envelope["intermediateSigningKey"]
    forged = CallbackSigner(ISSUER, NOW + 86400).envelope(MESSAGE)["intermediateSigningKey"]["signatures"]
    part["signatures"] = forged * 3 + part["signatures"]
    assert judged(envelope).nonce == "7f1e"
    part["signatures"] = forged + part["signatures"]
    with pytest.raises(CallbackMalformed, match="too many"):
        judged(envelope)


def without(name: str) -> Callable[[dict[str, Any]], bytes]:
    return lambda envelope: json.dumps({key: part for key, part in envelope.items() if key != name}).encode()


def replaced(name: str, value: object) -> Callable[[dict[str, Any]], bytes]:
    return lambda envelope: json.dumps(envelope | {name: value}).encode()


def doubled(envelope: dict[str, Any]) -> bytes:
    return json.dumps(envelope)[:-1].encode() + b', "signature": "AA=="}'


MALFORMED: list[Callable[[dict[str, Any]], bytes]] = [
    *(without(name) for name in ("signature", "intermediateSigningKey", "protocolVersion", "signedMessage")),
    replaced("protocolVersion", "ECv2"),
    replaced("signature", "?"),
    replaced("signature", 7),
    replaced("signature", "Ä"),
    replaced("signedMessage", "x" * 9000),
    replaced("intermediateSigningKey", []),
    replaced("intermediateSigningKey", {"signedKey": "{}", "signatures": "AA=="}),
    replaced("intermediateSigningKey", {"signedKey": "", "signatures": []}),
    doubled,
    lambda _: b"",
    lambda _: b"[]",
    lambda _: b"\xff",
    lambda _: b"[" * 10_000,
]


@pytest.mark.parametrize("spoil", MALFORMED)
def test_what_is_no_callback_is_refused(spoil: Callable[[dict[str, Any]], bytes]) -> None:
    with pytest.raises(CallbackMalformed):
        judged(spoil(SIGNER.envelope(MESSAGE)))


UNUSABLE: list[dict[str, Any]] = [
    {"eventType": "seen"},
    {"eventType": None},
    {"nonce": ""},
    {"nonce": 7},
    {"expTimeMillis": "soon"},
    {"expTimeMillis": "9" * 16},
    {"expTimeMillis": True},
    {"expTimeMillis": "-1"},
    {"objectId": ["x"]},
]


@pytest.mark.parametrize("changed", UNUSABLE)
def test_a_signed_message_that_says_nothing_usable_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(CallbackMalformed):
        judged(SIGNER.envelope(MESSAGE | changed))


def test_a_key_of_another_curve_is_refused() -> None:
    signer = CallbackSigner(ISSUER, NOW + 86400, intermediate=ec.generate_private_key(ec.SECP384R1()))
    with pytest.raises(CallbackMalformed):
        judged(signer.envelope(MESSAGE), signer=signer)


def test_a_message_and_the_keys_behind_it_end() -> None:
    with pytest.raises(CallbackExpired):
        judged(SIGNER.envelope(MESSAGE), NOW + 60)
    with pytest.raises(CallbackExpired):
        judged(SIGNER.envelope(MESSAGE, key_until=NOW))
    late = MESSAGE | {"expTimeMillis": str(int((NOW + 900_000) * 1000))}
    with pytest.raises(CallbackForged):
        judged(SIGNER.envelope(late, key_until=NOW + 900_000), NOW + 86400)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"keys": {}}', b'{"keys": [7, {"protocolVersion": "ECv2"}]}'])
def test_what_lists_no_keys_gives_none(raw: bytes) -> None:
    assert read_root_keys(raw) == []


def test_a_key_that_cannot_be_read_spoils_no_other() -> None:
    listed = SIGNER.keys()
    listed["keys"] = [
        {**listed["keys"][1], "keyValue": "AAAA"},
        {**listed["keys"][1], "keyExpiration": ""},
        *listed["keys"],
    ]
    assert len(read_root_keys(json.dumps(listed).encode())) == 1


@given(st.binary(max_size=200))
def test_any_bytes_are_judged(raw: bytes) -> None:
    with pytest.raises(WalletPassError):
        judged(raw)
