"""What the commands share: the office, who is at the console, and how they speak. Messages go to stderr."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from issuers.office import Office
from issuers.settings import IssuerSettings
from walletpass.errors import WalletPassError
from web.settings_problem import no_json, what_does_not_fit

ACTOR = "command line"
FAILED, WRONG_USAGE = 1, 2


def open_office() -> Office:
    """The office from the environment; wrong settings end with 2 and a sentence for each."""
    try:
        return Office(IssuerSettings())
    except ValidationError as wrong:
        for sentence in what_does_not_fit(wrong):
            say(sentence)
        raise typer.Exit(WRONG_USAGE) from None
    except SettingsError as wrong:
        refuse(no_json(wrong))


def say(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def say_problem(problem: WalletPassError, about: str = "") -> None:
    say(f"{about + ': ' if about else ''}{problem.sentence} [{problem.code}]")


def refuse(sentence: str) -> NoReturn:
    """Wrong usage: nothing was attempted."""
    say(sentence)
    raise typer.Exit(WRONG_USAGE)


def print_json(document: Any) -> None:
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
