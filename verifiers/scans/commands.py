"""`walletpass scans`: how many checks there were, the key that signs their counts, and forgetting what is over."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from keys.errors import WalletPassError
from verifiers.scans.counts import counts_between
from verifiers.scans.counts_key import CountsKey
from verifiers.scans.retention import Retention
from verifiers.scans.store import open_scans
from verifiers.settings import read_settings
from walletpass.passes import LOCAL_ZONE, local_day

app = typer.Typer(no_args_is_help=True, help="The inspectors' checks: counts, their key, and forgetting.")


class WrongDay(WalletPassError):
    """What was given is no day, or the last one is before the first."""

    code = "wrong_day"
    wrong_usage = True


@app.command()
def counts(
    first: Annotated[str, typer.Option("--from", help="First day, such as 2027-03-31; without it today.")] = "",
    last: Annotated[str, typer.Option("--until", help="Last day; without it today.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Show how many checks there were: by hour, zone, type of pass, kind and outcome."""
    today = local_day(datetime.fromtimestamp(time.time(), UTC))
    until = _day(last, today)
    since = _day(first, min(today, until))
    if since > until:
        raise WrongDay("The last day is before the first.")
    found = counts_between(open_scans(read_settings()), since, until)
    if as_json:
        document = {"from": since.isoformat(), "until": until.isoformat(), "counts": [asdict(each) for each in found]}
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    for each in found:
        begins = f"{datetime.fromtimestamp(each.hour, LOCAL_ZONE):%Y-%m-%d %H:00}"
        place = f"{each.zone or '–':4}  {each.pass_type or '–':24}"
        typer.echo(f"{begins}  {place}  {each.kind:5}  {each.outcome:12}  {each.count:6}")
    sys.stderr.write(f"{sum(each.count for each in found)} checks from {since} until {until}.\n")


@app.command()
def key() -> None:
    """Write the public key that the counts are signed with; made at the first use. Its id is shown; compare the two."""
    found = CountsKey.open(read_settings().verifier_home)
    typer.echo(found.public_jwk())
    sys.stderr.write(f"Id: {found.id}\n")


@app.command()
def purge() -> None:
    """Forget at once what is over; a running service does so every hour."""
    settings = read_settings()
    retention = Retention(open_scans(settings), settings.scan_retention_days, settings.case_retention_days)
    scans, uses, cases = retention.purge()
    sys.stderr.write(f"Forgotten: {scans} scans, {uses} uses of permits, {cases} cases. Counts are kept.\n")


def _day(text: str, otherwise: date) -> date:
    if not text:
        return otherwise
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WrongDay("A day is written like 2027-03-31.") from None
