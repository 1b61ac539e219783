"""The volunteer card (Ehrenamtskarte)."""

from __future__ import annotations

from walletpass.pass_type import Category, Claim, ClaimKind, FrontCode, Look, PassType, Validity

PASS_TYPE = PassType(
    name="volunteer_card",
    number=4,
    version=1,
    department="volunteering",
    category=Category.MEMBERSHIP,
    labels={"de": "Ehrenamtskarte", "en": "Volunteer card"},
    descriptions={
        "de": "Dank und Vergünstigungen für alle, die sich freiwillig engagieren.",
        "en": "Thanks and discounts for everyone who volunteers.",
    },
    claims=(
        Claim("card_number", 1, {"de": "Kartennummer", "en": "Card number"}, ClaimKind.NUMBER, in_qr=True),
        Claim(
            "given_name", 2, {"de": "Vorname", "en": "Given name"},
            front=True, in_qr=True, holder_field="given_name",
        ),
        Claim(
            "family_name", 3, {"de": "Familienname", "en": "Family name"},
            front=True, in_qr=True, holder_field="family_name",
        ),
        Claim(
            "for_life", 4, {"de": "Jubiläumskarte", "en": "Jubilee card"}, ClaimKind.FLAG,
            mandatory=False, front=True, in_qr=True,
        ),
    ),
    validity=Validity(longest_days=75 * 366, period_days=3 * 365, renewal_window_days=90),
    max_status_age=7 * 24 * 3600,
    front_code=FrontCode.SIGNED_QR,
    look=Look(background="#8a4b08", foreground="#ffffff", label="#fbe4c7"),
)  # fmt: skip
