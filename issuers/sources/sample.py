"""Sample lists in the forms departments export: invented people, the same for the same seed, any number of rows.

Streets and districts exist; nobody who lives there is meant. Nothing is read from anywhere else.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

_GIVEN = (
    "Anna", "Björn", "Çiğdem", "Dörte", "Emil", "Fatma", "Götz", "Hanna", "Ines", "Jürgen", "Käthe", "Lütfi", "Mara",
    "Niklas", "Özlem", "Paul", "Quirin", "Ronja", "Sören", "Thea", "Uwe", "Wiebke", "Xenia", "Yusuf", "Zoë", "André",
)  # fmt: skip
_FAMILY = (
    "Müller", "Schröder", "Yıldız", "Großmann", "Köhler", "Weiß", "Jäger", "Özdemir", "Schäfer", "Krüger", "Böhm",
    "Vogt", "Strauß", "Günther", "Hübner", "Pötter", "Brandt", "Lindner", "Kowalski", "Nguyễn", "d’Angelo",
    "Meyer-Höfer", "Löwe", "Fuchs", "Reuß", "Sørensen",
)  # fmt: skip
_STREETS = (
    "Rethelstraße", "Bilker Allee", "Merowingerstraße", "Grafenberger Allee", "Münsterstraße", "Am Wehrhahn",
    "Lindemannstraße", "Kölner Straße", "Höherweg", "Scheurenstraße",
)  # fmt: skip
_POSTCODES = ("40210", "40215", "40223", "40233", "40239", "40476", "40489", "40591")
_DISTRICTS = ("D", "D", "D", "D", "NE", "ME", "KR", "K", "MÜ", "KÜN", "LÖ")
_OTHER_PLATES = ("Y-345678", "NL AB-12-CD", "BP-15 302", "0-17 42")
ZONES = (
    *(str(n) for n in range(1, 21)),
    *(f"A{n}" for n in range(1, 11)),
    *(f"B{n}" for n in range(1, 10)),
    "ALT",
    "MÜ",
)

Row = list[str]


@dataclass(frozen=True, slots=True)
class Sample:
    """A kind of list: how it is written and what its rows are."""

    pass_type: str
    encoding: str
    delimiter: str
    header: tuple[str, ...]
    row: Callable[[random.Random, int, date], Row]


def write_sample(path: Path, sample: Sample, rows: int, today: date, seed: int = 1) -> None:
    """Write `rows` rows around the day `today`, one at a time; characters the encoding lacks become their nearest."""
    with path.open("w", encoding=sample.encoding, newline="") as file:
        writer = csv.writer(file, delimiter=sample.delimiter)
        writer.writerow(sample.header)
        for row in sample_rows(sample, rows, today, seed):
            writer.writerow([_fitting(cell, sample.encoding) for cell in row])


def sample_rows(sample: Sample, rows: int, today: date, seed: int = 1) -> Iterator[Row]:
    """The rows alone; the first ones are the same whatever their number."""
    chance = random.Random(seed)  # noqa: S311 – a sample is meant to be repeatable
    for number in range(1, rows + 1):
        yield sample.row(chance, number, today)


def _fitting(cell: str, encoding: str) -> str:
    nearest = str.maketrans("ğıễ’", "gie'")
    return cell if encoding.startswith("utf-8") else cell.translate(nearest)


def _names(chance: random.Random) -> Row:
    return [chance.choice(_GIVEN), chance.choice(_FAMILY)]


def _street(chance: random.Random) -> str:
    return f"{chance.choice(_STREETS)} {chance.randint(1, 180)}"


def _born(chance: random.Random) -> date:
    return date(1940, 1, 1) + timedelta(days=chance.randrange(25_000))


def _days(chance: random.Random, today: date, years: int) -> tuple[date, date]:
    """A validity of whole years that has begun; about one in ten has ended already."""
    starts = today - timedelta(days=chance.randrange(365 * years + 40))
    return starts, starts + timedelta(days=365 * years - 1)


def _german(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def _plate(chance: random.Random) -> str:
    if chance.random() < 0.03:
        return chance.choice(_OTHER_PLATES)
    district = chance.choice(_DISTRICTS)
    letters = "".join(chance.choice("ABCEFHJKLMNPRSTUWXYZ") for _ in range(2))
    return f"{district}-{letters} {chance.randint(1, 999)}{chance.choice(('', '', '', 'E'))}"


def _email(chance: random.Random, number: int) -> str:
    return f"person{number}@example.org" if chance.random() < 0.7 else ""


def _koha(chance: random.Random, number: int, today: date) -> Row:
    given, family = _names(chance)
    starts, ends = _days(chance, today, 1)
    born = _born(chance).isoformat() if chance.random() < 0.9 else ""
    branch, category = chance.choice(("ZB", "BIL", "GAR")), chance.choice(("ERW", "KIND", "STUD"))
    card = f"2{number:07d}{(number * 7) % 10}"
    address = [_street(chance), chance.choice(_POSTCODES), "Düsseldorf"]
    row = [card, family, given, born, branch, category, starts.isoformat(), ends.isoformat()]
    return [*row, *address, _email(chance, number), ""]


def _parking(chance: random.Random, number: int, today: date) -> Row:
    given, family = _names(chance)
    starts, ends = _days(chance, today, chance.choice((1, 2)))
    changing = chance.random() < 0.05
    first = "" if changing else _plate(chance)
    second = _plate(chance) if first and chance.random() < 0.2 else ""
    row = [f"BP-{number:06d}", chance.choice(ZONES), first, second, _german(starts), _german(ends), given, family]
    address = [_street(chance), chance.choice(_POSTCODES), "Düsseldorf", _german(_born(chance))]
    return [*row, _email(chance, number), *address, chance.choice(("de", "de", "de", "en")), "ja" if changing else ""]


def _register(prefix: str, years: int, more: Callable[[random.Random], Row]) -> Callable[..., Row]:
    """Number, names, what `more` adds, validity in German form, e-mail."""

    def row(chance: random.Random, number: int, today: date) -> Row:
        given, family = _names(chance)
        starts, ends = _days(chance, today, years)
        added = more(chance)
        return [f"{prefix}-{number:06d}", given, family, *added, _german(starts), _german(ends), _email(chance, number)]

    return row


def _registered_address(chance: random.Random) -> Row:
    return [_german(_born(chance)), _street(chance), chance.choice(_POSTCODES), "Düsseldorf"]


_KOHA_HEADER = (
    "cardnumber,surname,firstname,dateofbirth,branchcode,categorycode,dateenrolled,dateexpiry,address,zipcode,city,"
    "email,phone"
)
_PARKING_HEADER = (
    "permit_no;zone;plate1;plate2;valid_from;valid_until;given_name;family_name;email;street;postcode;city;"
    "date_of_birth;language;changing_vehicles"
)
_END = ("valid_from", "valid_until", "email")
_NAMES = ("given_name", "family_name")
_ADDRESS = ("date_of_birth", "street", "postcode", "city")

SAMPLES = {
    "koha-patrons": Sample("library_card", "utf-8", ",", tuple(_KOHA_HEADER.split(",")), _koha),
    "parking-register": Sample("resident_parking_permit", "cp1252", ";", tuple(_PARKING_HEADER.split(";")), _parking),
    "social-passes": Sample(
        "social_pass", "utf-8-sig", ";", ("pass_number", *_NAMES, "date_of_birth", *_END),
        _register("DP", 1, lambda chance: [_german(_born(chance))]),
    ),
    "volunteer-cards": Sample(
        "volunteer_card", "utf-8", "\t", ("card_number", *_NAMES, "for_life", *_END),
        _register("EA", 3, lambda chance: [chance.choice(("nein", "nein", "ja"))]),
    ),
    "family-cards": Sample(
        "family_card", "latin-1", ";", ("card_number", *_NAMES, "children", *_ADDRESS[1:], *_END),
        _register("FK", 3, lambda chance: [str(chance.randint(1, 5)), *_registered_address(chance)[1:]]),
    ),
    "registration-certificates": Sample(
        "registration_certificate", "utf-8", ";", ("certificate_number", *_NAMES, *_ADDRESS, *_END),
        _register("MB", 1, _registered_address),
    ),
}  # fmt: skip
