"""docs/settings.md says what the code reads: the same variables, defaults, bounds and words, and nothing else."""

from __future__ import annotations

import json
import re
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from issuers.settings import IssuerSettings
from verifiers.settings import VerifierSettings

ROOT = Path(__file__).parent.parent
PREFIX = "WALLETPASS_"
PACKAGES = ("walletpass", "keys", "web", "issuers", "verifiers", "bench")
_NAME = re.compile(rf"\b{PREFIX}[A-Z0-9]+(?:_[A-Z0-9]+)*\b")
_FIELDS = {f"{PREFIX}{name.upper()}" for each in (IssuerSettings, VerifierSettings) for name in each.model_fields}
_DECLARED = [
    pytest.param(reader, f"{PREFIX}{name.upper()}", field, id=f"{reader}-{name}")
    for reader, settings in (("issuer", IssuerSettings), ("verifier", VerifierSettings))
    for name, field in settings.model_fields.items()
]


def table() -> dict[str, tuple[str, ...]]:
    """The cells of each row by variable: default, bounds, readers, meaning."""
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in (ROOT / "docs/settings.md").read_text().splitlines()
        if line.startswith(f"| `{PREFIX}")
    ]
    assert len({row[0] for row in rows}) == len(rows), "a variable stands in the table twice"
    return {row[0].strip("`"): row[1:] for row in rows}


def named_in_the_code() -> set[str]:
    files = [ROOT / "Makefile", *(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))]
    return {name for path in files for name in _NAME.findall(path.read_text())}


def default_of(field: FieldInfo) -> str:
    value: Any = field.default
    if isinstance(value, Enum):
        value = value.value
    if value in ("", None):
        return "–"
    if isinstance(value, dict):
        value = json.dumps(value)
    return f"`{'[]' if value == () else value}`"


def bounds_of(field: FieldInfo) -> str:
    low, high = (
        next((getattr(rule, name) for rule in field.metadata if hasattr(rule, name)), None) for name in ("ge", "le")
    )
    if low is None:
        return "–"
    return f"{low}–{high}" if high is not None else f"from {low}"


def test_the_table_names_exactly_the_variables_of_the_code() -> None:
    assert set(table()) == _FIELDS | named_in_the_code()


@pytest.mark.parametrize(("reader", "name", "field"), _DECLARED)
def test_a_row_says_what_the_settings_class_says(reader: str, name: str, field: FieldInfo) -> None:
    default, bounds, readers, meaning = table()[name]
    assert (default, bounds) == (default_of(field), bounds_of(field))
    assert reader in readers.split(", ")
    assert meaning == field.description
