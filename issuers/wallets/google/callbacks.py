"""`POST /google/callback`: Google says that somebody saved a pass, or removed it.

It is believed by its signature only, once by its nonce, and only of passes that are ours. It may come late, twice and
in any order: what is kept is when it was heard last, for counting; nothing else hangs on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from starlette.responses import Response

from issuers import copies
from issuers.carrier_models import copies as copies_table
from issuers.carrier_models import google_nonces
from issuers.copies import Copy
from issuers.models import passes
from issuers.settings import IssuerSettings
from issuers.wallets import WalletDesk
from issuers.wallets.google.objects import CALLBACK_PATH, ID_SUFFIX
from issuers.wallets.google.root_keys import KeysUnavailable, RootKeys
from issuers.wallets.google.signed_callback import (
    SAVED,
    Callback,
    CallbackExpired,
    CallbackForged,
    CallbackMalformed,
    RootUnknown,
    verified,
)
from issuers.wallets.google.updates import CARRIER
from walletpass.errors import WalletPassError
from web.database import read_transaction, write_transaction
from web.limits import BodyTooLarge, RateLimit, caller_address
from web.problems import answer

_LIMIT = 16 << 10  # bytes
PER_MINUTE = 1200  # of one address: all of Google comes from a few
_WORKERS = 2  # threads: what strangers send here never takes those of all other addresses
_NONCE_KEPT = 7 * 86400  # seconds beyond its end, so that a clock that went astray lets nothing in twice
_LOG = structlog.get_logger("walletpass.google")


class ObjectUnknown(WalletPassError):
    """Google tells of an object that this installation did not make."""

    code = "callback_object_unknown"


_STATUSES: Mapping[str, int] = {
    CallbackMalformed.code: 400,
    CallbackForged.code: 400,
    CallbackExpired.code: 400,
    ObjectUnknown.code: 404,
    KeysUnavailable.code: 503,
}


class Callbacks:
    """Hears callbacks for one issuer id."""

    def __init__(self, desk: WalletDesk, settings: IssuerSettings, keys: RootKeys) -> None:
        self._desk, self._issuer_id, self._keys = desk, settings.google_issuer_id, keys

    def hear(self, body: bytes) -> None:
        """Note what a request says. Raises the errors of `verified`, `ObjectUnknown`, `KeysUnavailable`."""
        callback = self._verified(body)
        with read_transaction(self._desk.engine) as connection:
            suffix = callback.object_id.removeprefix(f"{self._issuer_id}.")
            ours = suffix != callback.object_id and ID_SUFFIX.fullmatch(suffix)
            copy = copies.named(connection, CARRIER, suffix) if ours else None
            pass_type = copy and connection.scalar(select(passes.c.type).where(passes.c.serial == copy.serial))
        if copy is None or not callback.class_id.startswith(f"{self._issuer_id}.{pass_type}."):
            raise ObjectUnknown("The callback tells of an object that was not made here.")
        self._note(callback, copy)

    def _verified(self, body: bytes) -> Callback:
        now = int(self._desk.seconds() * 1000)
        keys = self._keys.current()
        try:
            return verified(body, self._issuer_id, keys, now)
        except RootUnknown:
            anew = self._keys.current(anew=True)
            if list(anew) == list(keys):  # the same again would cost as much and say the same
                raise
            return verified(body, self._issuer_id, anew, now)

    def _note(self, callback: Callback, copy: Copy) -> None:
        """Once: whoever comes second with a nonce changes nothing."""
        now = int(self._desk.seconds())
        nonce = {
            "nonce": hashlib.sha256(callback.nonce.encode()).hexdigest(),
            "expires_at": callback.until // 1000 + _NONCE_KEPT,
        }
        saved = callback.event == SAVED
        heard = {"saved_at": now, "removed_at": None} if saved else {"removed_at": now}
        try:
            with write_transaction(self._desk.engine) as connection:
                connection.execute(delete(google_nonces).where(google_nonces.c.expires_at < now))
                connection.execute(insert(google_nonces).values(nonce))
                connection.execute(update(copies_table).where(copies_table.c.id == copy.id).values(heard))
        except IntegrityError:
            return
        _LOG.info("google_callback", event_type=callback.event)


def add_callback(router: APIRouter, desk: WalletDesk, settings: IssuerSettings) -> None:
    """The address of callbacks. Only this side's own failures make Google try again."""
    callbacks = Callbacks(desk, settings, RootKeys(settings.google_callback_keys_url))
    limit, workers = RateLimit(PER_MINUTE), CapacityLimiter(_WORKERS)

    @router.post(CALLBACK_PATH)
    async def callback(request: Request) -> Response:
        limit.take(caller_address(request))
        body = await request.body()
        if len(body) > _LIMIT:
            raise BodyTooLarge(f"The request is too large; at most {_LIMIT >> 10} kB are taken here.")
        try:
            await to_thread.run_sync(callbacks.hear, body, limiter=workers)
        except WalletPassError as failure:
            if failure.code not in _STATUSES:
                raise
            _LOG.warning("google_callback_refused", code=failure.code)
            return answer(failure, _STATUSES)
        return Response(status_code=200)
