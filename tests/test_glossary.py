"""docs/glossary.md: the German words are the ones on screens and passes, and every pass type is there."""

from __future__ import annotations

from pathlib import Path

from walletpass.pass_types import load_catalogue

ROOT = Path(__file__).parent.parent
_SHOWN_BY = ("walletpass/pass_types", "issuers/wallets", "issuers/residents", "verifiers")


def rows() -> list[list[str]]:
    """Our word, the standard's, the one on screens, the meaning; of all tables, without their heads."""
    lines = (ROOT / "docs/glossary.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return [row for row in cells if row[0] != "Our word"]


def test_every_row_has_four_cells_and_no_word_stands_there_twice() -> None:
    found = rows()
    assert {len(row) for row in found} == {4}
    assert len({row[0] for row in found}) == len(found)


def test_every_german_word_is_one_that_we_show() -> None:
    files = [path for folder in _SHOWN_BY for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".typ")]
    shown = "".join(path.read_text() for path in files)
    words = [word for row in rows() for word in row[2].split(", ") if word != "–"]
    assert [word for word in words if word not in shown] == []


def test_every_pass_type_stands_there_by_its_german_name() -> None:
    names = {row[0]: row[2] for row in rows()}
    assert {t.name: t.labels["de"] for t in load_catalogue()}.items() <= names.items()
