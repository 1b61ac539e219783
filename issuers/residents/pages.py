"""The pass page, `/p/<secret>`: the pass as its holder reads it, and the live code.

The secret opens this page and nothing else. Nothing is cached, indexed or sent on as a referrer, and whatever is wrong
with an address, the answer is the same page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from issuers.api.counter import PRIVATE, Counter
from issuers.errors import NotOfferable
from issuers.residents.links import PATH
from issuers.residents.live_codes import LinkUnknown, LiveCodes, Shown
from issuers.residents.texts import NO_CODE, STATUSES, TEXTS
from issuers.shown import front_claims, shown_date
from issuers.symbols import qr_symbol, svg
from keys.strict_json import NotStrictJson, read_object
from walletpass.pass_type import Audience, PassType
from walletpass.passes import local_day
from web.browser.packages import PackagesMissing, package_file
from web.limits import RateLimit, TooManyRequests, caller_address
from web.pages import Pages, language_of

_HEADERS = {**PRIVATE, "X-Robots-Tag": "noindex, nofollow"}
_FOLDER = Path(__file__).parent
_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
_OWN = {"page.js": _SCRIPT, "key_store.js": _SCRIPT, "live_code.js": _SCRIPT, "page.css": _STYLE}
_QR_PACKAGE = "uqr/dist/index.mjs"


def residents_router(counter: Counter) -> APIRouter:
    """`/p/<secret>`, what it asks for, and the files it loads."""
    router = APIRouter(include_in_schema=False)
    office = counter.office
    limit = RateLimit(office.settings.pass_pages_per_minute)
    codes, face = LiveCodes(office), _Face(counter)
    files = static_files(office.catalogue)

    @router.get(PATH + "{secret}")
    async def page(request: Request, secret: str) -> Response:
        try:
            limit.take(caller_address(request))
            return face.page(request, await counter.work(codes.open, secret))
        except LinkUnknown:
            return face.refusal(request, "missing", 404)
        except TooManyRequests as refusal:
            answer = face.refusal(request, "busy", 429)
            answer.headers["Retry-After"] = str(refusal.retry_after)
            return answer

    @router.get(PATH + "{secret}/code.svg")
    async def plain_code(request: Request, secret: str) -> Response:
        limit.take(caller_address(request))
        try:
            shown, text = await counter.work(codes.plain_text, secret)
        except (LinkUnknown, NotOfferable):
            return face.refusal(request, "missing", 404)
        label = shown.pass_type.labels["de"]
        picture = svg(qr_symbol(text), f"QR-Code: {label}", "Der von der Stadt unterschriebene QR-Code.")
        return Response(picture, headers=_HEADERS, media_type="image/svg+xml")

    @router.post(PATH + "{secret}/live-code")
    async def live_code(request: Request, secret: str) -> Response:
        limit.take(caller_address(request))
        jwk, take_over = _asked(await request.body())
        credential = await counter.work(codes.enrol, secret, jwk, take_over=take_over)
        await counter.publisher.publish()  # who was taken over is refused from now on
        return JSONResponse({"credential": credential, "now": int(office.seconds())}, headers=_HEADERS)

    @router.get("/p-static/{name}")
    async def file(request: Request, name: str) -> Response:
        found = files.get(name)
        if found is None:
            raise HTTPException(404)
        content, media_type, etag = found
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=media_type)

    return router


def _asked(body: bytes) -> tuple[object, bool]:
    """The key in the request, and whether to take over from another; what is no such request is a 400."""
    try:
        asked = read_object(body)
    except NotStrictJson:
        raise HTTPException(400) from None
    take_over = asked.pop("take_over", False)
    if asked.keys() != {"jwk"} or not isinstance(take_over, bool):
        raise HTTPException(400)
    return asked["jwk"], take_over


def static_files(types: Iterable[PassType]) -> Mapping[str, tuple[bytes, str, str]]:
    """All that the page may load, by name: content, media type, entity tag.

    Without the browser package that draws codes, its name is absent, and the page shows what a browser without scripts
    would show.
    """
    files = {name: ((_FOLDER / name).read_bytes(), media_type) for name, media_type in _OWN.items()}
    files["looks.css"] = (_looks(types).encode(), _STYLE)
    with suppress(PackagesMissing):
        files["qr.js"] = (package_file(_QR_PACKAGE).read_bytes(), _SCRIPT)
    return {name: (*file, f'"{hashlib.sha256(file[0]).hexdigest()[:32]}"') for name, file in files.items()}


def _looks(types: Iterable[PassType]) -> str:
    """Each type's colours as a class: the page's policy allows no style in its markup."""
    rule = ".look-{name} {{ background: {look.background}; color: {look.foreground}; }}\n"
    labels = ".look-{name} dt, .look-{name} .city {{ color: {look.label}; }}\n"
    return "".join((rule + labels).format(name=each.name, look=each.look) for each in types)


class _Face:
    """The pages in words."""

    def __init__(self, counter: Counter) -> None:
        self._office = counter.office
        self._pages = Pages("issuers", TEXTS)

    def page(self, request: Request, shown: Shown) -> Response:
        """The pass in the language asked for, else in its holder's."""
        pass_, pass_type = shown.pass_, shown.pass_type
        own = pass_.holders[0].language if pass_.holders else "de"
        language = language_of(request) if "lang" in request.query_params else own
        today = local_day(self._office.now())
        word = pass_.status_word(today)
        claims = [
            (each.claim.labels[language], each.texts[language])
            for each in front_claims(pass_, pass_type)
            if Audience.HOLDER in each.claim.visible_to
        ]
        answer = self._pages.render(
            "residents/page.html",
            language,
            city=self._office.settings.city_name,
            contact=self._office.settings.city_contact,
            type_name=pass_type.name,
            label=pass_type.labels[language],
            claims=claims,
            valid_from=shown_date(pass_.valid_from, language) if pass_.valid_from > today else None,
            valid_until=shown_date(pass_.valid_until, language),
            standing=STATUSES[language][word],
            no_code=NO_CODE[language].get(word),
            plain=None if shown.demands_live_code else f"{request.url.path}/code.svg",
        )
        answer.headers.update(_HEADERS)
        return answer

    def refusal(self, request: Request, what: str, status: int) -> Response:
        """A page that says only what is wrong, and nothing about why."""
        language = language_of(request)
        texts = TEXTS[language]
        heading, hint = texts[what], texts[f"{what}_hint"]
        answer = self._pages.render("residents/missing.html", language, status, heading=heading, hint=hint)
        answer.headers.update(_HEADERS)
        return answer
