"""Reading claim values: from what people and registers write to the one form we store, sign and show."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from datetime import date

from walletpass.entitlement import ClaimValue
from walletpass.errors import InvalidClaim
from walletpass.pass_type import ClaimKind

MAX_TEXT = 80
MAX_PLATES = 6

_NUMBER = re.compile(r"[0-9A-Za-zÄÖÜäöüß$+./:_-]{2,32}")
_ZONE = re.compile(r"[0-9A-ZÄÖÜ]{1,4}")
# German civil plates: district of 1–3 letters (umlauts exist), 1–2 letters, up to 4 digits, E (electric) or H (old).
_PLATE = re.compile(r"([A-ZÄÖÜ]{1,3})[- ]+([A-ZÄÖÜ]{1,2})[- ]*([1-9][0-9]{0,3})[- ]?([EH]?)")
_PLATE_RUN_TOGETHER = re.compile(r"([A-ZÄÖÜ]{1,3})([A-ZÄÖÜ]{2})([1-9][0-9]{0,3})([EH]?)")
_OTHER_PLATE = re.compile(r"[0-9A-ZÄÖÜ][0-9A-ZÄÖÜ \-]{1,13}")
_DATE_FORMS = (
    (re.compile(r"(\d{4})-(\d{2})-(\d{2})"), (1, 2, 3)),
    (re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})"), (3, 2, 1)),
)
_TRUE = {"1", "ja", "j", "yes", "y", "true", "wahr", "x"}
_FALSE = {"0", "nein", "n", "no", "false", "falsch", ""}


def clean_text(claim: str, raw: str, limit: int = MAX_TEXT) -> str:
    """NFC, no surrounding or doubled blanks, no control characters; raises `InvalidClaim`."""
    text = " ".join(unicodedata.normalize("NFC", raw).split())
    if len(text) > limit:
        raise InvalidClaim(claim, "too_long", f"The value has {len(text)} characters; at most {limit} fit.")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs", "Cn") for char in text):
        raise InvalidClaim(claim, "bad_text", "The value holds control or unassigned characters; write it anew.")
    return text


def read_number(claim: str, raw: str) -> str:
    """An external number: 2 to 32 letters, digits and `$ + . / : _ -`, no blanks inside."""
    text = clean_text(claim, raw)
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
    """One licence plate, normalised (`D-AB 1234E`), and a warning sentence for plates of other countries or bodies."""
    text = clean_text(claim, raw).upper()
    match = _PLATE.fullmatch(text) or _PLATE_RUN_TOGETHER.fullmatch(text)
    if match:
        district, letters, digits, suffix = match.groups()
        return f"{district}-{letters} {digits}{suffix}", None
    if not _OTHER_PLATE.fullmatch(text) or not any(char.isdigit() for char in text):
        raise InvalidClaim(claim, "bad_plate", "This is no licence plate; write it like D-AB 1234 or D-AB 1234E.")
    return text, f"{claim}: not a German civil plate (foreign, military or official); taken as it is."


def read_plates(claim: str, raws: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Zero to several plates without doubles, and the warnings."""
    found: dict[str, str | None] = dict(read_plate(claim, raw) for raw in raws if raw.strip())
    if len(found) > MAX_PLATES:
        raise InvalidClaim(claim, "too_many_plates", f"A permit names at most {MAX_PLATES} plates.")
    return tuple(found), tuple(warning for warning in found.values() if warning)


def read_date(claim: str, raw: str) -> date:
    """A day, ISO (2027-03-31) or German (31.3.2027); raises `InvalidClaim` `bad_date`."""
    text = raw.strip()
    for form, (year, month, day) in _DATE_FORMS:
        if match := form.fullmatch(text):
            try:
                found = date(int(match[year]), int(match[month]), int(match[day]))
            except ValueError:
                break
            if 1900 <= found.year <= 9998:
                return found
            break
    raise InvalidClaim(claim, "bad_date", "This is no date; write it like 31.03.2027 or 2027-03-31.")


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
