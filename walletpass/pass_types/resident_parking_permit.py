"""The resident parking permit (Bewohnerparkausweis), StVO § 45 (1b) no. 2a. No name in the QR credential."""

from __future__ import annotations

from walletpass.pass_type import Category, Claim, ClaimKind, FrontCode, Look, PassType, Validity

PASS_TYPE = PassType(
    name="resident_parking_permit",
    number=2,
    version=1,
    department="parking",
    category=Category.PARKING,
    labels={"de": "Bewohnerparkausweis", "en": "Resident parking permit"},
    descriptions={
        "de": "Parken ohne Parkschein in der eigenen Bewohnerparkzone.",
        "en": "Parking without a ticket in your own resident zone.",
    },
    claims=(
        Claim("permit_number", 1, {"de": "Ausweisnummer", "en": "Permit number"}, ClaimKind.NUMBER, 16, in_qr=True),
        Claim("zone", 2, {"de": "Zone", "en": "Zone"}, ClaimKind.ZONE, front=True, in_qr=True),
        Claim(
            "plates", 3, {"de": "Kennzeichen", "en": "Licence plates"}, ClaimKind.PLATES,
            mandatory=False, front=True, in_qr=True,
        ),
        Claim(
            "changing_vehicles", 4, {"de": "Wechselnde Fahrzeuge", "en": "Changing vehicles"}, ClaimKind.FLAG,
            mandatory=False, front=True, in_qr=True,
        ),
    ),
    validity=Validity(longest_days=5 * 366, period_days=365, renewal_window_days=60),
    max_status_age=24 * 3600,
    front_code=FrontCode.SIGNED_QR,
    look=Look(background="#0b4f8a", foreground="#ffffff", label="#cfe6fa"),
)  # fmt: skip
