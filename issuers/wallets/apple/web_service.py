"""Apple's web service for passes, below `{public URL}/apple`: phones register, ask what changed, and fetch it.

Source: Apple, "Adding a Web Service to Update Passes" and the pages of its five endpoints. Every address of them exists
because phones expect it. A token opens one copy of one pass and nothing else; whatever does not fit is the same 401.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from issuers import copies
from issuers.copies import Copy
from issuers.settings import IssuerSettings
from issuers.wallets import Wallet, WalletDesk
from issuers.wallets.apple import device_reports, registrations
from issuers.wallets.apple.pass_json import WEB_SERVICE_PATH
from walletpass.errors import WalletPassError
from web.database import read_transaction, write_transaction
from web.limits import BodyTooLarge, RateLimit, caller_address

T = TypeVar("T")

SCHEME = "ApplePass"
REQUESTS_PER_COPY = 120  # a minute, of all the phones that hold it
NEW_PHONES_PER_COPY = 20  # an hour: each may be pushed, with all others that hold the copy
REPORTS_PER_MINUTE = 60  # of one address
LONGEST_REGISTRATION, LONGEST_REPORT = 4 << 10, 32 << 10  # bytes
_WORKERS = 8  # threads: fewer than the database has connections, so that phones never keep the city from issuing
_REGISTRATION = "/devices/{device}/registrations/{pass_type}"
_NAME = re.compile(r"[0-9A-Za-z_]{1,32}(-[1-9][0-9]{0,10})?")
_DEVICE = re.compile(r"[0-9A-Za-z._-]{16,64}")  # who knows it may list its passes: nobody may guess it
_PUSH_TOKEN = re.compile(r"([0-9A-Fa-f]{2}){32,100}")
_TAG = re.compile(r"[0-9]{1,18}")
_PRIVATE = {"Cache-Control": "no-cache, private"}
_LOG = structlog.get_logger("walletpass.apple")


class PassTokenInvalid(WalletPassError):
    """Not the authentication token of that pass, or no such pass: nobody learns which."""

    code = "token_invalid"
    challenge = SCHEME

    def __init__(self) -> None:
        super().__init__("This is not the authentication token of such a pass.")


class RequestMalformed(WalletPassError):
    """A phone would not ask like this."""

    code = "malformed"


class Asked(NamedTuple):
    """What names a copy and opens it, as it was sent."""

    pass_type: str
    name: str
    authorization: str


class Fetched(NamedTuple):
    """The pass, unless the phone has it already, and when it changed last (an HTTP date)."""

    body: bytes | None
    media_type: str
    last_modified: str


class WebService:
    """The five endpoints without HTTP; runs in worker threads."""

    def __init__(self, settings: IssuerSettings, wallet: Wallet, desk: WalletDesk) -> None:
        self._pass_type, self._wallet, self._desk = settings.apple_pass_type_identifier, wallet, desk
        self._limit, self._new = RateLimit(REQUESTS_PER_COPY), RateLimit(NEW_PHONES_PER_COPY, span=3600)
        self._of_nobody = secrets.token_urlsafe(32)  # compared with where there is no such pass

    def register(self, asked: Asked, device: str, body: bytes) -> bool:
        """Whether the registration is new. Raises `TooManyRequests`, and nothing is registered then."""
        copy = self._opened(asked)
        push_token = read_object(body, LONGEST_REGISTRATION).get("pushToken")
        if not _DEVICE.fullmatch(device) or not isinstance(push_token, str) or not _PUSH_TOKEN.fullmatch(push_token):
            raise RequestMalformed("The device library identifier or the member pushToken is none.")
        with write_transaction(self._desk.engine) as connection:
            new = registrations.register(connection, copy, device, push_token.lower(), self._desk.seconds())
            if new:
                self._new.take(copy.name)
        return new

    def unregister(self, asked: Asked, device: str) -> None:
        copy = self._opened(asked)
        if _DEVICE.fullmatch(device):
            with write_transaction(self._desk.engine) as connection:
                registrations.unregister(connection, copy.id, device)

    def changed(self, device: str, pass_type: str, since: str | None) -> dict[str, Any] | None:
        """The answer to what has changed; None when nothing has, or nothing is known of such a phone."""
        if pass_type != self._pass_type or not _DEVICE.fullmatch(device):
            return None
        tag = int(since) if since and _TAG.fullmatch(since) else None  # a tag that is none of ours says nothing
        with read_transaction(self._desk.engine) as connection:
            names, newest = registrations.changed_since(connection, device, tag)
        return {"serialNumbers": names, "lastUpdated": str(newest)} if names else None

    def fetch(self, asked: Asked, modified_since: str | None) -> Fetched:
        """The pass as it is now.

        The copy is read before what it shows: a change in between comes with the older time, and is fetched again.
        """
        copy, now = self._opened(asked), self._desk.now()
        second = int(now.timestamp())
        # Of two changes within a second, or one before the clock was set back, the time lies in the future. Such a
        # time is not told, and none is believed: the phone fetches once more than it had to.
        last_modified = _http_date(min(copy.changed_at, second))
        if modified_since is not None and copy.changed_at <= _seconds(modified_since) <= second:
            return Fetched(None, "", last_modified)
        carried = self._desk.current([copy]).get(copy.id)
        if carried is None:
            raise PassTokenInvalid
        offer = self._wallet.offer(carried, self._wallet.forms[0], now)
        return Fetched(offer.body, offer.media_type, last_modified)

    def _opened(self, asked: Asked) -> Copy:
        """The copy, alive or ended, that the token opens. Raises `PassTokenInvalid`."""
        copy = None
        if asked.pass_type == self._pass_type and _NAME.fullmatch(asked.name):
            with read_transaction(self._desk.engine) as connection:
                copy = copies.named(connection, registrations.CARRIER, asked.name)
        scheme, _, token = asked.authorization.partition(" ")
        expected = self._of_nobody if copy is None else copy.secret
        same = hmac.compare_digest(token.encode(), expected.encode())
        if copy is None or not same or scheme.lower() != SCHEME.lower():  # RFC 9110 section 11.1
            raise PassTokenInvalid
        self._limit.take(copy.name)
        return copy


def web_service_router(settings: IssuerSettings, wallet: Wallet, desk: WalletDesk) -> APIRouter:
    """The five endpoints."""
    router = APIRouter(prefix=f"{WEB_SERVICE_PATH}/v1", include_in_schema=False)
    service, workers = WebService(settings, wallet, desk), CapacityLimiter(_WORKERS)
    limit, reports = RateLimit(settings.apple_requests_per_minute), RateLimit(REPORTS_PER_MINUTE)

    async def work(request: Request, task: Callable[..., T], *values: Any) -> T:
        limit.take(caller_address(request))
        return await to_thread.run_sync(partial(task, *values), limiter=workers)

    def asked(request: Request) -> Asked:
        path = request.path_params
        return Asked(path["pass_type"], path["name"], request.headers.get("authorization", ""))

    @router.post(_REGISTRATION + "/{name}")
    async def register(request: Request, device: str) -> Response:
        new = await work(request, service.register, asked(request), device, await request.body())
        return Response(status_code=201 if new else 200, headers=_PRIVATE)

    @router.delete(_REGISTRATION + "/{name}")
    async def unregister(request: Request, device: str) -> Response:
        await work(request, service.unregister, asked(request), device)
        return Response(status_code=200, headers=_PRIVATE)

    @router.get(_REGISTRATION)
    async def changed(request: Request, device: str, pass_type: str) -> Response:
        since = request.query_params.get("passesUpdatedSince")
        found = await work(request, service.changed, device, pass_type, since)
        return Response(status_code=204, headers=_PRIVATE) if found is None else JSONResponse(found, headers=_PRIVATE)

    @router.get("/passes/{pass_type}/{name}")
    async def fetch(request: Request) -> Response:
        found = await work(request, service.fetch, asked(request), request.headers.get("if-modified-since"))
        headers = _PRIVATE | {"Last-Modified": found.last_modified}
        if found.body is None:
            return Response(status_code=304, headers=headers)
        return Response(found.body, headers=headers, media_type=found.media_type)

    @router.post("/log")
    async def report(request: Request) -> Response:
        reports.take(caller_address(request))
        messages = read_object(await request.body(), LONGEST_REPORT).get("logs")
        if not isinstance(messages, list):
            raise RequestMalformed("The member logs is no list.")
        texts = [message for message in messages[: device_reports.MOST_MESSAGES] if isinstance(message, str)]
        _LOG.warning("phone_reports", messages=len(messages), kinds=device_reports.counted(texts))
        return Response(status_code=200, headers=_PRIVATE)

    return router


def read_object(body: bytes, longest: int) -> dict[str, Any]:
    """The JSON object; members that we do not know are Apple's to add. Raises `BodyTooLarge`, `RequestMalformed`."""
    if len(body) > longest:
        raise BodyTooLarge(f"The request is too large; at most {longest >> 10} kB are taken here.")
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RequestMalformed("The body is no JSON object.")
    return value


def _http_date(second: int) -> str:
    """RFC 9110 section 5.6.7, IMF-fixdate."""
    return format_datetime(datetime.fromtimestamp(second, UTC), usegmt=True)


def _seconds(date: str) -> float:
    """The second that an HTTP date names, in any of its three forms; 0 for anything else."""
    try:
        moment = parsedate_to_datetime(date[:64])
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0
