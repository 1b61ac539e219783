"""What every operation on passes shares: who may see which pass, one transaction per request, and the answer.

Nothing here blocks the event loop: database and signing run in worker threads, fewer than the database has
connections, so that a publishing run always finds one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Annotated, Any, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy import Connection, select
from starlette.responses import JSONResponse

from issuers import repository
from issuers.api.idempotency import Attempt, once, request_digest
from issuers.api.schemas import PassBrief
from issuers.errors import UnknownSerial
from issuers.models import credentials
from issuers.office import Office
from issuers.publisher import Publisher
from walletpass.errors import UnknownPassType
from walletpass.pass_type import PassType
from walletpass.passes import Pass
from walletpass.status import Status
from web.bearer import SCHEME, BearerTokens
from web.database import read_transaction
from web.tokens import Token

P = ParamSpec("P")
T = TypeVar("T")

READ = "read"
PRIVATE = {"Cache-Control": "no-store"}
_WORKERS = 16
_SERIAL = re.compile(r"[0-9A-Za-z_-]{1,32}")


async def _signed_in(request: Request, _: Annotated[object, Depends(SCHEME)]) -> Token:
    """The token of the request, looked up in the app's own store."""
    tokens: BearerTokens = request.app.state.tokens
    token = await tokens(request)
    _refuse_unknown_parameters(request)
    return token


def _refuse_unknown_parameters(request: Request) -> None:
    """A mistyped `dry_run` must not import in earnest."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        extra = {"type": "extra_forbidden", "msg": "There is no such parameter"}
        raise RequestValidationError([extra | {"loc": ("query", name)} for name in unknown])


Caller = Annotated[Token, Depends(_signed_in)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        description="Chosen by the caller: the same request with the same key is done once. Kept for 24 hours.",
        pattern=r"^[!-~]{1,80}$",
        examples=["6f1c1b0e-5a0f-4b7e-9f0e-0a4a2f3c9d11"],
    ),
]


class Counter:
    """The counter at which requests are served."""

    def __init__(self, office: Office, publisher: Publisher) -> None:
        self.office, self.publisher = office, publisher
        self.zones = frozenset(office.settings.parking_zones)
        self._workers = CapacityLimiter(_WORKERS)

    async def work(self, task: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in a worker thread."""
        return await to_thread.run_sync(lambda: task(*args, **kwargs), limiter=self._workers)

    async def change(
        self,
        request: Request,
        token: Token,
        key: str | None,
        change: Callable[[Connection], str],
        status: int = 200,
        publish: bool = True,
    ) -> JSONResponse:
        """Do `change`, which returns a serial, once; publish it; answer with the pass as it is now.

        A token that may not read the department's passes learns no more than the members of `PassBrief`.
        """
        attempt = await self.attempt(request, token, key)
        answered, serial = await self.once(attempt, status, change)
        if publish:
            await self.publisher.publish()
        document = await self.work(self.document, serial)
        if not token.allows(self.declared(document["type"]).department, READ):
            document = {name: document[name] for name in PassBrief.model_fields}
        headers = PRIVATE | ({"Location": f"/api/v1/passes/{serial}"} if answered == 201 else {})
        return JSONResponse(document, answered, headers)

    async def once(self, attempt: Attempt, status: int, change: Callable[[Connection], str]) -> tuple[int, str]:
        """Do `change` in a worker thread unless the same request was done before; see `idempotency.once`."""
        return await self.work(once, self.office.engine, attempt, status, change)

    async def attempt(
        self, request: Request, token: Token, key: str | None, body_sha256: bytes | None = None
    ) -> Attempt:
        """What tells this request from others; the body's digest is taken here unless it was streamed."""
        sha256 = body_sha256 if body_sha256 is not None else hashlib.sha256(await request.body()).digest()
        target = f"{request.url.path}?{request.url.query}"
        digest = request_digest(request.method, target, sha256)
        return Attempt(token.id, key or "", digest, int(self.office.seconds()))

    def permitted(self, connection: Connection, serial: str, token: Token, action: str, lock: bool = False) -> Pass:
        """The pass, if the token may do `action` with it.

        A pass whose department the token may not even read is as unknown as one that does not exist: nobody learns
        who has a pass of another department. Raises `UnknownSerial`, `RightMissing`.
        """
        pass_, pass_type = self._find(connection, serial, lock)
        if not token.allows(pass_type.department, action) and not token.allows(pass_type.department, READ):
            raise _unknown()
        token.require(pass_type.department, action)
        return pass_

    def type_of(self, pass_: Pass) -> PassType:
        return self.office.catalogue.named(pass_.pass_type)

    def declared(self, name: str) -> PassType:
        """The type of that name; raises `UnknownPassType` without repeating what was asked for."""
        for pass_type in self.office.catalogue:
            if pass_type.name == name:
                return pass_type
        known = ", ".join(sorted(pass_type.name for pass_type in self.office.catalogue))
        raise UnknownPassType(f"There is no pass type of this name; the types are: {known}.")

    def document(self, serial: str, with_history: bool = False) -> dict[str, Any]:
        """A pass as it is answered."""
        with read_transaction(self.office.engine) as connection:
            pass_ = repository.one(connection, serial)
            shown = self.short_document(pass_) | {"carriers": self._carriers(connection, serial)}
            return shown | ({"history": repository.history(connection, serial)} if with_history else {})

    def short_document(self, pass_: Pass) -> dict[str, Any]:
        return self.office.document(pass_)

    def _find(self, connection: Connection, serial: str, lock: bool) -> tuple[Pass, PassType]:
        if not _SERIAL.fullmatch(serial):
            raise _unknown()
        pass_ = repository.one(connection, serial, lock=lock)
        try:
            return pass_, self.type_of(pass_)
        except UnknownPassType:  # its type is switched off
            raise _unknown() from None

    def _carriers(self, connection: Connection, serial: str) -> list[str]:
        live = (credentials.c.status == int(Status.VALID)) & (credentials.c.valid_until > int(self.office.seconds()))
        query = select(credentials.c.carrier).where(credentials.c.serial == serial, live).distinct()
        return sorted(connection.scalars(query))


def _unknown() -> UnknownSerial:
    return UnknownSerial("There is no pass with this serial.")
