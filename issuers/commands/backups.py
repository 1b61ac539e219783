"""`walletpass backup` and `walletpass restored`: a copy of the installation, and the first step after using one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from issuers import restoring
from issuers.backup import back_up
from issuers.commands.console import ACTOR, open_office, print_json, refuse, say


def backup(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder; it will hold keys and residents.")],
) -> None:
    """Copy database, keys and published documents while everything goes on. PostgreSQL is copied by pg_dump."""
    office = open_office()
    if folder.resolve().is_relative_to(office.settings.home.resolve()):
        refuse("A copy inside WALLETPASS_HOME would be lost with it; name a folder elsewhere.")
    if not folder.parent.is_dir():
        refuse(f"There is no folder {folder.parent}: is the disk for copies mounted?")
    if back_up(office, folder):
        say(f"Copied to {folder}: database, keys with their passphrase file, anchor, published documents. Encrypt it.")
    else:
        say(f"Copied to {folder}: keys, anchor, published documents. Encrypt it.")
        say(f"Now the database: pg_dump --format=custom --file {folder / 'issuer.dump'} …")


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
    for what, count in (
        ("Status lists that were newer than the database", found.lists),
        ("Credentials withdrawn again", found.withdrawn),
        ("Passes suspended, for their departments to revoke or reinstate (above)", len(found.suspended)),
        ("Entries kept of credentials that are not here", found.unknown),
        ("Campaigns paused", found.paused),
        ("Messages put into the quarantine (restored), because they may have been sent", found.held),
        ("Reminders taken for given", found.reminders),
    ):
        say(f"{what}: {count}")
    say("What to do now: docs/operations.md, Restoring.")
