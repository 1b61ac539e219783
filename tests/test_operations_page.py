"""docs/operations.md says what is so: its figures are the script's, its commands, locks and words those of the code."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import typer

from bench import sizing
from issuers import readiness
from issuers.errors import DatabaseOlder
from issuers.plates.publication import PLATES_LOCK
from issuers.publication import PUBLISH_LOCK
from walletpass.cli import GROUP, build

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text()


def test_the_tables_are_what_the_script_computes() -> None:
    assert sizing.tables() in PAGE, "run python -m bench.sizing and put its tables in the place of these"


def test_the_figures_that_the_script_takes_from_the_browsers_code_are_there() -> None:
    contact = (ROOT / "verifiers/inspector/app/contact.js").read_text()
    assert f"const INTERVAL = {sizing.CONTACT_EVERY};" in contact


def test_every_type_of_pass_is_counted() -> None:
    assert set(sizing.SHARES) == {t.name for t in sizing.Place.catalogue}


def test_every_command_on_the_page_exists() -> None:
    root = typer.main.get_command(build(entry_points(group=GROUP)))
    offered = {(name, below) for name, command in root.commands.items() for below in getattr(command, "commands", [""])}
    named = re.findall(r"(?:`|^    )walletpass\s([a-z]+)(?:\s([a-z]+))?", PAGE, re.MULTILINE)
    assert len(named) > 8
    assert [words for words in named if words not in offered and (words[0], "") not in offered] == []


def test_locks_and_words_are_those_of_the_code() -> None:
    assert f"`0x{PUBLISH_LOCK:X}`" in PAGE and f"`0x{PLATES_LOCK:X}`" in PAGE
    assert f"`{DatabaseOlder.code}`" in PAGE
    words = re.findall(r'"(published_documents\w*|database|keys)"', Path(readiness.__file__).read_text())
    assert len(words) > 3 and [word for word in words if f"`{word}`" not in PAGE] == []
