"""pass.json: what an Apple pass says and how it looks. Keys as in Apple's "Pass" reference, nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from issuers.settings import IssuerSettings
from issuers.wallets import CarriedPass
from issuers.wallets.apple.barcodes import barcodes
from issuers.wallets.apple.fields import Area, Layout, encode, field_start
from issuers.wallets.apple.wording import ABOUT, CHECKING, HOW_TO_CHECK, ISSUER, Wording, reminder_texts
from walletpass.pass_type import Category, PassType
from walletpass.status import Status

WEB_SERVICE_PATH = "/apple"  # below the public URL; phones add /v1/…
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_STYLES = {Category.LIBRARY: "storeCard"}  # room for a wide barcode; everything else is "generic"


def rgb(colour: str) -> str:
    """`#rrggbb` as Apple documents colours: `rgb(r, g, b)`."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgb({red}, {green}, {blue})"


def instant(moment: datetime) -> str:
    """W3C date and time with a literal Z and no fractions of a second; Wallet refuses other forms."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def web_service_url(public_url: str) -> str:
    """Where phones hear of changes. Empty where they would not ask: Wallet wants https, except on the same machine."""
    url = urlsplit(public_url)
    return public_url + WEB_SERVICE_PATH if url.scheme == "https" or url.hostname in _LOOPBACK else ""


def note_of(carried: CarriedPass) -> tuple[str, str] | None:
    """What is to be said about the pass's end, in German and English, if anything."""
    if carried.reminder is None or not _is_good(carried):
        return None
    return reminder_texts(carried.reminder, carried.pass_.valid_until)


def _has_ended(carried: CarriedPass) -> bool:
    return carried.copy is not None and carried.copy.ended_at is not None


def _is_good(carried: CarriedPass) -> bool:
    return carried.pass_.status is Status.VALID and not _has_ended(carried)


class PassTemplate:
    """pass.json of one type: half of it written once, the rest for each pass.

    Only declared claims are read, so nothing undeclared can leave.
    """

    def __init__(self, pass_type: PassType, settings: IssuerSettings) -> None:
        self.wording = Wording()
        self._symbology = settings.library_symbology
        self._style = _STYLES.get(pass_type.category, "generic")
        self._start = self._shared_members(pass_type, settings)
        address = web_service_url(settings.public_url)
        self._hears = f'"webServiceURL":{encode(address)},"authenticationToken":' if address else ""
        self._layout = Layout(pass_type, self.wording)
        self._back = self._shared_back_fields(pass_type, settings)

    def render(self, carried: CarriedPass) -> bytes:
        """The file's bytes, UTF-8. A copy that has ended is emptied: whoever has the phone now learns nothing new."""
        pass_, copy, ended = carried.pass_, carried.copy, _has_ended(carried)
        name = pass_.serial if copy is None else copy.name
        parts = [f'{self._start},"serialNumber":{encode(name)},"expirationDate":"{instant(carried.expires)}"']
        if copy is not None and self._hears:
            parts.append(f"{self._hears}{encode(copy.secret)}")
        if not _is_good(carried):
            parts.append('"voided":true')
        elif carried.qr_text:
            parts.append(f'"barcodes":{barcodes(carried, self._symbology)}')
        if ended:
            pass_ = replace(pass_, claims={}, holders=())
        note = note_of(carried)
        areas = self._layout.render(pass_, note[0] if note else "", ended=ended)
        areas[Area.BACK] += self._back
        lists = ",".join(f'"{area}":[{",".join(fields)}]' for area, fields in areas.items() if fields)
        parts.append(f'"{self._style}":{{{lists}}}}}')
        return ",".join(parts).encode()

    def _shared_members(self, pass_type: PassType, settings: IssuerSettings) -> str:
        use, german, english = self.wording.use, pass_type.labels["de"], pass_type.labels["en"]
        members = {
            "formatVersion": 1,
            "passTypeIdentifier": settings.apple_pass_type_identifier,
            "teamIdentifier": settings.apple_team_identifier,
            "organizationName": settings.city_name,
            "description": use(f"{german}, {settings.city_name}", f"{english}, {settings.city_name}"),
            "logoText": use(german, english),
            "backgroundColor": rgb(pass_type.look.background),
            "foregroundColor": rgb(pass_type.look.foreground),
            "labelColor": rgb(pass_type.look.label),
            "sharingProhibited": True,
        }
        return encode(members)[:-1]

    def _shared_back_fields(self, pass_type: PassType, settings: IssuerSettings) -> list[str]:
        use = self.wording.use
        issuer = "\n".join((settings.city_name, settings.city_address, settings.city_contact))
        fields = (
            ("about", ABOUT, use(pass_type.descriptions["de"], pass_type.descriptions["en"])),
            ("checking", CHECKING, use(*HOW_TO_CHECK[pass_type.front_code])),
            ("issuer", ISSUER, issuer),
        )
        return [f"{field_start(key, use(*label))}{encode(text)}}}" for key, label, text in fields]
