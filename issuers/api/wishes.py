"""From the bodies of requests to passes: the same readers as for a department's list, one value at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from issuers.api.schemas import AmendmentIn, EntitlementIn, HolderIn, Value
from issuers.changes import amended
from walletpass import claims as reading
from walletpass.entitlement import Entitlement, Holder
from walletpass.errors import InvalidClaim
from walletpass.pass_type import ClaimKind, PassType
from walletpass.passes import Pass
from walletpass.status import Status


def wanted_entitlement(body: EntitlementIn, pass_type: PassType, today: date, zones: frozenset[str]) -> Entitlement:
    """The entitlement that the body describes; raises `InvalidClaim`."""
    texts = _texts(body.claims, pass_type)
    longest, number_claim = pass_type.number_claim.longest, pass_type.number_claim.name
    number = reading.read_number(number_claim, _required(number_claim, texts.pop(number_claim, "")), longest)
    until = reading.read_date("valid_until", body.valid_until)
    start = reading.read_date("valid_from", body.valid_from) if body.valid_from else min(today, until)
    reading.check_validity("valid_until", pass_type.validity, start, until, today)
    # A list of plates that is not given is empty, as it is when a department's list has no plate for a permit.
    texts = {claim.name: "" for claim in pass_type.claims if claim.kind is ClaimKind.PLATES} | texts
    blank = Pass("", pass_type.name, number, Status.VALID, start, until, {number_claim: number}, (Holder(),))
    made = amended(blank, pass_type, texts | _holder_texts(body.holder), zones, today)
    return Entitlement(pass_type.name, number, start, until, made.claims, made.holders)


def wanted_amendment(
    existing: Pass, body: AmendmentIn, pass_type: PassType, today: date, zones: frozenset[str]
) -> Pass:
    """The pass as the body wants it; raises `InvalidClaim`."""
    texts = _texts(body.claims, pass_type) | (_holder_texts(body.holder) if body.holder else {})
    changed = amended(existing, pass_type, texts, zones, today)
    if body.valid_until:
        changed = replace(changed, valid_until=reading.read_date("valid_until", body.valid_until))
    reading.check_validity("valid_until", pass_type.validity, changed.valid_from, changed.valid_until, today)
    return changed


def _texts(values: Mapping[str, Value | None], pass_type: PassType) -> dict[str, str]:
    """Claims as a person would type them, which is what the readers take."""
    for name in values:
        if pass_type.claim(name) is None:
            known = ", ".join(claim.name for claim in pass_type.claims)
            raise InvalidClaim("claims", "unknown_claim", f"A pass of this type has no such claim; it has {known}.")
    kinds = {claim.name: claim.kind for claim in pass_type.claims}
    return {name: _text(name, kinds[name], value) for name, value in values.items()}


def _text(name: str, kind: ClaimKind, value: Value | None) -> str:
    """Each kind of claim is a text or its own kind of JSON value: `true` is no zone."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool) and kind is ClaimKind.FLAG:
        return "ja" if value else "nein"
    if isinstance(value, list) and kind is ClaimKind.PLATES:
        if any("," in item for item in value):
            raise InvalidClaim(name, "bad_plate", "Give each plate as an item of its own, without a comma.")
        return ",".join(value)
    if isinstance(value, int) and not isinstance(value, bool) and kind in (ClaimKind.COUNT, ClaimKind.YEAR):
        return str(value)
    raise InvalidClaim(name, "wrong_kind", "This claim takes no such JSON value; write it as a text in quotes.")


def _holder_texts(holder: HolderIn) -> dict[str, str]:
    return {name: getattr(holder, name) or "" for name in holder.model_fields_set}


def _required(claim: str, text: str) -> str:
    if not text.strip():
        raise InvalidClaim(claim, "missing_value", f"A pass of this type needs a value for {claim}.")
    return text
