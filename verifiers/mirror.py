"""The published documents as this service has taken them, handed on unchanged: devices fetch them from here.

A device so needs one address only, and is never given what the service itself refused. It verifies each again under
its own anchor. The keys of the plate lists are not among them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from web.conditional import is_known

PREFIX = "/published/"
_KINDS = {"status": "statuslist", "plates": "platelist"}  # by folder; what lies in none is the trust list


@dataclass(frozen=True, slots=True)
class Mirrored:
    """A document's bytes and their strong ETag, as it stands in the header (RFC 9110 section 8.8.3)."""

    content: bytes
    etag: str


def mirrored(documents: Mapping[str, bytes], before: Mapping[str, Mirrored]) -> Mapping[str, Mirrored]:
    """All `documents` by path; what has not changed since `before` is not digested again."""
    found = {}
    for path, content in documents.items():
        known = before.get(path)
        found[path] = known if known is not None and known.content == content else Mirrored(content, _etag(content))
    return MappingProxyType(found)


def mirror_router(documents: Callable[[], Mapping[str, Mirrored]]) -> APIRouter:
    """`GET /published/<path>`; `documents` gives the newest ones."""
    router = APIRouter(include_in_schema=False)

    @router.get(PREFIX + "{path:path}")
    async def document(request: Request, path: str) -> Response:
        found = documents().get(path)
        if found is None:
            raise HTTPException(404)
        headers = {"ETag": found.etag, "Cache-Control": "no-cache"}
        if is_known(request.headers.get("if-none-match"), found.etag):
            return Response(status_code=304, headers=headers)
        return Response(found.content, headers=headers, media_type=_media_type(path))

    return router


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _media_type(path: str) -> str:
    """The type that a signed document names in its header (RFC 7515 section 4.1.9, RFC 9596), as issuers serve it."""
    kind = _KINDS.get(path.partition("/")[0], "trustlist")
    return "application/json" if path.endswith(".json") else f"application/{kind}+{path.rpartition('.')[2]}"
