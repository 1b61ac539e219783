"""A token may do what its scopes say, for its department; other departments' passes do not exist for it."""

from __future__ import annotations

import time
from typing import Any

from issuers.models import tokens
from tests.issuers.api.conftest import Service, permit
from web.tokens import TokenStore

# action → method, address, body
OPERATIONS: dict[str, tuple[str, str, Any]] = {
    "read": ("GET", "", None),
    "offer": ("POST", "/offers", {"wallet": "qr"}),
    "renew": ("POST", "/renewals", {}),
    "amend": ("PATCH", "", {"claims": {"zone": "B2"}}),
    "withdraw": ("POST", "/withdrawals", {"carrier": "qr"}),
    "suspend": ("POST", "/suspensions", {"reason": "a test"}),
    "reinstate": ("POST", "/reinstatements", {}),
    "revoke": ("POST", "/revocations", {"reason": "a test"}),
}


def test_each_action_needs_its_own_right(service: Service) -> None:
    serial = service.creates().json()["serial"]
    for action, (method, address, body) in OPERATIONS.items():
        path = f"/api/v1/passes/{serial}{address}"
        others = [f"parking:{other}" for other in (*OPERATIONS, "issue", "import") if other not in (action, "read")]
        refused = service.call(method, path, body, headers=service.token("parking:read", *others)[1])
        if action != "read":
            assert (refused.status_code, refused.json()["code"]) == (403, "right_missing"), action
        allowed = service.call(method, path, body, headers=service.token(f"parking:{action}")[1])
        assert allowed.status_code == 200, (action, allowed.text)


def test_a_right_to_change_is_no_right_to_read(service: Service) -> None:
    serial = service.creates().json()["serial"]
    for action, (method, address, body) in OPERATIONS.items():
        if action in ("read", "offer"):  # an offer is the pass itself
            continue
        answer = service.call(
            method, f"/api/v1/passes/{serial}{address}", body, headers=service.token(f"parking:{action}")[1]
        )
        assert (answer.status_code, answer.json().keys()) == (200, {"serial", "type", "status"}), action
    made = service.call("POST", "/api/v1/passes", permit("BP-2"), headers=service.token("parking:issue")[1])
    assert made.json() == {"serial": made.json()["serial"], "type": "resident_parking_permit", "status": "valid"}


def test_to_amend_a_pass_to_a_later_day_needs_the_right_to_renew(service: Service) -> None:
    serial = service.creates().json()["serial"]
    for scopes, until, status in (
        (("parking:amend",), "2027-06-02", 403),
        (("parking:amend",), "2027-05-31", 200),
        (("parking:amend", "parking:renew"), "2027-06-02", 200),
    ):
        headers = service.token(*scopes)[1]
        answer = service.call("PATCH", f"/api/v1/passes/{serial}", {"valid_until": until}, headers=headers)
        assert answer.status_code == status, (scopes, until, answer.text)


def test_a_pass_of_another_department_is_as_unknown_as_none_at_all(service: Service) -> None:
    serial = service.creates().json()["serial"]
    headers = service.token("library:*", "social:*")[1]
    for action, (method, address, body) in OPERATIONS.items():
        theirs = service.call(method, f"/api/v1/passes/{serial}{address}", body, headers=headers)
        nobodys = service.call(method, f"/api/v1/passes/{'0' * 20}{address}", body, headers=headers)
        assert (theirs.status_code, theirs.json()["code"]) == (404, "unknown_serial"), action
        assert theirs.json() == nobodys.json(), action
    assert service.call("GET", f"/api/v1/passes/{serial}").json()["status"] == "valid"


def test_creating_and_importing_need_the_right_for_the_types_department(service: Service) -> None:
    path = "/api/v1/imports?type=resident_parking_permit"
    for scopes, create, import_ in (
        (["parking:issue"], 201, 403),
        (["parking:import"], 403, 422),
        (["library:*"], 403, 403),
        (["parking:read"], 403, 403),
        (["*:issue"], 201, 403),
    ):
        headers = service.token(*scopes)[1]
        number = f"BP-{scopes[0].replace('*', 'any')}"
        assert service.call("POST", "/api/v1/passes", permit(number), headers=headers).status_code == create, scopes
        sent = service.call("POST", path, content=b"", headers=headers | {"Content-Type": "text/csv"})
        assert sent.status_code == import_, scopes


def test_a_list_shows_the_departments_that_the_token_may_read(service: Service) -> None:
    service.creates()
    service.city.grants("library_card")
    service.city.grants("social_pass")
    headers = service.token("library:read", "parking:read", "social:issue")[1]
    listed = service.call("GET", "/api/v1/passes", headers=headers).json()["passes"]
    assert {each["type"] for each in listed} == {"library_card", "resident_parking_permit"}
    for path, scope in (("/api/v1/passes?type=social_pass", "library:read"), ("/api/v1/passes", "library:issue")):
        refused = service.call("GET", path, headers=service.token(scope)[1])
        assert (refused.status_code, refused.json()["code"]) == (403, "right_missing")


def test_a_type_that_is_switched_off_has_no_passes(make_city: Any, serve: Any) -> None:
    everything = make_city()
    serial = everything.grants("social_pass").serial
    parking = make_city(
        database_url=f"sqlite:///{everything.settings.issuer_home / 'issuer.db'}", pass_types=("library_card",)
    )
    service = serve(parking)
    assert service.call("GET", f"/api/v1/passes/{serial}").status_code == 404
    assert service.call("GET", "/api/v1/passes").json()["passes"] == []
    unknown = service.creates()
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_type")


def test_only_a_token_that_is_known_and_alive_is_let_in(service: Service) -> None:
    store = TokenStore(service.city.office.engine, tokens)
    now = int(time.time())
    ended = store.create("ended", {("*", "*")}, now - 10, 5)[1]
    revoked, secret = store.create("revoked", {("*", "*")}, now, None)
    store.revoke(revoked.id, now)
    for headers, code in (
        ({}, "token_missing"),
        ({"Authorization": "Basic YTpi"}, "token_missing"),
        ({"Authorization": "Bearer wpt_unknown"}, "token_invalid"),
        ({"Authorization": f"Bearer {'x' * 5000}"}, "token_invalid"),
        ({"Authorization": f"Bearer {ended}"}, "token_invalid"),
        ({"Authorization": f"Bearer {secret}"}, "token_invalid"),
    ):
        answer = service.client.get("/api/v1/passes", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, code)
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_what_everybody_may_see_needs_no_token(service: Service) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/", "/docs", "/api/v1/openapi.json", "/status/1"):
        assert service.client.get(path).status_code == 200, path
