"""What verification needs to know of each pass type, prepared once per published set: a few look-ups per check.

A type's number may be listed in several versions. A claim's number is never given to another claim in any version,
so what may be shown is the union; what must be there is what every listed version demands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from walletpass.entitlement import ClaimValue
from walletpass.pass_type import Audience, ClaimKind, PassType

_FORMS: Mapping[ClaimKind, type] = {
    ClaimKind.TEXT: str,
    ClaimKind.NUMBER: str,
    ClaimKind.ZONE: str,
    ClaimKind.DATE: str,
    ClaimKind.PLATES: tuple,
    ClaimKind.FLAG: bool,
    ClaimKind.YEAR: int,
    ClaimKind.COUNT: int,
}


@dataclass(frozen=True, slots=True)
class KnownType:
    """A pass type as the verifying side sees it. `pass_type` is the newest listed version, for labels.

    `declared` maps a claim's number to its name and Python type; `shown` holds the numbers an inspector may see;
    `demanded` those that every credential of the type carries. `max_status_age` is in seconds.
    """

    pass_type: PassType
    name: str
    declared: Mapping[int, tuple[str, type]]
    shown: frozenset[int]
    demanded: frozenset[int]
    max_status_age: int

    def readable_claims(self, claims: Mapping[int, ClaimValue]) -> dict[str, ClaimValue] | None:
        """The declared claims by name; None when one is missing or of the wrong kind. Undeclared ones stay unseen."""
        if not self.demanded <= claims.keys():
            return None
        found: dict[str, ClaimValue] = {}
        declared, shown = self.declared, self.shown
        for number, value in claims.items():
            known = declared.get(number)
            if known is None:
                continue
            if type(value) is not known[1]:
                return None
            if number in shown:
                found[known[0]] = value
        return found


def know_type(versions: Sequence[PassType], max_status_age: int) -> KnownType:
    """Prepare one type from its listed versions (at least one, all with the same number)."""
    ordered = sorted(versions, key=lambda version: version.version)
    newest = ordered[-1]
    claims = [claim for version in ordered for claim in version.claims]
    demanded = [frozenset(c.number for c in version.claims if c.in_qr and c.mandatory) for version in ordered]
    return KnownType(
        pass_type=newest,
        name=newest.name,
        declared={claim.number: (claim.name, _FORMS[claim.kind]) for claim in claims},
        shown=frozenset(claim.number for claim in claims if Audience.INSPECTOR in claim.visible_to),
        demanded=frozenset.intersection(*demanded),
        max_status_age=max_status_age,
    )
