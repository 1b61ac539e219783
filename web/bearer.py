"""Signing in with a bearer token (RFC 6750, header only: a token in an address would end up in logs)."""

from __future__ import annotations

import time

from fastapi import Request
from fastapi.security import HTTPBearer
from starlette.types import Scope

from web.limits import RateLimit, caller_address
from web.tokens import Token, TokenInvalid, TokenMissing, TokenStore

_LONGEST = 256  # characters
SCHEME = HTTPBearer(auto_error=False, description="A token made with `walletpass tokens create`.")


class BearerTokens:
    """Called with a request, gives its token. Name `SCHEME` as a dependency too, so that the API's description says so.

    Each token has `per_minute` requests; failed attempts are counted per address. Raises `TokenMissing`,
    `TokenInvalid` or `TooManyRequests`.
    """

    def __init__(self, store: TokenStore, per_minute: int, failures_per_minute: int = 30) -> None:
        self._store = store
        self._rate = RateLimit(per_minute)
        self._failures = RateLimit(failures_per_minute)

    async def __call__(self, request: Request) -> Token:
        return self.of(request.scope)

    def of(self, scope: Scope) -> Token:
        """The token of a request by its ASGI scope."""
        secret = _credentials(scope)
        if not secret:
            raise TokenMissing("Send a bearer token in the Authorization header.")
        try:
            if len(secret) > _LONGEST:
                raise TokenInvalid("The token is far too long to be one of ours.")
            token = self._store.authenticate(secret, int(time.time()))
        except TokenInvalid:
            self._failures.take(caller_address(Request(scope)))
            raise
        self._rate.take(token.id)
        return token


def _credentials(scope: Scope) -> str:
    """What follows `Bearer` in the first Authorization header; empty when there is none."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, credentials = value.decode("latin-1").partition(" ")
            return credentials.strip() if scheme.lower() == "bearer" else ""
    return ""
