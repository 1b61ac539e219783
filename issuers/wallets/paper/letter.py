"""What stands on the paper: every word and picture of a PDF as one JSON object for the templates."""

from __future__ import annotations

from datetime import date, datetime

from issuers.occasions import Occasion, greeting, notice
from issuers.settings import IssuerSettings
from issuers.shown import Shown, front_claims, shown_date
from issuers.symbols import ErrorCorrection, Symbol, barcode_symbol, qr_symbol, svg
from issuers.wallets import CarriedPass
from walletpass.entitlement import Holder
from walletpass.pass_type import LANGUAGES, Category, ClaimKind, FrontCode
from walletpass.passes import claim_value, local_day

# Beyond version 16 a module on the windscreen would be smaller than 0.7 mm; size then counts for more than redundancy.
_LARGEST_BEHIND_GLASS = 16

Texts = dict[str, str]


def title_of(carried: CarriedPass) -> str:
    return f"{carried.pass_type.labels['de']} {carried.pass_.external_number}"


def letter(
    carried: CarriedPass, settings: IssuerSettings, now: datetime, occasion: Occasion | None = None
) -> dict[str, object]:
    """One letter. `now` (aware) is its date. Without an occasion it only brings a card; a pass that comes without a
    QR text is told about without one.
    """
    pass_, pass_type = carried.pass_, carried.pass_type
    holder = pass_.holders[0] if pass_.holders else Holder()
    number_claim = pass_type.number_claim
    card = bool(carried.qr_text)
    parking = pass_type.category is Category.PARKING
    return {
        "city": settings.city_name,
        "sender": settings.city_address,
        "contact": settings.city_contact,
        "date": {language: shown_date(local_day(now), language) for language in LANGUAGES},
        "recipient": _recipient(holder),
        "greeting": greeting(pass_, "de"),
        "notice": _notice(carried, occasion, settings, local_day(now)) if occasion else None,
        "label": dict(pass_type.labels),
        "description": dict(pass_type.descriptions),
        "colours": {
            "background": pass_type.look.background,
            "foreground": pass_type.look.foreground,
            "label": pass_type.look.label,
        },
        "number": {"label": dict(number_claim.labels), "text": pass_.external_number},
        "valid_from": {language: shown_date(pass_.valid_from, language) for language in LANGUAGES},
        "valid_until": {language: shown_date(pass_.valid_until, language) for language in LANGUAGES},
        "fields": [
            _field(shown) for shown in front_claims(pass_, pass_type) if shown.claim.kind is not ClaimKind.NUMBER
        ],
        "card": card,
        "qr": _picture(qr_symbol(carried.qr_text)) if card else "",
        "barcode": _barcode(carried, settings) if card else None,
        "windscreen": _windscreen(carried) if card and parking else None,
    }


def _notice(carried: CarriedPass, occasion: Occasion, settings: IssuerSettings, written_on: date) -> dict[str, Texts]:
    found = {}
    for language in LANGUAGES:
        told = notice(carried.pass_, carried.pass_type, occasion, settings.city_contact, language, written_on)
        found[language] = {
            "subject": told.subject,
            "facts": told.facts,
            "actions": told.actions_on_paper,
            "contact": told.contact,
        }
    return found


def _name(holder: Holder) -> str:
    return f"{holder.given_name} {holder.family_name}".strip()


def _recipient(holder: Holder) -> list[str]:
    """The lines of the address window (DIN 5008), or none when the address is not complete."""
    if not (holder.street and holder.city):
        return []
    return [line for line in (_name(holder), holder.street, f"{holder.postcode} {holder.city}".strip()) if line]


def _field(shown: Shown) -> dict[str, Texts]:
    return {"label": dict(shown.claim.labels), "text": dict(shown.texts)}


def _picture(symbol: Symbol) -> str:
    return svg(symbol, "", "")  # Typst wants the alternative text beside the picture, not within


def _barcode(carried: CarriedPass, settings: IssuerSettings) -> str | None:
    if carried.pass_type.front_code is not FrontCode.CARD_NUMBER:
        return None
    return _picture(barcode_symbol(carried.pass_.external_number, settings.library_symbology))


def _windscreen(carried: CarriedPass) -> dict[str, object]:
    """The sheet behind the windscreen: what an inspector must read through glass, and the QR code in level Q."""
    by_kind = {claim.kind: claim for claim in carried.pass_type.claims}
    zone, plates = by_kind.get(ClaimKind.ZONE), by_kind.get(ClaimKind.PLATES)
    flags = [shown for shown in front_claims(carried.pass_, carried.pass_type) if shown.claim.kind is ClaimKind.FLAG]
    symbol = qr_symbol(carried.qr_text, ErrorCorrection.Q)
    if symbol.qr_version > _LARGEST_BEHIND_GLASS:
        symbol = qr_symbol(carried.qr_text)
    values = claim_value(carried.pass_, plates) if plates else None
    return {
        "zone": {"label": dict(zone.labels), "text": claim_value(carried.pass_, zone)} if zone else None,
        "plates": list(values) if isinstance(values, tuple) else [],
        "plates_label": dict(plates.labels) if plates else None,
        "notes": [dict(flag.claim.labels) for flag in flags],
        "qr": _picture(symbol),
    }
