"""Signed counts of checks: how many there were on a local day, by hour, zone, type, kind and outcome. No person.

The verifying service signs them with a key of its own, which is in no trust list: whoever reads them was given its
public half by hand. A JWS (RFC 7515) with the type `scancounts+jwt`. Whatever fails a check here counts as absent.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from itertools import pairwise
from typing import Any, NoReturn

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from keys.strict_json import NotStrictJson, read_object
from walletpass.errors import ScanCountsInvalid, StatusListInvalid
from walletpass.passes import end_second, first_second
from walletpass.plate_list import ZONE
from walletpass.status_token import unb64
from walletpass.verdict import Outcome

TYP = "scancounts+jwt"
HOUR = 3600  # seconds
MAX_TOKEN = 8 << 20  # bytes: far more than a day of all zones, types and outcomes
OUTCOMES = {"code": tuple(Outcome), "plate": ("found", "none", "undetermined")}
_MEMBERS = ("hour", "zone", "pass_type", "kind", "outcome", "count")
_TYPE = re.compile(r"[a-z0-9_]{1,64}")
_MAX_COUNT = 1 << 40


@dataclass(frozen=True, slots=True)
class ScanCount:
    """`hour`: its first second (NumericDate). No zone: the check had none. No type: the code did not say one."""

    hour: int
    zone: str | None
    pass_type: str | None
    kind: str
    outcome: str
    count: int

    def place(self) -> tuple[int, str, str, str, str]:
        """What it counts, in the order of a document."""
        return self.hour, self.zone or "", self.pass_type or "", self.kind, self.outcome


@dataclass(frozen=True, slots=True)
class ScanCounts:
    """What is signed. `issuer` is the verifying service's origin; `issued_at` a NumericDate."""

    issuer: str
    day: date
    issued_at: int
    counts: tuple[ScanCount, ...]


def sign_scan_counts(counts: ScanCounts, kid: str, sign: Callable[[bytes], bytes]) -> bytes:
    """The compact JWS. `kid` is the key's thumbprint, `sign` gives ES256's raw 64 bytes (RFC 7518 section 3.4)."""
    claims = {
        "iss": counts.issuer,
        "iat": counts.issued_at,
        "day": counts.day.isoformat(),
        "counts": [asdict(count) for count in sorted(counts.counts, key=ScanCount.place)],
    }
    header = {"alg": "ES256", "kid": kid, "typ": TYP}
    message = b".".join(
        _b64(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) for part in (header, claims)
    )
    return message + b"." + _b64(sign(message))


def read_scan_counts(token: bytes, key: EllipticCurvePublicKey) -> ScanCounts:
    """Read counts that this key has signed; raises `ScanCountsInvalid`.

    The caller still compares issuer, day and `issued_at` (not older than one seen) with what it wants.
    """
    parts = token.split(b".")
    if len(token) > MAX_TOKEN or len(parts) != 3:
        _refuse("they are too large, or not a signed JWT")
    header = _object(_unb64(parts[0]))
    if header.keys() != {"alg", "kid", "typ"} or header["alg"] != "ES256" or header["typ"] != TYP:
        _refuse("the document is signed, but not as counts")
    if header["kid"] != thumbprint(key):
        _refuse("they are signed by another service")
    _verify(key, parts[0] + b"." + parts[1], _unb64(parts[2]))
    claims = _object(_unb64(parts[1]))
    if claims.keys() != {"iss", "iat", "day", "counts"}:
        _refuse("their claims are not as they should be")
    issuer, issued_at, day = claims["iss"], claims["iat"], _day(claims["day"])
    if not isinstance(issuer, str) or not issuer or type(issued_at) is not int or issued_at < first_second(day):
        _refuse("their issuer or their time is not as it should be")
    return ScanCounts(issuer, day, issued_at, _counts(claims["counts"], day))


def thumbprint(key: EllipticCurvePublicKey) -> str:
    """The key's name (RFC 7638), in Base64url; raises `ScanCountsInvalid` for another curve than P-256."""
    if not isinstance(key.curve, SECP256R1):
        _refuse("their key is not on the curve P-256")
    numbers = key.public_numbers()
    x, y = (_b64(number.to_bytes(32, "big")).decode() for number in (numbers.x, numbers.y))
    member = json.dumps({"crv": "P-256", "kty": "EC", "x": x, "y": y}, separators=(",", ":"))
    return _b64(hashlib.sha256(member.encode()).digest()).decode()


def _verify(key: EllipticCurvePublicKey, message: bytes, signature: bytes) -> None:
    if len(signature) != 64:
        _refuse("the signature does not have 64 bytes")
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        key.verify(der, message, ECDSA(SHA256()))
    except InvalidSignature:
        _refuse("the signature is not that of the service")


def _counts(found: Any, day: date) -> tuple[ScanCount, ...]:
    if not isinstance(found, list):
        _refuse("there are none")
    counts = tuple(_count(entry, day) for entry in found)
    places = [count.place() for count in counts]
    if any(one >= following for one, following in pairwise(places)):
        _refuse("they are not in order, or something is counted twice")
    return counts


def _count(entry: Any, day: date) -> ScanCount:
    if not isinstance(entry, dict) or entry.keys() != set(_MEMBERS):
        _refuse("a count is not as it should be")
    count = ScanCount(*(entry[name] for name in _MEMBERS))
    if type(count.hour) is not int or count.hour % HOUR or not first_second(day) <= count.hour < end_second(day):
        _refuse("an hour is not one of the day")
    if type(count.count) is not int or not 0 < count.count < _MAX_COUNT:
        _refuse("a count is not a number of checks")
    if not _is_none_or(ZONE, count.zone) or not _is_none_or(_TYPE, count.pass_type):
        _refuse("a zone or a type is not one")
    if not isinstance(count.kind, str) or count.outcome not in OUTCOMES.get(count.kind, ()):
        _refuse("a kind or an outcome is not one")
    return count


def _is_none_or(pattern: re.Pattern[str], value: object) -> bool:
    return value is None or (isinstance(value, str) and pattern.fullmatch(value) is not None)


def _day(text: Any) -> date:
    try:
        day = date.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        _refuse("they name no day")
    if day.isoformat() != text or not 1970 < day.year < 9999:
        _refuse("they name no day")
    return day


def _object(raw: bytes) -> dict[str, Any]:
    try:
        return read_object(raw)
    except NotStrictJson as problem:
        _refuse(str(problem))


def _unb64(text: bytes) -> bytes:
    try:
        return unb64(text)
    except StatusListInvalid:
        _refuse("a part is not canonical Base64url")


def _b64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def _refuse(why: str) -> NoReturn:
    raise ScanCountsInvalid(f"The counts cannot be believed: {why}.")
