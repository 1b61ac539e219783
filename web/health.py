"""`/healthz`: the process lives. `/readyz`: it can do its work, or says in one word each what is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter
from starlette.responses import JSONResponse

Missing = Callable[[], Sequence[str]]
"""What is missing, as codes; empty: ready."""


def health_router(missing: Missing) -> APIRouter:
    """The two addresses, for load balancers and supervisors; neither says anything about persons."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="The process lives")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    @router.get("/readyz", summary="The service can do its work", responses={503: {"description": "Not yet"}})
    def readyz() -> JSONResponse:
        lacking = list(missing())
        content = {"status": "unavailable" if lacking else "ok", "missing": lacking}
        return JSONResponse(content, 503 if lacking else 200, {"Cache-Control": "no-store"})

    return router
