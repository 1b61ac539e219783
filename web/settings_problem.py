"""What is said of a setting that should hold JSON and holds something else."""

from __future__ import annotations

import re

from pydantic_settings import SettingsError


def no_json(problem: SettingsError) -> str:
    """One sentence that names the variable and not its value."""
    field = re.search(r'field "(\w+)"', str(problem))
    name = f"WALLETPASS_{field[1].upper()}" if field else "A setting"
    return (
        f'{name} is no JSON. A list is written as ["one","two"], with its quotes; in a shell put single quotes around '
        "all of it."
    )
