"""Whatever is sent: a problem document with our code, nothing of the input in it, and nothing changed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import issuers
from issuers.api.problems import EXAMPLES, STATUSES
from tests.issuers.api.conftest import Service, permit

PASSES = "/api/v1/passes"
JSON = {"Content-Type": "application/json"}

BODIES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 422, "invalid_request"),
    "no JSON": (b"{", 422, "invalid_request"),
    "a number": (b"1", 422, "invalid_request"),
    "a list": (b"[]", 422, "invalid_request"),
    "null": (b"null", 422, "invalid_request"),
    "nested lists": (b"[" * 60_000, 400, "bad_request"),
    "nested claims": (json.dumps(permit() | {"claims": {"zone": {"a": {"b": 1}}}}).encode(), 422, "invalid_request"),
    "a huge number": (b'{"type": ' + b"9" * 50_000 + b"}", 400, "bad_request"),
    "not UTF-8": (b'{"type": "\xff\xfe"}', 400, "bad_request"),
    "half a surrogate pair": (json.dumps(permit() | {"valid_from": "\ud800"}).encode(), 422, "invalid_request"),
    "infinity": (b'{"type": "x", "valid_until": Infinity, "claims": {}}', 422, "invalid_request"),
    "an unknown member": (json.dumps(permit() | {"status": "valid"}).encode(), 422, "invalid_request"),
    "an unknown member of the holder": (
        json.dumps(permit() | {"holder": {"iban": "DE00"}}).encode(),
        422,
        "invalid_request",
    ),
    "a flag as text": (json.dumps(permit() | {"reissue": "yes"}).encode(), 422, "invalid_request"),
    "a date as number": (json.dumps(permit() | {"valid_until": 20270601}).encode(), 422, "invalid_request"),
    "too many claims": (
        json.dumps(permit() | {"claims": {f"c{n}": 1 for n in range(50)}}).encode(),
        422,
        "invalid_request",
    ),
    "an unknown type": (json.dumps(permit() | {"type": "dog_licence"}).encode(), 422, "unknown_type"),
    "more than 64 kB": (b'{"type": "' + b"x" * 70_000 + b'"}', 413, "body_too_large"),
}


def test_a_bad_body_is_refused_with_a_code(service: Service) -> None:
    for name, (body, status, code) in BODIES.items():
        answer = service.call("POST", PASSES, content=body, headers=JSON)
        assert (answer.status_code, answer.json().get("code")) == (status, code), (name, answer.text)
        assert answer.headers["content-type"] == "application/problem+json", name
        assert answer.json()["status"] == status and answer.json()["type"].endswith(code), name
    assert service.call("GET", PASSES).json()["passes"] == []


def test_an_answer_repeats_nothing_of_what_was_sent(service: Service) -> None:
    word = "Xaver Überbringer"
    body = permit(word) | {word: word, "type": word, "valid_until": word, "holder": {"email": word, word: word}}
    for answer in (
        service.call("POST", PASSES, body),
        service.call("POST", PASSES, permit() | {"valid_until": word}),
        service.call("POST", PASSES, permit(word)),
        service.call("POST", PASSES, permit() | {"holder": {"email": word}}),
        service.call("GET", f"{PASSES}/{word}"),
        service.call("GET", f"{PASSES}?type={word}"),
        service.call("GET", f"{PASSES}?status={word}"),
        service.call("GET", f"/{word}"),
    ):
        assert answer.status_code in (404, 422)
        assert "Xaver" not in answer.text and "berbringer" not in answer.text


def test_a_flood_of_wrong_members_gets_a_short_answer(service: Service) -> None:
    answer = service.call("POST", PASSES, {f"m{number}" + "x" * 50: 1 for number in range(900)})
    assert answer.status_code == 422 and len(answer.content) < 4000


WRONG_KINDS = (
    ("resident_parking_permit", {"permit_number": "BP-1", "zone": True}),
    ("resident_parking_permit", {"permit_number": "BP-1", "zone": 7}),
    ("resident_parking_permit", {"permit_number": "BP-1", "zone": ["A1"]}),
    ("resident_parking_permit", {"permit_number": 4711, "zone": "A1"}),
    ("resident_parking_permit", {"permit_number": "BP-1", "zone": "A1", "changing_vehicles": 1}),
    ("resident_parking_permit", {"permit_number": "BP-1", "zone": "A1", "plates": True}),
    ("family_card", {"card_number": "FK-1", "children": True}),
    ("family_card", {"card_number": "FK-1", "children": ["2"]}),
    ("family_card", {"card_number": "FK-1", "family_name": False}),
)


def test_a_claim_takes_no_json_value_of_another_kind(service: Service) -> None:
    for pass_type, claims in WRONG_KINDS:
        answer = service.call("POST", PASSES, permit() | {"type": pass_type, "claims": claims})
        assert (answer.status_code, answer.json()["code"]) == (422, "wrong_kind"), claims
        assert answer.json()["field"] in claims
    good = {"card_number": "FK-1", "children": 2, "family_name": "Müßig"}
    assert service.call("POST", PASSES, permit() | {"type": "family_card", "claims": good}).status_code == 201


BAD_QUERIES = (
    ("limit=0", "invalid_request"),
    ("limit=201", "invalid_request"),
    ("limit=many", "invalid_request"),
    ("after=%00", "invalid_request"),
    ("after=" + "a" * 33, "invalid_request"),
    ("status=lost", "invalid_request"),
    ("type=dog_licence", "unknown_type"),
)


def test_a_bad_query_is_refused(service: Service) -> None:
    for query, code in BAD_QUERIES:
        answer = service.call("GET", f"{PASSES}?{query}")
        assert (answer.status_code, answer.json()["code"]) == (422, code), query


def test_an_unknown_serial_is_not_found(service_on: Service) -> None:
    for serial in ("0" * 20, "%00", "a" * 5000, "ü", "' OR 1=1", "%2e%2e%2fpasses"):
        for answer in (
            service_on.call("GET", f"{PASSES}/{serial}"),
            service_on.changes(serial, "revocations", {"reason": "a test"}),
        ):
            assert answer.status_code == 404, serial
            assert answer.json()["code"] in ("unknown_serial", "not_found")


def test_an_amendment_that_says_nothing_is_refused(service: Service) -> None:
    serial = service.creates().json()["serial"]
    for body in ({}, {"reason": "no reason"}, {"claims": {}}, {"holder": {}}, {"valid_until": None}):
        answer = service.call("PATCH", f"{PASSES}/{serial}", body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), body


WRONG_ADDRESSES = (
    ("DELETE", PASSES, 405, "method_not_allowed"),
    ("PUT", f"{PASSES}/0000", 405, "method_not_allowed"),
    ("POST", "/status/1", 405, "method_not_allowed"),
    ("GET", "/api/v1/nothing", 404, "not_found"),
    ("GET", "/api/v2/passes", 404, "not_found"),
)


def test_wrong_addresses_and_methods_are_problems_too(service: Service) -> None:
    for method, path, status, code in WRONG_ADDRESSES:
        answer = service.call(method, path)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (method, path)
        assert answer.headers["content-type"] == "application/problem+json"


def test_an_error_nobody_foresaw_shows_no_inside(service: Service) -> None:
    service.city.office.engine.dispose()
    folder = service.city.settings.issuer_home
    for file in folder.glob("issuer.db*"):
        file.unlink()
    (folder / "issuer.db").write_bytes(b"this is no database" * 100)
    answer = service.call("GET", PASSES)
    assert answer.status_code in (500, 503)
    assert answer.json()["code"] in ("internal_error", "database_unavailable")
    assert "Traceback" not in answer.text and "sqlite" not in answer.text


def test_every_code_that_the_issuing_side_can_raise_has_a_status() -> None:
    """A code in no table would be answered as 500."""
    not_over_http = {
        "error", "not_offerable", "invalid_claim", "source_refused",  # replaced by precise codes
        "public_url_fixed", "not_initialised", "wrong_passphrase", "service_failed",  # only at the start
        "failed_rows_not_written", "duplicate_row",  # of one row, or on the command line only
        "status_list_invalid", "trust_list_invalid", "malformed", "file_not_found", "not_a_file",
        "file_unreadable", "file_changed", "plate_list_invalid", "recipient_invalid",
            "scan_counts_invalid",
        "apple_push_unusable",  # of a worker
        "google_refused", "google_forbidden", "google_busy", "google_unavailable", "google_unreachable",
        "google_unauthorised", "google_class_missing", "google_class_refused",  # of a worker
        "callback_malformed", "callback_forged", "callback_expired", "callback_object_unknown",
        "google_keys_unavailable",  # at an address of Google's
        "mail_put_off", "mail_refused", "no_mail_address", "press_failed", "unknown_occasion",  # of a worker
        "too_many_workers", "backup_failed", "list_too_large",  # on the command line; an upload ends earlier
    }  # fmt: skip
    sources = [path for package in ("issuers", "walletpass", "keys") for path in _sources(package)]
    text = "\n".join(path.read_text() for path in sources)
    codes = set(re.findall(r'^    code = "(\w+)"', text, re.M))
    codes |= set(re.findall(r'(?:InvalidClaim\([\w.()]+|SourceRefused\()[,\s]*"(\w+)"', text))
    assert len(codes) > 40
    assert codes - STATUSES.keys() - not_over_http == set()


def _sources(package: str) -> list[Path]:
    root = Path(issuers.__file__).parent.parent
    return [path for path in (root / package).rglob("*.py") if path.name != "cli.py"]


def test_every_code_has_an_example_in_the_apis_description(service: Service) -> None:
    text = json.dumps(service.client.get("/api/v1/openapi.json").json())
    page = service.client.get("/docs").text
    of_the_pass_page = {"bound_elsewhere", "jwk_invalid"}  # which is for a resident's browser, not for programs
    for code in EXAMPLES.keys() - of_the_pass_page:
        assert f"urn:walletpass:problem:{code}" in text, code
        assert code in page, code


def test_every_operation_has_a_summary_and_every_body_an_example(service: Service) -> None:
    document: dict[str, Any] = service.client.get("/api/v1/openapi.json").json()
    seen = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            seen += 1
            assert operation["summary"], (method, path)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                schemas = [content["schema"], *content["schema"].get("anyOf", ())]
                names = [schema["$ref"].rpartition("/")[2] for schema in schemas if "$ref" in schema]
                examples = [document["components"]["schemas"][name].get("examples") for name in names]
                assert any(examples) or "example" in content, (method, path)
            if path.startswith("/api/"):
                assert operation["security"], (method, path)
    assert seen >= 15
