"""`/api/v1/campaigns`: lists that workers import, and all that is told because of them.

The rights are those of an import. A campaign of a department for which the token may not import is as unknown as one
that does not exist; its result, which names passes, needs the right to read as well.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response, StreamingResponse

from issuers import campaigns
from issuers.api.counter import PRIVATE, READ, Caller, Counter, IdempotencyKey
from issuers.api.imports import DRY_RUN, LIST_BODY, LIST_CODES, REISSUE, answer_of, require_csv
from issuers.api.problems import EVERYWHERE, problems
from issuers.api.schemas import CampaignOut, CampaignsOut, ImportOut
from issuers.api.uploads import receive
from issuers.campaign_results import brief, document, result
from issuers.campaigns import CHANGES, LONGEST_NAME, Campaign, CountedList, UnknownCampaign, Wish
from issuers.importing import Import
from issuers.notices import Inform
from issuers.sources.csv_file import SourceFile
from issuers.sources.entitlements import read_rows
from issuers.uploads import upload
from walletpass import claims as reading
from walletpass.pass_type import PassType
from walletpass.passes import local_day
from web.database import read_transaction
from web.tokens import RightMissing, Token

PATH = "/api/v1/campaigns"
IMPORT = "import"
_AT_ONCE = 2
_SHOWN = 50
_NO_BODY = b""  # below this path bodies may be large, so none is read where none belongs
_LARGEST = (1 << 63) - 1
_CHANGE_CODES = (*EVERYWHERE, "bad_request", "idempotency_key_reused", "unknown_campaign", "campaign_over")
_SUMMARIES = {
    "pause": ("Pause a campaign", "No further rows are imported and nobody more is told, until it is resumed."),
    "resume": ("Resume a campaign", "It goes on where it was paused."),
    "cancel": (
        "Cancel a campaign",
        "No further rows are imported, no more mail or letters sent. Wallets still hear of what has changed already.",
    ),
}


def campaigns_router(counter: Counter) -> APIRouter:
    """Campaigns."""
    router = APIRouter(prefix=PATH, tags=["campaigns"])
    _add_start(router, counter)
    _add_reading(router, counter)
    _add_result(router, counter)
    for what, (summary, description) in _SUMMARIES.items():
        router.add_api_route(
            f"/{{number}}/{what}",
            _changing(counter, what),
            methods=["POST"],
            name=f"{what}_campaign",
            summary=summary,
            description=description,
            response_model=CampaignOut,
            responses=problems(*_CHANGE_CODES),
        )
    return router


def _add_start(router: APIRouter, counter: Counter) -> None:
    office, running = counter.office, CapacityLimiter(_AT_ONCE)

    @router.post(
        "",
        summary="Start a campaign",
        status_code=201,
        response_model=CampaignOut,
        responses=problems(*LIST_CODES, "bad_text", "too_long") | {200: {"model": ImportOut}},
        openapi_extra=LIST_BODY,
    )
    async def start(
        request: Request,
        token: Caller,
        type: Annotated[str, Query(description="The type of pass.", examples=["family_card"])],  # noqa: A002
        name: Annotated[str, Query(description="What it is called in lists. Name no person.")] = "",
        inform: Annotated[Inform, Query(description="How holders of renewed passes are told.")] = Inform.NONE,
        dry_run: Annotated[bool, Query(description=DRY_RUN)] = False,
        reissue: Annotated[bool, Query(description=REISSUE)] = False,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """The list is stored, and imported by the workers. A dry run answers 200 with the report of an import."""
        pass_type = counter.declared(type)
        for action, asked in ((IMPORT, True), ("issue", reissue)):
            if asked:
                token.require(pass_type.department, action)
        require_csv(request)
        called = reading.clean_text("name", name, LONGEST_NAME) or pass_type.name
        order = office.order(f"token {token.id}")
        wish = Wish(pass_type.name, called, inform, order.actor, reissue)
        with upload(office.settings.issuer_home) as file:
            sha256 = await receive(request, file)
            path = Path(file.name)
            if dry_run:
                work = Import(office.engine, pass_type, order, dry_run=True, reissue=reissue, inform=inform,
                              mail_possible=office.settings.sends_mail)  # fmt: skip
                return await to_thread.run_sync(answer_of, work, path, counter.zones, limiter=running)
            wanted = await to_thread.run_sync(_readable, path, pass_type, counter, limiter=running)
            attempt = await counter.attempt(request, token, idempotency_key, sha256)

            def begin(connection: Connection) -> str:
                return str(campaigns.start(connection, wish, wanted, order.seconds))

            status, number = await counter.once(attempt, 201, begin)
        shown = await counter.work(_shown, counter, token, int(number))
        return JSONResponse(shown, status, PRIVATE | {"Location": f"{PATH}/{number}"})


def _add_reading(router: APIRouter, counter: Counter) -> None:
    office = counter.office

    @router.get("", summary="List campaigns", response_model=CampaignsOut, responses=problems(*EVERYWHERE))
    async def list_campaigns(token: Caller) -> Response:
        """The last campaigns of the departments for which the token may import, the newest first."""
        types = [each.name for each in office.catalogue if token.allows(each.department, IMPORT)]
        if not types:
            raise RightMissing("This token has no right to 'import' for any department; ask for one that has.")

        def read() -> list[dict[str, Any]]:
            with read_transaction(office.engine) as connection:
                return [brief(each) for each in campaigns.newest(connection, types, _SHOWN)]

        return JSONResponse({"campaigns": await counter.work(read)}, headers=PRIVATE)

    @router.get(
        "/{number}",
        summary="Show a campaign",
        response_model=CampaignOut,
        responses=problems(*EVERYWHERE, "unknown_campaign"),
    )
    async def show(number: str, token: Caller) -> Response:
        """How far it is, in figures."""
        return JSONResponse(await counter.work(_shown, counter, token, _number(number)), headers=PRIVATE)


def _add_result(router: APIRouter, counter: Counter) -> None:
    @router.get(
        "/{number}/result.csv",
        summary="What became of each row",
        response_class=Response,
        responses=problems(*EVERYWHERE, "unknown_campaign")
        | {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def result_file(number: str, token: Caller) -> Response:
        """And what each carrier was told: UTF-8, semicolons. Needs the right to read, too."""

        def permitted() -> Campaign:
            with read_transaction(counter.office.engine) as connection:
                found = _permitted(connection, counter, token, _number(number))
                token.require(counter.declared(found.type).department, READ)
                return found

        found = await counter.work(permitted)
        headers = PRIVATE | {"Content-Disposition": f'attachment; filename="campaign-{found.id}.csv"'}
        content = result(counter.office.engine, found.id)
        return StreamingResponse(content, headers=headers, media_type="text/csv; charset=utf-8")


def _changing(counter: Counter, what: str) -> Callable[..., object]:
    async def change_campaign(
        request: Request, number: str, token: Caller, idempotency_key: IdempotencyKey = None
    ) -> Response:
        def change(connection: Connection) -> str:
            found = _permitted(connection, counter, token, _number(number))
            CHANGES[what](connection, found.id, int(counter.office.seconds()))
            return str(found.id)

        attempt = await counter.attempt(
            request, token, idempotency_key, _NO_BODY
        )  # below this path a body may be large
        status, changed = await counter.once(attempt, 200, change)
        return JSONResponse(await counter.work(_shown, counter, token, int(changed)), status, PRIVATE)

    return change_campaign


def _readable(path: Path, pass_type: PassType, counter: Counter) -> CountedList:
    """The list, if it has the columns of this type."""
    source = SourceFile(path)
    read_rows(source, pass_type, local_day(counter.office.now()), counter.zones)
    return campaigns.counted(source)


def _shown(counter: Counter, token: Token, number: int) -> dict[str, Any]:
    with read_transaction(counter.office.engine) as connection:
        return document(connection, _permitted(connection, counter, token, number))


def _permitted(connection: Connection, counter: Counter, token: Token, number: int) -> Campaign:
    """The campaign, if the token may import for its department."""
    found = campaigns.one(connection, number)
    for each in counter.office.catalogue:
        if each.name == found.type and token.allows(each.department, IMPORT):
            return found
    raise _unknown()


def _number(text: str) -> int:
    """The number in an address; nothing else names a campaign."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST):
        raise _unknown()
    return int(text)


def _unknown() -> UnknownCampaign:
    return UnknownCampaign("There is no campaign of this number.")
