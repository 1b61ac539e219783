"""`walletpass verify`: judge a text or a picture, with a folder or a web address as the only knowledge.

Exit status: 0 accepted, 1 refused, 3 undetermined, 2 wrong usage or anything else that left nothing judged. With a
folder it needs no network and no database.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated

import structlog
import typer

from keys.errors import WalletPassError
from verifiers.documents import open_source
from verifiers.images import ImageUnreadable, text_in_picture
from verifiers.published import PublishedDocuments, read_anchor
from verifiers.settings import read_settings
from verifiers.tidy import tidy
from verifiers.verdict_document import verdict_document
from verifiers.verification import verify
from walletpass.passes import LOCAL_ZONE
from walletpass.verdict import Outcome, StepResult, Verdict

_INTERRUPTED = 130  # 128 and the number of the signal, as shells have it
EXIT_STATUS = {Outcome.ACCEPTED: 0, Outcome.REFUSED: 1, Outcome.UNDETERMINED: 3}
_STDIN_AT_MOST = 1 << 20  # characters; a QR code holds a few thousand
_SIGNS = {StepResult.PASSED: "✓", StepResult.FAILED: "✗", StepResult.UNKNOWN: "?", StepResult.NOT_CHECKED: "–"}


class WrongUsage(WalletPassError):
    """The command line cannot be understood."""

    code = "wrong_usage"
    wrong_usage = True


class NotJudged(WalletPassError):
    """Something went wrong here that nobody foresaw."""

    code = "unexpected_error"
    wrong_usage = True


def verify_command(
    text: Annotated[str | None, typer.Argument(help="The QR code's text; - reads it from stdin.")] = None,
    image: Annotated[Path | None, typer.Option(help="A picture that shows the QR code.")] = None,
    published: Annotated[str, typer.Option(help="Folder or http(s) address of the published documents.")] = "",
    anchor: Annotated[Path | None, typer.Option(help="The trust anchor (PEM), given out of band.")] = None,
    at: Annotated[str, typer.Option(help="Judge as of this time, such as 2027-03-31 or 2027-03-31T12:00.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Judge a presented pass: accepted (0), refused (1) or undetermined (3)."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        outcome = _judged(text, image, published, anchor, at, as_json)
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None
    except Exception as accident:
        if isinstance(accident, WalletPassError) and accident.wrong_usage:
            raise
        # Left alone it would end with 1, which says that the pass was judged and refused.
        raise NotJudged(f"An unexpected error ({type(accident).__name__}): nothing was judged.") from accident
    raise typer.Exit(EXIT_STATUS[outcome])


def _judged(
    text: str | None, image: Path | None, published: str, anchor: Path | None, at: str, as_json: bool
) -> Outcome:
    settings = read_settings()
    now = read_time(at) if at else int(time.time())
    presented = _presented(text, image)
    trusted = read_anchor(anchor or settings.anchor_path)
    source = open_source(published or settings.published_place)
    documents = PublishedDocuments(source, trusted, status_eku=settings.status_signing_eku)
    # The documents are read by the real clock: what was published since `at` says who we are talking to.
    verdict = verify(presented, documents.refresh(int(time.time())), now)
    if as_json:
        typer.echo(json.dumps(verdict_document(verdict), ensure_ascii=False))
    else:
        _show(verdict)
    return verdict.outcome


def _presented(text: str | None, image: Path | None) -> str:
    if (text is None) == (image is None):
        raise WrongUsage("Give either the text of a QR code, or - to read it from stdin, or --image FILE.")
    if image is not None:
        try:
            content = image.read_bytes()
        except OSError as failure:
            raise ImageUnreadable(f"The picture {image} cannot be read: {failure.strerror}.") from None
        return tidy(text_in_picture(content))
    if text == "-":
        return tidy(sys.stdin.buffer.read(_STDIN_AT_MOST).decode("utf-8", "replace"))
    return tidy(text or "")


def read_time(text: str) -> int:
    """A NumericDate from an ISO day (its first instant) or time; without an offset it is local. Raises `WrongUsage`."""
    try:
        found = datetime.fromisoformat(text)
        seconds = int((found if found.tzinfo else found.replace(tzinfo=LOCAL_ZONE)).timestamp())
    except (ValueError, OverflowError):
        seconds = -1
    if seconds < 0:
        raise WrongUsage("--at takes a time since 1970, such as 2027-03-31, 2027-03-31T12:00 or 2027-03-31T10:00Z.")
    return seconds


def _show(verdict: Verdict) -> None:
    until = f", valid until {verdict.valid_until}" if verdict.valid_until else ""
    typer.echo(f"{verdict.outcome.value.upper()}: {verdict.reason.value} ({verdict.pass_type or 'no pass'}{until})")
    for name, value in (verdict.claims or {}).items():
        typer.echo(f"  {name}: {', '.join(value) if isinstance(value, tuple) else value}")
    typer.echo("  " + "  ".join(f"{_SIGNS[result]} {step.value}" for step, result in verdict.steps))
