"""`walletpass init`, `publish`, `keys publish` and `sample`: setting up the issuing side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from issuers import withdrawn_keys
from issuers.commands.console import ACTOR, open_office, refuse, say
from issuers.installing import initialise
from issuers.sources.sample import SAMPLES, write_sample
from walletpass.passes import local_day


def init() -> None:
    """Set up the database, demo keys, status lists and published documents. Safe to run again."""
    office = open_office()
    for warning in initialise(office):
        say(warning)
    say(f"Ready: {office.settings.home} holds the issuer, the published documents and anchor.pem.")


def publish() -> None:
    """Sign all public documents afresh and write them to published/."""
    office = open_office()
    office.publication.publish_all()
    office.publication.publish_keys()
    office.plates.publish()
    say(f"Published: {office.settings.published}")


def publish_keys() -> None:
    """Sign the trust list afresh, after keys were added, rotated or withdrawn."""
    office = open_office()
    office.publication.publish_keys()
    say(f"Published: {office.settings.published / 'trust-list.jwt'}")
    told = withdrawn_keys.tell_carriers(office, office.order(ACTOR))
    if told:
        say(f"The codes of {told} passes were signed by a withdrawn key; workers give phones new ones.")


def sample(
    kind: Annotated[str, typer.Argument(help="Which list: " + ", ".join(SAMPLES))],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")],
    rows: Annotated[int, typer.Option(min=1, max=5_000_000, help="How many invented residents.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed writes the same file.")] = 1,
) -> None:
    """Write a list of invented residents, as a department would export it."""
    if kind not in SAMPLES:
        refuse(f"There is no sample {kind[:40]!r}; there are {', '.join(SAMPLES)}.")
    write_sample(file, SAMPLES[kind], rows, local_day(open_office().now()), seed)
    say(f"Written: {file}")
