"""The `walletpass` command. It finds the packages' commands by entry point and names none of them.

An entry point's name in the group `walletpass.commands` is the command's path: `passes` is a group or a command,
`serve.issuer` the command `issuer` in the group `serve`. Only what the first words ask for is loaded: a process that
serves one service never holds the other's code.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint
from itertools import takewhile
from pathlib import Path

import typer

from walletpass.errors import WalletPassError
from walletpass.offered import offered

GROUP = "walletpass.commands"
FAILED, WRONG_USAGE = 1, 2
UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h: a crash is not "some rows failed"


def asked_for(commands: Iterable[EntryPoint], words: Sequence[str]) -> list[EntryPoint]:
    """The entry points that the first words of a command line name; all of them when they name none."""
    commands = sorted(commands, key=lambda found: found.name)
    exact = [found for found in commands if len(words) > 1 and found.name == ".".join(words[:2])]
    return exact or [found for found in commands if found.name.partition(".")[0] == (words or ("",))[0]] or commands


def build(wanted: Iterable[EntryPoint]) -> typer.Typer:
    """The command tree of these entry points."""
    wanted = list(wanted)
    root = typer.Typer(
        name="walletpass",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="A city's cards as signed passes for phones and paper, checked offline.",
    )
    root.callback()(_root)
    groups: dict[str, typer.Typer] = {}
    for found in (f for f in wanted if "." not in f.name):
        command = found.load()
        if isinstance(command, typer.Typer):
            groups[found.name] = command
        else:
            root.command(found.name)(command)
    for found in (f for f in wanted if "." in f.name):
        group, _, name = found.name.partition(".")
        command, above = found.load(), groups.setdefault(group, _group(group, wanted))
        if isinstance(command, typer.Typer):
            above.add_typer(command, name=name)
        else:
            above.command(name)(command)
    for name, app in groups.items():
        root.add_typer(app, name=name)
    return root


def _group(name: str, wanted: Iterable[EntryPoint]) -> typer.Typer:
    """A group that no package speaks for: its help names its commands."""
    commands = sorted(found.name.partition(".")[2] for found in wanted if found.name.startswith(f"{name}."))
    return typer.Typer(no_args_is_help=True, help=f"{', '.join(commands).capitalize()}.")


def _root() -> None:
    """A city's cards as signed passes for phones and paper, checked offline."""


def main() -> None:
    """Run the command line: 0 all done, 1 something failed, 2 wrong usage, 70 an error of ours. Each is a sentence.

    A traceback is not shown: it may hold what was read, such as residents' names.
    """
    words = list(takewhile(lambda word: not word.startswith("-"), sys.argv[1:]))
    try:
        build(asked_for(offered(GROUP), words))()
    except WalletPassError as problem:
        sys.stderr.write(f"{problem.sentence} [{problem.code}]\n")
        sys.exit(WRONG_USAGE if problem.wrong_usage else FAILED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FAILED)
    except Exception as accident:
        place = traceback.extract_tb(accident.__traceback__)[-1]
        where = f"{type(accident).__name__} in {Path(place.filename).name}, line {place.lineno}"
        sys.stderr.write(f"An unexpected error: {where}. Please report it. [unexpected_error]\n")
        sys.exit(UNEXPECTED)
