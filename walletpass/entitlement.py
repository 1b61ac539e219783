"""What a department's own record says a resident may have: the input of issuing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date

ClaimValue = str | int | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """A person a pass is for. The only place personal data lives; empty means unknown."""

    given_name: str = ""
    family_name: str = ""
    date_of_birth: date | None = None
    street: str = ""
    postcode: str = ""
    city: str = ""
    email: str = ""
    language: str = "de"


HOLDER_FIELDS = tuple(each.name for each in fields(Holder))


@dataclass(frozen=True, slots=True)
class Entitlement:
    """One row of a department's list, checked and normalised.

    `valid_from` and `valid_until` are whole local days, both included. `claims` holds the values the pass itself
    keeps; what belongs to a person is in `holders`. `unstated` names what the list has no column for: claims, holder
    fields, `valid_from`. Of a pass that exists they stay as they are. `warnings` are sentences about values accepted
    with doubt.
    """

    pass_type: str
    external_number: str
    valid_from: date
    valid_until: date
    claims: Mapping[str, ClaimValue]
    holders: tuple[Holder, ...] = (Holder(),)
    unstated: frozenset[str] = field(default=frozenset(), compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)
