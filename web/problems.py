"""Errors as problem details (RFC 9457). Codes are ours and stable; HTTP statuses stand here and in each service.

Nothing a caller sent is repeated in an answer: it may be personal data, and it may be hostile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from keys.errors import WalletPassError

MEDIA_TYPE = "application/problem+json"
_SHARED: Mapping[str, int] = {
    "token_missing": 401,
    "token_invalid": 401,
    "right_missing": 403,
    "token_not_found": 404,
    "body_too_large": 413,
    "body_too_slow": 408,
    "too_many_requests": 429,
    "bodies_busy": 503,
    "database_busy": 503,
    "database_unavailable": 503,
    "malformed": 400,
    "dpop_proof_invalid": 401,
    "use_dpop_nonce": 401,
    "jwk_invalid": 422,
}
_BEARER = 'Bearer realm="walletpass"'
_ERRORS_AT_MOST = 20
_PLAIN = re.compile(r"[A-Za-z0-9_\[\]-]{1,40}")
_SENTENCES = {
    400: ("bad_request", "The request cannot be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    406: ("not_acceptable", "None of the accepted media types can be sent."),
    500: ("internal_error", "Something went wrong here. It has been logged; try again later."),
}


def _name(part: object) -> str:
    """A member's name, unless the caller made up one that is none."""
    return str(part) if _PLAIN.fullmatch(str(part)) else "…"


def problem(
    status: int, code: str, sentence: str, headers: Mapping[str, str] | None = None, **more: object
) -> JSONResponse:
    """A problem document. `more` are extension members (RFC 9457 section 3.2)."""
    content = {
        "type": f"urn:walletpass:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": sentence,
        "code": code,
        **more,
    }
    all_headers = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(content, status, all_headers, media_type=MEDIA_TYPE)


def internal_error() -> JSONResponse:
    """The answer to what nobody foresaw."""
    return problem(500, *_SENTENCES[500])


def answer(error: WalletPassError, statuses: Mapping[str, int]) -> JSONResponse:
    """The problem document for one of our errors; a code in no table is a 500, because nobody thought of it."""
    status = statuses.get(error.code) or _SHARED.get(error.code, 500)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = getattr(error, "challenge", _BEARER)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return problem(status, error.code, error.sentence, headers)


def install_problems(app: FastAPI, statuses: Mapping[str, int]) -> None:
    """Answer every error of `app` with a problem document. `statuses` maps the service's codes to HTTP statuses."""

    def ours(_: Request, error: Exception) -> Response:
        assert isinstance(error, WalletPassError)
        return answer(error, statuses)

    def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = error.errors()[:_ERRORS_AT_MOST]
        errors = [{"field": ".".join(map(_name, entry["loc"])), "problem": entry["msg"]} for entry in found]
        return problem(422, "invalid_request", "The request does not have the form it should.", errors=errors)

    def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        phrase = HTTPStatus(error.status_code).phrase
        fallback = (phrase.lower().replace(" ", "_"), f"{phrase}.")
        return problem(error.status_code, *_SENTENCES.get(error.status_code, fallback), headers=error.headers)

    app.add_exception_handler(WalletPassError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
