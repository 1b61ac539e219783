"""The words on an Apple pass, in German and English, and the `pass.strings` files that translate them.

pass.json holds the German text, which is also the key of the translation: a phone in a third language shows German.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from datetime import date

from issuers.shown import shown_date
from walletpass.pass_type import FrontCode
from walletpass.status import Status

NAME = ("Name", "Name")
VALID_FROM = ("Gültig ab", "Valid from")
VALID_UNTIL = ("Gültig bis", "Valid until")
RENEWED = ("Jetzt gültig bis %@", "Now valid until %@")
YES = ("Ja", "Yes")
ABOUT = ("Beschreibung", "Description")
CHECKING = ("So wird geprüft", "How it is checked")
ISSUER = ("Herausgegeben von", "Issued by")
STATUS = ("Status", "Status")
STATUS_CHANGED = ("Neuer Status: %@", "New status: %@")
ENDED = ("Auf diesem Gerät beendet", "Ended on this device")  # the copy of a phone that was lost
NOTE = ("Hinweis", "Note")
STATUS_WORDS: dict[Status, tuple[str, str]] = {
    Status.VALID: ("Nicht ausgesetzt oder widerrufen", "Not suspended or revoked"),
    Status.SUSPENDED: ("Ausgesetzt", "Suspended"),
    Status.INVALID: ("Widerrufen", "Revoked"),
}
HOW_TO_CHECK: dict[FrontCode, tuple[str, str]] = {
    FrontCode.SIGNED_QR: (
        "Wer kontrolliert, scannt den Code auf der Vorderseite. Er ist digital unterschrieben und lässt sich auch "
        "ohne Netz prüfen. Es zählt das Ergebnis dieser Prüfung, nicht das Aussehen der Anzeige.",
        "Inspectors scan the code on the front. It is digitally signed and can be checked without a network. What "
        "counts is the result of that check, not the look of this display.",
    ),
    FrontCode.CARD_NUMBER: (
        "Halten Sie den Strichcode an das Lesegerät. Er enthält nur die Nummer, die auch darunter steht; ob der "
        "Ausweis gilt, sagt das System der Einrichtung.",
        "Hold the barcode to the reader. It holds only the number that is printed beneath it; whether the card is "
        "valid is known to the institution's own system.",
    ),
}


def reminder_texts(days: int, last_day: date) -> tuple[str, str]:
    """What a phone says some days before the end; a text of its own for each number of days, or nothing shows."""
    german, english = shown_date(last_day, "de"), shown_date(last_day, "en")
    return (
        f"Ihr Ausweis endet in höchstens {days} Tagen, am {german}. Wenn Sie ihn weiter brauchen, verlängern Sie ihn "
        "bitte rechtzeitig.",
        f"Your pass ends within {days} days, on {english}. If you still need it, please renew it in time.",
    )


class Wording:
    """The texts one type of pass uses: German, and what each becomes in English."""

    def __init__(self) -> None:
        self._english: dict[str, str] = {}

    def use(self, german: str, english: str) -> str:
        """Take a text in and return what pass.json holds; raises `ValueError` if it already means something else."""
        if self._english.setdefault(german, english) != english:
            raise ValueError(f"two English texts for {german!r}: {self._english[german]!r} and {english!r}")
        return german

    def guard(self, value: str) -> str:
        """A person's value that no phone may translate: the family name Ort is not "City".

        Wallet looks up values as well as labels. Values never end with a blank (`claims.clean_text`), so one
        no-break space makes an unlucky value miss the table, and nobody sees it.
        """
        return f"{value}\N{NO-BREAK SPACE}" if value in self._english else value

    def files(self, *more: tuple[str, str]) -> dict[str, bytes]:
        """The `pass.strings` of each language by path, with further pairs of German and English."""
        english = self._english | dict(more)
        tables = {"de": {german: german for german in english}, "en": english}
        return {f"{language}.lproj/pass.strings": strings_file(table) for language, table in tables.items()}


def strings_file(table: Mapping[str, str]) -> bytes:
    """A `pass.strings` file: UTF-16 with byte order mark, one quoted pair a line."""
    lines = (f'"{_escape(key)}" = "{_escape(text)}";\n' for key, text in table.items())
    return codecs.BOM_UTF16_LE + "".join(lines).encode("utf-16-le")


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
