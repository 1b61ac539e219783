"""The issuing service, put together: the API for departments, the published documents, and their re-signing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import FastAPI

from issuers.api import campaigns, imports
from issuers.api.amendments import amendments_router
from issuers.api.counter import Counter
from issuers.api.description import ADDRESS, describe, pages_router
from issuers.api.links import links_router
from issuers.api.offers import offers_router
from issuers.api.passes import passes_router
from issuers.api.problems import STATUSES, install_field_problems
from issuers.api.status_changes import status_router
from issuers.metrics import OfficeMetrics
from issuers.models import tokens as tokens_table
from issuers.office import Office
from issuers.published import published_router
from issuers.publisher import Publisher
from issuers.readiness import Readiness
from issuers.residents.pages import residents_router
from issuers.upkeep import INTERVAL, SOON, keep_plate_lists, keep_published, keep_up
from issuers.uploads import LIMIT
from issuers.wallets import HasRouter
from web.bearer import BearerTokens
from web.edge import Service, fit_edge
from web.tokens import TokenStore

REQUESTS_PER_MINUTE = 6000  # of one token: a department's system, not a person


def create_app(office: Office, upkeep_interval: float = INTERVAL) -> FastAPI:
    """The application. Opens database and keys at once: raises `NotInitialised`, `WrongPassphrase` and the like."""
    publisher = Publisher(office.publication.publish_changes)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        upkeep = asyncio.gather(
            keep_published(publisher, min(SOON, upkeep_interval)),
            keep_up(office, upkeep_interval),
            keep_plate_lists(office, upkeep_interval),
        )
        yield
        upkeep.cancel()
        with suppress(asyncio.CancelledError):
            await upkeep

    app = Service(
        title="walletpass issuing service",
        summary="An entitlement in, a pass out, its status published.",
        openapi_url=ADDRESS,
        lifespan=lifespan,
    )
    lists = dict.fromkeys((imports.PATH, campaigns.PATH), LIMIT)
    metrics = fit_edge(app, STATUSES, Readiness(office).missing, streamed_bodies=lists)
    metrics.registry.register(OfficeMetrics(office))
    install_field_problems(app)
    app.include_router(published_router(office.settings))
    app.state.tokens = BearerTokens(TokenStore(office.engine, tokens_table), REQUESTS_PER_MINUTE)
    counter = Counter(office, publisher)
    routers = (passes_router, amendments_router, status_router, offers_router, links_router)
    for router in (*routers, imports.imports_router, campaigns.campaigns_router):
        app.include_router(router(counter))
    app.include_router(residents_router(counter))
    describe(app)
    for wallet in office.wallets.values():
        if isinstance(wallet, HasRouter):
            app.include_router(wallet.router(office))
    app.include_router(pages_router(app, {each.path(): each.labels for each in office.catalogue}))
    return app
