"""pass.json: what an Apple pass says and how it looks. Keys as in Apple's "Pass" reference, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

from issuers.settings import IssuerSettings
from issuers.wallets import CarriedPass
from issuers.wallets.apple.barcodes import barcodes
from issuers.wallets.apple.fields import Area, Layout, encode, field_start
from issuers.wallets.apple.wording import ABOUT, CHECKING, HOW_TO_CHECK, ISSUER, Wording
from walletpass.pass_type import Category, PassType
from walletpass.status import Status

_STYLES = {Category.LIBRARY: "storeCard"}  # room for a wide barcode; everything else is "generic"


def rgb(colour: str) -> str:
    """`#rrggbb` as Apple documents colours: `rgb(r, g, b)`."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"rgb({red}, {green}, {blue})"


def instant(moment: datetime) -> str:
    """W3C date and time with a literal Z and no fractions of a second; Wallet refuses other forms."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


class PassTemplate:
    """pass.json of one type: half of it written once, the rest for each pass.

    Only declared claims are read, so nothing undeclared can leave.
    """

    def __init__(self, pass_type: PassType, settings: IssuerSettings) -> None:
        self.wording = Wording()
        self._symbology = settings.library_symbology
        self._style = _STYLES.get(pass_type.category, "generic")
        self._start = self._shared_members(pass_type, settings)
        self._layout = Layout(pass_type, self.wording)
        self._back = self._shared_back_fields(pass_type, settings)

    def render(self, carried: CarriedPass) -> bytes:
        """The file's bytes, UTF-8."""
        pass_ = carried.pass_
        parts = [f'{self._start},"serialNumber":{encode(pass_.serial)},"expirationDate":"{instant(carried.expires)}"']
        if pass_.status is Status.VALID:
            parts.append(f'"barcodes":{barcodes(carried, self._symbology)}')
        else:
            parts.append('"voided":true')
        areas = self._layout.render(pass_)
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
