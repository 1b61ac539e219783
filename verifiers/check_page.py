"""The plain page: paste a code or send a photo, read the verdict with its steps. Works without any script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from keys.errors import WalletPassError
from verifiers.check_texts import ERRORS, OUTCOMES, REASONS, RESULTS, STEPS, TEXTS
from verifiers.images import MAX_BYTES, PicturesBusy
from verifiers.judging import Judge
from verifiers.picture_queue import PictureQueue
from verifiers.tidy import tidy
from walletpass.entitlement import ClaimValue
from walletpass.pass_type import ClaimKind, PassType
from walletpass.verdict import Verdict
from web.limits import RateLimit, TooManyRequests, caller_address
from web.pages import Pages, language_of


class NothingSent(WalletPassError):
    """Neither a text nor a picture came."""

    code = "nothing_sent"


def check_page_router(judge: Judge, limit: RateLimit, pictures: PictureQueue) -> APIRouter:
    """`GET /` shows the form, `POST /check` the verdict."""
    router = APIRouter(include_in_schema=False)
    pages = Pages("verifiers", TEXTS)

    @router.get("/")
    @router.get("/check")  # where the language switch of a verdict's page leads
    async def form(request: Request) -> Response:
        return pages.render("check.html", language_of(request), verdict=None, error=None)

    @router.post("/check")
    async def check(request: Request) -> Response:
        language = language_of(request)
        try:
            limit.take(caller_address(request))
            async with request.form(max_files=1, max_fields=4, max_part_size=MAX_BYTES) as sent:
                text = await _presented(sent, pictures)
        except WalletPassError as refusal:
            error = ERRORS[language].get(refusal.code, refusal.sentence)
            status = {TooManyRequests: 429, PicturesBusy: 503}.get(type(refusal), 422)
            answer = pages.render("check.html", language, status, verdict=None, error=error)
            if isinstance(refusal, TooManyRequests | PicturesBusy):
                answer.headers["Retry-After"] = str(refusal.retry_after)
            return answer
        verdict = judge.judge(text)
        shown = _shown(verdict, language, tuple(known.pass_type for known in judge.known.current.known_types.values()))
        return pages.render("check.html", language, verdict=shown, error=None)

    return router


async def _presented(sent: FormData, pictures: PictureQueue) -> str:
    image, text = sent.get("image"), sent.get("presentation")
    if isinstance(image, UploadFile) and image.size:
        return await pictures.text(await image.read(MAX_BYTES + 1))
    if isinstance(text, str) and tidy(text):
        return tidy(text)
    raise NothingSent("Paste a code or choose a photo.")


def _shown(verdict: Verdict, language: str, types: Sequence[PassType]) -> dict[str, object]:
    """The verdict in words, for the template."""
    pass_type = next((known for known in types if known.name == verdict.pass_type), None)
    texts = TEXTS[language]
    claims = []
    if pass_type is not None and verdict.claims:
        for claim in pass_type.claims:
            if claim.name in verdict.claims:
                value = _worded(verdict.claims[claim.name], claim.kind, language)
                claims.append((claim.labels[language], value))
    return {
        "outcome": verdict.outcome.value,
        "headline": OUTCOMES[language][verdict.outcome],
        "reason": REASONS[language][verdict.reason],
        "code": verdict.reason.value,
        "pass_type": pass_type.labels[language] if pass_type else None,
        "claims": claims,
        "steps": [(STEPS[language][step], result.value, RESULTS[language][result]) for step, result in verdict.steps],
        "valid_until": _day(verdict.valid_until, language) if verdict.valid_until else None,
        "age": None if verdict.status_age_seconds is None else _age(verdict.status_age_seconds, texts),
    }


def _worded(value: ClaimValue, kind: ClaimKind, language: str) -> str:
    if isinstance(value, bool):
        return TEXTS[language]["yes" if value else "no"]
    if isinstance(value, tuple):
        return ", ".join(value) or "–"
    return _day(value, language) if kind is ClaimKind.DATE and isinstance(value, str) else str(value)


def _day(text: str, language: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day:%d.%m.%Y}" if language == "de" else f"{day.day} {day:%B %Y}"


def _age(seconds: int, texts: Mapping[str, str]) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {texts[unit]}"
    return f"{seconds} {texts['seconds']}"
