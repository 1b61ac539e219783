"""Whether Google really said that a pass was saved or removed. Pure: no clock, no network.

Source: tink-java-apps, `PaymentMethodTokenRecipient` with the protocol ECv2SigningOnly and the sender GooglePayPasses.
What is signed are the strings as they came, each behind its length in bytes.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from keys.strict_json import NotStrictJson, read_object
from walletpass.errors import WalletPassError

PROTOCOL, SENDER = "ECv2SigningOnly", "GooglePayPasses"
SAVED, REMOVED = "save", "del"
_MOST = 20  # keys
_MOST_SIGNATURES = 4  # of one: Google sends one or two, and each costs strangers nothing and us a check by every key
_MAX_TEXT = 8 << 10  # characters
_MAX_DIGITS = 15  # of milliseconds


class CallbackMalformed(WalletPassError):
    """The request is no callback."""

    code = "callback_malformed"


class CallbackForged(WalletPassError):
    """A signature of the callback fits no key that Google has published, or is for another issuer."""

    code = "callback_forged"


class RootUnknown(CallbackForged):
    """The intermediate key is signed by none of the root keys; perhaps by one that is newer."""


class CallbackExpired(WalletPassError):
    """The callback, or the key that signed it, was good until a moment that has passed."""

    code = "callback_expired"


@dataclass(frozen=True, slots=True)
class RootKey:
    """A key that signs intermediate keys, until a moment in milliseconds since 1970."""

    key: ec.EllipticCurvePublicKey
    until: int


@dataclass(frozen=True, slots=True)
class Callback:
    """What Google says; `until` in milliseconds since 1970."""

    class_id: str
    object_id: str
    event: str
    nonce: str
    until: int


def read_root_keys(raw: bytes) -> list[RootKey]:
    """The keys in Google's list that sign callbacks; what cannot be read is left out."""
    try:
        listed = read_object(raw).get("keys")
    except NotStrictJson:
        return []
    found = []
    for entry in listed[:_MOST] if isinstance(listed, list) else ():
        try:
            if isinstance(entry, dict) and entry.get("protocolVersion") == PROTOCOL:
                found.append(RootKey(_public_key(entry.get("keyValue")), _milliseconds(entry.get("keyExpiration"))))
        except CallbackMalformed:
            continue
    return found


def verified(body: bytes, issuer_id: str, roots: Sequence[RootKey], now: int) -> Callback:
    """The callback, believed. `now` in milliseconds since 1970.

    Raises `CallbackMalformed`, `CallbackForged` (`RootUnknown` when newer root keys may help), `CallbackExpired`.
    """
    envelope = _object(body)
    if envelope.get("protocolVersion") != PROTOCOL:
        raise CallbackMalformed(f"Only callbacks of the protocol {PROTOCOL} are understood.")
    key = _intermediate(envelope.get("intermediateSigningKey"), roots, now)
    message = _text(envelope.get("signedMessage"))
    signed = _lengths(SENDER, issuer_id, PROTOCOL, message)
    if not _fits(key, _base64(envelope.get("signature")), signed):
        raise CallbackForged("The callback's signature does not fit; it is not Google's, or for another issuer.")
    callback = _callback(_object(message.encode()))
    if callback.until <= now:
        raise CallbackExpired("The callback was good until a moment that has passed.")
    return callback


def _intermediate(part: object, roots: Sequence[RootKey], now: int) -> ec.EllipticCurvePublicKey:
    if not isinstance(part, dict) or not isinstance(part.get("signatures"), list):
        raise CallbackMalformed("The callback has no intermediate signing key.")
    if len(part["signatures"]) > _MOST_SIGNATURES:
        raise CallbackMalformed("The callback's intermediate key has too many signatures.")
    described = _text(part.get("signedKey"))
    signatures = [_base64(signature) for signature in part["signatures"]]
    signed = _lengths(SENDER, PROTOCOL, described)
    usable = [root.key for root in roots if root.until > now]
    if not any(_fits(root, signature, signed) for root in usable for signature in signatures):
        raise RootUnknown("The callback's key is signed by none of Google's keys.")
    members = _object(described.encode())
    if _milliseconds(members.get("keyExpiration")) <= now:
        raise CallbackExpired("The key that signed the callback was good until a moment that has passed.")
    return _public_key(members.get("keyValue"))


def _callback(members: dict[str, Any]) -> Callback:
    names = ("classId", "objectId", "eventType", "nonce")
    class_id, object_id, event, nonce = (_text(members.get(name)) for name in names)
    if event not in (SAVED, REMOVED):
        raise CallbackMalformed("The callback tells of something that is not known here.")
    return Callback(class_id, object_id, event, nonce, _milliseconds(members.get("expTimeMillis")))


def _lengths(*texts: str) -> bytes:
    """Each text as UTF-8 behind its length in bytes, four bytes little-endian."""
    parts = [text.encode() for text in texts]
    return b"".join(len(part).to_bytes(4, "little") + part for part in parts)


def _fits(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _object(raw: bytes) -> dict[str, Any]:
    try:
        return read_object(raw)
    except NotStrictJson as fault:
        raise CallbackMalformed(f"The callback cannot be read: {fault}.") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_TEXT:
        raise CallbackMalformed("A text of the callback is missing, empty or too long.")
    return value


def _base64(value: object) -> bytes:
    try:
        return base64.b64decode(_text(value), validate=True)
    except (binascii.Error, ValueError):
        raise CallbackMalformed("A part of the callback is no Base64.") from None


def _milliseconds(value: object) -> int:
    """Google writes 64-bit numbers as texts."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise CallbackMalformed("A time of the callback is no number of milliseconds.")
    return int(text)


def _public_key(value: object) -> ec.EllipticCurvePublicKey:
    try:
        key = load_der_public_key(_base64(value))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CallbackMalformed("A key of the callback is no P-256 key.")
    return key
