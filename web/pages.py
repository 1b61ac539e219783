"""Pages: templates that escape everything, the language of a request, and the static files both services share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fastapi import Request
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from web.browser.packages import PackagesMissing, package_file

LANGUAGES = ("de", "en")  # German first
Texts = Mapping[str, Mapping[str, str]]
"""Language → key → sentence. Every language has every key."""

_LAYOUT: Texts = {
    "de": {"skip": "Zum Inhalt springen", "other_language": "English", "other_code": "en"},
    "en": {"skip": "Skip to content", "other_language": "Deutsch", "other_code": "de"},
}


def language_of(request: Request) -> str:
    """The language asked for with `?lang=`, else German. No cookie: nothing about a visitor is kept."""
    asked = request.query_params.get("lang", "")
    return asked if asked in LANGUAGES else LANGUAGES[0]


class Pages:
    """Renders the templates of one package (`<package>/templates`) within the shared layout."""

    def __init__(self, package: str, texts: Texts) -> None:
        self._texts = texts
        self._templates = Environment(
            loader=ChoiceLoader([PackageLoader(package), PackageLoader("web")]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def render(self, template: str, language: str, status: int = 200, **values: object) -> HTMLResponse:
        """A page. In templates `t` holds the texts and `lang` the language."""
        texts = {**_LAYOUT[language], **self._texts[language]}
        html = self._templates.get_template(template).render(t=texts, lang=language, **values)
        return HTMLResponse(html, status, {"Cache-Control": "no-store", "Content-Language": language})


_OF_PACKAGES = {"htmx.js": "htmx.org/dist/htmx.min.js"}


class _Static(StaticFiles):
    """The folder `static`, and what of others' packages the pages load."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        if path not in _OF_PACKAGES:
            return super().lookup_path(path)
        try:
            found = package_file(_OF_PACKAGES[path])
        except PackagesMissing:
            return "", None  # the pages work without
        return str(found), found.stat()


def static_files() -> StaticFiles:
    """Style sheets, scripts and pictures of the layout."""
    return _Static(directory=Path(__file__).parent / "static")
