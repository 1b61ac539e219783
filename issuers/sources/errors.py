"""What goes wrong with a department's file: as a whole, or in one row."""

from __future__ import annotations

from dataclasses import dataclass

from walletpass.errors import WalletPassError


class SourceRefused(WalletPassError):
    """The file is refused as a whole, before or (`bad_quotes`, `file_changed`) while it is read.

    `code` is one of `file_not_found`, `not_a_file`, `file_unreadable`, `file_empty`, `not_a_text_file`,
    `bad_encoding`, `bad_header`, `missing_column`, `duplicate_column`, `bad_quotes`, `file_changed`.
    """

    code = "source_refused"
    wrong_usage = True

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class FailedRowsNotWritten(WalletPassError):
    """The file of failed rows could not be written; whatever was there before is untouched."""

    code = "failed_rows_not_written"


@dataclass(frozen=True, slots=True)
class RowFailure:
    """The first problem of one row; the rest of the file goes on.

    `line` is the physical line the row starts on (the first line of a file is 1; line breaks inside quotes count).
    `column` is the file's own name of the column, empty when the row as a whole is broken. `row` holds the cells as
    they are in the file, so that it can be written out, corrected and imported again: personal data, never logged.
    `number` is what stands in the column of the number, if it is one.
    """

    line: int
    column: str
    code: str
    sentence: str
    row: tuple[str, ...]
    number: str = ""
