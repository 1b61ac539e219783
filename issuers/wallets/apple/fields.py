"""Where a pass's claims stand on an Apple pass, decided by what the pass type declares, never by its name.

Front: how long it is valid in the header (the part seen in the stack); the zone, or else the person's name, large; the
other front claims below, in the type's order. Back: everything else the holder may see. Wallet cuts a long value on the
front, so the back repeats it whole. A field's unchanging beginning is made once; a pass adds its value.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from issuers.wallets.apple.wording import (
    ENDED,
    NAME,
    NOTE,
    RENEWED,
    STATUS,
    STATUS_CHANGED,
    STATUS_WORDS,
    VALID_FROM,
    VALID_UNTIL,
    YES,
    Wording,
)
from walletpass.entitlement import ClaimValue
from walletpass.pass_type import Audience, Claim, ClaimKind, PassType
from walletpass.passes import Pass, claim_value
from walletpass.status import Status

FRONT_FITS = 24  # characters of a value that the narrowest iPhone shows whole
_NAME_FIELDS = ("given_name", "family_name")
_ANNOUNCED = (ClaimKind.ZONE, ClaimKind.PLATES, ClaimKind.COUNT)  # a change of these shows on the lock screen

encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Area(StrEnum):
    """A field list of a pass style."""

    HEADER = "headerFields"
    PRIMARY = "primaryFields"
    SECONDARY = "secondaryFields"
    AUXILIARY = "auxiliaryFields"
    BACK = "backFields"


def _plates(value: ClaimValue) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


_SHOWN: dict[ClaimKind, Callable[[ClaimValue], str]] = {
    ClaimKind.PLATES: _plates,
    ClaimKind.FLAG: lambda value: YES[0] if value else "",
    ClaimKind.DATE: lambda value: noon(str(value)),
}


def noon(day: date | str) -> str:
    """A day as Wallet wants it: the noon in UTC falls on that day wherever the phone is."""
    return f"{day}T12:00:00Z"


def field_start(key: str, label: str, **members: object) -> str:
    """A field object up to its value."""
    return encode({"key": key, "label": label, **members})[:-1] + ',"value":'


def date_field_start(key: str, label: str, style: str, **members: object) -> str:
    """The same for a day: dated as written, whatever the phone's time zone."""
    day: dict[str, object] = {"dateStyle": style, "timeStyle": "PKDateStyleNone", "ignoresTimeZone": True}
    return field_start(key, label, **day, **members)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A place on the pass: one field made of one claim, or of the parts of a name."""

    area: Area
    claims: tuple[Claim, ...]
    start: str
    start_on_back: str  # of the second field, for a value too long for the front

    def text(self, pass_: Pass, wording: Wording) -> str:
        kind = self.claims[0].kind
        shown = _SHOWN.get(kind, str)
        values = [claim_value(pass_, claim) for claim in self.claims]
        text = " ".join(shown(value) for value in values if value is not None)
        return text if kind is ClaimKind.FLAG else wording.guard(text)


class Layout:
    """The fields of one type of pass."""

    def __init__(self, pass_type: PassType, wording: Wording) -> None:
        self._wording = wording
        for words in (YES, *STATUS_WORDS.values()):
            wording.use(*words)
        status = field_start("status", wording.use(*STATUS), changeMessage=wording.use(*STATUS_CHANGED))
        self._status = {status_: f"{status}{encode(words[0])}}}" for status_, words in STATUS_WORDS.items()}
        self._ended = f"{status}{encode(wording.use(*ENDED))}}}"
        self._note = field_start("reminder", wording.use(*NOTE), changeMessage="%@")
        until = wording.use(*VALID_UNTIL)
        self._until_header = date_field_start("valid_until", until, "PKDateStyleShort")
        renewed = wording.use(*RENEWED)
        self._until = date_field_start("valid_until_long", until, "PKDateStyleLong", changeMessage=renewed)
        self._from = date_field_start("valid_from", wording.use(*VALID_FROM), "PKDateStyleLong")
        self._slots = self._arrange([c for c in pass_type.claims if Audience.HOLDER in c.visible_to])

    def render(self, pass_: Pass, note: str = "", *, ended: bool = False) -> dict[Area, list[str]]:
        """The field objects as JSON texts, by area. `note` comes first on the back; `ended`: on this phone it is."""
        areas: dict[Area, list[str]] = {area: [] for area in Area}
        blocked = ended or pass_.status is not Status.VALID
        status = self._ended if ended else self._status[pass_.status]
        until = encode(noon(pass_.valid_until))
        areas[Area.HEADER].append(status if blocked else f"{self._until_header}{until}}}")
        back = areas[Area.BACK]
        if note:
            back.append(f"{self._note}{encode(note)}}}")
        for slot in self._slots:
            text = slot.text(pass_, self._wording)
            if not text:
                continue
            areas[slot.area].append(f"{slot.start}{encode(text)}}}")
            if len(text) > FRONT_FITS and slot.area is not Area.BACK:
                back.append(f"{slot.start_on_back}{encode(text)}}}")
        back += (f"{self._from}{encode(noon(pass_.valid_from))}}}", f"{self._until}{until}}}")
        if not blocked:
            back.append(status)
        return areas

    def _arrange(self, claims: list[Claim]) -> list[_Slot]:
        """Give every claim its place."""
        front = [claim for claim in claims if claim.front]
        names = tuple(claim for claim in front if claim.holder_field in _NAME_FIELDS)
        groups = [names, *((claim,) for claim in front if claim not in names)]
        groups = [group for group in groups if group]
        groups.sort(key=lambda group: group[0].kind is not ClaimKind.ZONE)  # stable: only a zone moves to the top
        areas = [Area.PRIMARY, Area.SECONDARY] + [Area.AUXILIARY] * len(groups)
        slots = [self._slot(area, group) for area, group in zip(areas, groups, strict=False)]
        return slots + [self._slot(Area.BACK, (claim,)) for claim in claims if not claim.front]

    def _slot(self, area: Area, claims: tuple[Claim, ...]) -> _Slot:
        claim = claims[0]
        german, english = NAME if len(claims) > 1 else (claim.labels["de"], claim.labels["en"])
        key, label = claim.name, self._wording.use(german, english)
        # Without the empty list Wallet makes telephone links of card numbers on the back.
        members: dict[str, object] = {"dataDetectorTypes": []} if area is Area.BACK else {}
        if claim.kind in _ANNOUNCED:
            members["changeMessage"] = self._wording.use(f"{german}: %@", f"{english}: %@")
        if claim.kind is ClaimKind.DATE:
            start = date_field_start(key, label, "PKDateStyleLong", **members)
        else:
            start = field_start(key, label, **members)
        return _Slot(area, claims, start, field_start(f"{key}_whole", label))
