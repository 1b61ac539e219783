"""`walletpass keys`: list, make, rotate, withdraw and import keys. Publishing them is the issuing service's command."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from keys.certificates import EXTENDED_KEY_USAGES
from keys.errors import KeyNotFound, KeyProblem
from keys.importing import MAX_IMPORT, import_apple, import_google
from keys.key_ring import KeyRing
from keys.passphrase import KEYS_FOLDER, read_passphrase
from keys.ring_entries import FileIndex, KeyEntry, to_json
from keys.rotation import LEAD, OVERLAP, new_key, rotate, warnings
from keys.signer import Role

app = typer.Typer(no_args_is_help=True, help="The keys that sign, and their certificates.")


class IssuedRole(StrEnum):
    """The roles whose keys are made here."""

    CREDENTIAL = "credential"
    STATUS_LIST = "status-list"
    TRUST_LIST = "trust-list"


class ImportedRole(StrEnum):
    """The roles whose keys come from outside."""

    APPLE_PASS = "apple-pass"  # noqa: S105 - a role
    GOOGLE_SERVICE_ACCOUNT = "google-service-account"


PassTypeIdentifier = Annotated[str, typer.Option(envvar="WALLETPASS_APPLE_PASS_TYPE_IDENTIFIER")]
TeamIdentifier = Annotated[str, typer.Option(envvar="WALLETPASS_APPLE_TEAM_IDENTIFIER")]
Home = Annotated[Path, typer.Option(envvar="WALLETPASS_HOME", help="Folder that holds issuer/keys.")]
Passphrase = Annotated[
    str | None, typer.Option(envvar="WALLETPASS_KEY_PASSPHRASE", help="Opens the keys.", show_default=False)
]
StatusUsage = Annotated[
    str, typer.Option(envvar="WALLETPASS_STATUS_SIGNING_EKU", help="OID of the status signers' key usage.")
]
_HOME = Path("var")
_DEMO_PASS_TYPE = "pass.de.example.walletpass"  # noqa: S105 - a name


@app.command("list")
def list_keys(home: Home = _HOME, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Every key, its role and when it may sign."""
    entries, now = FileIndex(home / "issuer" / KEYS_FOLDER).read(), _now()
    if as_json:
        shown = [to_json(entry) | {"state": _state(entry, now)} for entry in entries]
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        for entry in entries:
            until = f"{entry.sign_until:%Y-%m-%d}" if entry.sign_until else "no end"
            window = f"{entry.sign_from:%Y-%m-%d} – {until:10}"
            typer.echo(f"{entry.kid.hex()}  {entry.role:22}  {_state(entry, now):9}  {window}  {entry.subject}")
    for sentence in warnings(entries, now):
        typer.echo(sentence, err=True)


@app.command("new")
def new(
    role: IssuedRole,
    pass_type: Annotated[list[str] | None, typer.Option("--type", help="Signs this pass type only.")] = None,
    lead_days: Annotated[float, typer.Option(min=0, help="Days until the key begins to sign.")] = LEAD.days,
    home: Home = _HOME,
    passphrase: Passphrase = None,
    status_eku: StatusUsage = "",
) -> None:
    """A further key beside those there are."""
    ring, lead = _open(home, passphrase), timedelta(days=lead_days)
    types = frozenset(pass_type or ())
    _tell(new_key(ring, Role(role), _now(), lead=lead, pass_types=types, status_eku=status_eku))


@app.command("rotate")
def rotate_key(
    role: IssuedRole,
    lead_days: Annotated[float, typer.Option(min=0, help="Days until the new key begins to sign.")] = LEAD.days,
    overlap_days: Annotated[float, typer.Option(min=0, help="Days until the old key ceases to sign.")] = OVERLAP.days,
    home: Home = _HOME,
    passphrase: Passphrase = None,
    status_eku: StatusUsage = "",
) -> None:
    """A new key in place of the old. What the old one signed stays good until it is withdrawn."""
    lead, overlap = timedelta(days=lead_days), timedelta(days=overlap_days)
    ring = _open(home, passphrase)
    _tell(rotate(ring, Role(role), _now(), lead=lead, overlap=overlap, status_eku=status_eku))


@app.command("withdraw")
def withdraw(
    kid: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")],
    home: Home = _HOME,
    passphrase: Passphrase = None,
) -> None:
    """Take a key out of the trust list, for good: all it has signed is refused from the next publication on."""
    try:
        wanted = bytes.fromhex(kid)
    except ValueError:
        raise KeyNotFound(f"{kid!r} is no key id; see: walletpass keys list") from None
    entry = _open(home, passphrase).withdraw(wanted, _now())
    typer.echo(f"Withdrawn: {entry.role} {kid}. Now publish: walletpass publish", err=True)


@app.command("import")
def import_key(
    role: ImportedRole,
    files: Annotated[list[Path], typer.Argument(help="A .p12 or PEM files, with Apple's intermediate; or the JSON.")],
    password: Annotated[
        str | None, typer.Option(envvar="WALLETPASS_IMPORT_PASSWORD", help="Of the .p12 or key; asked if absent.")
    ] = None,
    pass_type_identifier: PassTypeIdentifier = _DEMO_PASS_TYPE,
    team_identifier: TeamIdentifier = "DEMOTEAM01",
    home: Home = _HOME,
    passphrase: Passphrase = None,
) -> None:
    """Take the real Apple certificate or the real Google service account into use."""
    contents = [_read(file) for file in files]
    if role is ImportedRole.GOOGLE_SERVICE_ACCOUNT:
        if len(contents) != 1:
            raise typer.BadParameter("a service account is one JSON file")
        return _tell(import_google(_open(home, passphrase), contents[0], _now()))
    if password is None and sys.stdin.isatty():
        password = typer.prompt("Password of the file", hide_input=True, default="", show_default=False, err=True)
    entry = import_apple(
        _open(home, passphrase),
        contents,
        password.encode() if password else None,
        _now(),
        pass_type_identifier=pass_type_identifier,
        team_identifier=team_identifier,
    )
    _tell(entry)


def _open(home: Path, passphrase: str | None) -> KeyRing:
    secret, warning = read_passphrase(passphrase, home / "issuer")
    if warning:
        typer.echo(warning, err=True)
    return KeyRing.open(home / "issuer" / KEYS_FOLDER, secret)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_IMPORT + 1)
    except OSError as error:
        raise KeyProblem(f"The file {path} cannot be read: {error.strerror}.") from None


def _tell(entry: KeyEntry) -> None:
    typer.echo(entry.kid.hex())
    typer.echo(f"The {entry.role} key signs from {entry.sign_from:%Y-%m-%d %H:%M} UTC.", err=True)
    if entry.role in EXTENDED_KEY_USAGES:
        typer.echo("Now publish, so that verifiers know it: walletpass publish", err=True)


def _state(entry: KeyEntry, now: datetime) -> str:
    if entry.is_withdrawn(now):
        return "withdrawn"
    if entry.can_sign(now):
        return "signing"
    return "waiting" if now < entry.sign_from else "ended"


def _now() -> datetime:
    """The command line is the edge: here alone the clock is read."""
    return datetime.now(UTC)
