"""What is said of settings that do not fit."""

from __future__ import annotations

import re

from pydantic import ValidationError
from pydantic_settings import SettingsError


def no_json(problem: SettingsError) -> str:
    """A setting should hold JSON: one sentence that names the variable and not its value."""
    field = re.search(r'field "(\w+)"', str(problem))
    name = f"WALLETPASS_{field[1].upper()}" if field else "A setting"
    return (
        f'{name} is no JSON. A list is written as ["one","two"], with its quotes; in a shell put single quotes around '
        "all of it."
    )


def what_does_not_fit(wrong: ValidationError) -> list[str]:
    """A sentence for each value that does not fit, with the name of its environment variable."""
    found = []
    for problem in wrong.errors():
        name, what = "_".join(map(str, problem["loc"])).upper(), problem["msg"].removeprefix("Value error, ")
        found.append(f"WALLETPASS_{name}: {what}" if name else what)
    return found
