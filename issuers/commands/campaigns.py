"""`walletpass campaigns`: a list that workers import, followed, paused, resumed and cancelled; its result as a file."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from issuers import campaigns
from issuers.campaign_results import brief, document, result
from issuers.campaigns import State, Wish
from issuers.commands.console import ACTOR, FAILED, open_office, print_json, refuse, say
from issuers.commands.imports import Failed, run_import, say_report
from issuers.importing import Import
from issuers.notices import LETTER, MAIL, Inform
from issuers.office import Office
from issuers.sources.csv_file import SourceFile
from keys.atomic_file import write_private_parts
from web.database import read_transaction, write_transaction

app = typer.Typer(no_args_is_help=True, help="Lists that workers import, and all that is told because of them.")

_SHOWN = 100  # campaigns in a list
_LOOK = 0.5  # seconds between two looks while following
_OVER = (State.DONE, State.CANCELLED, State.FAILED)
_WITHOUT_MAIL = {Inform.MAIL: "So nobody would be told.", Inform.MAIL_OR_LETTER: "Letters take its place."}
_LABELS = {"update-carriers": "wallets looked up", "update-apple": "Apple told", "update-google": "Google told",
           "mail": "mails", "letter": "letters", "print": "files printed"}  # fmt: skip

Id = Annotated[int, typer.Argument(metavar="ID", help="As `campaigns list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
def start(
    pass_type: Annotated[str, typer.Argument(metavar="TYPE", help="The type of pass, such as library_card.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The department's list: CSV, any German flavour.")],
    name: Annotated[str, typer.Option(help="What it is called in lists; the file's name if absent.")] = "",
    inform: Annotated[Inform, typer.Option(help="How holders of renewed passes are told.")] = Inform.NONE,
    reissue: Annotated[bool, typer.Option("--reissue", help="New passes for numbers that were revoked.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change and whom it would reach.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not show and ask first.")] = False,
    failed: Failed = None,
    as_json: Json = False,
) -> None:
    """Have a list imported by the workers. What it would change, and whom it would reach, is shown and asked first."""
    office = open_office()
    declared, source, order = office.catalogue.named(pass_type), SourceFile(file), office.order(ACTOR)
    work = Import(office.engine, declared, order, dry_run=True, reissue=reissue)
    work = replace(work, inform=inform, mail_possible=office.settings.sends_mail)
    if inform in (Inform.MAIL, Inform.MAIL_OR_LETTER) and not work.mail_possible:
        say(f"No mail is sent: WALLETPASS_SMTP_HOST is not set. {_WITHOUT_MAIL[inform]}")
    if dry_run or failed or not yes:
        report = run_import(office, work, source, failed)
        if dry_run and as_json:
            print_json(report.document())
        say_report(report, work, quiet=as_json)
        if dry_run:
            raise typer.Exit(FAILED if report.failed else 0)
    if not yes:
        if not sys.stdin.isatty():
            refuse("Nobody is here to confirm; look at --dry-run and write --yes.")
        typer.confirm("Start the campaign?", abort=True, err=True)
    wish = Wish(declared.name, name or file.name, inform, ACTOR, reissue)
    wanted = campaigns.counted(source)
    with write_transaction(office.engine) as connection:
        number = campaigns.start(connection, wish, wanted, order.seconds)
    _answer(office, number, as_json)
    say(f"The workers import it as soon as one runs; walletpass campaigns follow {number} shows how far they are.")


@app.command("list")
def list_campaigns(as_json: Json = False) -> None:
    """The last campaigns, the newest first."""
    office = open_office()
    with read_transaction(office.engine) as connection:
        found = campaigns.newest(connection, [each.name for each in office.catalogue], _SHOWN)
    if as_json:
        print_json([brief(each) for each in found])
        return
    table = Table("Id", "Name", "Type", "State", "Rows", "Begun")
    for each in found:
        begun = datetime.fromtimestamp(each.created_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        table.add_row(str(each.id), escape(each.name), each.type, each.state, f"{each.position}/{each.total}", begun)
    Console().print(table if found else "There are no campaigns.")


@app.command()
def show(number: Id, as_json: Json = False) -> None:
    """How far a campaign is, in figures."""
    _answer(open_office(), number, as_json)


@app.command()
def pause(number: Id, as_json: Json = False) -> None:
    """Import no further rows and tell nobody more, until it is resumed."""
    _change("pause", number, as_json)


@app.command()
def resume(number: Id, as_json: Json = False) -> None:
    """Go on with a paused campaign."""
    _change("resume", number, as_json)


@app.command()
def cancel(
    number: Id,
    as_json: Json = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Import no further rows and send no more mail or letters, for good. Wallets still hear of what has changed."""
    if not yes and sys.stdin.isatty():
        typer.confirm(_before_cancelling(_document(open_office(), number)), abort=True, err=True)
    _change("cancel", number, as_json)


@app.command()
def follow(number: Id) -> None:
    """Show a campaign's progress until it is over; ends with 1 unless all of it went well. Ctrl-C ends only this."""
    office, console = open_office(), Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bars: dict[str, TaskID] = {}
    state = ""
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        while True:
            found = _document(office, number)
            _draw(progress, bars, found)
            if found["state"] != state:
                state = found["state"]
                say(f"Campaign {number} is {state}.")
            if state in _OVER and not any(each["open"] for each in found["messages"].values()):
                break
            time.sleep(_LOOK)
    _print(found)
    if state != State.DONE or found["rows"]["failed"] or any(each["failed"] for each in found["messages"].values()):
        raise typer.Exit(FAILED)


@app.command()
def export(
    number: Id, file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; - is stdout.")]
) -> None:
    """Write out what became of each row, and what each carrier was told, as CSV for a spreadsheet."""
    office = open_office()
    with read_transaction(office.engine) as connection:
        campaigns.one(connection, number)
    parts = result(office.engine, number)
    if str(file) == "-":
        for part in parts:
            sys.stdout.buffer.write(part)
        return
    try:
        write_private_parts(file, parts)
    except OSError as failure:
        refuse(f"{file} cannot be written: {failure.strerror}.")
    say(f"Written: {file}")


def _before_cancelling(found: dict[str, Any]) -> str:
    changed = sum(found["rows"][word] for word in ("created", "renewed", "updated"))
    unsent = sum(found["messages"][kind]["open"] for kind in (MAIL, LETTER) if kind in found["messages"])
    return (
        f"{changed} passes are changed and stay so. {unsent} mails and letters are not sent, and the same list "
        f"does not send them later; `pause` can be taken back. Cancel campaign {found['id']} for good?"
    )


def _change(what: str, number: int, as_json: bool) -> None:
    office = open_office()
    with write_transaction(office.engine) as connection:
        changed = campaigns.CHANGES[what](connection, number, int(office.seconds()))
    _answer(office, number, as_json)
    if not changed:
        say("It was so already; nothing was changed.")


def _answer(office: Office, number: int, as_json: bool) -> None:
    found = _document(office, number)
    print_json(found) if as_json else _print(found)


def _document(office: Office, number: int) -> dict[str, Any]:
    with read_transaction(office.engine) as connection:
        return document(connection, campaigns.one(connection, number))


def _draw(progress: Progress, bars: dict[str, TaskID], found: dict[str, Any]) -> None:
    """A bar for the list and one for each kind of what follows from it, as soon as there is any."""
    rows = found["rows"]
    shown = {f"{escape(found['name'])} ({found['state']})": ("rows", rows["done"], rows["total"])}
    for kind, count in found["messages"].items():
        wanted = count["done"] + count["open"] + count["failed"]
        shown[f"  {_LABELS.get(kind, kind)}"] = (kind, count["done"], wanted)
    for label, (key, done, total) in shown.items():
        if key not in bars:
            bars[key] = progress.add_task(label, total=total)
        progress.update(bars[key], description=label, completed=done, total=total)


def _print(found: dict[str, Any]) -> None:
    rows = found["rows"]
    words = ", ".join(f"{rows[word]} {word}" for word in ("created", "renewed", "updated", "unchanged", "failed"))
    why = f" [{found['code']}]" if found["code"] else ""
    lines = [
        f"Campaign {found['id']} {found['name']}: {found['state']}{why}",
        f"  rows: {rows['done']} of {rows['total']}: {words}",
    ]
    for kind, count in found["messages"].items():
        counts = ", ".join(f"{number} {standing}" for standing, number in count.items() if number)
        lines.append(f"  {_LABELS.get(kind, kind)}: {counts}")
    sys.stdout.write("\n".join(lines) + "\n")
