"""The verifying service, put together. It opens the published documents, the trust anchor and its own folder only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.formparsers import MultiPartParser

from verifiers.api.verifications import verifications_router
from verifiers.check_page import check_page_router
from verifiers.desk.staff import open_staff
from verifiers.desk.start import desk_router
from verifiers.images import MAX_BYTES
from verifiers.judging import Judge
from verifiers.known import Known
from verifiers.picture_queue import PictureQueue
from verifiers.settings import VerifierSettings
from verifiers.tokens import open_tokens
from web.bearer import BearerTokens
from web.edge import fit_edge
from web.limits import RateLimit

UPLOAD_LIMIT = MAX_BYTES + (64 << 10)  # bytes: the largest picture and the form around it
STATUSES = {"image_unreadable": 422, "image_too_large": 413, "no_code_found": 422, "pictures_busy": 503}


def create_app(settings: VerifierSettings) -> FastAPI:
    """The application. Raises `AnchorInvalid` or `AddressInvalid` when it could never verify anything."""
    MultiPartParser.spool_max_size = UPLOAD_LIMIT  # a photo of somebody's pass is never written to disk
    known = Known(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        known.start()
        yield
        known.stop()

    app = FastAPI(
        title="walletpass verifying service",
        summary="A presentation in, a verdict out.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
    )
    metrics = fit_edge(
        app, STATUSES, known.missing, {"/api/v1/verifications/image": UPLOAD_LIMIT, "/check": UPLOAD_LIMIT}
    )
    judge = Judge(known, metrics.registry)
    tokens = BearerTokens(open_tokens(settings), settings.verifier_checks_per_minute)
    pictures = PictureQueue()
    app.include_router(verifications_router(judge, tokens, pictures))
    app.include_router(check_page_router(judge, RateLimit(settings.verifier_page_per_minute), pictures))
    app.include_router(desk_router(open_staff(settings), settings))
    return app
