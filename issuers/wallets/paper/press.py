"""Typst, prepared once, and a press for whole batches that runs as a process of its own.

Typst keeps up to 2 MB a letter while it composes, 450 to 960 MB for a batch of 500, and gives them back when its
process ends; a worker beside it stays small. What is to be printed goes through a pipe, never through arguments, and
from there as JSON values into the templates, never as source.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, cast

import typst

from walletpass.errors import WalletPassError

TEMPLATES = Path(__file__).parent
NOT_PRINTABLE = "not_printable"
_LONGEST = 600  # seconds for a batch
_COMMAND = (sys.executable, "-m", "issuers.wallets.paper.press")
Letter = Mapping[str, object]


class NotPrintable(WalletPassError):
    """The PDF cannot be made: mostly a script that the fonts at hand do not have."""

    code = NOT_PRINTABLE


class PressFailed(WalletPassError):
    """The press did not end well, whatever it was given: there may be too little memory."""

    code = "press_failed"


class Sheets(NamedTuple):
    """What goes into a PDF; `printed_at` is the NumericDate that the file names."""

    title: str
    author: str
    letters: Sequence[Letter]
    printed_at: int


class Press:
    """The compiler, its fonts and the parsed templates; one thread uses it at a time.

    System fonts are ignored, so that every machine prints the same page; Typst reads no file outside this folder.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._compiler = typst.Compiler(
            input=TEMPLATES / "letter.typ", root=TEMPLATES, ignore_system_fonts=True, sys_inputs={}
        )

    def print(self, sheets: Sheets) -> bytes:
        """The PDF; raises `NotPrintable` when a value has characters that no font here can show."""
        document = {"title": sheets.title, "author": sheets.author, "letters": sheets.letters}
        try:
            with self._lock:
                body = self._compiler.compile(
                    format="pdf",
                    sys_inputs={"input": json.dumps(document, ensure_ascii=False)},
                    pdf_standards=["ua-1", "a-3a"],
                    timestamp=sheets.printed_at,
                )
        except typst.TypstError as refusal:
            raise NotPrintable(_sentence(refusal)) from None  # Typst's own message quotes what was to be printed
        return cast(bytes, body)

    def print_possible(self, sheets: Sheets) -> tuple[bytes, list[int]]:
        """The PDF of those letters that can be printed, empty for none, and the places of those that cannot."""
        try:
            return (self.print(sheets) if sheets.letters else b""), []
        except NotPrintable:
            left_out = [at for at, letter in enumerate(sheets.letters) if not self._can_print(sheets, letter)]
        good = [letter for at, letter in enumerate(sheets.letters) if at not in left_out]
        return (self.print(sheets._replace(letters=good)) if good else b""), left_out

    def _can_print(self, sheets: Sheets, letter: Letter) -> bool:
        try:
            self.print(sheets._replace(letters=[letter]))
        except NotPrintable:
            return False
        return True


def print_apart(sheets: Sheets) -> tuple[bytes, list[int]]:
    """As `Press.print_possible`, in a process that ends afterwards; raises `PressFailed`."""
    try:
        done = subprocess.run(  # noqa: S603 - our own module, nothing of what is printed
            _COMMAND, input=json.dumps(sheets._asdict()).encode(), capture_output=True, timeout=_LONGEST, check=True
        )
    except (subprocess.SubprocessError, OSError) as failure:
        ended = getattr(failure, "returncode", type(failure).__name__)
        raise PressFailed(f"The press ended with {ended}; the letters are printed later.") from None
    head, _, body = done.stdout.partition(b"\n")
    return body, json.loads(head)


def main() -> None:
    """Read a batch on stdin; write the places of what is left out, a line feed, and the PDF."""
    asked: dict[str, Any] = json.load(sys.stdin.buffer)
    body, left_out = Press().print_possible(Sheets(**asked))
    sys.stdout.buffer.write(json.dumps(left_out).encode() + b"\n" + body)


def _sentence(refusal: typst.TypstError) -> str:
    if "could not be displayed" in refusal.message or "font" in refusal.message:
        return "A name or address has characters that our fonts do not have; use the spelling in Latin letters."
    return "The PDF could not be made from this pass; look at unusually long or odd values."


if __name__ == "__main__":
    main()
