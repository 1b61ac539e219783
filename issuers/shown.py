"""How a claim's value reads to a person, in German and English: the words every wallet puts on its front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from walletpass.entitlement import ClaimValue
from walletpass.pass_type import LANGUAGES, Claim, ClaimKind, PassType
from walletpass.passes import Pass, claim_value

_YES = {"de": "ja", "en": "yes"}
_NOTHING = dict.fromkeys(LANGUAGES, "")
_MONTHS_EN = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A claim and its value as text, by language."""

    claim: Claim
    texts: Mapping[str, str]


def shown_date(day: date, language: str) -> str:
    """31.03.2027 in German, 31 Mar 2027 in English (free of the order of month and day)."""
    if language == "de":
        return f"{day:%d.%m.%Y}"
    return f"{day.day} {_MONTHS_EN[day.month - 1]} {day.year}"


def shown_texts(claim: Claim, value: ClaimValue) -> Mapping[str, str]:
    """The value as a person reads it, by language; empty texts when there is nothing to say (no plates, flag unset)."""
    if isinstance(value, bool):
        return _YES if value else _NOTHING
    if claim.kind is ClaimKind.DATE:
        day = date.fromisoformat(str(value))
        return {language: shown_date(day, language) for language in LANGUAGES}
    return dict.fromkeys(LANGUAGES, ", ".join(value) if isinstance(value, tuple) else str(value))


def front_claims(pass_: Pass, pass_type: PassType) -> tuple[Shown, ...]:
    """The claims on the front that have something to say, in the type's order."""
    found = []
    for claim in pass_type.claims:
        value = claim_value(pass_, claim) if claim.front else None
        if value is not None and (texts := shown_texts(claim, value))["de"]:
            found.append(Shown(claim, texts))
    return tuple(found)
