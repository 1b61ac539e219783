"""`walletpass jobs`: what the workers have still to do, and what failed for good."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from issuers.commands.console import FAILED, open_office, print_json, refuse, say

app = typer.Typer(no_args_is_help=True, help="What must still happen after changes: pushes, mail, letters.")


@app.command("list")
def list_jobs(as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False) -> None:
    """What waits, by kind and why, and the quarantine: what failed for good. Ends with 1 when there is any."""
    outbox = open_office().outbox
    waiting, failed = outbox.waiting(), outbox.failed()
    if as_json:
        print_json({"waiting": waiting, "failed": failed})
    else:
        _show(waiting, failed)
    if failed:
        raise typer.Exit(FAILED)


def _show(waiting: dict[str, dict[str, Any]], failed: list[dict[str, object]]) -> None:
    console = Console()
    if not waiting:
        console.print("Nothing waits.")
    else:
        table = Table("Kind", "Waiting", "Oldest since", "Because")
        for kind, found in sorted(waiting.items()):
            codes = ", ".join(f"{code}: {count}" for code, count in found["codes"].items())
            table.add_row(kind, str(found["rows"]), _moment(found["oldest"]), codes)
        console.print(table)
    if failed:
        # No table: a serial that it broke in two could not be copied.
        for row in failed:
            cells = (
                row["id"],
                row["kind"],
                row["subject"],
                f"{row['attempts']} tries",
                _moment(row["failed_at"]),
                row["code"],
            )
            sys.stdout.write("  ".join(map(str, cells)) + "\n")
        say("These wait for a person; docs/operations.md says what the codes mean.")
        say("Once the cause is gone: walletpass jobs retry ID … (or --code CODE, or --all).")
        say("What is never to be done: walletpass jobs discard ID … (or --code CODE).")


@app.command()
def retry(
    ids: Annotated[list[int] | None, typer.Argument(metavar="ID", help="Which, as `jobs list` shows them.")] = None,
    code: Annotated[str, typer.Option(help="All that failed for good with this code, such as mail_refused.")] = "",
    every: Annotated[bool, typer.Option("--all", help="All that failed for good.")] = False,
) -> None:
    """Try again what failed for good."""
    if (bool(ids), bool(code), every).count(True) != 1:
        refuse("Name the jobs to try again, or write --code CODE or --all; one of these.")
    _answer(open_office().outbox.retry(ids or (), code), len(set(ids or code[:1])), "Will be tried again")


@app.command()
def discard(
    ids: Annotated[list[int] | None, typer.Argument(metavar="ID", help="Which, as `jobs list` shows them.")] = None,
    code: Annotated[str, typer.Option(help="All that failed for good with this code, such as restored.")] = "",
) -> None:
    """Never do what failed for good: it leaves the quarantine. A phone may then go on showing what was true before."""
    if bool(ids) == bool(code):
        refuse("Name the jobs that are never to be done, or write --code CODE; not both.")
    _answer(open_office().outbox.discard(ids or (), code), len(set(ids or code[:1])), "Will never be done")


def _answer(count: int, expected: int, what: str) -> None:
    """Ends with 1 when there are fewer than expected."""
    say(
        f"{what}: {count}."
        + (" Others are not in the quarantine; see walletpass jobs list." if count < expected else "")
    )
    if count < expected:
        raise typer.Exit(FAILED)


def _moment(second: object) -> str:
    return datetime.fromtimestamp(int(str(second)), UTC).strftime("%Y-%m-%d %H:%M UTC")
