"""Writing out the rows that failed, in the form of their file, so that they can be corrected and imported again.

Cells stay as they were, also those that begin with `=`, `+`, `-` or `@`: the file goes back into the system it came
from, and a protecting apostrophe would change a number or a plate. The first two columns say what is wrong; they are
ignored, and replaced, when the file is imported again. They stand before the others so that a row that was too short
still is: filled up, its cells would be taken for values of the wrong columns.
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
        self._write([*ERROR_COLUMNS, *(header[index] for index in self._kept)])

    def add(self, failure: RowFailure) -> None:
        """Write what is wrong with a row, and its cells, as many as it has."""
        cells = [cell for index, cell in enumerate(failure.row) if index not in self._left_out]
        self._write([failure.column, f"{failure.sentence} [{failure.code}]", *cells])

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
