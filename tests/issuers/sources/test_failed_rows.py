"""Failed rows come back in the form of their file, so that a corrected file can be imported."""

from __future__ import annotations

from datetime import date

import pytest

from issuers.sources.csv_file import SourceFile
from issuers.sources.entitlements import read_entitlements
from issuers.sources.errors import FailedRowsNotWritten, RowFailure
from issuers.sources.failed_rows import FailedRows

TODAY = date(2026, 11, 23)
HEADER = "permit_no;zone;plate1;valid_from;valid_until;family_name"


def write_failed(path, header, delimiter, encoding, failures):
    with FailedRows(path, header, delimiter, encoding) as failed:
        for failure in failures:
            failed.add(failure)


@pytest.fixture
def read(catalogue):
    def entitlements(path):
        return list(read_entitlements(path, catalogue.named("resident_parking_permit"), TODAY))

    return entitlements


def write_failures_of(path, read, target):
    file = SourceFile(path)
    write_failed(
        target, file.header, file.delimiter, file.encoding, [f for f in read(path) if isinstance(f, RowFailure)]
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_failed_rows_are_written_corrected_and_imported_again(written, read, tmp_path, encoding):
    bad = 'BP-2;ABCDE;-AB 1;01.01.2026;31.12.2026;"Weiß; ""Zoë""\nHinterhaus"\n'
    path = written(f"{HEADER}\nBP-1;7;;01.01.2026;31.12.2026;Löwe\n{bad}", encoding)
    failed = tmp_path / "failed.csv"
    write_failures_of(path, read, failed)
    text = failed.read_bytes().decode(encoding)
    assert text.startswith(f"error_column;error;{HEADER}\r\n")
    assert f"[bad_zone];{bad.strip()}" in text and "\nzone;" in text
    assert SourceFile(failed).encoding == encoding
    failed.write_bytes(text.replace("ABCDE", "7").replace("-AB 1", "D-AB 1").encode(encoding))
    (permit,) = read(failed)
    assert permit.external_number == "BP-2"
    assert permit.holders[0].family_name == 'Weiß; "Zoë" Hinterhaus'


def test_failing_again_replaces_the_error_columns(written, read, tmp_path):
    path, once, twice = written(f"{HEADER}\nBP-1;ABCDE;;01.01.2026;31.12.2026;\n"), tmp_path / "1", tmp_path / "2"
    write_failures_of(path, read, once)
    write_failures_of(once, read, twice)
    assert once.read_bytes() == twice.read_bytes()


def test_broken_rows_are_kept_as_they_are(written, read, tmp_path):
    path = written(f'{HEADER}\nBP-1;7\nBP-2;7;"open;1;2;3\n')
    failed = tmp_path / "failed.csv"
    write_failures_of(path, read, failed)
    short, broken = read(failed)
    assert [short.code, broken.code] == ["ragged_row", "ragged_row"], "nothing of it is taken for a whole row"
    assert short.row[2:] == ("BP-1", "7") and short.row[1].endswith("[ragged_row]")
    assert broken.row[2] == 'BP-2;7;"open;1;2;3' and broken.row[1].endswith("[bad_quotes]")


def test_a_sentence_may_hold_what_the_encoding_lacks(tmp_path):
    failure = RowFailure(2, "zone", "bad_zone", "There is no zone Ÿ.", ("BP-1", "ÿ"))
    write_failed(tmp_path / "failed.csv", ("permit_no", "zone"), ";", "latin-1", [failure])
    assert b"zone;There is no zone ?. [bad_zone];BP-1;\xff" in (tmp_path / "failed.csv").read_bytes()


def test_the_file_is_private_and_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "failed.csv"
    target.write_text("before")

    def failures():
        yield RowFailure(2, "no", "bad_number", "No.", ("1",))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_failed(target, ("no",), ";", "utf-8", failures())
    assert target.read_text() == "before"
    write_failed(target, ("no",), ";", "utf-8", [])
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["failed.csv"]


def test_a_folder_that_is_not_there_and_a_full_disk_are_reported(tmp_path):
    with pytest.raises(FailedRowsNotWritten):
        write_failed(tmp_path / "none" / "failed.csv", ("no",), ";", "utf-8", [])
    (tmp_path / "failed.csv").mkdir()
    with pytest.raises(FailedRowsNotWritten):
        write_failed(tmp_path / "failed.csv", ("no",), ";", "utf-8", [])
    assert [path.name for path in tmp_path.iterdir()] == ["failed.csv"]
