"""Changing what a pass says from texts a person typed: `NAME=VALUE` on the command line, or fields of a form."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from walletpass import claims as reading
from walletpass.entitlement import HOLDER_FIELDS, ClaimValue, Holder
from walletpass.errors import InvalidClaim
from walletpass.pass_type import Claim, ClaimKind, PassType
from walletpass.passes import Pass


def amended(pass_: Pass, pass_type: PassType, texts: Mapping[str, str], zones: Collection[str], today: date) -> Pass:
    """The pass with these claims or holder fields changed. Raises `InvalidClaim`; the number itself stays."""
    claims, holder = dict(pass_.claims), {}
    for name, text in texts.items():
        claim = pass_type.claim(name)
        field = claim.holder_field if claim else name
        if field in HOLDER_FIELDS:
            holder[field] = _holder_value(field, text, today)
        elif claim is None:
            known = sorted({c.name for c in pass_type.claims} | set(HOLDER_FIELDS))
            raise InvalidClaim(name, "unknown_claim", f"This pass has no {name[:40]!r}; it has {', '.join(known)}.")
        elif claim.kind is ClaimKind.NUMBER:
            raise InvalidClaim(name, "number_fixed", "The number of a pass cannot change; revoke it and issue another.")
        else:
            _set(claims, claim, text, zones)
    holders = pass_.holders
    if holder:
        holders = (replace(holders[0] if holders else Holder(), **holder), *holders[1:])
    changed = replace(pass_, claims=claims, holders=holders)
    _require_mandatory(changed, pass_type)
    return changed


def _set(claims: dict[str, ClaimValue], claim: Claim, text: str, zones: Collection[str]) -> None:
    value: ClaimValue | None
    if claim.kind is ClaimKind.PLATES:
        value, _ = reading.read_plates(claim.name, text.split(","))
    elif claim.kind is ClaimKind.ZONE:
        value = reading.read_zone(claim.name, text, frozenset(zone.upper() for zone in zones))
    else:
        value = reading.READERS[claim.kind](claim.name, text) if text.strip() else None
    if value is None or (value is False and not claim.mandatory):
        claims.pop(claim.name, None)
    else:
        claims[claim.name] = value


def _holder_value(field: str, text: str, today: date) -> Any:
    if field == "date_of_birth":
        return reading.read_birth_date(field, text, today) if text.strip() else None
    if field == "language":
        return reading.read_language(field, text)
    if field == "email":
        return reading.read_email(field, text) if text.strip() else ""
    return reading.clean_text(field, text)


def _require_mandatory(pass_: Pass, pass_type: PassType) -> None:
    holder = pass_.holders[0] if pass_.holders else Holder()
    for claim in pass_type.claims:
        known = getattr(holder, claim.holder_field) if claim.holder_field else claim.name in pass_.claims
        if claim.mandatory and not known:
            raise InvalidClaim(claim.name, "missing_value", f"A pass of this type needs a value for {claim.name}.")
