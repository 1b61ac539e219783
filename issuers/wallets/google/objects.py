"""A pass as Google's JSON: the class (what all passes of a type share) and the object (one pass). Pure functions.

Source: Google Wallet API, REST resources `genericclass` and `genericobject`; tests hold every result against Google's
own discovery document. Identifiers carry the serial only, for Google asks for ids without personal data.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from issuers.settings import IssuerSettings
from issuers.shown import Shown, front_claims
from issuers.symbology import Symbology, carries
from issuers.wallets import CarriedPass
from issuers.wallets.google.logo import LOGO_PATH
from walletpass.errors import WalletPassError
from walletpass.pass_type import Category, FrontCode, PassType
from walletpass.passes import LOCAL_ZONE, end_instant, local_day

GENERIC_TYPES = {
    Category.LIBRARY: "GENERIC_LIBRARY_MEMBERSHIP",
    Category.PARKING: "GENERIC_PARKING_PASS",
    Category.MEMBERSHIP: "GENERIC_MEMBERSHIP_CARD",
    Category.CERTIFICATE: "GENERIC_OTHER",
}
_STATES = {"valid": "ACTIVE", "not_yet_valid": "ACTIVE", "expired": "EXPIRED"}  # all other words: INACTIVE
CALLBACK_PATH = "/google/callback"
_MAX_ROWS = 3  # of classTemplateInfo
ID_SUFFIX = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ONE_SECOND = timedelta(seconds=1)
_ONE_DAY = timedelta(days=1)


class UnfitIdentifier(WalletPassError):
    """A name or serial that Google does not take as an identifier."""

    code = "unfit_identifier"


def localized(texts: Mapping[str, str]) -> dict[str, object]:
    """A LocalizedString: German by default, the other languages as translations where they differ."""
    others = [{"language": lang, "value": text} for lang, text in texts.items() if lang != "de" and text != texts["de"]]
    return {"defaultValue": {"language": "de", "value": texts["de"]}} | ({"translatedValues": others} if others else {})


def identifier(issuer_id: str, suffix: str) -> str:
    """`{issuer id}.{suffix}`, the form of every id; raises `UnfitIdentifier`."""
    if not ID_SUFFIX.fullmatch(suffix):
        raise UnfitIdentifier("Google takes only letters, digits, dot, underscore and hyphen in an identifier.")
    return f"{issuer_id}.{suffix}"


def class_id(pass_type: PassType, settings: IssuerSettings) -> str:
    """A class per type and version: a class cannot be deleted, and a new version may show other claims."""
    return identifier(settings.google_issuer_id, f"{pass_type.name}.{pass_type.version}")


def generic_class(pass_type: PassType, settings: IssuerSettings) -> dict[str, object]:
    """The GenericClass: two front claims to a row, the last day of validity beneath them."""
    paths = [f"object.textModulesData['{claim.name}']" for claim in pass_type.claims if claim.front]
    rows = [_row(paths[at : at + 2]) for at in range(0, len(paths), 2)][: _MAX_ROWS - 1]
    validity = {"fieldPath": "object.validTimeInterval.end", "dateFormat": "DATE_YEAR"}
    rows.append({"oneItem": {"item": _item(validity)}})
    class_: dict[str, object] = {
        "id": class_id(pass_type, settings),
        "classTemplateInfo": {"cardTemplateOverride": {"cardRowTemplateInfos": rows}},
        "multipleDevicesAndHoldersAllowedStatus": "ONE_USER_ALL_DEVICES",
    }
    if settings.google_api_url and settings.public_url.startswith("https://"):
        class_["callbackOptions"] = {"url": f"{settings.public_url}{CALLBACK_PATH}"}
    return class_


def _row(paths: list[str]) -> dict[str, object]:
    items = [_item({"fieldPath": path}) for path in paths]
    return {"oneItem": {"item": items[0]}} if len(items) == 1 else {"twoItems": dict(zip(_ENDS, items, strict=True))}


_ENDS = ("startItem", "endItem")


def _item(field: dict[str, str]) -> dict[str, object]:
    return {"firstValue": {"fields": [field]}}


class ObjectTemplate:
    """Makes the GenericObjects of one type; what its passes share is built once.

    A `compact` object says the same in German only and without the logo: a third shorter, for links.
    """

    def __init__(self, pass_type: PassType, settings: IssuerSettings) -> None:
        self.pass_type = pass_type
        self._settings = settings
        self._class_id = class_id(pass_type, settings)
        self._full = self._build_shared(compact=False)
        self._compact = self._build_shared(compact=True)

    def shared(self, compact: bool) -> dict[str, object]:
        """What is the same in every object of the type."""
        return self._compact if compact else self._full

    def _build_shared(self, compact: bool) -> dict[str, object]:
        settings, pass_type = self._settings, self.pass_type
        shared: dict[str, object] = {
            "classId": self._class_id,
            "genericType": GENERIC_TYPES[pass_type.category],
            "cardTitle": localized({"de": settings.city_name}),
            "header": localized({"de": pass_type.labels["de"]} if compact else pass_type.labels),
            "hexBackgroundColor": pass_type.look.background,
        }
        if pass_type.front_code is FrontCode.SIGNED_QR:  # a copied QR code would be as good as the pass
            shared["passConstraints"] = {"screenshotEligibility": "INELIGIBLE"}
        if not compact and settings.public_url.startswith("https://"):  # Google fetches pictures only over https
            shared["logo"] = {
                "sourceUri": {"uri": f"{settings.public_url}/{LOGO_PATH}"},
                "contentDescription": localized({"de": f"Logo: {settings.city_name}"}),
            }
        return shared

    def render(self, carried: CarriedPass, now: datetime, compact: bool = False) -> dict[str, object]:
        """The GenericObject of a pass. `now` (aware) decides between ACTIVE and EXPIRED."""
        pass_ = carried.pass_
        to_module = _compact_module if compact else _text_module
        return {
            "id": self.object_id(carried),
            **self.shared(compact),
            "state": _state(carried, now),
            "textModulesData": [to_module(shown) for shown in front_claims(pass_, self.pass_type)],
            "validTimeInterval": {
                "start": {"date": local_time(end_instant(pass_.valid_from - _ONE_DAY))},
                # The interval ends within its last day, so that phones show that day and not the one after.
                "end": {"date": local_time(carried.expires - _ONE_SECOND)},
            },
            # Without a credential the pass or its copy is good no longer: an old code should not tempt anybody.
            **({"barcode": barcode(carried, self._settings.library_symbology)} if carried.qr_text else {}),
        }

    def object_id(self, carried: CarriedPass) -> str:
        """The object's id; made of the pass's random serial, so it names nobody and outlives a change of number."""
        name = carried.copy.name if carried.copy else carried.pass_.serial
        return identifier(self._settings.google_issuer_id, name)

    def reference(self, carried: CarriedPass) -> dict[str, object]:
        """The two ids by which a skinny link names an object that Google knows already."""
        return {"id": self.object_id(carried), "classId": self._class_id}


def _state(carried: CarriedPass, now: datetime) -> str:
    if carried.copy is not None and carried.copy.ended_at is not None:
        return "INACTIVE"
    return _STATES.get(carried.pass_.status_word(local_day(now)), "INACTIVE")


def local_time(instant: datetime) -> str:
    """As Google takes times: ISO 8601 with the city's offset."""
    return instant.astimezone(LOCAL_ZONE).isoformat(timespec="seconds")


def _text_module(shown: Shown) -> dict[str, object]:
    module: dict[str, object] = {"id": shown.claim.name, "localizedHeader": localized(shown.claim.labels)}
    if len(set(shown.texts.values())) == 1:
        return module | {"body": shown.texts["de"]}
    return module | {"localizedBody": localized(shown.texts)}


def _compact_module(shown: Shown) -> dict[str, object]:
    return {"id": shown.claim.name, "header": shown.claim.labels["de"], "body": shown.texts["de"]}


def barcode(carried: CarriedPass, symbology: Symbology) -> dict[str, object]:
    """The Barcode: the signed QR, or the card number as the library's machines read it, readable beneath."""
    number = carried.pass_.external_number
    if carried.pass_type.front_code is FrontCode.SIGNED_QR:
        return {"type": "QR_CODE", "value": carried.qr_text, "alternateText": number}
    return {"type": _barcode_type(number, symbology), "value": number, "alternateText": number}


def _barcode_type(number: str, symbology: Symbology) -> str:
    """Google's only Interleaved 2 of 5 is ITF-14 (GS1: 14 digits, the last one checks); all else falls to Code 128."""
    itf = symbology is Symbology.INTERLEAVED_2_OF_5
    if symbology in _BARCODE_TYPES and carries(symbology, number) and not (itf and not _is_itf_14(number)):
        return _BARCODE_TYPES[symbology]
    return "CODE_128" if number.isascii() else "QR_CODE"


_BARCODE_TYPES = {
    Symbology.CODE_39: "CODE_39",
    Symbology.CODABAR: "CODABAR",
    Symbology.INTERLEAVED_2_OF_5: "ITF_14",
}


def _is_itf_14(number: str) -> bool:
    return len(number) == 14 and sum(int(digit) * (1 if at % 2 else 3) for at, digit in enumerate(number)) % 10 == 0
