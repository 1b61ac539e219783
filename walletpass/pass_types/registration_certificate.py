"""The registration certificate (Meldebescheinigung): proves a registered address, the "digital ID" case."""

from __future__ import annotations

from walletpass.pass_type import Audience, Category, Claim, ClaimKind, FrontCode, Look, PassType, Validity

_DESK = frozenset({Audience.HOLDER, Audience.DEPARTMENT})

PASS_TYPE = PassType(
    name="registration_certificate",
    number=6,
    version=1,
    department="registration",
    category=Category.CERTIFICATE,
    labels={"de": "Meldebescheinigung", "en": "Registration certificate"},
    descriptions={
        "de": "Bestätigt die gemeldete Anschrift. Gültig zusammen mit einem Lichtbildausweis.",
        "en": "Confirms the registered address. Valid together with a photo ID.",
    },
    claims=(
        Claim("certificate_number", 1, {"de": "Bescheinigungsnummer", "en": "Certificate number"},
              ClaimKind.NUMBER, in_qr=True),
        Claim(
            "given_name", 2, {"de": "Vorname", "en": "Given name"},
            front=True, in_qr=True, holder_field="given_name",
        ),
        Claim("family_name", 3, {"de": "Familienname", "en": "Family name"},
              front=True, in_qr=True, holder_field="family_name"),
        Claim("date_of_birth", 4, {"de": "Geburtsdatum", "en": "Date of birth"}, ClaimKind.DATE,
              holder_field="date_of_birth", withheld=True, visible_to=_DESK),
        Claim("street", 5, {"de": "Straße", "en": "Street"}, front=True, in_qr=True, holder_field="street"),
        Claim("postcode", 6, {"de": "Postleitzahl", "en": "Postcode"}, front=True, in_qr=True, holder_field="postcode"),
        Claim("city", 7, {"de": "Ort", "en": "City"}, front=True, in_qr=True, holder_field="city"),
    ),
    validity=Validity(longest_days=366, period_days=90, renewal_window_days=14),
    max_status_age=7 * 24 * 3600,
    front_code=FrontCode.SIGNED_QR,
    look=Look(background="#33404d", foreground="#ffffff", label="#d8e0e8"),
)  # fmt: skip
