"""The desk of one service: who is visiting, how far they have come, and pages in their language.

A desk's own pages begin with `visit = await desk.entered(request)` and answer with `desk.page`;
their router's `route_class` is `desk.route_class`, which turns refusals into pages and sends strangers to sign in.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from keys.errors import WalletPassError
from walletpass.passes import LOCAL_ZONE
from web.pages import LANGUAGES, Pages, Texts, language_of
from web.staff.door import Door, caller
from web.staff.errors import ElsewhereFirst, TooSoon
from web.staff.own_account import OwnAccount
from web.staff.passwords import PasswordHasher
from web.staff.sessions import Session, Stage
from web.staff.sign_in import SignIn
from web.staff.store import Caller, StaffStore
from web.staff.texts import ERRORS, TEXTS

_FIELDS = 40
_LAST_MOMENT = 253_370_764_800  # 1 January 9999
_Handler = Callable[[Request], Coroutine[Any, Any, Response]]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: its language, its session if it has one, and for posts the form that was checked."""

    request: Request
    language: str
    session: Session | None
    form: Mapping[str, str]

    @property
    def open(self) -> Session:
        """The session; only for visits that `Desk.visit` has let in."""
        assert self.session is not None
        return self.session

    @property
    def caller(self) -> Caller:
        return caller(self.request)


def next_path(session: Session | None) -> str:
    """Where a session has to go next; empty: it may use the desk."""
    if session is None:
        return "sign-in"
    if session.stage is Stage.FACTOR:
        return "second-factor"
    if session.stage is Stage.ENROL:
        return "factors" if session.account.start_until is None else "password"
    return ""


class Desk:
    """Sign-in and pages of one service's desk below `prefix`.

    `names`: by language, what the desk is called in its header and in authenticator apps. `package`, `texts` and
    `errors`: where the service's own templates are, their sentences, and those of its own refusals by code. `menu`: the
    service's own pages, as path below the prefix and key of the text. Raises `DeskAddressInvalid`.
    """

    def __init__(
        self,
        store: StaffStore,
        service: str,
        origin: str,
        names: Mapping[str, str],
        package: str = "web",
        texts: Texts | None = None,
        errors: Texts | None = None,
        menu: Sequence[tuple[str, str]] = (),
        prefix: str = "/desk",
        hasher: PasswordHasher | None = None,
    ) -> None:
        self.prefix, self._origin, self._menu = prefix, origin, tuple(menu)
        nothing: Texts = {language: {} for language in LANGUAGES}
        self._errors = {code: {**ERRORS[code], **(errors or nothing)[code]} for code in LANGUAGES}
        self.door = Door(store, service, origin)
        self.sign_in = SignIn(store, origin, names[LANGUAGES[0]], hasher or PasswordHasher())
        self.own_account = OwnAccount(self.sign_in)
        merged = {code: {**TEXTS[code], **(texts or nothing)[code], "title": names[code]} for code in LANGUAGES}
        self._pages = Pages(package, merged)
        self.route_class = _route_class(self)

    async def entered(self, request: Request) -> Visit:
        """A visit by somebody fully signed in, its form checked; anybody else is sent to what they still have to do."""
        return await self.visit(request, Stage.OPEN)

    async def visit(self, request: Request, *stages: Stage) -> Visit:
        """A visit by a session at one of these stages; a posted form is checked. Raises `ElsewhereFirst`."""
        secret = self.door.session_cookie(request)
        session = await run_in_threadpool(self.sign_in.sessions.find, secret) if secret else None
        if session is None or session.stage not in stages:
            raise ElsewhereFirst(next_path(session))
        return Visit(request, language_of(request), session, await self.form(request, secret))

    async def stranger(self, request: Request) -> Visit:
        """A visit to the sign-in page, with the session that is still there, if any."""
        secret = self.door.session_cookie(request)
        session = await run_in_threadpool(self.sign_in.sessions.find, secret) if secret else None
        return Visit(request, language_of(request), session, await self.form(request, self.door.form_cookie(request)))

    async def form(self, request: Request, cookie: str) -> Mapping[str, str]:
        """The fields of a posted form, after `Door.check`; none for other methods."""
        if request.method != "POST":
            return {}
        async with request.form(max_files=0, max_fields=_FIELDS) as sent:
            fields = _texts(sent)
        self.door.check(request, fields.get("token"), cookie)
        return fields

    def page(
        self,
        template: str,
        visit: Visit,
        refusal: WalletPassError | None = None,
        cookie: str | None = None,
        **values: object,
    ) -> Response:
        """A page with its form token; a `refusal` stands above the form. `cookie`: what new forms belong to."""
        session = visit.session
        own = cookie if cookie is not None else session.secret if session else ""
        answer = self._pages.render(
            template,
            visit.language,
            getattr(refusal, "status", 422) if refusal else 200,
            token=self.door.token(own),
            desk=self.prefix,
            menu=self._menu,
            here=visit.request.url.path.removeprefix(self.prefix),
            account=session.account if session and session.stage is Stage.OPEN else None,
            problem=self.words(refusal, visit.language) if refusal else None,
            when=lambda seconds: _when(seconds, visit.language),
            **values,
        )
        answer.headers.update(self.door.headers())
        if isinstance(refusal, TooSoon):
            answer.headers["Retry-After"] = str(refusal.retry_after)
        return answer

    def go(self, path: str, language: str, secret: str | None = None) -> Response:
        """To another page of the desk (303: a form is not sent again), with a new session id if there is one."""
        tail = "" if language == LANGUAGES[0] else f"?lang={language}"
        answer = RedirectResponse(f"{self.prefix}/{path}".rstrip("/") + tail, 303, self.door.headers())
        if secret is not None:
            self.door.let_in(answer, secret)
        return answer

    def words(self, refusal: WalletPassError, language: str) -> str:
        """The sentence of a refusal in the page's language; one without is said in its own words."""
        seconds = refusal.retry_after if isinstance(refusal, TooSoon) else 0
        texts = TEXTS[language]
        wait = f"{seconds} {texts['seconds']}" if seconds < 120 else f"{-(-seconds // 60)} {texts['minutes']}"
        own = self._errors[language].get(refusal.code)
        return refusal.sentence if own is None else own.format(wait=wait, origin=self._origin)

    def has_words_for(self, refusal: WalletPassError) -> bool:
        """Whether people can be told; anything else is a problem document."""
        return refusal.code in self._errors[LANGUAGES[0]]

    def when(self, seconds: int, language: str) -> str:
        """A NumericDate as people read it, local."""
        return _when(seconds, language)

    def refuse(self, request: Request, refusal: WalletPassError) -> Response:
        """A page that says only what was refused."""
        visit = Visit(request, language_of(request), None, {})
        return self.page("staff/refusal.html", visit, refusal)


def _texts(sent: FormData) -> dict[str, str]:
    return {name: value for name, value in sent.items() if isinstance(value, str)}


def _when(seconds: int, language: str) -> str:
    """A time that somebody else claims may lie beyond what a calendar has."""
    local = datetime.fromtimestamp(max(0, min(seconds, _LAST_MOMENT)), LOCAL_ZONE)
    return f"{local:%d.%m.%Y, %H:%M} Uhr" if language == "de" else f"{local.day} {local:%B %Y, %H:%M}"


def _route_class(desk: Desk) -> type[APIRoute]:
    class DeskRoute(APIRoute):
        """Refusals become pages; whoever is not far enough goes where they have to be."""

        def get_route_handler(self) -> _Handler:
            handle = super().get_route_handler()

            async def handled(request: Request) -> Response:
                try:
                    return await handle(request)
                except ElsewhereFirst as first:
                    return desk.go(first.path, language_of(request))
                except WalletPassError as refusal:
                    if not desk.has_words_for(refusal):
                        raise
                    return desk.refuse(request, refusal)

            return handled

    return DeskRoute
