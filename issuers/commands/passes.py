"""`walletpass passes …`: list, show, renew, suspend, reinstate, revoke, amend, offer and link passes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from issuers import lifecycle, repository
from issuers.changes import amended
from issuers.commands.console import (
    ACTOR,
    FAILED,
    open_office,
    print_json,
    refuse,
    say,
    say_problem,
)
from issuers.errors import UnknownSerial
from issuers.lifecycle import Action, Change, Order
from issuers.office import Office
from issuers.residents import links
from keys.atomic_file import write_private
from walletpass.claims import read_date
from walletpass.errors import InvalidClaim, WalletPassError
from walletpass.passes import Pass, local_day
from walletpass.status import WORDS, Status
from web.database import read_transaction, write_transaction

app = typer.Typer(no_args_is_help=True, help="List, show, change and offer passes.")

STATUS_WORDS = ("valid", "suspended", "revoked", "expired", "not_yet_valid")

Serials = Annotated[list[str], typer.Argument(metavar="SERIAL…", help="One or more serials.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit record. Name no person.")]
Until = Annotated[str, typer.Option("--valid-until", metavar="DATE", help="Last valid day: 2027-12-31 or 31.12.2027.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command("list")
def list_passes(
    pass_type: Annotated[str, typer.Option("--type", help="Only this type of pass.")] = "",
    status: Annotated[str, typer.Option(help="Only " + ", ".join(STATUS_WORDS) + ".")] = "",
    number: Annotated[str, typer.Option(help="Only those of this number, as the department's list has it.")] = "",
    as_json: Json = False,
) -> None:
    """List passes in the order of their serials."""
    office = open_office()
    if status and status not in STATUS_WORDS:
        refuse(f"There is no status {status[:20]!r}; there are {', '.join(STATUS_WORDS)}.")
    if pass_type:
        office.catalogue.named(pass_type)
    with read_transaction(office.engine) as connection:
        today = local_day(office.now())
        found = repository.every(connection, pass_type=pass_type, status=status, number=number, today=today)
        documents = (office.document(pass_) for pass_ in found)
        if as_json:
            print_json(list(documents))
        elif not _print_table(documents) and number:
            say("No pass has this number.")


@app.command()
def show(serials: Serials, as_json: Json = False) -> None:
    """Show passes with their credentials and their history."""
    office = open_office()

    def one(serial: str) -> dict[str, Any]:
        with read_transaction(office.engine) as connection:
            pass_ = repository.one(connection, serial)
            carried, history = repository.carried(connection, serial), repository.history(connection, serial)
        return office.document(pass_) | {
            "credentials": [entry | {"issued_at": _when(entry["issued_at"])} for entry in carried],
            "history": [entry | {"at": _when(entry["at"])} for entry in history],
        }

    _for_each(serials, one, as_json, _print_details)


@app.command()
def renew(serials: Serials, reason: Reason = "", valid_until: Until = "", as_json: Json = False) -> None:
    """Lengthen passes: to a date, or by the type's usual period."""
    until = _date(valid_until)

    def wanted(pass_: Pass, office: Office) -> Pass:
        return lifecycle.renewed(pass_, office.catalogue.named(pass_.pass_type), until, local_day(office.now()))

    _amend(serials, reason, wanted, as_json, renewing=True)


@app.command()
def amend(
    serials: Serials,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Such as email=a@example.org; plates as plates='D-AB 1, D-AB 2'."
        ),
    ] = None,
    reason: Reason = "",
    valid_until: Until = "",
    as_json: Json = False,
) -> None:
    """Change what a pass says. Credentials that said otherwise are withdrawn at once."""
    until = _date(valid_until)
    pairs = dict(_pair(change) for change in changes or ())
    if not pairs and not until:
        refuse("Say what to change, with --set NAME=VALUE or --valid-until DATE.")

    def wanted(pass_: Pass, office: Office) -> Pass:
        zones = frozenset(office.settings.parking_zones)
        pass_type, today = office.catalogue.named(pass_.pass_type), local_day(office.now())
        changed = amended(pass_, pass_type, pairs, zones, today)
        return replace(changed, valid_until=until or changed.valid_until)

    _amend(serials, reason, wanted, as_json, renewing=False)


@app.command()
def suspend(serials: Serials, reason: Reason = "", as_json: Json = False) -> None:
    """Suspend passes until they are reinstated. A reason is required."""
    _set_status(serials, Action.SUSPEND, reason, as_json)


@app.command()
def reinstate(serials: Serials, reason: Reason = "", as_json: Json = False) -> None:
    """Make suspended passes valid again."""
    _set_status(serials, Action.REINSTATE, reason, as_json)


@app.command()
def revoke(serials: Serials, reason: Reason = "", as_json: Json = False) -> None:
    """Revoke passes for good. A reason is required."""
    _set_status(serials, Action.REVOKE, reason, as_json)


@app.command()
def offer(
    serial: Annotated[str, typer.Argument(metavar="SERIAL")],
    wallet: Annotated[str, typer.Option(help="apple, google, paper or qr.")],
    out: Annotated[str, typer.Option(metavar="FILE", help="Where to write; - is stdout.")],
) -> None:
    """Offer a pass to a wallet: .pkpass, the Google save link as text, .pdf, or the QR code as .txt, .svg or .png."""
    office = open_office()
    form = "" if out == "-" else Path(out).suffix.lstrip(".").lower()
    office.wallet(wallet, form)
    try:
        [made] = office.offer([serial], wallet, form, office.order(ACTOR))
    except WalletPassError as problem:
        say_problem(problem, serial)
        raise typer.Exit(FAILED) from None
    if out == "-":
        sys.stdout.buffer.write(made.body)
        return
    try:
        write_private(Path(out), made.body)
    except OSError as failure:
        refuse(f"{out} cannot be written: {failure.strerror}.")
    say(f"Written: {out} ({len(made.body)} bytes)")


@app.command()
def link(
    serial: Annotated[str, typer.Argument(metavar="SERIAL")],
    end: Annotated[bool, typer.Option("--end", help="End the link, and withdraw what its page showed.")] = False,
) -> None:
    """Make a link to the pass page and print it once; the one before ends. Give it to the pass's holder only."""
    office = open_office()
    order = office.order(ACTOR)
    try:
        with write_transaction(office.engine) as connection:
            if end:
                done = links.end(connection, serial, order)
            else:
                secret = links.create(connection, serial, order)
    except WalletPassError as problem:
        say_problem(problem, serial)
        raise typer.Exit(FAILED) from None
    office.publication.publish_changes()
    if end:
        say("The link has ended." if done else "There is no link to end.")
    else:
        sys.stdout.write(links.address(office.settings.public_url, secret) + "\n")


def _set_status(serials: list[str], action: Action, reason: str, as_json: bool) -> None:
    office = open_office()
    order = office.order(ACTOR, reason)
    if action in lifecycle.NEEDS_REASON and not order.reason:
        refuse(f"Say why with --reason; it is kept in the audit record of every {action.value}.")

    def one(serial: str) -> dict[str, Any]:
        with write_transaction(office.engine) as connection:
            lifecycle.set_status(connection, [serial], action, order)
        return _document(office, serial)

    _for_each(serials, one, as_json, _print_state, office)


def _amend(
    serials: list[str], reason: str, wanted: Callable[[Pass, Office], Pass], as_json: bool, *, renewing: bool
) -> None:
    office = open_office()
    order = office.order(ACTOR, reason)

    def one(serial: str) -> dict[str, Any]:
        change, ended = _amend_one(office, serial, wanted, order, renewing)
        return _document(office, serial) | {"change": change.value, "no_longer_accepted": ended}

    _for_each(serials, one, as_json, _print_state, office)


def _amend_one(
    office: Office, serial: str, wanted: Callable[[Pass, Office], Pass], order: Order, renewing: bool
) -> tuple[Change, list[str]]:
    """What it was, and the carriers whose code is accepted no longer."""
    with write_transaction(office.engine) as connection:
        pass_ = repository.one(connection, serial, lock=True)
        pass_type = office.catalogue.named(pass_.pass_type)
        before = _accepted(connection, serial)
        change = lifecycle.amend(connection, pass_, wanted(pass_, office), pass_type, order, renewing=renewing)
        return change, sorted(before - _accepted(connection, serial))


def _accepted(connection: Connection, serial: str) -> set[str]:
    return {
        found["carrier"] for found in repository.carried(connection, serial) if found["status"] == WORDS[Status.VALID]
    }


def _document(office: Office, serial: str) -> dict[str, Any]:
    with read_transaction(office.engine) as connection:
        pass_ = repository.one(connection, serial)
    return office.document(pass_)


def _for_each(
    serials: list[str],
    work: Callable[[str], dict[str, Any]],
    as_json: bool,
    show_one: Callable[[dict[str, Any]], None],
    changing: Office | None = None,
) -> None:
    """Do `work` for each serial, go on after failures, publish what changed, then report. Ends with 1 if any failed."""
    done, failed = [], 0
    for serial in dict.fromkeys(serials):
        try:
            done.append(work(serial))
        except WalletPassError as problem:
            say_problem(problem, serial)
            if isinstance(problem, UnknownSerial):
                say(f"Is it a department's number? walletpass passes list --number {serial} finds its pass.")
            failed += 1
    if changing and done:
        changing.publication.publish_changes()
    if as_json:
        print_json(done)
    else:
        for document in done:
            show_one(document)
    if failed:
        raise typer.Exit(FAILED)


def _date(text: str) -> date | None:
    if not text:
        return None
    try:
        return read_date("valid_until", text)
    except InvalidClaim as problem:
        refuse(f"--valid-until: {problem.sentence}")


def _pair(change: str) -> tuple[str, str]:
    name, equals, value = change.partition("=")
    if not equals:
        refuse(f"--set wants NAME=VALUE, not {change[:40]!r}.")
    return name.strip(), value


def _print_table(documents: Iterator[dict[str, Any]]) -> bool:
    """Whether there were any."""
    document = None
    for document in documents:
        cells = (document["serial"], document["type"], document["external_number"], document["status"])
        sys.stdout.write("  ".join((*cells, f"{document['valid_from']} – {document['valid_until']}")) + "\n")
    return document is not None


def _print_state(document: dict[str, Any]) -> None:
    sys.stdout.write(f"{document['serial']}  {document['status']}, last day {document['valid_until']}\n")
    if "paper" in document.get("no_longer_accepted", ()):
        say("Its card on paper is accepted no longer; offer it again.")


def _print_details(document: dict[str, Any]) -> None:
    for name, value in document.items():
        if isinstance(value, dict):
            value = "".join(f"\n    {key}: {_plain(item)}" for key, item in value.items())
        elif isinstance(value, list):
            value = "".join(f"\n    {_line(entry)}" for entry in value)
        sys.stdout.write(f"{name}: {value or '–'}\n")


def _line(entry: dict[str, Any]) -> str:
    """A credential or what happened, in one line. A credential's hour is rounded down, and would look like an error."""
    made = [f"of {entry['issued_at'][:10]}"] if "issued_at" in entry else []
    return "  ".join([str(part) for name, part in entry.items() if part != "" and name != "issued_at"] + made)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _when(seconds: int) -> str:
    """A NumericDate as ISO 8601, UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
