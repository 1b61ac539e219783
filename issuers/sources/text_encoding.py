"""Finding out how a file is encoded by reading all of it once, in bounded memory.

German exports come as UTF-8 with and without byte order mark, as Windows' CP1252 and as ISO-8859-1. One look at the
beginning is not enough: the first umlaut may be in the last row.
"""

from __future__ import annotations

import codecs
from typing import BinaryIO

from issuers.sources.errors import SourceRefused

_CHUNK = 1 << 20
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SIGNATURES = {
    b"PK\x03\x04": "an Excel or OpenDocument workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive",
}
# The five bytes that mean nothing in CP1252.
_NOT_CP1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")


def detect_encoding(file: BinaryIO) -> str:
    """`utf-8`, `utf-8-sig`, `cp1252` or `latin-1`, whichever fits the file (read from its start to its end).

    Raises `SourceRefused`: `file_empty`, `not_a_text_file`, or `bad_encoding` for UTF-16 and broken UTF-8.
    """
    chunk = file.read(_CHUNK)
    _refuse_other_formats(chunk)
    marked = chunk.startswith(codecs.BOM_UTF8)
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_utf8, is_cp1252, lines = True, True, 1
    while chunk:
        if b"\0" in chunk:
            raise SourceRefused("not_a_text_file", "This is no text file: it holds NUL bytes. Save the list as CSV.")
        is_cp1252 = is_cp1252 and not any(byte in chunk for byte in _NOT_CP1252)
        following = file.read(_CHUNK)
        if is_utf8:
            try:
                decoder.decode(chunk, final=not following)
            except UnicodeDecodeError as problem:
                is_utf8 = False
                if marked:
                    lines += problem.object[: problem.start].count(b"\n")
                    sentence = f"The file says it is UTF-8, but around line {lines} it is not; export it again."
                    raise SourceRefused("bad_encoding", sentence) from None
        lines += chunk.count(b"\n")
        chunk = following
    if is_utf8:
        return "utf-8-sig" if marked else "utf-8"
    return "cp1252" if is_cp1252 else "latin-1"


def _refuse_other_formats(start: bytes) -> None:
    if not start.strip() or start == codecs.BOM_UTF8:
        raise SourceRefused("file_empty", "The file is empty.")
    if start.startswith(_UTF16_MARKS):
        raise SourceRefused("bad_encoding", "The file is UTF-16 (“Unicode text”); save it as CSV in UTF-8.")
    for signature, name in _SIGNATURES.items():
        if start.startswith(signature):
            raise SourceRefused("not_a_text_file", f"This is {name}, not a text file; save the list as CSV.")
