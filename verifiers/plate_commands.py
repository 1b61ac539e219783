"""`walletpass plates check` and `plates receiver`: the verifying side of the plate lists.

Exit status of `check`: 0 there is a permit, 1 there is none, 3 undetermined, 2 wrong usage.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import structlog
import typer

from verifiers.documents import open_source
from verifiers.plate_documents import PlateDocuments
from verifiers.plates import PlateAnswer, PlateOutcome
from verifiers.published import PublishedDocuments, read_anchor
from verifiers.receiving import ReceivingKey
from verifiers.settings import VerifierSettings
from walletpass.errors import InvalidClaim

EXIT_STATUS = {PlateOutcome.FOUND: 0, PlateOutcome.NONE: 1, PlateOutcome.UNDETERMINED: 3}
_WRONG_USAGE = 2


def check(
    plate: Annotated[str, typer.Argument(metavar="PLATE", help="As it is read: D-AB 1234 or DAB1234.")],
    zone: Annotated[list[str] | None, typer.Option(help="Only in this zone; may be given again.")] = None,
    published: Annotated[str, typer.Option(help="Folder or http(s) address of the published documents.")] = "",
    anchor: Annotated[Path | None, typer.Option(help="The trust anchor (PEM), given out of band.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Has this car a permit today? Found (0), none (1) or undetermined (3)."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings, now = VerifierSettings(), int(time.time())
    source = open_source(published or settings.published_place)
    documents = PublishedDocuments(
        source, read_anchor(anchor or settings.anchor_path), status_eku=settings.status_signing_eku
    )
    trust = documents.refresh(now).trust_list
    lookup = PlateDocuments(source, ReceivingKey.open(settings.verifier_home)).refresh(trust, now)
    try:
        answer = lookup.find(plate, [each.upper() for each in zone or ()], now)
    except InvalidClaim as problem:
        sys.stderr.write(f"{problem.sentence} [{problem.code}]\n")
        raise typer.Exit(_WRONG_USAGE) from None
    typer.echo(json.dumps(answer_document(answer), ensure_ascii=False) if as_json else _sentences(answer))
    raise typer.Exit(EXIT_STATUS[answer.outcome])


def answer_document(answer: PlateAnswer) -> dict[str, object]:
    """`outcome`, `reason`, `permits`, `ask_for_permit` and `issued_at`, all JSON values."""
    issued_at = None if answer.issued_at is None else datetime.fromtimestamp(answer.issued_at, UTC)
    return {
        "outcome": answer.outcome.value,
        "reason": answer.reason.value,
        "permits": [{"zone": zone, "valid_until": last.isoformat()} for zone, last in answer.permits],
        "ask_for_permit": answer.ask_for_permit,
        "issued_at": None if issued_at is None else issued_at.isoformat().replace("+00:00", "Z"),
    }


def receiver(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Where to write it; else stdout.")] = None,
) -> None:
    """Write the public key with which this verifying service receives the plate lists' keys; made at the first use.

    The issuing side takes it with walletpass plates recipient add FILE. Its id is shown; compare the two.
    """
    key = ReceivingKey.open(VerifierSettings().verifier_home)
    if file is None:
        typer.echo(key.public_jwk())
    else:
        file.write_text(key.public_jwk() + "\n")
    sys.stderr.write(f"Id: {key.id}\n")


def _sentences(answer: PlateAnswer) -> str:
    lines = [f"{answer.outcome.value.upper()}: {answer.reason.value}"]
    lines += [f"  zone {zone}, valid until {last}" for zone, last in answer.permits]
    if answer.ask_for_permit and not answer.permits:
        lines.append("  There are permits for changing vehicles: ask for the permit itself.")
    return "\n".join(lines)
