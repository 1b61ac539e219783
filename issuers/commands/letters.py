"""`walletpass letters`: the files that wait for the printing office, and what was left out of them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from issuers.commands.console import open_office, print_json, say
from issuers.notices import LETTER
from issuers.print_batches import SIZE, documents
from issuers.printed_files import folder_of
from web.database import read_transaction

app = typer.Typer(no_args_is_help=True, help="Letters to holders, printed by the workers, 500 in a file.")


@app.callback()
def _letters() -> None:
    """A group, although it has one command today."""


@app.command("list")
def list_letters(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many batches, the newest first.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Print batches: how many letters, since when, in which file; and how many were left out, and why."""
    office = open_office()
    with read_transaction(office.engine) as connection:
        found = documents(connection, limit)
    waiting = office.outbox.waiting().get(LETTER, {"rows": 0})["rows"]
    if as_json:
        print_json({"folder": str(folder_of(office)), "waiting": waiting, "batches": found})
        return
    folder = folder_of(office)
    table = Table("Batch", "Campaign", "Letters", "Left out", "Printed (UTC)", Column("File", no_wrap=True))
    for batch in found:
        left_out = ", ".join(f"{count} {code}" for code, count in sorted(batch["left_out"].items()))
        printed = (batch["printed_at"] or "waits")[:16].replace("T", " ")
        file = batch["file"] or "–"
        file += "" if file == "–" or (folder / file).exists() else " (not here)"
        table.add_row(
            str(batch["batch"]), str(batch["campaign"] or "–"), str(batch["letters"]), left_out, printed, file
        )
    Console().print(table if found else "There are no letters.")
    if any(batch["file"] for batch in found):
        say(f"The files are in {folder}.")
    if waiting:
        minutes = max(1, office.settings.print_after // 60)
        say(f"Letters not in a file yet: {waiting}. They are printed {SIZE} together, or after {minutes} minutes.")
