"""Paper: a PDF with letters, each with a card to cut out and, for parking permits, a sheet for the windscreen.

The PDF is accessible (PDF/UA-1, ISO 14289-1) and archivable (PDF/A-3a, ISO 19005-3): tagged, with a language, a title
and a text for every picture. The templates are Typst files beside this one; what people typed reaches them only as
JSON values, never as source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import cast

import typst

from issuers.settings import IssuerSettings
from issuers.wallets import CarriedPass, Offer, SignerSource
from issuers.wallets.paper.letter import document, letter, title_of
from walletpass.errors import WalletPassError

TEMPLATES = Path(__file__).parent


class NotPrintable(WalletPassError):
    """The PDF cannot be made: mostly a script that the fonts at hand do not have."""

    code = "not_printable"


class PaperWallet:
    """Prints passes. The compiler, its fonts and the parsed templates are prepared once; one thread uses it at a time.

    System fonts are ignored, so that every machine prints the same page; Typst reads no file outside this folder.
    """

    name = "paper"
    forms: tuple[str, ...] = ("pdf",)

    def __init__(self, settings: IssuerSettings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._compiler = typst.Compiler(
            input=TEMPLATES / "letter.typ", root=TEMPLATES, ignore_system_fonts=True, sys_inputs={}
        )

    def offer(self, carried: CarriedPass, form: str, now: datetime) -> Offer:
        """The PDF; raises `NotPrintable` when a value has characters that no font here can show."""
        body = self.print([letter(carried, self._settings, now)], title_of(carried), now)
        return Offer(body, "application/pdf", f"{carried.pass_type.name}.{form}")

    def print(self, letters: Sequence[Mapping[str, object]], title: str, now: datetime) -> bytes:
        """One PDF of many letters, in their order; raises `NotPrintable` when one of them cannot be printed."""
        inputs = {"letters": document(letters, title, self._settings)}
        try:
            with self._lock:
                body = self._compiler.compile(
                    format="pdf", sys_inputs=inputs, pdf_standards=["ua-1", "a-3a"], timestamp=int(now.timestamp())
                )
        except typst.TypstError as refusal:
            raise NotPrintable(_sentence(refusal)) from None  # Typst's own message quotes what was to be printed
        return cast(bytes, body)


def _sentence(refusal: typst.TypstError) -> str:
    if "could not be displayed" in refusal.message or "font" in refusal.message:
        return "A name or address has characters that our fonts do not have; use the spelling in Latin letters."
    return "The PDF could not be made from this pass; look at unusually long or odd values."


def build(settings: IssuerSettings, signer_for: SignerSource) -> PaperWallet:  # noqa: ARG001 - the register's signature
    """The wallet for the register; paper carries what is signed already and needs no key."""
    return PaperWallet(settings)
