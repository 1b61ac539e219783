"""`walletpass tokens`: make, list and end the bearer tokens of a service.

A service offers its store by an entry point in the group `walletpass.token_stores`; this file names none of them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Annotated, cast

import typer

from keys.errors import WalletPassError
from walletpass.offered import offered
from web.tokens import Token, TokenStore, read_scope

GROUP = "walletpass.token_stores"
_DAY = 86400  # seconds

app = typer.Typer(no_args_is_help=True, help="Bearer tokens of machines and devices.")

Service = Annotated[str, typer.Option("--for", help="The service the token is for: issuer or verifier.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


class UnknownService(WalletPassError):
    """No service of this name keeps tokens."""

    code = "unknown_service"
    wrong_usage = True


def _store(service: str) -> TokenStore:
    here = {found.name: found for found in offered(GROUP)}
    if service not in here:
        raise UnknownService(f"No service {service[:40]!r} keeps tokens; write --for with {' or '.join(sorted(here))}.")
    return cast(Callable[[], TokenStore], here[service].load())()


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose token it is; shown in lists.")],
    scope: Annotated[list[str], typer.Option("--scope", help="department:action, such as library:issue or *:read.")],
    service: Service = "issuer",
    days: Annotated[int, typer.Option(min=0, max=3660, help="Days until it ends; 0: until revoked.")] = 365,
    kind: Annotated[str, typer.Option(help="integration or device.")] = "integration",
    as_json: AsJson = False,
) -> None:
    """Make a token. Its secret is printed once and stored nowhere."""
    scopes = {read_scope(text) for text in scope}
    token, secret = _store(service).create(name, scopes, int(time.time()), days * _DAY or None, kind)
    if as_json:
        typer.echo(json.dumps(_document(token) | {"secret": secret}, ensure_ascii=False))
        return
    sys.stderr.write(f"Token {token.id} for {token.name}. Keep it now: it is shown only this once.\n")
    typer.echo(secret)


@app.command("list")
def list_tokens(service: Service = "issuer", as_json: AsJson = False) -> None:
    """List all tokens, without their secrets."""
    tokens = _store(service).all()
    if as_json:
        typer.echo(json.dumps([_document(token) for token in tokens], ensure_ascii=False))
        return
    for token in tokens:
        scopes = " ".join(sorted(f"{department}:{action}" for department, action in token.scopes))
        typer.echo(f"{token.id}  {_state(token):8}  {token.name}  {scopes}")


@app.command()
def revoke(
    token_id: Annotated[list[str], typer.Argument(help="Identifiers, as `tokens list` shows them.")],
    service: Service = "issuer",
) -> None:
    """End tokens for good; running services notice within five seconds."""
    store = _store(service)
    for each in token_id:
        store.revoke(each, int(time.time()))
        sys.stderr.write(f"Token {each} is revoked.\n")


def _state(token: Token) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and time.time() >= token.expires_at else "active"


def _document(token: Token) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "kind": token.kind,
        "scopes": sorted(f"{department}:{action}" for department, action in token.scopes),
        "state": _state(token),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    }
