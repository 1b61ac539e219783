"""Reading a delimited text file as departments really export it: row by row, in bounded memory, losing nothing.

A broken row becomes a `RowFailure` and the reading goes on with the next physical line; a file that cannot be read as
a whole is refused with `SourceRefused` when it is opened. What the columns mean is not known here.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO

from issuers.sources.errors import RowFailure, SourceRefused
from issuers.sources.text_encoding import detect_encoding

MAX_ROW = 20_000  # characters, line breaks in quotes included
MAX_LINES = 50  # of one row
MAX_READ_AGAIN = 1000  # rows with an open quote, whose lines after the first are read again
MAX_COLUMNS = 200
DELIMITERS = (";", ",", "\t")

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# Blank lines, and the line by which Excel is told the delimiter.
_PREAMBLE = re.compile(r"(?:[ \t]*(?:\r\n|\r|\n))*(?:sep=([;,\t])(?:\r\n|\r|\n))?", re.IGNORECASE)
# An umlaut or accent in UTF-8 (C3 and a continuation byte), read as CP1252 or ISO-8859-1: no German text has these.
_UTF8_MISREAD = re.compile(
    "\u00c3[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)


class SourceFile:
    """A delimited text file, looked through once: `encoding`, `delimiter`, `header` (trimmed), `total_bytes`.

    `bytes_read` grows while `rows()` is consumed, for a progress bar. Raises `SourceRefused`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes_read = 0
        with _opened(path) as raw:
            self.encoding = detect_encoding(raw)
            self.total_bytes = raw.tell()
            raw.seek(0)
            head = _text(raw, self.encoding).read(MAX_ROW)
        preamble = _PREAMBLE.match(head)
        assert preamble is not None  # every part of it may be absent
        self._preamble_lines = len(_LINE_BREAK.findall(preamble.group()))
        self.delimiter = preamble[1] or detect_delimiter(head[preamble.end() :])
        with _opened(path) as raw:
            self.header = self._read_header(self._lines(raw))

    def rows(self) -> Iterator[tuple[int, list[str]] | RowFailure]:
        """Each row as (the line it starts on, its cells): as many as the header has. Blank rows are passed over."""
        width = len(self.header)
        with _opened(self.path) as raw:
            lines = self._lines(raw)
            if self._read_header(lines) != self.header:
                raise SourceRefused("file_changed", _CHANGED)
            misread = _UTF8_MISREAD if self.encoding in ("cp1252", "latin-1") else None
            for found in _records(lines, self.delimiter):
                self.bytes_read = raw.tell()
                if isinstance(found, RowFailure):
                    yield found
                    continue
                line, row = found
                if len(row) != width and not _fit(row, width):
                    yield _ragged(line, row, width)
                elif misread and misread.search("\n".join(row)):
                    yield RowFailure(line, "", "bad_encoding", _MIXED, tuple(row))
                elif any(row):
                    yield line, row
        self.bytes_read = self.total_bytes

    def _lines(self, raw: BinaryIO) -> _Lines:
        lines = _Lines(_text(raw, self.encoding))
        for _ in range(self._preamble_lines):
            next(lines)
        lines.next_record()
        return lines

    def _read_header(self, lines: _Lines) -> tuple[str, ...]:
        first = next(_records(lines, self.delimiter), None)
        if first is None:
            raise SourceRefused("file_empty", "The file is empty.")
        if isinstance(first, RowFailure) or len(first[1]) > MAX_COLUMNS:
            sentence = f"The first line is no list of column names: too long, more than {MAX_COLUMNS}, or open quotes."
            raise SourceRefused("bad_header", sentence)
        if any("\n" in name and self.delimiter in name for name in first[1]):
            raise SourceRefused("bad_header", "A quotation mark in the first line is open: the next row is in a name.")
        return tuple(name.strip() for name in first[1])


_CHANGED = "The file was changed while it was read; import it again."
_MIXED = "This row is UTF-8, but other rows of the file are not; save the whole file in one encoding."
_TOO_LONG = f"The row has more than {MAX_ROW} characters or {MAX_LINES} lines, or a quote is open."
_OPEN_QUOTES = (
    f"More than {MAX_READ_AGAIN} rows have an open quotation mark, so reading ended in line {{}}; the rows before it "
    "may have been imported. Correct the quotation marks, or export the list anew, and import it again."
)


def detect_delimiter(head: str) -> str:
    """The one of `;`, `,` and tab that is most frequent outside quotes in the first line."""
    counts = dict.fromkeys(DELIMITERS, 0)
    quoted = False
    for char in head:
        if char == '"':
            quoted = not quoted
        elif not quoted and char in "\r\n":
            break
        elif not quoted and char in counts:
            counts[char] += 1
    return max(counts, key=lambda delimiter: counts[delimiter])


class _TooLong(Exception):
    """A row beyond `MAX_ROW` or `MAX_LINES`; raised through `csv.reader`, which forgets the row."""


class _Lines:
    """Physical lines for `csv.reader`, bounded; `record` holds those of the row being read."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self.record: list[str] = []
        self.start = 1
        self._size = 0
        self._times_again = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.record.append(line)
        self._size += len(line)
        if self._size > MAX_ROW or len(self.record) > MAX_LINES:
            raise _TooLong
        return line

    def next_record(self) -> None:
        """Forget the row that was read."""
        self.start += len(self.record)
        self.record = []
        self._size = 0

    def after_first_line(self) -> None:
        """Forget only the row's first line: the others are read again, but not in a file that is full of such rows."""
        if len(self.record) > 1:
            self._times_again += 1
            self._again.extendleft(reversed(self.record[1:]))
            del self.record[1:]
        if self._times_again > MAX_READ_AGAIN:
            raise SourceRefused("bad_quotes", _OPEN_QUOTES.format(self.start))
        self.next_record()

    def _read(self) -> str:
        line = rest = self._text.readline(MAX_ROW)
        while len(rest) == MAX_ROW and not rest.endswith(("\n", "\r")):
            rest = self._text.readline(MAX_ROW)
        # One character more than fits: the row is refused, and its beginning is all that is kept of it.
        return line if rest is line else line + "\n"


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[int, list[str]] | RowFailure]:
    # strict: otherwise an open quote silently swallows the rows up to the next quote.
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            sentence = "The quotation marks of this row do not match; quotes inside a quoted cell are doubled."
            yield _broken(lines, "bad_quotes", sentence)
        except _TooLong:
            yield _broken(lines, "row_too_long", _TOO_LONG)
        else:
            start = lines.start
            lines.next_record()
            if row:
                yield start, row


def _broken(lines: _Lines, code: str, sentence: str) -> RowFailure:
    """Only the first physical line is given up: the rows after an open quote are whole."""
    failure = RowFailure(lines.start, "", code, sentence, (lines.record[0].rstrip("\r\n"),))
    lines.after_first_line()
    return failure


def _fit(row: list[str], width: int) -> bool:
    """Whether the row, freed of empty cells beyond the header, has the header's width; blank rows have any."""
    while len(row) > width and not row[-1].strip():
        row.pop()
    if not any(cell.strip() for cell in row):
        row.clear()
        return True
    return len(row) == width


def _ragged(line: int, row: list[str], width: int) -> RowFailure:
    sentence = f"The row has {len(row)} cells, the header {width}; a delimiter inside a cell needs quotes around it."
    return RowFailure(line, "", "ragged_row", sentence, tuple(row))


def _text(raw: BinaryIO, encoding: str) -> TextIO:
    return io.TextIOWrapper(raw, encoding=encoding, newline="")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if not path.exists():
            raise SourceRefused("file_not_found", f"There is no file {path.name}.")
        if not path.is_file():
            raise SourceRefused("not_a_file", f"{path} is a folder or a device, not a file.")
        with path.open("rb") as raw:
            yield raw
    except OSError:
        raise SourceRefused("file_unreadable", f"The file {path.name} cannot be read; check its permissions.") from None
    except UnicodeDecodeError:
        raise SourceRefused("file_changed", _CHANGED) from None
