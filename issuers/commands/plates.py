"""`walletpass plates publish` and `plates recipient`: the issuing side of the plate lists."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from issuers.commands.console import open_office, print_json, refuse, say
from issuers.plates.recipients import MAX_JWK, add_recipient, every_recipient, read_recipient, remove_recipient
from web.database import read_transaction, write_transaction

recipient = typer.Typer(no_args_is_help=True, help="Which verifying services are given the plate lists' keys.")

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def publish(
    new_keys: Annotated[
        bool, typer.Option("--new-keys", help="Replace today's and tomorrow's keys: one is lost.")
    ] = False,
) -> None:
    """Sign today's and tomorrow's plate lists afresh, with everybody's keys. The service does so by itself."""
    office = open_office()
    if new_keys:
        office.plates.replace_keys()
    else:
        office.plates.publish()
    say(f"Published: {office.settings.published / 'plates'}")


@recipient.command("add")
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What walletpass plates receiver has written.")],
    name: Annotated[str, typer.Option(help="What to call the service; no person.")] = "verifier",
) -> None:
    """Give a verifying service the plate lists' keys from now on. Compare the id with the one that it shows."""
    office = open_office()
    try:
        with file.open("rb") as opened:
            raw = opened.read(MAX_JWK + 1)
    except OSError as failure:
        refuse(f"{file} cannot be read: {failure.strerror}.")
    found = read_recipient(raw, name, int(office.seconds()))
    with write_transaction(office.engine) as connection:
        new = add_recipient(connection, found)
    office.plates.publish_keys()
    say(f"{'Added' if new else 'Already there'}: {found.id} ({found.name})")


@recipient.command("list")
def list_recipients(as_json: Json = False) -> None:
    """List the verifying services that are given the keys."""
    with read_transaction(open_office().engine) as connection:
        found = every_recipient(connection)
    rows = [{"id": each.id, "name": each.name, "added_at": _when(each.added_at)} for each in found]
    if as_json:
        print_json(rows)
    for row in () if as_json else rows:
        typer.echo("  ".join(row.values()))


@recipient.command("remove")
def remove(
    recipient_id: Annotated[str, typer.Argument(metavar="ID", help="As plates recipient list shows it.")],
) -> None:
    """Give a service no more keys, and replace those that it has: it can read no list published from now on."""
    office = open_office()
    with write_transaction(office.engine) as connection:
        remove_recipient(connection, recipient_id)
    office.plates.replace_keys()
    say(f"Removed: {recipient_id}")


def _when(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
