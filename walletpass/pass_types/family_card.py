"""The family card (Familienkarte): one card for parents and children of a household."""

from __future__ import annotations

from walletpass.pass_type import Category, Claim, ClaimKind, FrontCode, Look, PassType, Validity

PASS_TYPE = PassType(
    name="family_card",
    number=5,
    version=1,
    department="family",
    category=Category.MEMBERSHIP,
    labels={"de": "Familienkarte", "en": "Family card"},
    descriptions={
        "de": "Vergünstigungen für Familien mit Kindern unter 18 Jahren.",
        "en": "Discounts for families with children under 18.",
    },
    claims=(
        Claim("card_number", 1, {"de": "Kartennummer", "en": "Card number"}, ClaimKind.NUMBER, in_qr=True),
        Claim(
            "given_name", 2, {"de": "Vorname", "en": "Given name"},
            mandatory=False, front=True, in_qr=True, holder_field="given_name",
        ),
        Claim(
            "family_name", 3, {"de": "Familienname", "en": "Family name"},
            front=True, in_qr=True, holder_field="family_name",
        ),
        Claim(
            "children", 4, {"de": "Kinder", "en": "Children"}, ClaimKind.COUNT,
            mandatory=False, front=True, in_qr=True,
        ),
    ),
    validity=Validity(longest_days=19 * 366, period_days=3 * 365, renewal_window_days=90),
    max_status_age=7 * 24 * 3600,
    front_code=FrontCode.SIGNED_QR,
    look=Look(background="#4a2a7f", foreground="#ffffff", label="#e2d6f7"),
)  # fmt: skip
