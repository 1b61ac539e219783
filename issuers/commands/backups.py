"""`walletpass backup` and `walletpass restored`: a copy of the installation, and the first step after using one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from issuers import restoring
from issuers.backup import back_up
from issuers.commands.console import ACTOR, open_office, print_json, say


def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder; it will hold keys and residents.")],
) -> None:
    """Copy database, keys and published documents while everything goes on. PostgreSQL is copied by pg_dump."""
    if back_up(open_office(), folder):
        say(f"Copied: {folder}")
    else:
        say(f"Copied: {folder}, without the database. Now: pg_dump --format=custom --file {folder / 'issuer.dump'} …")


def restored(
    refuse_unknown: Annotated[
        bool, typer.Option("--refuse-unknown", help="Also refuse all credentials that were made since the copy.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """After restoring an older database: learn from the published documents what it has forgotten, and publish."""
    office = open_office()
    found = restoring.restored(office, office.order(ACTOR, restoring.REASON), refuse_unknown=refuse_unknown)
    if as_json:
        print_json(vars(found))
        return
    for serial in found.suspended:
        typer.echo(serial)
    say(
        f"{found.lists} lists were newer than the database; {found.withdrawn} credentials were withdrawn again, "
        f"{len(found.suspended)} passes suspended for the departments to look at, {found.unknown} entries kept of "
        "credentials that are not here."
    )
    say(
        f"{found.paused} campaigns are paused and {found.held} messages in the quarantine (restored), because they may "
        f"have been sent since the copy. {found.reminders} reminders are taken for given. See docs/operations.md."
    )
