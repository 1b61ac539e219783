"""The issuing service, put together: the API for departments, the published documents, and their re-signing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from issuers.api.problems import STATUSES, install_field_problems
from issuers.office import Office
from issuers.published import published_router
from issuers.readiness import Readiness
from issuers.upkeep import Publisher, keep_up
from web.edge import fit_edge


def create_app(office: Office) -> FastAPI:
    """The application. Opens database and keys at once: raises `NotInitialised`, `WrongPassphrase` and the like."""
    publisher = Publisher(office.publication.publish_changes)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        upkeep = asyncio.create_task(keep_up(office, publisher))
        yield
        upkeep.cancel()
        with suppress(asyncio.CancelledError):
            await upkeep

    app = FastAPI(
        title="walletpass issuing service",
        summary="An entitlement in, a pass out, its status published.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
    )
    fit_edge(app, STATUSES, Readiness(office).missing)
    install_field_problems(app)
    app.include_router(published_router(office.settings))
    return app
