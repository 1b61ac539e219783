"""Files as departments export them: every encoding and delimiter, broken rows reported, broken files refused."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from issuers.sources import csv_file
from issuers.sources.csv_file import MAX_LINES, MAX_ROW, SourceFile
from issuers.sources.errors import RowFailure, SourceRefused


def refusal_of(path) -> SourceRefused:
    with pytest.raises(SourceRefused) as refusal:
        SourceFile(path)
    assert refusal.value.sentence.endswith(".")
    return refusal.value


def rows_and_failures(path):
    found = list(SourceFile(path).rows())
    rows = [item for item in found if not isinstance(item, RowFailure)]
    return rows, [(item.line, item.code) for item in found if isinstance(item, RowFailure)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "detected"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("cp1252", "cp1252"),
        ("iso-8859-1", "cp1252"),
        ("ascii", "utf-8"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_every_encoding_delimiter_and_line_end_reads_the_same(written, encoding, detected, delimiter, line_end):
    name = "Mueller" if encoding == "ascii" else "Müßig"
    path = written(f'No {delimiter}" Name "{line_end}1{delimiter}{name}{line_end}', encoding)
    file = SourceFile(path)
    assert (file.encoding, file.delimiter, file.header) == (detected, delimiter, ("No", "Name"))
    assert list(file.rows()) == [(2, ["1", name])]
    assert file.bytes_read == file.total_bytes == path.stat().st_size


def test_the_first_umlaut_may_stand_in_the_last_row(written):
    start = "no;name\n" + "1;Anna\n" * 400_000
    assert SourceFile(written(start + "2;Jürgen\n", "cp1252")).encoding == "cp1252"
    assert SourceFile(written(start + "2;Jürgen\n", "utf-8")).encoding == "utf-8"


def test_a_letter_cut_by_the_end_of_a_block_is_still_utf8(written):
    padding = "x" * ((1 << 20) - len("no;name\n1;") - 1)
    assert SourceFile(written(f"no;name\n1;{padding}ü\n")).encoding == "utf-8"


def test_bytes_that_cp1252_lacks_mean_iso_8859_1(written):
    file = SourceFile(written(b"no;name\n1;J\xfcrgen \x90\n"))
    assert file.encoding == "latin-1"


def test_the_euro_sign_and_quotes_of_windows_are_read(written):
    assert list(SourceFile(written("no;name\n1;„Zoë“ 5 €\n", "cp1252")).rows()) == [(2, ["1", "„Zoë“ 5 €"])]


def test_a_utf8_row_among_others_is_reported_and_not_garbled(written):
    content = "no;name\n1;Jürgen\n".encode("cp1252") + "2;Käthe\n".encode() + "3;Götz\n".encode("cp1252")
    rows, failures = rows_and_failures(written(content))
    assert rows == [(2, ["1", "Jürgen"]), (4, ["3", "Götz"])]
    assert failures == [(3, "bad_encoding")]


def test_utf8_with_a_mark_that_breaks_later_is_refused_with_the_line(written):
    refusal = refusal_of(written("\ufeffno;name\n1;ä\n".encode() + b"2;\xe4\n"))
    assert refusal.code == "bad_encoding" and "line 3" in refusal.sentence


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b" \r\n\n", "file_empty"),
        (b"\xef\xbb\xbf", "file_empty"),
        ("no;name\n1;ä\n".encode("utf-16"), "bad_encoding"),
        ("no;name\n1;ä\n".encode("utf-16-le"), "not_a_text_file"),
        (b"no;name\n1;\x00\n", "not_a_text_file"),
        (b"PK\x03\x04rest of a workbook", "not_a_text_file"),
        (b"\xd0\xcf\x11\xe0rest of an old workbook", "not_a_text_file"),
        (b"%PDF-1.7", "not_a_text_file"),
        (b"x" * (MAX_ROW + 1), "bad_header"),
        (b'"no;name\n1;2\n', "bad_header"),
        (b";".join([b"c"] * 201) + b"\n", "bad_header"),
    ],
)
def test_what_is_no_list_is_refused_as_a_whole(written, content, code):
    assert refusal_of(written(content)).code == code


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path):
    assert refusal_of(tmp_path / "none.csv").code == "file_not_found"
    assert refusal_of(tmp_path).code == "not_a_file"
    os.mkfifo(tmp_path / "pipe")
    assert refusal_of(tmp_path / "pipe").code == "not_a_file"
    (tmp_path / "file").write_text("x")
    assert refusal_of(tmp_path / "file" / "below").code in ("file_not_found", "file_unreadable")


def test_a_file_whose_reading_fails_is_refused():
    # The memory of our own process: a file that opens, even for root, and whose first byte cannot be read.
    assert refusal_of(Path("/proc/self/mem")).code == "file_unreadable"


def test_a_file_that_changes_between_the_two_readings_is_refused(written):
    file = SourceFile(written("no;name\n1;Anna\n"))
    written("other;name\n1;Anna\n")
    with pytest.raises(SourceRefused) as refusal:
        list(file.rows())
    assert refusal.value.code == "file_changed"
    file = SourceFile(written("no;name\n1;Anna\n"))
    written(b"no;name\n1;\xfcber\n")
    with pytest.raises(SourceRefused) as refusal:
        list(file.rows())
    assert refusal.value.code == "file_changed"


def test_line_breaks_in_quotes_count_as_lines(written):
    path = written('no;street\n1;"Weg 1\nHinterhaus\r\n3. Stock"\n2;Allee 2\n')
    assert list(SourceFile(path).rows()) == [(2, ["1", "Weg 1\nHinterhaus\r\n3. Stock"]), (5, ["2", "Allee 2"])]


def test_blank_lines_blank_rows_and_the_line_for_excel_are_passed_over(written):
    path = written("\n \nsep=;\nno;name\n\n;\n1;Anna\n;;;;\n2;Emil;;\n")
    file = SourceFile(path)
    assert (file.delimiter, file.header) == (";", ("no", "name"))
    assert list(file.rows()) == [(7, ["1", "Anna"]), (9, ["2", "Emil"])]


def test_delimiters_inside_quoted_column_names_do_not_count():
    assert csv_file.detect_delimiter('"a,b,c";d\ne,f,g') == ";"
    assert csv_file.detect_delimiter("a\tb,\tc") == "\t"


def test_a_ragged_row_is_reported_and_the_next_one_read(written):
    rows, failures = rows_and_failures(written("no;name\n1\n2;Anna;Köln\n3;Emil\n"))
    assert rows == [(4, ["3", "Emil"])]
    assert failures == [(2, "ragged_row"), (3, "ragged_row")]


@pytest.mark.parametrize("broken", ['1;"Anna', '1;"Anna" Maria', '"1;Anna'])
def test_an_open_quote_costs_its_own_row_only(written, broken):
    rows, failures = rows_and_failures(written(f'no;name\n{broken}\n2;"Emil"\n3;Götz\n'))
    assert rows == [(3, ["2", "Emil"]), (4, ["3", "Götz"])]
    assert failures == [(2, "bad_quotes")]


def test_an_open_quote_before_a_long_rest_costs_its_own_row_only(written):
    good = [f"{number};Anna" for number in range(5000)]
    rows, failures = rows_and_failures(written("\n".join(["no;name", '0;"x', *good])))
    assert [cells[0] for _, cells in rows] == [str(number) for number in range(5000)]
    assert rows[-1][0] == 5002
    assert failures == [(2, "row_too_long")]


@pytest.mark.parametrize("length", [MAX_ROW, 3 * MAX_ROW + 5])
def test_an_endless_row_is_reported_and_the_next_one_read(written, length):
    path = written(f"no;name\n1;{'x' * length}\n2;Emil\n")
    rows, failures = rows_and_failures(path)
    assert rows == [(3, ["2", "Emil"])]
    assert failures == [(2, "row_too_long")]
    kept = next(item for item in SourceFile(path).rows() if isinstance(item, RowFailure)).row
    assert len(kept[0]) == MAX_ROW


def test_a_file_full_of_open_quotes_is_refused_before_its_lines_were_read_too_often(written, monkeypatch):
    fed = []
    once = csv_file._Lines.__next__
    monkeypatch.setattr(csv_file._Lines, "__next__", lambda lines: fed.append(1) or once(lines))
    with pytest.raises(SourceRefused) as refusal:
        for _ in SourceFile(written("no;name\n" + 'a";"\n' * 3000)).rows():
            pass
    assert (refusal.value.code, "line 1002" in refusal.value.sentence) == ("bad_quotes", True)
    assert len(fed) < 1002 * (MAX_LINES + 2)


def test_quotes_that_break_in_their_own_line_never_end_the_reading(written):
    rows, failures = rows_and_failures(written("no;name\n" + '1;"Anna" Maria\n' * 3000 + "2;Emil\n"))
    assert (rows, len(failures)) == ([(3002, ["2", "Emil"])], 3000)


@pytest.mark.parametrize(("breaks", "good"), [(MAX_LINES - 1, True), (MAX_LINES, False)])
def test_a_row_may_have_as_many_lines_as_an_address_and_no_more(written, breaks, good):
    rows, failures = rows_and_failures(written(f'no;name\n1;"{"x" + chr(10) * breaks}"\n2;Emil\n'))
    assert (2, "row_too_long") not in failures if good else failures[0] == (2, "row_too_long")
    assert (rows[0][1][0], rows[-1][1]) == ("1" if good else "2", ["2", "Emil"])


def test_an_endless_row_after_an_open_quote_is_counted_once(written):
    rows, failures = rows_and_failures(written(f'no;name\n1;"x\n2;{"y" * 2 * MAX_ROW}\n3;Emil\n'))
    assert rows == [(4, ["3", "Emil"])]
    assert failures == [(2, "row_too_long"), (3, "row_too_long")]


cells = st.text(st.characters(codec="cp1252", exclude_characters="\x00Ã"), max_size=12)


@given(
    st.lists(st.tuples(cells, cells), max_size=8),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "cp1252"]),
)
def test_what_a_proper_writer_wrote_is_read_unchanged(tmp_path_factory, table, delimiter, encoding):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([("no", "name"), *table])
    path = tmp_path_factory.mktemp("lists") / "list.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    # CP1252 that by chance is good UTF-8, such as "Â" and a hard blank, is read as that.
    assume(text.getvalue().isascii() or SourceFile(path).encoding == encoding)
    rows, failures = rows_and_failures(path)
    assert failures == []
    assert [tuple(cells) for _, cells in rows] == [row for row in table if any(row)]
    path.unlink()


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "list.csv"
    path.write_bytes(content)
    try:
        file = SourceFile(path)
    except SourceRefused as refusal:
        outcome = refusal.code
    else:
        outcome = "read"
        assert all(isinstance(item, RowFailure) or len(item[1]) == len(file.header) for item in file.rows())
    assert outcome in ("read", "file_empty", "not_a_text_file", "bad_encoding", "bad_header")
