"""From the rows of a department's file to `Entitlement`s: each row checked, normalised, or failed with a sentence."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple, cast

from issuers.sources.columns import Source, choose_source
from issuers.sources.csv_file import SourceFile
from issuers.sources.errors import RowFailure
from issuers.sources.seen_numbers import SeenNumbers
from walletpass import claims as reading
from walletpass.entitlement import HOLDER_FIELDS, ClaimValue, Entitlement, Holder
from walletpass.errors import InvalidClaim
from walletpass.pass_type import ClaimKind, PassType

_Reader = Callable[[str, str], object]
_CACHED = 4096  # values that repeat from row to row; those of one person are not kept


class SourceRow(NamedTuple):
    """An entitlement and where it stands: `line` and cells as in `RowFailure`, the columns of number and last day."""

    line: int
    row: tuple[str, ...]
    number_column: str
    until_column: str
    entitlement: Entitlement


def read_entitlements(
    source: Path | SourceFile, pass_type: PassType, today: date, zones: Collection[str] = ()
) -> Iterator[Entitlement | RowFailure]:
    """The entitlements of a file; see `read_rows`."""
    rows = read_rows(source, pass_type, today, zones)
    return (found.entitlement if isinstance(found, SourceRow) else found for found in rows)


def read_rows(
    source: Path | SourceFile, pass_type: PassType, today: date, zones: Collection[str] = ()
) -> Iterator[SourceRow | RowFailure]:
    """The entitlements of a file with their rows, in its order, and in their place the rows that failed.

    `zones` is the closed list of parking zones, empty for any. The file is looked through at once: raises
    `SourceRefused` before the first row. The iterator holds one row, and at most 48 bytes for each number it has seen.
    """
    file = source if isinstance(source, SourceFile) else SourceFile(source)
    reader = RowReader(choose_source(pass_type, file.header), pass_type, file.header, today, zones)
    return _read_rows(file, reader)


def _read_rows(file: SourceFile, reader: RowReader) -> Iterator[SourceRow | RowFailure]:
    found: SourceRow | RowFailure
    for item in file.rows():
        if isinstance(item, RowFailure):
            found = item
        else:
            line, row = item
            try:
                found = SourceRow(line, tuple(row), reader.number_column, reader.until_column, reader.read(line, row))
            except InvalidClaim as problem:
                number = reader.number_of(row)
                found = RowFailure(line, problem.claim, problem.code, problem.sentence, tuple(row), number)
        yield found


class _Step(NamedTuple):
    """Read the cell at place `at` of the file's `column` into the claim or holder field `name`."""

    name: str
    column: str
    at: int
    read: _Reader
    required: bool


class RowReader:
    """A source's table, bound to one file's header."""

    def __init__(
        self, source: Source, pass_type: PassType, header: Sequence[str], today: date, zones: Collection[str]
    ) -> None:
        self._pass_type = pass_type
        self._today = today
        self._seen = SeenNumbers()
        readers = _readers(today, zones, pass_type.number_claim.longest)
        needed = {claim.holder_field or claim.name for claim in pass_type.claims if claim.mandatory}
        position = {name.lower(): index for index, name in reversed(list(enumerate(header)))}
        self._claims: list[_Step] = []
        self._plates: list[_Step] = []
        self._holder: list[_Step] = []
        outer: dict[str, _Step] = {}
        for column in source.columns:
            index = position.get(column.name)
            if index is None:
                continue
            kind, _, name = column.fills.partition(".")
            claim = pass_type.claim(name)
            reader = readers[claim.kind if kind == "claim" and claim else name or kind]
            step = _Step(name, header[index], index, reader, name in needed)
            if kind == "holder":
                self._holder.append(step)
            elif kind == "claim":
                plates = claim is not None and claim.kind is ClaimKind.PLATES
                (self._plates if plates else self._claims).append(step._replace(name=column.name if plates else name))
            else:
                outer[kind] = step._replace(name=kind, required=kind != "valid_from")
        self._number = outer.pop("number")
        self._number_claim = pass_type.number_claim.name
        self._validity = tuple(outer.values())
        self.until_column = outer["valid_until"].column
        self._plates_claims = tuple(c.name for c in pass_type.claims if c.kind is ClaimKind.PLATES)
        stated = {step.name for step in (*self._claims, *self._holder)} | {self._number_claim} | set(outer)
        names = {claim.name for claim in pass_type.claims if not claim.holder_field}
        names |= {*HOLDER_FIELDS, "valid_from"}
        self._unstated = frozenset(names - stated - set(self._plates_claims if self._plates else ()))
        self._optional_flags = tuple(c.name for c in pass_type.claims if c.kind is ClaimKind.FLAG and not c.mandatory)

    @property
    def number_column(self) -> str:
        return self._number.column

    def number_of(self, row: Sequence[str]) -> str:
        """The number of a row that failed; empty where none can be read."""
        try:
            return cast(str, _values((self._number,), row)["number"])
        except InvalidClaim:
            return ""

    def read(self, line: int, row: Sequence[str]) -> Entitlement:
        """One row. Raises `InvalidClaim`, whose `claim` is the file's own column name."""
        number = cast(str, _values((self._number,), row)["number"])
        # Before anything else: of two rows with one number, neither the order nor an error may decide silently.
        if first := self._seen.add(number, line):
            sentence = f"The number was read in line {first} already; keep one of the two rows."
            raise InvalidClaim(self._number.column, "duplicate_row", sentence)
        claims = {self._number_claim: number} | cast(dict[str, ClaimValue], _values(self._claims, row))
        for name in self._optional_flags:
            if claims.get(name) is False:  # left out, as an empty cell is
                del claims[name]
        warnings = self._read_plates(row, claims) if self._plates_claims else ()
        fields = _values(self._holder, row)
        valid_from, valid_until = self._read_validity(row)
        return Entitlement(
            pass_type=self._pass_type.name,
            external_number=number,
            valid_from=valid_from,
            valid_until=valid_until,
            claims=claims,
            holders=(Holder(**fields),),  # type: ignore[arg-type]
            unstated=self._unstated,
            warnings=warnings,
        )

    def _read_plates(self, row: Sequence[str], claims: dict[str, ClaimValue]) -> tuple[str, ...]:
        read = cast("dict[str, tuple[str, str | None]]", _values(self._plates, row))
        found = dict(read.values())  # a plate named twice counts once
        claims.update(dict.fromkeys(self._plates_claims, tuple(found)))
        return tuple(warning for warning in found.values() if warning)

    def _read_validity(self, row: Sequence[str]) -> tuple[date, date]:
        days = cast(dict[str, date], _values(self._validity, row))
        until = days["valid_until"]
        # Without a first day the pass runs from today; one that ended before has no day to begin but its last.
        start = days.get("valid_from") or min(self._today, until)
        reading.check_validity(self.until_column, self._pass_type.validity, start, until, self._today)
        return start, until


def _values(steps: Iterable[_Step], row: Sequence[str]) -> dict[str, object]:
    """The values of the cells that are not blank, by name; raises `InvalidClaim`. Half of the time is spent here."""
    found: dict[str, object] = {}
    for name, column, at, read, required in steps:
        if cell := row[at].strip():
            found[name] = read(column, cell)
        elif required:
            raise InvalidClaim(column, "missing_value", "This cell is empty, but the pass needs its value.")
    return found


def _readers(today: date, zones: Collection[str], longest_number: int) -> dict[str, _Reader]:
    """A reader for each kind of claim, each field of a holder, and the validity."""
    closed = frozenset(unicodedata.normalize("NFC", zone).strip().upper() for zone in zones)
    holder: dict[str, _Reader] = dict.fromkeys(("given_name", "family_name", "street"), reading.clean_text)
    return {
        **{str(kind): reader for kind, reader in reading.READERS.items()},
        **holder,
        ClaimKind.ZONE: lru_cache(_CACHED)(partial(reading.read_zone, zones=closed)),
        ClaimKind.PLATES: reading.read_plate,
        **dict.fromkeys(("postcode", "city"), lru_cache(_CACHED)(reading.clean_text)),
        "date_of_birth": partial(reading.read_birth_date, today=today),
        "email": reading.read_email,
        "language": lru_cache(_CACHED)(reading.read_language),
        "number": partial(reading.read_number, longest=longest_number),
        "valid_from": reading.read_date,
        "valid_until": reading.read_date,
    }
