"""The desk's pages of contested checks. Opening one decrypts it, so only whoever leads the team may.

What a case holds came from a device: it is shown as text, and its photo as a JPEG and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response

from verifiers.check_texts import OUTCOMES, REASONS
from verifiers.desk.office import DeskOffice
from verifiers.desk.texts import TEXTS
from verifiers.scans.cases import Case, CaseContent, CaseUnreadable
from walletpass.verdict import Outcome, Reason
from web.staff.desk import Visit

_PHOTO_HEADERS = {"Cache-Control": "no-store", "Content-Disposition": "inline"}


def case_pages_router(office: DeskOffice) -> APIRouter:
    """`/cases`, `/cases/<id>` and its photo below the desk's prefix."""
    desk = office.desk
    router = APIRouter(prefix=desk.prefix, include_in_schema=False, route_class=desk.route_class)

    @router.get("/cases")
    async def all_cases(request: Request) -> Response:
        return await run_in_threadpool(_cases_page, office, await office.lead(request))

    @router.get("/cases/{case_id}")
    async def one_case(request: Request, case_id: str) -> Response:
        return await run_in_threadpool(_case_page, office, await office.lead(request), case_id)

    @router.get("/cases/{case_id}/photo")
    async def photo(request: Request, case_id: str) -> Response:
        await office.lead(request)
        found = (await run_in_threadpool(office.cases.open, case_id)).photo
        if found is None:
            raise HTTPException(404)
        return Response(found, headers=_PHOTO_HEADERS, media_type="image/jpeg")

    @router.post("/cases/{case_id}")
    async def change(request: Request, case_id: str) -> Response:
        return await run_in_threadpool(_changed, office, await office.lead(request), case_id)

    return router


def _cases_page(office: DeskOffice, visit: Visit) -> Response:
    rows = [_row(office, case, visit.language) for case in office.cases.all()]
    return office.desk.page("desk/cases.html", visit, rows=rows, days=office.settings.case_retention_days)


def _case_page(office: DeskOffice, visit: Visit, case_id: str) -> Response:
    case, refusal, content = office.cases.one(case_id), None, None
    try:
        content = office.cases.open(case_id)
    except CaseUnreadable as problem:
        refusal = problem
    return office.desk.page(
        "desk/case.html",
        visit,
        refusal,
        row=_row(office, case, visit.language),
        facts=[] if content is None else list(_facts(content, visit.language)),
        note="" if content is None else content.note,
        has_photo=content is not None and content.photo is not None,
    )


def _changed(office: DeskOffice, visit: Visit, case_id: str) -> Response:
    match visit.form.get("change"):
        case "close":
            office.cases.close(case_id)
        case "delete":
            office.cases.delete(case_id)
    return office.desk.go("cases", visit.language)


def _row(office: DeskOffice, case: Case, language: str) -> dict[str, object]:
    return {
        "id": case.id,
        "at": office.desk.when(case.at, language),
        "device": office.device_names().get(case.device_id, case.device_id),
        "closed": case.closed_at is not None,
    }


def _facts(content: CaseContent, language: str) -> Iterator[tuple[str, str]]:
    """What the device showed, in the desk's words where there are some."""
    texts, verdict = TEXTS[language], content.verdict
    outcome, reason = str(verdict.get("outcome", "")), str(verdict.get("reason", ""))
    if outcome in set(Outcome):
        yield texts["verdict"], OUTCOMES[language][Outcome(outcome)]
    elif outcome in texts:
        yield texts["verdict"], texts[outcome]
    if reason in set(Reason):
        yield "", REASONS[language][Reason(reason)]
    for label, value in ((texts["place"], content.zone), (texts["plate"], content.plate)):
        if value:
            yield label, value
    for claim in content.claims:
        labels, value = claim.get("label"), claim.get("value")
        name = labels.get(language) if isinstance(labels, dict) else claim.get("name")
        yield str(name), ", ".join(map(str, value)) if isinstance(value, list) else str(value)
