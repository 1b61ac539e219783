"""What people change about their own account once they are in: password, second factors, recovery codes.

Each change gives the session a new id (ASVS 3.2.1) and is noted. Changing a factor asks for a fresh proof of identity
(ASVS 3.7.1), which the pages see to; changing the password always asks for the old one (ASVS 2.1.6).
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection, select, update

from web.database import read_transaction, write_transaction
from web.staff.delays import FACTOR, Subject
from web.staff.errors import ElsewhereFirst, PasswordRefused, SignInRefused
from web.staff.passwords import check_new_password, normal
from web.staff.sessions import Session, Stage
from web.staff.sign_in import SignIn
from web.staff.store import Caller
from web.staff.totp import new_key


class OwnAccount:
    """Changes by the person signed in. Methods give the session's new secret."""

    def __init__(self, sign_in: SignIn) -> None:
        self._in, self._store = sign_in, sign_in.store

    async def confirm(self, session: Session, password: str, caller: Caller) -> str:
        """Prove once more who is there; raises `SignInRefused`, `TooSoon`, `TooBusy`."""
        await self._check(session, password, caller)
        return await run_in_threadpool(self._change, session, caller, "identity_confirmed", lambda _: None)

    async def change_password(self, session: Session, old: str, new: str, caller: Caller) -> str:
        """Take a new password; all other sessions end (ASVS 3.3.3). Raises `PasswordRefused` too."""
        account = session.account
        check_new_password(new, account.user_name, account.display_name, self._in.name)
        await self._check(session, old, caller)
        if normal(new) == normal(old):
            raise PasswordRefused("password_same", "The new password is the current one.")
        hashed = await self._in.hasher.hash(new)
        table = self._store.tables.accounts

        def change(connection: Connection) -> None:
            values = {"password": hashed, "start_until": None}
            connection.execute(update(table).where(table.c.id == account.id).values(values))
            self._in.sessions.end_others(connection, session)

        stage = Stage.OPEN if await run_in_threadpool(self._has_factor, session) else Stage.ENROL
        return await run_in_threadpool(self._change, session, caller, "password_changed", change, stage)

    def totp_on_offer(self, session: Session) -> bytes:
        """The TOTP key this session may take: the same until a code proves it."""
        sealed = session.totp_offered or self._in.sessions.offer_totp(
            session, self._in.factors.offered_totp(session.account, new_key())
        )
        return self._in.factors.opened_totp(session.account, sealed)

    def take_totp(self, session: Session, code: str, caller: Caller) -> tuple[str, list[str]]:
        """Take the key on offer, proved by its code; recovery codes when there were none. Raises `FactorRefused`."""
        who: Subject = (FACTOR, session.account.id)
        self._in.delays.begin(who)
        sealed = session.totp_offered or b""
        answer = self._enrol(
            session, caller, "totp_set", lambda c: self._in.factors.set_totp(c, session.account, sealed, code)
        )
        self._in.delays.forgive(who)
        return answer

    def take_passkey(self, session: Session, answer: str, caller: Caller) -> tuple[str, list[str]]:
        """Take a new passkey; recovery codes when there were none. Raises `FactorRefused`."""
        found = self._in.relying_party.registered(answer, session.account, session.secret, self._store.now())
        return self._enrol(session, caller, "passkey_added", lambda c: self._in.factors.add_passkey(c, found))

    def remove_factor(self, session: Session, which: str, caller: Caller) -> str:
        """Remove `totp` or a passkey by its hexadecimal id; raises `LastFactor`."""
        remove = self._in.factors.remove
        return self._change(session, caller, "factor_removed", lambda c: remove(c, session.account, which))

    def new_recovery_codes(self, session: Session, caller: Caller) -> tuple[str, list[str]]:
        """Ten new codes in place of the old ones."""
        codes: list[str] = []
        replace = self._in.factors.replace_recovery_codes
        secret = self._change(
            session, caller, "recovery_codes_made", lambda c: codes.extend(replace(c, session.account))
        )
        return secret, codes

    def _enrol(
        self, session: Session, caller: Caller, kind: str, change: Callable[[Connection], None]
    ) -> tuple[str, list[str]]:
        codes: list[str] = []
        wanted = self._in.factors.of(session.account.id).recovery_codes == 0

        def enrol(connection: Connection) -> None:
            change(connection)
            # Whoever else got this far with the same start password must not enrol as well.
            self._in.sessions.end_others(connection, session)
            if wanted:
                codes.extend(self._in.factors.replace_recovery_codes(connection, session.account))

        stage = Stage.OPEN if session.account.start_until is None else Stage.ENROL
        return self._change(session, caller, kind, enrol, stage), codes

    def _change(
        self,
        session: Session,
        caller: Caller,
        kind: str,
        change: Callable[[Connection], object],
        stage: Stage | None = None,
    ) -> str:
        """One change, its note and the session's new id: all or nothing."""
        with write_transaction(self._store.engine) as connection:
            change(connection)
            secret = self._in.sessions.rotate(connection, session, stage or session.stage, totp_offered=None)
            if secret is None:  # ended meanwhile: the change is rolled back
                raise ElsewhereFirst("sign-in")
            self._store.note(connection, kind, session.account.id, caller, session.id)
        return secret

    async def _check(self, session: Session, password: str, caller: Caller) -> None:
        """The right password of the person signed in; strangers do not get here, so the pauses are their own."""
        who: Subject = (FACTOR, session.account.id)
        await run_in_threadpool(self._in.delays.begin, who)
        stored = await run_in_threadpool(self._stored, session)
        fits, _ = await self._in.hasher.verify(password, stored)
        if not fits:
            await run_in_threadpool(self._note_refusal, session, caller)
            raise SignInRefused("The password is wrong.")
        await run_in_threadpool(self._in.delays.forgive, who)

    def _note_refusal(self, session: Session, caller: Caller) -> None:
        with write_transaction(self._store.engine) as connection:
            self._store.note(connection, "password_refused", session.account.id, caller, session.id)

    def _stored(self, session: Session) -> str | None:
        table = self._store.tables.accounts
        with read_transaction(self._store.engine) as connection:
            return connection.scalar(select(table.c.password).where(table.c.id == session.account.id))

    def _has_factor(self, session: Session) -> bool:
        return self._in.factors.of(session.account.id).any
