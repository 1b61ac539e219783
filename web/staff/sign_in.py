"""Signing in, step by step: each attempt is counted, judged, noted and answered with a new session id.

Database work runs in threads; hashing has its own. The order is: count, judge, then forgive (`web.staff.delays`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection, Row, select, update

from web.database import read_transaction, write_transaction
from web.staff.accounts import Account, account_of, is_user_name
from web.staff.delays import ACCOUNT, ADDRESS, DEVICE, FACTOR, Delays, Subject
from web.staff.errors import FactorRefused, SignInRefused
from web.staff.factors import Factors
from web.staff.passkeys import Challenges, Passkey, RelyingParty
from web.staff.passwords import PasswordHasher
from web.staff.sessions import Session, Sessions, Stage
from web.staff.store import Caller, StaffStore

_REFUSED = "The name, the password or the passkey is wrong, or the account is closed."


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries, as far as can be told: from which address (for counting only) and with which device cookie."""

    address: str
    caller: Caller
    known_device: str = ""  # an identifier when this browser has signed in to this account before


class SignIn:
    """Signing in to one service. `origin`: where its desk is; `name`: what authenticators show."""

    def __init__(self, store: StaffStore, origin: str, name: str, hasher: PasswordHasher) -> None:
        self.store, self.hasher = store, hasher
        self.sessions, self.factors, self.delays = Sessions(store), Factors(store), Delays(store)
        self.relying_party = RelyingParty(origin, name, Challenges(store))
        self.name = name

    async def with_password(self, user_name: str, password: str, attempt: Attempt) -> str:
        """The secret of a session that waits for what is still missing; raises `SignInRefused`, `TooSoon`, `TooBusy`.

        Unknown, closed and existing accounts take the same way and the same time.
        """
        name = user_name.strip().lower()[:256]
        counted: tuple[Subject, ...] = ((ACCOUNT, name), (ADDRESS, attempt.address))
        if attempt.known_device:
            counted = ((DEVICE, attempt.known_device),)
        await run_in_threadpool(self.delays.begin, *counted)
        row = await run_in_threadpool(self._row, name)
        fits, fresh_hash = await self.hasher.verify(password, row.password if row is not None else None)
        return await run_in_threadpool(self._judged, row, fits, fresh_hash, attempt, counted)

    def with_code(self, session: Session, code: str, attempt: Attempt) -> str:
        """The second factor by TOTP; the secret of the open session. Raises `FactorRefused`, `TooSoon`."""
        return self._factor(session, attempt, "totp", lambda c: self.factors.use_code(c, session.account, code))

    def with_recovery_code(self, session: Session, code: str, attempt: Attempt) -> str:
        """The second factor by a recovery code."""
        use = self.factors.use_recovery_code
        return self._factor(session, attempt, "recovery_code", lambda c: use(c, session.account, code))

    def with_second_passkey(self, session: Session, answer: str, attempt: Attempt) -> str:
        """The second factor by a passkey of this account."""
        with self._noting_refusals(session, attempt):
            passkey = self._passkey(answer, session.account.id)
            if passkey is None:
                raise FactorRefused(_REFUSED)
            found = self.relying_party.verified(answer, passkey, session.secret)
        return self._factor(session, attempt, "passkey", lambda c: self.factors.use_passkey(c, passkey, found))

    def with_passkey(self, answer: str, cookie: str, attempt: Attempt) -> str:
        """Both factors by one passkey, without a name. Raises `SignInRefused`, `FactorRefused`, `TooSoon`.

        Nobody can guess a signature, so no account is held up; the address is counted, because checking costs time.
        """
        where: Subject = (ADDRESS, attempt.address)
        self.delays.begin(where)
        passkey = self._passkey(answer)
        account = self._account(passkey.account_id) if passkey else None
        if passkey is None or account is None or account.disabled_at is not None:
            raise SignInRefused(_REFUSED)
        found = self.relying_party.verified(answer, passkey, cookie)
        with write_transaction(self.store.engine) as connection:
            self.factors.use_passkey(connection, passkey, found)
            stage = Stage.OPEN if account.start_until is None else Stage.ENROL
            secret = self.sessions.begin(connection, account.id, stage, attempt.caller)
            self.store.note(connection, "signed_in_passkey", account.id, attempt.caller)
        self._forget((where,))
        return secret

    def _row(self, user_name: str) -> Row[Any] | None:
        if not is_user_name(user_name):
            return None
        table = self.store.tables.accounts
        with read_transaction(self.store.engine) as connection:
            return connection.execute(select(table).where(table.c.user_name == user_name)).first()

    def _judged(
        self, row: Row[Any] | None, fits: bool, fresh: str | None, attempt: Attempt, counted: tuple[Subject, ...]
    ) -> str:
        account = account_of(row) if row is not None else None
        now = self.store.now()
        good = fits and account is not None and account.disabled_at is None
        good = good and (account is None or account.start_until is None or now < account.start_until)
        with write_transaction(self.store.engine) as connection:
            if not good or account is None:
                self.store.note(connection, "password_refused", account.id if account else None, attempt.caller)
                secret = None
            else:
                if fresh:
                    table = self.store.tables.accounts
                    connection.execute(update(table).where(table.c.id == account.id).values(password=fresh))
                stage = Stage.FACTOR if self._has_factor(connection, account) else Stage.ENROL
                secret = self.sessions.begin(connection, account.id, stage, attempt.caller)
                self.store.note(connection, "password_accepted", account.id, attempt.caller)
        if secret is None:
            raise SignInRefused(_REFUSED)
        self._forget(counted)
        return secret

    def _has_factor(self, connection: Connection, account: Account) -> bool:
        table = self.store.tables.passkeys
        first = select(table.c.id).where(table.c.account_id == account.id).limit(1)
        return account.has_totp or connection.execute(first).first() is not None

    def _factor(self, session: Session, attempt: Attempt, kind: str, use: Callable[[Connection], None]) -> str:
        who: Subject = (FACTOR, session.account.id)
        self.delays.begin(who)
        stage = Stage.OPEN if session.account.start_until is None else Stage.ENROL
        with self._noting_refusals(session, attempt), write_transaction(self.store.engine) as connection:
            use(connection)
            secret = self.sessions.rotate(connection, session, stage, totp_offered=None)
            if secret is None:
                raise FactorRefused("This session has ended; sign in again.")
            self.store.note(connection, f"signed_in_{kind}", session.account.id, attempt.caller, session.id)
        self._forget((who,))
        return secret

    @contextmanager
    def _noting_refusals(self, session: Session, attempt: Attempt) -> Iterator[None]:
        try:
            yield
        except FactorRefused:
            with write_transaction(self.store.engine) as connection:
                self.store.note(connection, "factor_refused", session.account.id, attempt.caller, session.id)
            raise

    def _forget(self, subjects: tuple[Subject, ...]) -> None:
        self.delays.forgive(*subjects)
        self.store.tidy()

    def _passkey(self, answer: str, account_id: str | None = None) -> Passkey | None:
        """The stored passkey an answer names; none when its handle or its owner is another (WebAuthn 7.2, step 6)."""
        presented = self.relying_party.presented(answer)
        found = self.factors.passkey(presented.credential_id)
        if found is None or presented.user_handle not in (None, b"", found.account_id.encode()):
            return None
        return found if account_id in (None, found.account_id) else None

    def _account(self, account_id: str) -> Account | None:
        table = self.store.tables.accounts
        with read_transaction(self.store.engine) as connection:
            row = connection.execute(select(table).where(table.c.id == account_id)).first()
        return account_of(row) if row is not None else None
