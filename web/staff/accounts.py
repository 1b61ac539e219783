"""Who may sign in: accounts and their start passwords. Only the command line makes, closes and resets them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from web.database import read_transaction, write_transaction
from web.staff.errors import AccountInvalid, AccountUnknown, RoleMissing
from web.staff.passwords import PasswordHasher, start_password
from web.staff.store import Caller, StaffStore
from web.staff.tables import DISPLAY_NAME, ROLES

START_LIFETIME = 7 * 86400  # seconds; ASVS 2.3.1
_USER_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")
_ROLE = re.compile(r"[a-z][a-z_]{0,31}")
_BY_COMMAND = Caller(device="walletpass staff")


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may sign in; no secret. `start_until` is set while a start password waits to be changed."""

    id: str
    user_name: str
    display_name: str
    roles: frozenset[str]
    created_at: int
    disabled_at: int | None
    start_until: int | None
    has_totp: bool

    def require(self, role: str) -> None:
        """Raise `RoleMissing` unless the account has this role."""
        if role not in self.roles:
            raise RoleMissing("This account may not do that; ask whoever leads the team.")


def is_user_name(text: str) -> bool:
    """Whether an account could have this name; databases choke on some texts that people can send."""
    return bool(_USER_NAME.fullmatch(text))


def account_of(row: Row[Any]) -> Account:
    """The account in a row of the table (or of a join that has its columns)."""
    return Account(
        id=row.account_id if hasattr(row, "account_id") else row.id,
        user_name=row.user_name,
        display_name=row.display_name,
        roles=frozenset(row.roles.split()),
        created_at=row.account_created_at if hasattr(row, "account_created_at") else row.created_at,
        disabled_at=row.disabled_at,
        start_until=row.start_until,
        has_totp=row.totp_key is not None,
    )


class Accounts:
    """The accounts of one service."""

    def __init__(self, store: StaffStore, hasher: PasswordHasher) -> None:
        self._store, self._hasher, self._table = store, hasher, store.tables.accounts

    def create(self, user_name: str, display_name: str, roles: Collection[str]) -> tuple[Account, str]:
        """A new account and its start password, which is good once, for a week. Raises `AccountInvalid`."""
        name, shown, joined = user_name.strip().lower(), display_name.strip(), " ".join(sorted(set(roles)))
        if not is_user_name(name):
            raise AccountInvalid("A user name has 2 to 64 letters a to z, digits and . _ @ -, and begins with neither.")
        if not shown or len(shown) > DISPLAY_NAME or not shown.isprintable():
            raise AccountInvalid(f"The name to show has 1 to {DISPLAY_NAME} characters.")
        if not all(map(_ROLE.fullmatch, roles)) or len(joined) > ROLES:
            raise AccountInvalid("A role has letters a to z and _, such as lead.")
        password, now = start_password(), self._store.now()
        account_id = secrets.token_hex(8)
        row = {
            "id": account_id,
            "user_name": name,
            "display_name": shown,
            "roles": joined,
            "password": self._hasher.hash_now(password),
            "start_until": now + START_LIFETIME,
            "created_at": now,
        }
        try:
            with write_transaction(self._store.engine) as connection:
                connection.execute(insert(self._table).values(row))
                self._store.note(connection, "account_created", account_id, _BY_COMMAND)
        except IntegrityError:
            raise AccountInvalid(f"There is an account {name} already.") from None
        return self.named(name), password

    def all(self) -> list[Account]:
        """Every account, by user name."""
        with read_transaction(self._store.engine) as connection:
            return [
                account_of(row) for row in connection.execute(select(self._table).order_by(self._table.c.user_name))
            ]

    def named(self, user_name: str) -> Account:
        """The account with this user name; raises `AccountUnknown`."""
        with read_transaction(self._store.engine) as connection:
            found = connection.execute(select(self._table).where(self._table.c.user_name == user_name.lower())).first()
        if found is None:
            raise AccountUnknown("No account has this user name; `walletpass staff list` names them all.")
        return account_of(found)

    def disable(self, user_name: str) -> Account:
        """Close an account; its sessions end at once. A second time changes nothing."""
        account = self.named(user_name)
        with write_transaction(self._store.engine) as connection:
            values = {"disabled_at": account.disabled_at or self._store.now()}
            connection.execute(update(self._table).where(self._table.c.id == account.id).values(values))
            self._end_sessions(connection, account.id)
            self._store.note(connection, "account_disabled", account.id, _BY_COMMAND)
        return self.named(user_name)

    def enable(self, user_name: str) -> tuple[Account, str]:
        """Open an account again, with a new start password: who left may have kept the old one."""
        return self._restart(user_name, "account_enabled", disabled_at=None)

    def reset_password(self, user_name: str) -> tuple[Account, str]:
        """A new start password; the second factor stays. Sessions end."""
        return self._restart(user_name, "password_reset")

    def reset_second_factor(self, user_name: str) -> tuple[Account, str]:
        """Forget all second factors, and a new start password: whoever knew the old one could enrol (ASVS 2.5.6)."""
        return self._restart(user_name, "second_factor_reset", totp_key=None, totp_step=None)

    def _restart(self, user_name: str, kind: str, **values: None) -> tuple[Account, str]:
        account, password, tables = self.named(user_name), start_password(), self._store.tables
        fresh = {"password": self._hasher.hash_now(password), "start_until": self._store.now() + START_LIFETIME}
        with write_transaction(self._store.engine) as connection:
            connection.execute(update(self._table).where(self._table.c.id == account.id).values(fresh | values))
            for table in (tables.passkeys, tables.recovery_codes) if "totp_key" in values else ():
                connection.execute(delete(table).where(table.c.account_id == account.id))
            self._end_sessions(connection, account.id)
            self._store.note(connection, kind, account.id, _BY_COMMAND)
        return self.named(user_name), password

    def _end_sessions(self, connection: Connection, account_id: str) -> None:
        table = self._store.tables.sessions
        connection.execute(delete(table).where(table.c.account_id == account_id))
