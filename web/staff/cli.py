"""`walletpass staff`: make, list, close and reset the accounts of a service's desk.

A service offers its staff by an entry point in the group `walletpass.staff_stores`; this file names none of them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Annotated, cast

import typer

from keys.errors import WalletPassError
from walletpass.offered import offered
from web.staff.accounts import Account, Accounts
from web.staff.passwords import PasswordHasher
from web.staff.store import StaffStore

GROUP = "walletpass.staff_stores"

app = typer.Typer(no_args_is_help=True, help="People who sign in to a desk.")

UserName = Annotated[str, typer.Argument(help="The name to sign in with.")]
Service = Annotated[str, typer.Option("--for", help="Whose desk it is: verifier.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


class UnknownDesk(WalletPassError):
    """No service of this name has a desk."""

    code = "unknown_service"
    wrong_usage = True


def _accounts(service: str) -> Accounts:
    here = {found.name: found for found in offered(GROUP)}
    if service not in here:
        raise UnknownDesk(f"No service {service[:40]!r} has a desk; write --for with {' or '.join(sorted(here))}.")
    return Accounts(cast(Callable[[], StaffStore], here[service].load())(), PasswordHasher(threads=1))


@app.command()
def create(
    user_name: UserName,
    name: Annotated[str, typer.Option(help="The name that is shown; the user name if absent.")] = "",
    role: Annotated[list[str] | None, typer.Option("--role", help="Such as lead; may be repeated.")] = None,
    service: Service = "verifier",
    as_json: AsJson = False,
) -> None:
    """Make an account. Its start password is printed once, is good for a week and has to be changed."""
    _show_start(*_accounts(service).create(user_name, name or user_name, set(role or ())), as_json)


@app.command("list")
def list_accounts(service: Service = "verifier", as_json: AsJson = False) -> None:
    """List all accounts."""
    accounts = _accounts(service).all()
    if as_json:
        typer.echo(json.dumps([_document(account) for account in accounts], ensure_ascii=False))
        return
    for account in accounts:
        typer.echo(
            f"{account.user_name}  {_state(account):8}  {account.display_name}  {' '.join(sorted(account.roles))}"
        )


@app.command()
def disable(user_name: UserName, service: Service = "verifier") -> None:
    """Close an account; its sessions end at once."""
    _accounts(service).disable(user_name)
    sys.stderr.write(f"The account {user_name} is closed.\n")


@app.command()
def enable(user_name: UserName, service: Service = "verifier", as_json: AsJson = False) -> None:
    """Open a closed account again, with a new start password."""
    _show_start(*_accounts(service).enable(user_name), as_json)


@app.command("reset-password")
def reset_password(user_name: UserName, service: Service = "verifier", as_json: AsJson = False) -> None:
    """Give a new start password; the second factor stays."""
    _show_start(*_accounts(service).reset_password(user_name), as_json)


@app.command("reset-second-factor")
def reset_second_factor(user_name: UserName, service: Service = "verifier", as_json: AsJson = False) -> None:
    """Forget all second factors and give a new start password. Make sure first that it is the right person."""
    _show_start(*_accounts(service).reset_second_factor(user_name), as_json)


def _show_start(account: Account, password: str, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_document(account) | {"start_password": password}, ensure_ascii=False))
        return
    sys.stderr.write(f"Start password of {account.user_name}, good for a week. It is shown only this once.\n")
    typer.echo(password)


def _state(account: Account) -> str:
    if account.disabled_at is not None:
        return "disabled"
    return "active" if account.start_until is None else "new"


def _document(account: Account) -> dict[str, object]:
    return {
        "user_name": account.user_name,
        "display_name": account.display_name,
        "roles": sorted(account.roles),
        "state": _state(account),
        "created_at": account.created_at,
        "disabled_at": account.disabled_at,
    }
