"""Paper: a PDF with letters, each with a card to cut out and, for parking permits, a sheet for the windscreen.

The PDF is accessible (PDF/UA-1, ISO 14289-1) and archivable (PDF/A-3a, ISO 19005-3): tagged, with a language, a title
and a text for every picture. The templates are Typst files beside this one.
"""

from __future__ import annotations

from datetime import datetime

from issuers.settings import IssuerSettings
from issuers.wallets import CarriedPass, Offer, SignerSource
from issuers.wallets.paper.letter import letter, title_of
from issuers.wallets.paper.press import Press, Sheets

PAPER = "paper"


class PaperWallet:
    """Prints passes."""

    name = PAPER
    forms: tuple[str, ...] = ("pdf",)

    def __init__(self, settings: IssuerSettings) -> None:
        self._settings, self._press = settings, Press()

    def offer(self, carried: CarriedPass, form: str, now: datetime) -> Offer:
        """The PDF; raises `NotPrintable` when a value has characters that no font here can show."""
        letters = [letter(carried, self._settings, now)]
        sheets = Sheets(title_of(carried), self._settings.city_name, letters, int(now.timestamp()))
        return Offer(self._press.print(sheets), "application/pdf", f"{carried.pass_type.name}.{form}")


def build(settings: IssuerSettings, signer_for: SignerSource) -> PaperWallet:  # noqa: ARG001 - the register's signature
    """The wallet for the register; paper carries what is signed already and needs no key."""
    return PaperWallet(settings)
