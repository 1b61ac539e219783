"""`POST /api/v1/imports`: a department's list, as with `walletpass import`.

An import is idempotent by itself: the same list twice changes nothing. Its `Idempotency-Key` only keeps another list
from being sent under the same key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from issuers.api.counter import PRIVATE, Caller, Counter, IdempotencyKey
from issuers.api.idempotency import once
from issuers.api.problems import EVERYWHERE, WITH_BODY, InvalidBody, problems
from issuers.api.schemas import ImportOut
from issuers.api.uploads import receive
from issuers.importing import Import
from issuers.sources.columns import unread_columns
from issuers.sources.csv_file import SourceFile
from issuers.sources.entitlements import read_rows
from issuers.uploads import upload
from walletpass.passes import local_day

PATH = "/api/v1/imports"
_AT_ONCE = 2
_TOO_MANY = 0  # missing passes: nobody is asked here, so more than half always needs `force`
LIST_CODES = (*EVERYWHERE, *WITH_BODY, "unsupported_media_type", "unknown_type", "file_empty", "not_a_text_file",
              "bad_encoding", "bad_header", "missing_column", "duplicate_column", "bad_quotes", "no_room")  # fmt: skip
LIST_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The list: UTF-8, CP1252 or ISO-8859-1; comma, semicolon or tab; at most 64 MB.",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "permit_no;zone;plate1;valid_until\nBP-2027-000123;A12;D-AB 1234E;31.12.2027\n",
            }
        },
    }
}
DRY_RUN = "Say what would change, and whom that would reach; change nothing."
_COMPLETE = "Suspend passes that the list does not name; needs the right to suspend, too."
REISSUE = "New passes for numbers that were revoked; needs the right to issue, too."


def imports_router(counter: Counter) -> APIRouter:
    """Imports."""
    router = APIRouter(tags=["imports"])
    office, running = counter.office, CapacityLimiter(_AT_ONCE)

    @router.post(
        PATH,
        summary="Import a list",
        response_model=ImportOut,
        responses=problems(*LIST_CODES, "too_many_missing", "too_many_shorter"),
        openapi_extra=LIST_BODY,
    )
    async def import_list(
        request: Request,
        token: Caller,
        type: Annotated[str, Query(description="The type of pass.", examples=["library_card"])],  # noqa: A002
        dry_run: Annotated[bool, Query(description=DRY_RUN)] = False,
        complete: Annotated[bool, Query(description=_COMPLETE)] = False,
        reissue: Annotated[bool, Query(description=REISSUE)] = False,
        force: Annotated[
            bool, Query(description="Even if more than half is missing, or would end earlier than now.")
        ] = False,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Rows that fail are reported, the others imported."""
        pass_type = counter.declared(type)
        for action, asked in (("import", True), ("suspend", complete), ("issue", reissue)):
            if asked:
                token.require(pass_type.department, action)
        require_csv(request)
        order = office.order(f"token {token.id}")
        work = Import(office.engine, pass_type, order, dry_run, complete, reissue, force, _TOO_MANY)
        with upload(office.settings.issuer_home) as file:
            sha256 = await receive(request, file)
            attempt = await counter.attempt(request, token, idempotency_key, sha256)
            await counter.work(once, office.engine, attempt, 200, lambda _: pass_type.name)
            try:
                return await to_thread.run_sync(answer_of, work, Path(file.name), counter.zones, limiter=running)
            finally:  # also of what was imported before it was refused
                if not dry_run:
                    await counter.publisher.publish()

    return router


def require_csv(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/csv":
        raise InvalidBody("Send the list as text/csv.")


def answer_of(work: Import, path: Path, zones: frozenset[str]) -> Response:
    """Do the import and answer with its report."""
    source = SourceFile(path)
    report = work.run(read_rows(source, work.pass_type, local_day(work.order.now), zones), lambda: None)
    report.unread_columns = unread_columns(work.pass_type, source.header)
    return JSONResponse(report.document(), headers=PRIVATE)
