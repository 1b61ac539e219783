"""The social pass (Düsselpass). The inspector compares name and year of birth with a photo ID."""

from __future__ import annotations

from walletpass.pass_type import Category, Claim, ClaimKind, FrontCode, Look, PassType, Validity

PASS_TYPE = PassType(
    name="social_pass",
    number=3,
    version=1,
    department="social",
    category=Category.MEMBERSHIP,
    labels={"de": "Düsselpass", "en": "Social pass"},
    descriptions={
        "de": "Ermäßigungen in Bädern, Museen und Bibliotheken. Gültig zusammen mit einem Lichtbildausweis.",
        "en": "Reduced prices in pools, museums and libraries. Valid together with a photo ID.",
    },
    claims=(
        Claim("pass_number", 1, {"de": "Passnummer", "en": "Pass number"}, ClaimKind.NUMBER, in_qr=True),
        Claim(
            "given_name", 2, {"de": "Vorname", "en": "Given name"},
            front=True, in_qr=True, holder_field="given_name",
        ),
        Claim(
            "family_name", 3, {"de": "Familienname", "en": "Family name"},
            front=True, in_qr=True, holder_field="family_name",
        ),
        Claim(
            "birth_year", 4, {"de": "Geburtsjahr", "en": "Year of birth"}, ClaimKind.YEAR,
            front=True, in_qr=True, holder_field="date_of_birth",
        ),
    ),
    validity=Validity(longest_days=3 * 366, period_days=365, renewal_window_days=60),
    max_status_age=7 * 24 * 3600,
    front_code=FrontCode.SIGNED_QR,
    look=Look(background="#0f5c4a", foreground="#ffffff", label="#cdeee4"),
)  # fmt: skip
