"""Reading claim values: from what people and registers write to the one form we store, sign and show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from datetime import date
from functools import lru_cache

from walletpass.entitlement import ClaimValue
from walletpass.errors import InvalidClaim
from walletpass.pass_type import LANGUAGES, ClaimKind, Validity

MAX_TEXT = 80
MAX_EMAIL = 254  # RFC 5321, section 4.5.3.1.3
MAX_PLATES = 6

_NUMBER = re.compile(r"[0-9A-Za-zÄÖÜäöüß$+./:_-]{2,32}")
_SHORTENED = re.compile(r"[0-9]+(?:[.,][0-9]+)?E\+[0-9]+")  # 2E+11: what a spreadsheet makes of a long number
_ZONE = re.compile(r"[0-9A-ZÄÖÜ]{1,4}")
# German civil plates: district of 1–3 letters (umlauts exist), 1–2 letters, up to 4 digits, E (electric) or H (old);
# eight characters at most (FZV, annex 4).
_PLATE = re.compile(r"([A-ZÄÖÜ]{1,3})[- ]+([A-ZÄÖÜ]{1,2})[- ]*([1-9][0-9]{0,3})[- ]?([EH]?)")
# Three and two letters in one run can be split in one way only.
_PLATE_RUN_TOGETHER = re.compile(r"([A-ZÄÖÜ]{3})([A-ZÄÖÜ]{2})[- ]?([1-9][0-9]{0,2})[- ]?([EH]?)")
# DAB 1234 is Düsseldorf or Darmstadt, AB 1234 is Augsburg or Luxembourg: a wrong guess would end in a wrong fine.
_AMBIGUOUS_PLATE = re.compile(r"[A-ZÄÖÜ]{2,4}[- ]?[1-9][0-9]{0,3}[- ]?[EH]?")
_PLATE_CHARACTERS = 8
_LETTER = "0-9A-ZÀ-ÖØ-ÞĀ-Ž"
_OTHER_PLATE = re.compile(rf"[{_LETTER}](?:[ -]?[{_LETTER}]){{1,11}}")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))
_EMAIL = re.compile(r"(?![^@]*=\?)[^@\s,;<>\"]{1,64}@[^@\s,;<>\".]+(?:\.[^@\s,;<>\".]+)+")
# Databases often export a day as an instant at midnight.
_MIDNIGHT = r"(?:[ T]00?:00(?::00(?:\.0+)?)?)?"
_DATE_FORMS = (
    (re.compile(rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}}){_MIDNIGHT}"), (1, 2, 3)),
    (re.compile(rf"([0-9]{{1,2}})\.([0-9]{{1,2}})\.([0-9]{{4}}){_MIDNIGHT}"), (3, 2, 1)),
)
_TRUE = {"1", "ja", "j", "yes", "y", "true", "wahr", "x"}
_FALSE = {"0", "nein", "n", "no", "false", "falsch", ""}


def clean_text(claim: str, raw: str, limit: int = MAX_TEXT) -> str:
    """NFC, no surrounding or doubled blanks, no control characters; raises `InvalidClaim`."""
    if len(raw) <= limit and raw.isascii() and raw.isprintable() and "  " not in raw:
        return raw.strip()  # most cells of a list of a million rows
    text = " ".join(unicodedata.normalize("NFC", raw).split())
    if len(text) > limit:
        raise InvalidClaim(claim, "too_long", f"The value has {len(text)} characters; at most {limit} fit.")
    if not text.isprintable():
        raise InvalidClaim(claim, "bad_text", "The value holds control or unassigned characters; write it anew.")
    return text


def read_number(claim: str, raw: str, longest: int = 0) -> str:
    """An external number: 2 to 32 (or `longest`) letters, digits and `$ + . / : _ -`, no blanks inside."""
    text = clean_text(claim, raw, longest or MAX_TEXT)
    if _SHORTENED.fullmatch(text):
        sentence = "A spreadsheet has shortened this number; export the list anew with its numbers as text."
        raise InvalidClaim(claim, "bad_number", sentence)
    if not _NUMBER.fullmatch(text):
        raise InvalidClaim(
            claim,
            "bad_number",
            "A number has 2 to 32 letters, digits or the characters $ + . / : _ -, without blanks.",
        )
    return text


def read_zone(claim: str, raw: str, zones: Collection[str] = ()) -> str:
    """A parking zone: 1 to 4 letters or digits, umlauts included; from `zones` when the department closed the list."""
    zone = clean_text(claim, raw).upper()
    if not _ZONE.fullmatch(zone):
        raise InvalidClaim(claim, "bad_zone", "A zone has 1 to 4 letters or digits, such as 7, A12 or MÜ.")
    if zones and zone not in zones:
        raise InvalidClaim(claim, "bad_zone", f"There is no zone {zone}; the list has {len(zones)} zones.")
    return zone


def read_plate(claim: str, raw: str) -> tuple[str, str | None]:
    """One licence plate, normalised (`D-AB 1234E`), and a warning sentence for plates we cannot be sure of.

    Plates of other countries, of the army and of authorities, and German ones written without any gap between
    district and letters (`DAB1234`) are kept as written: guessing could name another car. Raises `InvalidClaim`.
    """
    text = clean_text(claim, raw).upper().translate(_DASHES)
    match = _PLATE.fullmatch(text) or _PLATE_RUN_TOGETHER.fullmatch(text)
    if match and sum(map(len, match.groups())) <= _PLATE_CHARACTERS:
        district, letters, digits, suffix = match.groups()
        return f"{district}-{letters} {digits}{suffix}", None
    if not _OTHER_PLATE.fullmatch(text) or not any(char.isdigit() for char in text):
        raise InvalidClaim(claim, "bad_plate", "This is no licence plate; write it like D-AB 1234 or D-AB 1234E.")
    if _AMBIGUOUS_PLATE.fullmatch(text):
        return text, f"{claim}: district and letters cannot be told apart; taken as it is, better write D-AB 1234."
    return text, f"{claim}: not a German civil plate (foreign, military or official); taken as it is."


def plate_key(plate: str) -> str:
    """What two spellings of a plate have in common: letters and digits only, upper case, umlauts kept.

    For finding a plate however it was typed. The gap is lost: `D-AB 1234` and `DA-B 1234` are two cars with one key,
    so where both spellings are normalised (`read_plate` without a warning) compare those as well. Plate lists do not:
    an inspector reads no hyphen on the street, and both must be found (ADR 0010). `O` and `Ö` are never one.
    """
    return "".join(char for char in unicodedata.normalize("NFC", plate).upper() if char.isalnum())


def read_plates(claim: str, raws: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Zero to several plates without doubles, and the warnings."""
    found: dict[str, str | None] = dict(read_plate(claim, raw) for raw in raws if raw.strip())
    if len(found) > MAX_PLATES:
        raise InvalidClaim(claim, "too_many_plates", f"A permit names at most {MAX_PLATES} plates.")
    return tuple(found), tuple(warning for warning in found.values() if warning)


@lru_cache(maxsize=8192)
def _day(text: str) -> date | None:
    for form, (year, month, day) in _DATE_FORMS:
        if match := form.fullmatch(text):
            try:
                found = date(int(match[year]), int(match[month]), int(match[day]))
            except ValueError:
                return None
            return found if 1900 <= found.year <= 9998 else None
    return None


def read_date(claim: str, raw: str) -> date:
    """A day, ISO (2027-03-31) or German (31.3.2027), a time of midnight allowed; raises `InvalidClaim` `bad_date`."""
    found = _day(raw.strip())
    if found is not None:
        return found
    if any(form.fullmatch(raw.strip()) for form, _ in _DATE_FORMS):
        raise InvalidClaim(claim, "bad_date", "There is no such day; look at day, month and year again.")
    raise InvalidClaim(claim, "bad_date", "This is no date; write it like 31.03.2027 or 2027-03-31.")


def read_birth_date(claim: str, raw: str, today: date) -> date:
    """A day that is not after `today`."""
    born = read_date(claim, raw)
    if born > today:
        raise InvalidClaim(claim, "bad_date", "A date of birth does not lie in the future.")
    return born


def read_email(claim: str, raw: str) -> str:
    """One e-mail address, by its shape only; raises `InvalidClaim` `bad_email`."""
    address = clean_text(claim, raw, MAX_EMAIL)
    if not _EMAIL.fullmatch(address):
        raise InvalidClaim(claim, "bad_email", "This is no e-mail address; write one address like name@example.org.")
    return address


def read_language(claim: str, raw: str) -> str:
    """The language a person is written to in: de or en."""
    language = raw.strip().lower()
    if language not in LANGUAGES:
        raise InvalidClaim(claim, "bad_language", "The language is de or en.")
    return language


def check_validity(claim: str, rule: Validity, valid_from: date, valid_until: date, today: date) -> None:
    """Whole days, both included. Raises `InvalidClaim` `bad_validity` or `validity_too_long`; past days are fine."""
    if valid_until < valid_from:
        raise InvalidClaim(claim, "bad_validity", "The last day lies before the first day.")
    if (valid_until - max(today, valid_from)).days > rule.longest_days:
        sentence = f"The last day lies too far ahead; at most {rule.longest_days} days are granted."
        raise InvalidClaim(claim, "validity_too_long", sentence)


def read_flag(claim: str, raw: str) -> bool:
    """Yes or no, in German or English; empty is no."""
    word = raw.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise InvalidClaim(claim, "bad_flag", "Write ja or nein.")


def read_count(claim: str, raw: str) -> int:
    """A whole number from 0 to 9999."""
    if not re.fullmatch(r"[0-9]{1,4}", raw.strip()):
        raise InvalidClaim(claim, "bad_count", "Write a whole number from 0 to 9999.")
    return int(raw)


READERS: dict[ClaimKind, Callable[[str, str], ClaimValue]] = {
    ClaimKind.TEXT: clean_text,
    ClaimKind.NUMBER: read_number,
    ClaimKind.ZONE: read_zone,
    ClaimKind.FLAG: read_flag,
    ClaimKind.COUNT: read_count,
    ClaimKind.DATE: lambda claim, raw: read_date(claim, raw).isoformat(),
    ClaimKind.YEAR: lambda claim, raw: read_date(claim, raw).year,
}
