"""`walletpass import`: a department's list of entitlements becomes passes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from issuers.commands.console import ACTOR, FAILED, open_office, print_json, refuse, say
from issuers.import_report import ImportReport
from issuers.importing import Import, TooManyMissing, TooManyShorter
from issuers.notices import Inform
from issuers.office import Office
from issuers.reach import Reach
from issuers.sources.columns import better_types, unread_columns
from issuers.sources.csv_file import SourceFile
from issuers.sources.entitlements import read_rows
from issuers.sources.errors import RowFailure
from issuers.sources.failed_rows import FailedRows
from walletpass.passes import local_day

_SHOWN_FAILURES = 20
_REFUSALS = {
    TooManyMissing.code: "More than half of all passes are missing: that looks like a cut-off file.",
    TooManyShorter.code: "More than half of these passes would end earlier than now: that looks like an old list.",
}
MANY = 1000  # renewals, beyond which a campaign is the better way


Failed = Annotated[
    Path | None, typer.Option("--failed", metavar="FILE", help="Write failed rows here, to correct and import again.")
]


def import_passes(
    pass_type: Annotated[str, typer.Argument(metavar="TYPE", help="The type of pass, such as library_card.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The department's list: CSV, any German flavour.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change; change nothing.")] = False,
    complete: Annotated[
        bool, typer.Option("--complete", help="The list is complete: passes missing from it are suspended.")
    ] = False,
    reissue: Annotated[bool, typer.Option("--reissue", help="New passes for numbers that were revoked.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask, even if many are missing or would end earlier.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
    failed: Failed = None,
) -> None:
    """Import a department's list. The same list twice changes nothing; a later date renews."""
    office = open_office()
    declared = office.catalogue.named(pass_type)
    source = SourceFile(file)
    work = Import(office.engine, declared, office.order(ACTOR), dry_run, complete, reissue, yes)
    others = better_types(declared, office.catalogue, source.header)
    if others and not dry_run and not yes and sys.stdin.isatty():
        typer.confirm(f"The file has columns of {', '.join(others)}. Import it as {pass_type}?", abort=True, err=True)
    if complete and not dry_run and not yes and sys.stdin.isatty():
        _confirm(office, work, source)
        work = replace(work, force=True)  # seen and confirmed
    try:
        report = run_import(office, work, source, failed)
    finally:  # also of what was imported before it was refused
        if not dry_run:
            office.publication.publish_changes()
    if as_json:
        print_json(report.document())
    say_report(report, work, as_json)
    if report.renewed > MANY:
        better = "walletpass campaigns start also writes to holders, and can be paused and followed"
        say(f"More than {MANY:,} renewals; for as many {better} (docs/imports.md).")
    if report.failed:
        raise typer.Exit(FAILED)


def run_import(office: Office, work: Import, source: SourceFile, failed: Path | None = None) -> ImportReport:
    """Import with a progress bar where somebody sees it; rows that failed are written to `failed`, if it is given."""
    if failed is None:
        return _run(office, work, source)
    if failed.resolve() == source.path.resolve():
        refuse("--failed names the list itself; choose another file, so that the list is not overwritten.")
    with FailedRows(failed, source.header, source.delimiter, source.encoding) as rows:
        return _run(office, work, source, rows.add)


def _run(office: Office, work: Import, source: SourceFile, *note_failure: Callable[[RowFailure], None]) -> ImportReport:
    zones = frozenset(office.settings.parking_zones)
    rows = read_rows(source, work.pass_type, local_day(work.order.now), zones)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(source.path.name, total=source.total_bytes)
        report = work.run(rows, lambda: bar.update(task, completed=source.bytes_read), *note_failure)
    report.unread_columns = unread_columns(work.pass_type, source.header)
    return report


def _confirm(office: Office, work: Import, source: SourceFile) -> None:
    """A complete list suspends what it lacks: on a terminal that is shown and asked first."""
    preview = Import(work.engine, work.pass_type, work.order, dry_run=True, complete=True, reissue=work.reissue)
    report = run_import(office, preview, source)
    say_report(report, preview, quiet=False)
    typer.confirm(f"Import, and suspend {report.missing} passes that are missing from the list?", abort=True, err=True)


def say_report(report: ImportReport, work: Import, quiet: bool) -> None:
    """Counts on stdout (unless JSON is there), failures on stderr."""
    counts = report.document()
    line = ", ".join(f"{counts[word]} {word}" for word in ("created", "renewed", "updated", "unchanged", "failed"))
    if work.complete:
        line += f", {report.missing} missing from the list and suspended"
    if not quiet:
        sys.stdout.write(f"{'Would be: ' if work.dry_run else ''}{line}\n")
        if not report.rows:
            sys.stdout.write("The list has no rows.\n")
        if report.shortened:
            sys.stdout.write(f"Updated to an earlier last day: {report.shortened}\n")
        if report.emptied:
            names = ", ".join(f"{name} {count}" for name, count in sorted(report.emptied.items()))
            sys.stdout.write(f"Emptied, because the list has an empty cell: {names}\n")
    if report.reach and not quiet:
        sys.stdout.write(_reach_line(report.reach))
    for failure in report.failures[:_SHOWN_FAILURES]:
        where = f"line {failure.line}" + (f", column {failure.column}" if failure.column else "")
        say(f"{where}: {failure.sentence} [{failure.code}]")
    if report.failed > _SHOWN_FAILURES:
        say(f"… and {report.failed - _SHOWN_FAILURES} more; --failed FILE writes them all out.")
    if report.unread_columns:
        say(f"Columns that were not read: {', '.join(report.unread_columns)}. Is {work.pass_type.name} the right type?")
    for code in report.refusals:
        say(f"{_REFUSALS[code]} It needs --yes. [{code}]")
    for line_number, sentence in report.doubts[:_SHOWN_FAILURES]:
        say(f"line {line_number}: {sentence} [warning]")
    if report.warnings > _SHOWN_FAILURES:
        say(f"… and {report.warnings - _SHOWN_FAILURES} more warnings; --json tells the first 1,000.")


def _reach_line(reach: Reach) -> str:
    """Whom the changes would reach."""
    found = reach.document()
    wallets = ", ".join(f"{count} in {wallet}" for wallet, count in found["wallets"].items()) or "none in a wallet"
    phones = f" ({found['apple_phones']} Apple phones)" if found["apple_phones"] else ""
    told = f"{found['mail']} by mail, {found['letter']} by letter, {found['nobody']} not told"
    told += " (no address, or not valid)" if found["nobody"] else ""
    line = f"Renewed and updated passes: {found['passes']}, {wallets}{phones}\n"
    return line if reach.inform is Inform.NONE else f"{line}Holders of renewed passes: {told}\n"
