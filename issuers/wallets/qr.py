"""The QR code itself, as text or picture: for own printing, other wallets and every phone without one."""

from __future__ import annotations

from datetime import datetime

from issuers.settings import IssuerSettings
from issuers.symbols import png, qr_symbol, svg
from issuers.wallets import CarriedPass, Offer, SignerSource

PIXELS_PER_MODULE = 8


class QrWallet:
    """The signed QR credential without any packaging."""

    name = "qr"
    forms = ("txt", "svg", "png")

    def offer(self, carried: CarriedPass, form: str, now: datetime) -> Offer:  # noqa: ARG002 - the port's signature
        """The bare QR text, an SVG, or a PNG."""
        file_name = f"{carried.pass_type.name}.{form}"
        if form == "txt":
            return Offer(carried.qr_text.encode("ascii"), "text/plain; charset=us-ascii", file_name)
        symbol = qr_symbol(carried.qr_text)
        if form == "png":
            return Offer(png(symbol, PIXELS_PER_MODULE), "image/png", file_name)
        label = carried.pass_type.labels["de"]
        picture = svg(
            symbol,
            title=f"QR-Code: {label}",
            description=f"Der von der Stadt unterschriebene QR-Code ({label}). Prüfgeräte lesen ihn vom Bildschirm "
            "oder vom Papier; die Ausweisdaten stehen auch als Text im Ausweis.",
        )
        return Offer(picture.encode(), "image/svg+xml", file_name)


def build(settings: IssuerSettings, signer_for: SignerSource) -> QrWallet:  # noqa: ARG001 - the register's signature
    """The wallet; it needs neither settings nor a key, for the QR text is signed already."""
    return QrWallet()
