"""Links to pass pages through the API: answered once, ended with their codes, and a right of their own department."""

from __future__ import annotations

from issuers.residents.links import PATH
from tests.issuers.api.conftest import Service


def linked(service: Service, serial: str) -> str:
    answer = service.changes(serial, "links")
    assert (answer.status_code, answer.json().keys(), answer.headers["cache-control"]) == (201, {"link"}, "no-store")
    link = str(answer.json()["link"])
    assert link.startswith(f"{service.city.settings.public_url}{PATH}")
    return link.removeprefix(service.city.settings.public_url)


def test_a_link_opens_the_page_until_it_is_ended(service_on: Service) -> None:
    serial = service_on.creates().json()["serial"]
    path = linked(service_on, serial)
    assert service_on.client.get(path).status_code == 200
    for _ in range(2):
        ended = service_on.call("DELETE", f"/api/v1/passes/{serial}/links")
        assert (ended.status_code, ended.json()["serial"]) == (200, serial)
        assert service_on.client.get(path).status_code == 404
    actions = [entry["action"] for entry in service_on.call("GET", f"/api/v1/passes/{serial}").json()["history"]]
    assert actions == ["issue", "link", "unlink", "withdraw"]


def test_a_second_link_ends_the_first(service: Service) -> None:
    serial = service.creates().json()["serial"]
    first, second = linked(service, serial), linked(service, serial)
    assert (service.client.get(first).status_code, service.client.get(second).status_code) == (404, 200)


def test_a_link_needs_the_right_to_offer(service: Service) -> None:
    serial = service.creates().json()["serial"]
    path = f"/api/v1/passes/{serial}/links"
    for scope, status, code in (
        ("parking:offer", None, None),
        ("parking:read", 403, "right_missing"),
        ("parking:withdraw", 404, "unknown_serial"),
        ("library:*", 404, "unknown_serial"),
    ):
        headers = service.token(scope)[1]
        for method, good in (("POST", 201), ("DELETE", 200)):
            answer = service.call(method, path, headers=headers)
            assert answer.status_code == (status or good), (scope, method, answer.text)
            assert code is None or answer.json()["code"] == code


def test_a_lost_phones_page_is_withdrawn_as_any_carrier(service: Service) -> None:
    serial = service.creates().json()["serial"]
    text = service.client.get(f"{linked(service, serial)}/code.svg")
    assert text.status_code == 200
    assert service.call("GET", f"/api/v1/passes/{serial}").json()["carriers"] == ["page"]
    answer = service.changes(serial, "withdrawals", {"carrier": "page", "reason": "phone lost"})
    assert (answer.status_code, answer.json()["carriers"]) == (200, [])
