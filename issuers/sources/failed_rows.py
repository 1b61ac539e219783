"""Writing out the rows that failed, in the form of their file, so that they can be corrected and imported again.

Cells stay as they were, also those that begin with `=`, `+`, `-` or `@`: the file goes back into the system it came
from, and a protecting apostrophe would change a number or a plate. The last two columns say what is wrong; they are
ignored, and replaced, when the file is imported again.
"""

from __future__ import annotations

import contextlib
import csv
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from issuers.sources.errors import FailedRowsNotWritten, RowFailure

ERROR_COLUMNS = ("error_column", "error")
_NOT_WRITTEN = "The file of failed rows could not be written; is there space and a right to write?"


class FailedRows:
    """A file of failed rows that appears whole when the `with` block ends well, and not at all otherwise.

    Mode 0600 from its first byte: it holds personal data. Raises `FailedRowsNotWritten`.
    """

    def __init__(self, path: Path, header: Sequence[str], delimiter: str, encoding: str) -> None:
        self._path = path
        names = [name.lower() for name in header]
        self._kept = [index for index, name in enumerate(names) if name not in ERROR_COLUMNS]
        self._left_out = frozenset(range(len(names))).difference(self._kept)
        try:
            descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            self._beside = Path(beside)
            # Cells come from this encoding and fit it; only our own sentences could need a replacement.
            self._file = open(descriptor, "w", encoding=encoding, errors="replace", newline="")  # noqa: SIM115, PTH123
        except OSError:
            raise FailedRowsNotWritten(_NOT_WRITTEN) from None
        self._writer = csv.writer(self._file, delimiter=delimiter)
        self._write([*(header[index] for index in self._kept), *ERROR_COLUMNS])

    def add(self, failure: RowFailure) -> None:
        """Write one row, filled up to the header's width, and what is wrong with it."""
        cells = [cell for index, cell in enumerate(failure.row) if index not in self._left_out]
        cells += [""] * (len(self._kept) - len(cells))
        self._write([*cells, failure.column, f"{failure.sentence} [{failure.code}]"])

    def _write(self, row: Sequence[str]) -> None:
        try:
            self._writer.writerow(row)
        except OSError:
            raise FailedRowsNotWritten(_NOT_WRITTEN) from None

    def __enter__(self) -> FailedRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._file.flush()
                os.fsync(self._file.fileno())
                self._beside.replace(self._path)
        except OSError:
            raise FailedRowsNotWritten(_NOT_WRITTEN) from None
        finally:
            with contextlib.suppress(OSError):
                self._file.close()
            self._beside.unlink(missing_ok=True)
