"""The plate list of one local day: which plates have a permit in which zone, for holders of the day's key only.

A COSE_Sign1 with the type `application/platelist+cwt`, published as `plates/<day>.cwt` and signed by the role
plate-list. What an entry is stands in `plate_entries.py`. Whatever fails a check here counts as absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from keys.signer import Signer
from walletpass import cbor, cose
from walletpass.errors import Malformed, PlateListInvalid
from walletpass.passes import end_second
from walletpass.plate_entries import NONCE_BYTES, PREFIX_BYTES, SALT_BYTES, in_order

TYP = "application/platelist+cwt"
MAX_LIST = 8 << 20  # bytes: eight hundred thousand plates
MAX_ITERATIONS = 200_000
MAX_ZONES = 1024
ISS, SUB, EXP, IAT, PLATES = 1, 2, 4, 6, -65538  # RFC 8392 section 3.1; private use below −65536
ZONE = re.compile(r"[0-9A-ZÄÖÜ]{1,4}")  # as `claims.read_zone` leaves it
_MEMBERS = {"day", "salt", "nonce", "check", "iterations", "zones"}

Verify = Callable[[bytes, bytes, bytes], None]
"""(kid, message, raw signature) → nothing, or raises `PlateListInvalid`: who may sign plate lists is the caller's."""


@dataclass(frozen=True, slots=True)
class ZoneEntries:
    """A zone's entries. `unlisted`: there are permits without fixed plates here, so ask for the permit itself."""

    entries: bytes
    unlisted: bool


@dataclass(frozen=True, slots=True)
class PlateList:
    """A plate list that was read and verified, or is about to be signed. Times are NumericDates.

    `check` is `plate_entries.key_check`: a key that does not give it is not this list's.
    """

    issuer: str
    day: date
    issued_at: int
    expires_at: int
    salt: bytes
    nonce: bytes
    check: bytes
    iterations: int
    zones: Mapping[str, ZoneEntries]


def list_path(day: date) -> str:
    """Where the list of a day is, below the published folder."""
    return f"plates/{day.isoformat()}.cwt"


def sign_plate_list(plates: PlateList, signer: Signer) -> bytes:
    """The tagged COSE_Sign1."""
    zones = {name: [zone.unlisted, zone.entries] for name, zone in plates.zones.items()}
    own = {
        "day": plates.day.isoformat(),
        "salt": plates.salt,
        "nonce": plates.nonce,
        "check": plates.check,
        "iterations": plates.iterations,
        "zones": zones,
    }
    uri = _uri(plates.issuer, plates.day)
    claims = {ISS: plates.issuer, SUB: uri, EXP: plates.expires_at, IAT: plates.issued_at, PLATES: own}
    protected, payload = cose.protected_header(signer.kid, TYP), cbor.encode(claims)
    return cose.assemble(protected, payload, signer.sign(cose.sig_structure(protected, payload)))


def read_plate_list(token: bytes, verify: Verify) -> PlateList:
    """Read a list whose signature `verify` accepts; raises `PlateListInvalid`.

    The caller still compares issuer, `day`, `issued_at` (not older than one seen) and `expires_at` with what it wants.
    """
    if len(token) > MAX_LIST:
        raise PlateListInvalid(f"The plate list is larger than {MAX_LIST >> 20} MB.")
    try:
        signed = cose.take_apart(token)
        if signed.typ != TYP:
            raise PlateListInvalid("The document is signed, but not as a plate list.")
        verify(signed.kid, signed.message, signed.signature)
        claims = cbor.decode(signed.payload)
    except Malformed as refusal:
        raise PlateListInvalid(refusal.sentence) from None
    if not isinstance(claims, dict) or claims.keys() != {ISS, SUB, EXP, IAT, PLATES}:
        raise PlateListInvalid("The plate list does not have the claims of one.")
    return _plate_list(claims)


def _plate_list(claims: dict[cbor.CborKey, cbor.CborValue]) -> PlateList:
    issuer, uri, expires_at, issued_at, own = (claims[key] for key in (ISS, SUB, EXP, IAT, PLATES))
    if not isinstance(issuer, str) or not isinstance(own, dict) or own.keys() != _MEMBERS:
        raise PlateListInvalid("The plate list lacks its issuer or its entries.")
    day, iterations = _day(own["day"]), own["iterations"]
    if uri != _uri(issuer, day):
        raise PlateListInvalid("The plate list is about another address than its day's.")
    if type(issued_at) is not int or type(expires_at) is not int or not 0 <= issued_at < expires_at <= end_second(day):
        raise PlateListInvalid("The plate list's times are not those of its day.")
    if type(iterations) is not int or not 0 < iterations <= MAX_ITERATIONS:
        raise PlateListInvalid("The plate list's digests cost nothing, or more than we would spend.")
    salt, nonce = _exactly(SALT_BYTES, own["salt"]), _exactly(NONCE_BYTES, own["nonce"])
    check, zones = _exactly(PREFIX_BYTES, own["check"]), _zones(own["zones"])
    return PlateList(issuer, day, issued_at, expires_at, salt, nonce, check, iterations, zones)


def _exactly(length: int, value: cbor.CborValue) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise PlateListInvalid("The plate list's salt, nonce or key check is not as it should be.")
    return value


def _zones(found: cbor.CborValue) -> dict[str, ZoneEntries]:
    if not isinstance(found, dict) or len(found) > MAX_ZONES:
        raise PlateListInvalid("The plate list has no zones, or too many.")
    zones: dict[str, ZoneEntries] = {}
    for name, zone in found.items():
        if not isinstance(name, str) or not ZONE.fullmatch(name) or not isinstance(zone, list) or len(zone) != 2:
            raise PlateListInvalid("A zone of the plate list is not as it should be.")
        unlisted, entries = zone
        if not isinstance(unlisted, bool) or not isinstance(entries, bytes) or not in_order(entries):
            raise PlateListInvalid("The entries of a zone are not in order.")
        zones[name] = ZoneEntries(entries, unlisted)
    return zones


def _day(text: cbor.CborValue) -> date:
    try:
        day = date.fromisoformat(text if isinstance(text, str) else "")
    except ValueError:
        raise PlateListInvalid("The plate list does not name its day.") from None
    if day.isoformat() != text or not 1970 < day.year < 9999:
        raise PlateListInvalid("The plate list does not name its day.")
    return day


def _uri(issuer: str, day: date) -> str:
    return f"{issuer}/published/{list_path(day)}"
