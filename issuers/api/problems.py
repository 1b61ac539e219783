"""Every problem the issuing service answers with: its code, its HTTP status, and how it reads.

The table is what `web.problems` looks codes up in, and what the API's description shows as examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from walletpass.errors import InvalidClaim, WalletPassError
from web.problems import MEDIA_TYPE, problem

_TABLE: Mapping[int, Mapping[str, str]] = {
    400: {"bad_request": "The request cannot be read."},
    401: {
        "token_missing": "Send a bearer token in the Authorization header.",
        "token_invalid": "The token is unknown, revoked or expired; ask for a new one.",
    },
    403: {"right_missing": "This token has no right to 'issue' for 'library'; ask for one that has."},
    404: {
        "not_found": "There is nothing at this address.",
        "unknown_serial": "There is no pass with this serial.",
        "unknown_campaign": "There is no campaign of this number.",
    },
    406: {"not_acceptable": "None of the accepted media types can be sent."},
    408: {"body_too_slow": "The request took too long to arrive."},
    409: {
        "number_taken": "A pass with this type and number exists already; renew or amend it instead.",
        "pass_revoked": "The pass with this number is revoked, which is final; re-issue it on purpose instead.",
        "transition_not_allowed": "The pass is already suspended; nothing was changed.",
        "revoked": "The pass is revoked; it cannot be offered to a wallet.",
        "suspended": "The pass is suspended; reinstate it before it is offered to a wallet.",
        "expired": "The pass has expired; renew it before it is offered to a wallet.",
        "bound_elsewhere": "Another phone or browser shows this pass's live code; take it over on purpose.",
        "campaign_over": "The campaign is done; nothing was changed.",
        "too_many_shorter": "400 of 500 passes would end earlier than now; that looks like an old list.",
        "too_many_missing": "240 of 300 passes are not in the list; that looks like a cut-off file.",
    },
    413: {"body_too_large": "The request is too large; at most 64 kB are taken here."},
    415: {"unsupported_media_type": "Send the list as text/csv."},
    422: {
        "invalid_request": "The request does not have the form it should.",
        "idempotency_key_reused": "This Idempotency-Key came with another request before; choose a new one.",
        "jwk_invalid": "The key does not have exactly the members kty, crv, x and y.",
        "reason_required": "To suspend a pass, say why with a reason.",
        "unknown_type": "There is no pass type of this name.",
        "unknown_wallet": "There is no wallet of this name.",
        "unknown_claim": "A pass of this type has no such claim.",
        "unknown_carrier": "Nothing carries this pass under that name.",
        "number_fixed": "The number of a pass cannot change; revoke it and issue another.",
        "wrong_kind": "This claim takes no such JSON value; write it as a text in quotes.",
        "missing_value": "A pass of this type needs a value for zone.",
        "bad_number": "A number has 2 to 32 letters, digits or the characters $ + . / : _ -, without blanks.",
        "bad_zone": "A zone has 1 to 4 letters or digits, such as 7, A12 or MÜ.",
        "bad_plate": "This is no licence plate; write it like D-AB 1234 or D-AB 1234E.",
        "too_many_plates": "A permit names at most 6 plates.",
        "bad_date": "This is no date; write it like 31.03.2027 or 2027-03-31.",
        "bad_email": "This is no e-mail address; write one address like name@example.org.",
        "bad_language": "The language is de or en.",
        "bad_flag": "Write ja or nein.",
        "bad_count": "Write a whole number from 0 to 9999.",
        "bad_text": "The value holds control or unassigned characters; write it anew.",
        "too_long": "The value has 120 characters; at most 80 fit.",
        "bad_validity": "The last day lies before the first day.",
        "validity_too_long": "The last day lies too far ahead; at most 1830 days are granted.",
        "symbol_refused": "The number does not fit the barcode that is set.",
        "not_printable": "The pass does not fit on the letter.",
        "encoding_refused": "What the pass says does not fit its QR code.",
        "file_empty": "The file is empty.",
        "not_a_text_file": "This is no text file: it holds NUL bytes. Save the list as CSV.",
        "bad_encoding": "The file is UTF-16; save it as CSV in UTF-8.",
        "bad_header": "The first line is no list of column names.",
        "missing_column": "The column valid_until is missing.",
        "duplicate_column": "Two columns have the same name.",
        "bad_quotes": "More than 1000 rows have an open quotation mark, so reading ended in line 1002.",
    },
    429: {"too_many_requests": "Too many requests; try again in 3 s."},
    500: {"internal_error": "Something went wrong here. It has been logged; try again later."},
    501: {"not_implemented": "Not Implemented."},
    503: {
        "no_room": "The list cannot be stored here at this moment; nothing was imported.",
        "publish_failed": "The published documents could not be written; the change is kept and is published later.",
        "database_older": "Published documents are newer than the database; run walletpass restored.",
        "no_status_index": "The status lists are full; nothing was issued.",
        "database_busy": "Another process is writing to the database; try again in a moment.",
        "database_unavailable": "The database cannot be reached or used at this moment.",
        "key_not_found": "No key of this role can sign at this moment.",
        "certificate_mismatch": "A certificate does not fit its key.",
        "unfit_identifier": "Google takes only letters, digits, dot, underscore and hyphen in an identifier.",
        "key_error": "A key cannot be used.",
    },
}
EXAMPLES: Mapping[str, str] = {code: sentence for row in _TABLE.values() for code, sentence in row.items()}
STATUSES: Mapping[str, int] = {code: status for status, row in _TABLE.items() for code in row}
FIELD_CODES = ("missing_value", "unknown_claim", "wrong_kind", "bad_number", "bad_zone", "bad_plate",
               "too_many_plates", "bad_date", "bad_email", "bad_language", "bad_flag", "bad_count", "bad_text",
               "too_long", "bad_validity", "validity_too_long")  # fmt: skip
EVERYWHERE = ("token_missing", "token_invalid", "right_missing", "too_many_requests", "invalid_request",
              "internal_error", "database_busy", "database_unavailable")  # fmt: skip
WITH_BODY = ("bad_request", "body_too_large", "body_too_slow", "idempotency_key_reused", "publish_failed",
             "database_older")  # fmt: skip


class InvalidBody(WalletPassError):
    """The body is no text/csv."""

    code = "unsupported_media_type"


class NothingCarried(WalletPassError):
    """No wallet of that name can carry a pass."""

    code = "unknown_carrier"


def install_field_problems(app: FastAPI) -> None:
    """Problems with one value name it in the member `field` (RFC 9457 section 3.2)."""

    def invalid_claim(_: Request, error: Exception) -> Response:
        assert isinstance(error, InvalidClaim)
        return problem(STATUSES.get(error.code, 422), error.code, error.sentence, field=error.claim)

    app.add_exception_handler(InvalidClaim, invalid_claim)


def problems(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation that can end with these codes, an example for each."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in codes:
        status = STATUSES[code]
        entry = found.setdefault(
            status,
            {
                "description": HTTPStatus(status).phrase,
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
            },
        )
        entry["content"][MEDIA_TYPE]["examples"][code] = {"value": _example(status, code)}
    return found


def _example(status: int, code: str) -> dict[str, Any]:
    example = {
        "type": f"urn:walletpass:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": EXAMPLES[code],
        "code": code,
    }
    return example | ({"field": "zone"} if code in FIELD_CODES else {})


PROBLEM_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "What went wrong (RFC 9457). Programs look at `code`; people read `detail`.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "field": {"type": "string", "description": "The claim or member that is meant."},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
