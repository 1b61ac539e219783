"""`POST /api/v1/verifications`: a presented text, or a picture of one, in; a verdict out. Nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, File, Request, UploadFile
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.config import JsonDict
from pydantic_core import to_json
from starlette.types import Scope

from verifiers.images import MAX_BYTES
from verifiers.judging import Judge
from verifiers.picture_queue import PictureQueue
from verifiers.tokens import VERIFY
from verifiers.verdict_document import verdict_document
from walletpass.verdict import Outcome, Reason, Step, StepResult
from web.bearer import SCHEME, BearerTokens

_EXAMPLE: JsonDict = {
    "outcome": "refused",
    "reason": "suspended",
    "pass_type": "resident_parking_permit",
    "claims": {"permit_number": "BP-2027-000123", "zone": "A12", "plates": ["D-AB 1234E"]},
    "steps": [
        {"step": "shape", "result": "passed"},
        {"step": "signature", "result": "passed"},
        {"step": "trust", "result": "passed"},
        {"step": "validity", "result": "passed"},
        {"step": "status", "result": "failed"},
        {"step": "holder", "result": "not_checked"},
    ],
    "status_age_seconds": 62,
    "valid_until": "2027-12-31",
}


class PresentationIn(BaseModel):
    """What was scanned."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"presentation": "WP1:6BF+70…"}]})

    presentation: str = Field(description="The text of the QR code, exactly as it was read.")


_read: Callable[[bytes], PresentationIn] = TypeAdapter(PresentationIn).validator.validate_json


class StepOut(BaseModel):
    """One of the six steps."""

    step: Step
    result: StepResult


class VerdictOut(BaseModel):
    """The verdict, for people and machines."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    outcome: Outcome = Field(description="accepted, refused or undetermined (it cannot be known at this moment).")
    reason: Reason = Field(description="A stable code.")
    pass_type: str | None = Field(description="The type's name, once a trusted key has signed it.")
    claims: Mapping[str, str | int | bool | list[str]] | None = Field(description="What the pass says, by name.")
    steps: list[StepOut] = Field(description="All six steps, in order.")
    status_age_seconds: int | None = Field(description="Age of the status list that was used.")
    valid_until: str | None = Field(description="The last valid local day.")


class QuickChecks:
    """The quick way to a verdict on a text: the same as `judge_text` below, without what it costs to be described.

    A request that is not exactly what it should be is left to the ordinary way and gets its problem document there.
    """

    path = "/api/v1/verifications"

    def __init__(self, judge: Judge, tokens: BearerTokens) -> None:
        self._judge, self._tokens = judge, tokens

    def answer(self, scope: Scope, body: bytes) -> bytes | None:
        """See `web.quick.Quick`."""
        try:
            asked = _read(body)
        except ValidationError:
            return None
        self._tokens.of(scope).require_anywhere(VERIFY)
        return to_json(verdict_document(self._judge.judge(asked.presentation)))


def verifications_router(judge: Judge, tokens: BearerTokens, pictures: PictureQueue) -> APIRouter:
    """The router; every call needs a token with the right to verify."""
    router = APIRouter(prefix="/api/v1", tags=["verifications"])

    async def may_verify(request: Request) -> None:
        token = await tokens(request)
        token.require_anywhere(VERIFY)

    needs_token = [Depends(SCHEME), Depends(may_verify)]

    @router.post(
        "/verifications", summary="Judge a presented text", response_model=VerdictOut, dependencies=needs_token
    )
    async def judge_text(body: PresentationIn) -> dict[str, object]:
        return verdict_document(judge.judge(body.presentation))

    @router.post(
        "/verifications/image",
        summary="Judge the code in a picture",
        response_model=VerdictOut,
        dependencies=needs_token,
    )
    async def judge_picture(
        image: Annotated[UploadFile, File(description="PNG, JPEG, WebP or GIF, at most 10 MB.")],
    ) -> dict[str, object]:
        return verdict_document(judge.judge(await pictures.text(await image.read(MAX_BYTES + 1))))

    return router
