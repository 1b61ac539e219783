"""The library card. Its front carries the card's own number, so that self-checkout machines keep beeping."""

from __future__ import annotations

from walletpass.pass_type import Audience, Category, Claim, ClaimKind, FrontCode, Look, PassType, Validity

_DESK = frozenset({Audience.HOLDER, Audience.DEPARTMENT})

PASS_TYPE = PassType(
    name="library_card",
    number=1,
    version=1,
    department="library",
    category=Category.LIBRARY,
    labels={"de": "Bibliotheksausweis", "en": "Library card"},
    descriptions={
        "de": "Ausleihen und Lernen in allen Stadtbüchereien.",
        "en": "Borrowing and studying in all city libraries.",
    },
    claims=(
        Claim("card_number", 1, {"de": "Ausweisnummer", "en": "Card number"}, ClaimKind.NUMBER, front=True, in_qr=True),
        Claim(
            "given_name", 2, {"de": "Vorname", "en": "Given name"},
            mandatory=False, front=True, holder_field="given_name", withheld=True, visible_to=_DESK,
        ),
        Claim(
            "family_name", 3, {"de": "Familienname", "en": "Family name"},
            front=True, holder_field="family_name", withheld=True, visible_to=_DESK,
        ),
    ),
    validity=Validity(longest_days=10 * 366, period_days=365, renewal_window_days=60),
    max_status_age=7 * 24 * 3600,
    front_code=FrontCode.CARD_NUMBER,
    look=Look(background="#7a1f3d", foreground="#ffffff", label="#f6d5df"),
)  # fmt: skip
