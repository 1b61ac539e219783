"""Which columns of a department's file mean what: one table per source, chosen by the names in its header.

A column fills `number`, `valid_from`, `valid_until`, `claim.<name>` or `holder.<field>`. Names are compared in lower
case; columns that no table names are ignored. Every type of pass also has a table made from its own declaration.
docs/imports.md shows them all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from issuers.sources.errors import SourceRefused
from issuers.sources.failed_rows import ERROR_COLUMNS
from walletpass.claims import MAX_PLATES
from walletpass.entitlement import HOLDER_FIELDS
from walletpass.pass_type import Claim, ClaimKind, PassType


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is in lower case. A file without a `mandatory` column is refused before its first row."""

    name: str
    fills: str
    mandatory: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """What one kind of department system exports, and the type of pass it feeds."""

    name: str
    pass_type: str
    columns: tuple[Column, ...]

    def missing(self, names: Iterable[str]) -> list[str]:
        """The mandatory columns that are not among the (lower-case) names."""
        present = set(names)
        return [column.name for column in self.columns if column.mandatory and column.name not in present]


_SHOWN = 30  # columns in a sentence
_NO_CHANCE = 2  # known names in a first line; one of them may be a city, or a family called Zone
_PLATES = tuple(f"plate{n}" for n in range(1, MAX_PLATES + 1))

KOHA = Source(
    "koha",
    "library_card",
    (
        Column("cardnumber", "number", mandatory=True),
        Column("surname", "holder.family_name", mandatory=True),
        Column("firstname", "holder.given_name"),
        Column("dateofbirth", "holder.date_of_birth"),
        Column("address", "holder.street"),
        Column("zipcode", "holder.postcode"),
        Column("city", "holder.city"),
        Column("email", "holder.email"),
        Column("dateenrolled", "valid_from"),
        Column("dateexpiry", "valid_until", mandatory=True),
    ),
)

PARKING_REGISTER = Source(
    "parking_register",
    "resident_parking_permit",
    (
        Column("permit_no", "number", mandatory=True),
        Column("zone", "claim.zone", mandatory=True),
        *(Column(name, "claim.plates") for name in _PLATES),
        Column("changing_vehicles", "claim.changing_vehicles"),
        *(Column(name, f"holder.{name}") for name in HOLDER_FIELDS),
        Column("valid_from", "valid_from", mandatory=True),
        Column("valid_until", "valid_until", mandatory=True),
    ),
)

SOURCES = (KOHA, PARKING_REGISTER)


def register_of(pass_type: PassType) -> Source:
    """The table that a type's own declaration gives: claim names, the holder's fields and the validity."""
    needed = {claim.holder_field for claim in pass_type.claims if claim.mandatory}
    claims = [column for claim in pass_type.claims if not claim.holder_field for column in _claim_columns(claim)]
    holder = [Column(name, f"holder.{name}", mandatory=name in needed) for name in HOLDER_FIELDS]
    validity = (Column("valid_from", "valid_from"), Column("valid_until", "valid_until", mandatory=True))
    return Source(f"{pass_type.name}_register", pass_type.name, (*claims, *holder, *validity))


def _claim_columns(claim: Claim) -> list[Column]:
    if claim.kind is ClaimKind.PLATES:
        return [Column(name, f"claim.{claim.name}") for name in _PLATES]
    fills = "number" if claim.kind is ClaimKind.NUMBER else f"claim.{claim.name}"
    return [Column(claim.name, fills, claim.mandatory)]


def sources_for(pass_type: PassType) -> list[Source]:
    """The tables that feed this type, the most specific first."""
    return [*(source for source in SOURCES if source.pass_type == pass_type.name), register_of(pass_type)]


def choose_source(pass_type: PassType, header: Sequence[str]) -> Source:
    """The table whose mandatory columns the file has. Raises `SourceRefused` `missing_column`, `duplicate_column`."""
    names = [name.lower() for name in header]
    candidates = sources_for(pass_type)
    chosen = min(candidates, key=lambda source: len(source.missing(names)))
    if missing := chosen.missing(names):
        raise SourceRefused("missing_column", _missing_sentence(pass_type, chosen, missing, header))
    times = Counter(names)
    for column in chosen.columns:
        if times[column.name] > 1:
            raise SourceRefused(
                "duplicate_column", f"The file has the column {column.name} {times[column.name]} times."
            )
    return chosen


def unread_columns(pass_type: PassType, header: Sequence[str]) -> list[str]:
    """The file's columns that are ignored, as `_shown`; raises `SourceRefused` as `choose_source` does."""
    read = {column.name for column in choose_source(pass_type, header).columns} | set(ERROR_COLUMNS)
    return _shown(name for name in header if name.lower() not in read)


def better_types(pass_type: PassType, others: Iterable[PassType], header: Sequence[str]) -> list[str]:
    """The other types that have a column of the file which this one has not: perhaps the list is of one of them."""
    foreign = {name.lower() for name in header} - _names(pass_type)
    return [other.name for other in others if other is not pass_type and foreign & _names(other)]


def _names(pass_type: PassType) -> set[str]:
    return {column.name for source in sources_for(pass_type) for column in source.columns}


def _shown(names: Iterable[str]) -> list[str]:
    """The first names, shortened, without what could move a terminal's cursor or turn a line round."""
    short = (re.sub(r"\s+", " ", name[:40]) for name in names if name)
    return ["".join(c if c.isprintable() else "\ufffd" for c in name) for name in islice(short, _SHOWN)]


def _missing_sentence(pass_type: PassType, chosen: Source, missing: list[str], header: Sequence[str]) -> str:
    # A file without a header line has a person in its place: unless names are known, nothing of it is repeated.
    seen = len(_names(pass_type) & {name.lower() for name in header})
    if seen < _NO_CHANCE and 2 * seen < len(header):
        return (
            f"The first line of the file does not hold the column names of a {chosen.pass_type} list; "
            f"it needs at least {', '.join(missing)}."
        )
    lacks = f"column {missing[0]}" if len(missing) == 1 else f"columns {', '.join(missing)}"
    return f"The file lacks the mandatory {lacks}; it has {', '.join(_shown(header))}."
