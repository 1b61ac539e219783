"""The API's description as OpenAPI, and two plain pages: what this service is, and the description to read.

The pages are made here from the same document that programs read; no script and nothing from elsewhere is loaded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from issuers.api.problems import PROBLEM_SCHEMA
from web.pages import Pages, Texts, language_of
from web.problems import MEDIA_TYPE

ADDRESS = "/api/v1/openapi.json"
_INTRODUCTION = """\
Departments create and change passes here; wallets and inspectors read the published documents.

Send a bearer token (`walletpass tokens create`) with every request below `/api/`. Its scopes are `department:action`;
the actions are read, issue, offer, renew, amend, suspend, reinstate, revoke, withdraw and import (which is also the
right to campaigns). A pass of a
department that the token may not read is answered as unknown; with a right to change but not to read, the answer
holds only serial, type and status.

A change is answered when it is published. `Idempotency-Key` makes a POST or PATCH safe to repeat. Every error is a
problem document (RFC 9457) whose `code` never changes its meaning."""

TEXTS: Texts = {
    "de": {
        "title": "Ausweise ausstellen",
        "intro": "Dieser Dienst stellt die digitalen Ausweise der Stadt aus und veröffentlicht, welche davon gelten.",
        "for_departments": "Für Fachverfahren",
        "docs": "Beschreibung der Schnittstelle",
        "openapi": "Dieselbe Beschreibung für Programme (OpenAPI)",
        "for_everybody": "Veröffentlichte Dokumente",
        "trust_list": "Vertrauensliste: mit welchen Schlüsseln die Stadt unterschreibt",
        "status_lists": "Sperrlisten: welche Ausweise nicht gelten, ohne Namen",
        "types": "Ausweisarten",
        "for_programs": "(für Programme, JSON)",
        "docs_in_english": "Die Beschreibung selbst ist auf Englisch, wie alle Namen der Schnittstelle.",
    },
    "en": {
        "title": "Issuing passes",
        "intro": "This service issues the city's digital passes and publishes which of them are valid.",
        "for_departments": "For departments' systems",
        "docs": "Description of the interface",
        "openapi": "The same description for programs (OpenAPI)",
        "for_everybody": "Published documents",
        "trust_list": "Trust list: the keys the city signs with",
        "status_lists": "Status lists: which passes are not valid, without names",
        "types": "Types of pass",
        "for_programs": "(for programs, JSON)",
        "docs_in_english": "",
    },
}


def describe(app: FastAPI) -> None:
    """Give the app its OpenAPI document, with the problem document among the schemas."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=_INTRODUCTION,
                routes=app.routes,
            )
            document["components"]["schemas"]["Problem"] = PROBLEM_SCHEMA
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def pages_router(app: FastAPI, type_paths: Mapping[str, Mapping[str, str]]) -> APIRouter:
    """`/` and `/docs`. `type_paths`: the path of each type's document and its labels by language."""
    router = APIRouter(include_in_schema=False)
    pages = Pages("issuers", TEXTS)

    @router.get("/")
    async def home(request: Request) -> Response:
        language = language_of(request)
        types = [(path, labels[language]) for path, labels in type_paths.items()]
        return pages.render("home.html", language, openapi=ADDRESS, types=types)

    @router.get("/docs")
    async def documentation(request: Request) -> Response:
        paragraphs = _INTRODUCTION.replace("`", "").split("\n\n")
        operations = list(_operations(app.openapi()))
        return pages.render("docs.html", language_of(request), paragraphs=paragraphs, operations=operations)

    return router


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The operations in the words of the page."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield {
                "name": f"{method.upper()} {path}",
                "summary": operation["summary"],
                "description": operation.get("description", "").replace("`", ""),
                "parameters": [(p["name"], p.get("description", "")) for p in operation.get("parameters", ())],
                "examples": list(_examples(operation, document)),
                "answers": [(status, _words(answer)) for status, answer in sorted(operation["responses"].items())],
            }


def _examples(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        if "example" in content:
            yield content["example"]
        names = [reference["$ref"] for reference in _references(content.get("schema", {}))]
        for name in names:
            schema = document["components"]["schemas"][name.rpartition("/")[2]]
            yield from (json.dumps(e, ensure_ascii=False, indent=2) for e in schema.get("examples", ()))


def _references(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [each for each in (schema, *schema.get("anyOf", ())) if "$ref" in each]


def _words(answer: Mapping[str, Any]) -> str:
    codes = answer.get("content", {}).get(MEDIA_TYPE, {}).get("examples", {})
    return ", ".join(codes) or answer["description"]
