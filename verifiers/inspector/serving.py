"""`/inspector/`: the app's files with their types, their policy and their caching. No file of it is personal.

Addresses below `/inspector/<version>/` never change and may be kept for good; the page, the manifest, the icons and the
service worker are asked for again each time.
"""

from __future__ import annotations

import gzip
from functools import cache

import structlog
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from verifiers.inspector.files import AppFile, AppFiles, read_app_files
from web.browser.packages import PackagesMissing
from web.pages import Pages, language_of

PREFIX = "/inspector"
HEADERS = {
    # WebAssembly is compiled by the two readers of pictures; blob: and data: are pictures that the device itself took.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; "
        "img-src 'self' blob: data:; media-src blob:; connect-src 'self'; manifest-src 'self'; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_PACKED = ("text/", "application/wasm", "application/manifest+json")  # pictures and .gz would not become smaller
_TEXTS = {
    "de": {
        "title": "Ausweisprüfung",
        "missing": "Die App ist auf diesem Server nicht vollständig eingerichtet.",
        "remedy": "Ihr fehlen Browser-Pakete. Auf dem Server einmal „make setup“ ausführen und den Dienst neu starten.",
        "meanwhile": "Bis dahin hilft die einfache Prüfseite.",
    },
    "en": {
        "title": "Pass inspection",
        "missing": "The app is not completely set up on this server.",
        "remedy": "It lacks browser packages. Run “make setup” once on the server and start the service again.",
        "meanwhile": "Until then, the plain checking page helps.",
    },
}
_log = structlog.get_logger()


def inspector_router() -> APIRouter:
    """The app at `/inspector/`; without its packages a page that says what to do, and everything else works on."""
    router = APIRouter(include_in_schema=False)
    pages = Pages("verifiers", _TEXTS)
    try:
        files: AppFiles | None = read_app_files(HEADERS)
    except PackagesMissing as missing:
        _log.warning("inspector_incomplete", code=missing.code, sentence=missing.sentence)
        files = None

    @router.get(PREFIX)
    def into_the_scope() -> Response:
        return RedirectResponse(f"{PREFIX}/", 308)

    @router.get(PREFIX + "/{path:path}")
    def file(request: Request, path: str) -> Response:
        found = files.find(path) if files else None
        if found:
            return _answer(request, *found)
        if path == "" and files is None:
            return pages.render("inspector.html", language_of(request), 503)
        return Response(status_code=404, headers=HEADERS | {"Cache-Control": "no-store"})

    return router


def _answer(request: Request, file: AppFile, lasting: bool) -> Response:
    headers = HEADERS | {
        "Cache-Control": _FOR_GOOD if lasting else _ASK_AGAIN,
        "ETag": f'W/"{file.sha256}"',  # weak: it may be packed
        "Vary": "Accept-Encoding",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    content = file.content
    if file.media_type.startswith(_PACKED) and "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = _packed(content), "gzip"
    return Response(content, headers=headers, media_type=file.media_type)


@cache
def _packed(content: bytes) -> bytes:
    """Packed when first asked for: packing all of them would hold up the start by a second."""
    return gzip.compress(content, 6, mtime=0)
