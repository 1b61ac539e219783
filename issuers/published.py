"""Serving the published documents: the same bytes as in the folder, with the headers that caches and browsers need.

Only addresses of documents that we publish are looked up at all; no path from a request ever reaches the disk. Any
static web server can serve the folder instead.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from os import fstat, stat_result
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Header, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from issuers.accept import choose
from issuers.api.problems import problems
from issuers.settings import IssuerSettings
from keys.issuing import REVOCATION_LIST
from web.conditional import is_known

STATUS_LIST_JWT = "application/statuslist+jwt"
STATUS_LIST_CWT = "application/statuslist+cwt"
TRUST_LIST_JWT = "application/trustlist+jwt"  # RFC 7515 section 4.1.9: the header's `typ` with "application/" before it
CRL = "application/pkix-crl"  # RFC 5280 section 4.2.1.13
PLATE_LIST_CWT = "application/platelist+cwt"
PLATE_KEYS_JWT = "application/platekeys+jwt"
JSON = "application/json"

_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "ETag"}
_PREFLIGHT = _CORS | {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
_TYPE_MAX_AGE = 86400  # seconds; a type's version never changes its bytes
_REMEMBERED = 256  # documents
_MEDIA_TYPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"trust-list\.jwt"), TRUST_LIST_JWT),
    (re.compile(r"status/[0-9]{1,3}(\.jwt)?"), STATUS_LIST_JWT),
    (re.compile(r"status/[0-9]{1,3}\.cwt"), STATUS_LIST_CWT),
    (re.compile(re.escape(REVOCATION_LIST)), CRL),
    (re.compile(r"status-lists\.json"), JSON),
    (re.compile(r"plates/[0-9]{4}-[0-9]{2}-[0-9]{2}\.cwt"), PLATE_LIST_CWT),
    (re.compile(r"plates/keys/[A-Za-z0-9_-]{43}\.jwt"), PLATE_KEYS_JWT),
    (re.compile(r"types/[a-z0-9_]{1,40}/[0-9]{1,4}\.json"), JSON),
)
_ANY = (TRUST_LIST_JWT, STATUS_LIST_JWT, STATUS_LIST_CWT, PLATE_LIST_CWT, PLATE_KEYS_JWT, CRL, JSON)


class Document(NamedTuple):
    """One published document as it is on disk. `etag` is strong (RFC 9110 section 8.8.3)."""

    body: bytes
    etag: str
    media_type: str


class PublishedFolder:
    """Reads published documents, and remembers each until its file is replaced."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._remembered: OrderedDict[str, tuple[tuple[int, int, int], Document]] = OrderedDict()

    def read(self, path: str) -> Document | None:
        """The document at `path` below the folder, None when there is none."""
        media_type = next((found for form, found in _MEDIA_TYPES if form.fullmatch(path)), None)
        if media_type is None:
            return None
        try:
            known = self._remembered.get(path)
            if known and known[0] == _identity((self._folder / path).stat()):
                return known[1]
            with (self._folder / path).open("rb") as file:
                identity, body = _identity(fstat(file.fileno())), file.read()
        except OSError:
            return None
        document = Document(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', media_type)
        self._remembered[path] = (identity, document)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return document


def _identity(found: stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size


def published_router(settings: IssuerSettings) -> APIRouter:
    """`/status/{id}`, `/types/{name}/{version}`, `/status-lists.json` and the whole folder below `/published/`."""
    router = APIRouter(tags=["published documents"])
    folder = PublishedFolder(settings.published)

    def answer(request: Request, path: str, vary: bool = False) -> Response:
        document = folder.read(path)
        if document is None:
            raise HTTPException(404, headers=_CORS)
        max_age = _TYPE_MAX_AGE if path.startswith("types/") else settings.status_list_ttl
        headers = _CORS | {"ETag": document.etag, "Cache-Control": f"public, max-age={max_age}"}
        if vary:
            headers["Vary"] = "Accept"
        if is_known(request.headers.get("if-none-match"), document.etag):
            return Response(status_code=304, headers=headers)
        return Response(document.body, headers=headers, media_type=document.media_type)

    async def status_list(
        request: Request,
        list_id: str,
        accept: Annotated[str | None, Header(description="Which of the two forms; without it the JWT.")] = None,
        time: Annotated[str | None, Query(include_in_schema=False)] = None,
    ) -> Response:
        """The Status List Token (draft-ietf-oauth-status-list section 8.1) as JWT or CWT. `?time=` is not offered."""
        if time is not None:
            raise HTTPException(501, headers=_CORS)
        form = choose(accept, (STATUS_LIST_JWT, STATUS_LIST_CWT))
        if form is None:
            raise HTTPException(406, headers=_CORS | {"Vary": "Accept"})
        return answer(request, f"status/{list_id}.{'cwt' if form == STATUS_LIST_CWT else 'jwt'}", vary=True)

    async def type_metadata(request: Request, name: str, version: str) -> Response:
        """SD-JWT VC Type Metadata: what a type of pass is, in German and English."""
        return answer(request, f"types/{name}/{version}.json")

    async def aggregation(request: Request) -> Response:
        """The addresses of all status lists (draft-ietf-oauth-status-list section 9)."""
        return answer(request, "status-lists.json")

    async def any_document(request: Request, path: str) -> Response:
        """A document: `trust-list.jwt`, `anchor.crl`, `status/1.cwt`, `types/…/1.json`, `plates/2027-03-31.cwt` …"""
        return answer(request, path)

    async def preflight() -> Response:
        return Response(status_code=204, headers=_PREFLIGHT)

    for address, endpoint, summary, media_types in (
        ("/status/{list_id}", status_list, "A status list", (STATUS_LIST_JWT, STATUS_LIST_CWT)),
        ("/types/{name}/{version}", type_metadata, "A type of pass", (JSON,)),
        ("/status-lists.json", aggregation, "All status lists", (JSON,)),
        ("/published/{path:path}", any_document, "A published document", _ANY),
    ):
        described = _responses(media_types, negotiated=endpoint is status_list)
        router.add_api_route(
            address, endpoint, methods=["GET"], summary=summary, response_class=Response, responses=described
        )
        router.add_api_route(address, endpoint, methods=["HEAD"], include_in_schema=False)
        router.add_api_route(address, preflight, methods=["OPTIONS"], include_in_schema=False)
    return router


def _responses(media_types: tuple[str, ...], *, negotiated: bool) -> dict[int | str, dict[str, Any]]:
    text, binary = {"schema": {"type": "string"}}, {"schema": {"type": "string", "format": "binary"}}
    content = {name: binary if name == CRL or name.endswith("+cwt") else text for name in media_types}
    if media_types == (JSON,):
        content = {JSON: {"schema": {"type": "object"}}}
    found: dict[int | str, dict[str, Any]] = {
        200: {"description": "The bytes that were signed", "content": content},
        304: {"description": "Unchanged since the ETag that was sent"},
    }
    return found | problems("not_found", *(("not_acceptable", "not_implemented") if negotiated else ()))
