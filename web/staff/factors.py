"""What people sign in with besides a password, as stored: TOTP key, passkeys, recovery codes; a code is good once."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication

from web.database import read_transaction
from web.staff.accounts import Account
from web.staff.errors import FactorRefused, LastFactor
from web.staff.passkeys import Passkey
from web.staff.store import StaffStore
from web.staff.totp import matching_step

RECOVERY_CODES = 10
_CODE_BYTES = 10  # 80 random bits each; 64 are asked for (NIST SP 800-63B section 5.1.2), the digest is keyed
_WRONG = "The code is wrong, too old or was used before."


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an account has. `recovery_codes` counts those not yet used."""

    totp: bool
    passkeys: tuple[Passkey, ...]
    recovery_codes: int

    @property
    def any(self) -> bool:
        """Whether there is a second factor; recovery codes alone are none."""
        return self.totp or bool(self.passkeys)


def new_recovery_codes() -> list[str]:
    """Ten codes as people write them down: `abcd-efgh-ijkl-mnop`."""
    texts = [base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower() for _ in range(RECOVERY_CODES)]
    return ["-".join(text[i : i + 4] for i in range(0, len(text), 4)) for text in texts]


class Factors:
    """The second factors of one service's staff."""

    def __init__(self, store: StaffStore) -> None:
        self._store, self._tables = store, store.tables

    def of(self, account_id: str) -> Enrolled:
        """What this account has enrolled."""
        accounts, codes, passkeys = self._tables.accounts, self._tables.recovery_codes, self._tables.passkeys
        with read_transaction(self._store.engine) as connection:
            key = connection.scalar(select(accounts.c.totp_key).where(accounts.c.id == account_id))
            unused = and_(codes.c.account_id == account_id, codes.c.used_at.is_(None))
            left = connection.scalar(select(func.count()).select_from(codes).where(unused)) or 0
            rows = connection.execute(
                select(passkeys).where(passkeys.c.account_id == account_id).order_by(passkeys.c.created_at)
            )
            return Enrolled(key is not None, tuple(map(_passkey, rows)), left)

    def passkey(self, credential_id: bytes) -> Passkey | None:
        """The passkey of this id, whoever's it is."""
        table = self._tables.passkeys
        with read_transaction(self._store.engine) as connection:
            row = connection.execute(select(table).where(table.c.id == credential_id)).first()
        return None if row is None else _passkey(row)

    def use_code(self, connection: Connection, account: Account, code: str) -> None:
        """Accept a TOTP code, or raise `FactorRefused`. Later than the last one used: no code serves twice (6238, 5.2).

        The step is taken by an update with its condition, so that of two requests with one code only one succeeds.
        """
        table = self._tables.accounts
        sealed = connection.scalar(select(table.c.totp_key).where(table.c.id == account.id))
        key = self._store.seal.open(sealed, account.id) if sealed else None
        step = matching_step(key, code, self._store.now()) if key else None
        unused = or_(table.c.totp_step.is_(None), table.c.totp_step < step) if step else None
        if unused is None or not _changed(
            connection.execute(update(table).where(table.c.id == account.id, unused).values(totp_step=step))
        ):
            raise FactorRefused(_WRONG)

    def use_recovery_code(self, connection: Connection, account: Account, code: str) -> None:
        """Accept a recovery code for the first time, or raise `FactorRefused`."""
        table = self._tables.recovery_codes
        here = and_(table.c.account_id == account.id, table.c.digest == self._digest(account.id, code))
        values = {"used_at": self._store.now()}
        if not _changed(connection.execute(update(table).where(here, table.c.used_at.is_(None)).values(values))):
            raise FactorRefused(_WRONG)

    def use_passkey(self, connection: Connection, passkey: Passkey, found: VerifiedAuthentication) -> None:
        """Note a verified use and its counter; a clone that counts alongside is refused by the next check."""
        values = {"sign_count": found.new_sign_count, "used_at": self._store.now()}
        table = self._tables.passkeys
        connection.execute(update(table).where(table.c.id == passkey.id).values(values))

    def set_totp(self, connection: Connection, account: Account, sealed: bytes, code: str) -> None:
        """Take a TOTP key that the code proves, in place of any before; raises `FactorRefused`."""
        key = self._store.seal.open(sealed, account.id)
        step = matching_step(key, code, self._store.now()) if key else None
        if step is None:
            raise FactorRefused(_WRONG)
        table = self._tables.accounts
        values = {"totp_key": sealed, "totp_step": step}
        connection.execute(update(table).where(table.c.id == account.id).values(values))

    def add_passkey(self, connection: Connection, passkey: Passkey) -> None:
        """Keep a new passkey; raises `FactorRefused` when somebody has it already (WebAuthn 7.1, step 22)."""
        row = {name: getattr(passkey, name) for name in Passkey.__slots__}
        try:
            connection.execute(insert(self._tables.passkeys).values(row))
        except IntegrityError:
            raise FactorRefused("This passkey is in use already.") from None

    def remove(self, connection: Connection, account: Account, which: str) -> None:
        """Remove `totp` or the passkey with this hexadecimal id; raises `LastFactor` rather than leave none."""
        accounts, passkeys = self._tables.accounts, self._tables.passkeys
        own = passkeys.c.account_id == account.id
        # Locks the account: of two removals at the same time the second sees the first.
        connection.execute(select(accounts.c.id).where(accounts.c.id == account.id).with_for_update())
        if which == "totp":
            gone = {"totp_key": None, "totp_step": None}
            connection.execute(update(accounts).where(accounts.c.id == account.id).values(gone))
        else:
            connection.execute(delete(passkeys).where(own, passkeys.c.id == _bytes(which)))
        key = connection.scalar(select(accounts.c.totp_key).where(accounts.c.id == account.id))
        if key is None and connection.execute(select(passkeys.c.id).where(own)).first() is None:
            raise LastFactor("Set up another second factor before removing the last one.")

    def replace_recovery_codes(self, connection: Connection, account: Account) -> list[str]:
        """Ten new codes, shown now and never again; the old ones end."""
        table, codes = self._tables.recovery_codes, new_recovery_codes()
        connection.execute(delete(table).where(table.c.account_id == account.id))
        rows = [{"account_id": account.id, "digest": self._digest(account.id, code)} for code in codes]
        connection.execute(insert(table), rows)
        return codes

    def offered_totp(self, account: Account, key: bytes) -> bytes:
        """A new key, sealed for this account."""
        return self._store.seal.seal(key, account.id)

    def opened_totp(self, account: Account, sealed: bytes) -> bytes:
        """The key again, to show it; raises `FactorRefused` when the seal has changed since."""
        key = self._store.seal.open(sealed, account.id)
        if key is None:
            raise FactorRefused("Sign in again to set up the app.")
        return key

    def _digest(self, account_id: str, code: str) -> bytes:
        letters = "".join(character for character in code.lower() if character.isalnum())
        return self._store.seal.digest("recovery", account_id.encode(), letters.encode())


def _changed(result: Any) -> bool:
    return bool(result.rowcount)


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(**{name: getattr(row, name) for name in Passkey.__slots__})
