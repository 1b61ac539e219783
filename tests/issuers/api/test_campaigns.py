"""Campaigns over the network: started, followed, paused, resumed and cancelled, with the rights of an import."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Any

import pytest

from tests.city import City
from tests.issuers.api.conftest import Answer, Serve, Service
from tests.issuers.campaign_city import everything, permits, reads, renewals, write
from tests.issuers.wallets.iphone import IPhone

PATH = "/api/v1/campaigns"
CSV = {"Content-Type": "text/csv"}


def sends(service: Service, content: bytes, query: str = "", **headers: str) -> Answer:
    path = f"{PATH}?type=resident_parking_permit{query}"
    return service.call("POST", path, content=content, headers=CSV | headers)


def listed(service: Service, count: int = 3) -> bytes:
    return write(service.city, renewals(service.city, permits(service.city, count))).read_bytes()


def test_a_campaign_is_started_followed_and_its_result_fetched(service_on: Service) -> None:
    content = listed(service_on)
    made = sends(service_on, content, "&name=Familien&inform=letter")
    assert (made.status_code, made.json()["state"], made.json()["rows"]["total"]) == (201, "running", 3)
    assert made.json()["name"] == "Familien"
    everything(service_on.city)
    shown = service_on.call("GET", made.headers["Location"]).json()
    assert (shown["state"], shown["rows"]["renewed"], shown["messages"]["letter"]["done"]) == ("done", 3, 3)
    [found] = service_on.call("GET", PATH).json()["campaigns"]
    assert (found["id"], found["state"]) == (made.json()["id"], "done")
    answer = service_on.call("GET", made.headers["Location"] + "/result.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(answer.content.decode("utf-8-sig").splitlines(), delimiter=";"))
    assert [row["Ergebnis"] for row in rows] == ["verlängert"] * 3


def test_a_dry_run_says_what_would_change_and_whom_it_would_reach(city: City, serve: Serve) -> None:
    service = serve(city)
    passes = permits(city, 3)
    city.offers(passes[0], "apple")
    city.offers(passes[1], "paper")
    content = write(city, renewals(city, passes)).read_bytes()
    answer = sends(service, content, "&dry_run=true&inform=letter")
    assert (answer.status_code, answer.json()["renewed"]) == (200, 3)
    reach = {"passes": 3, "wallets": {"apple": 1, "paper": 1}, "apple_phones": 0, "mail": 0, "letter": 3, "nobody": 0}
    assert answer.json()["reach"] == reach
    assert service.call("GET", PATH).json() == {"campaigns": []}
    imported = service.call(
        "POST", "/api/v1/imports?type=resident_parking_permit&dry_run=true", content=content, headers=CSV
    )
    assert imported.json()["reach"] == reach | {"letter": 0, "nobody": 3}


def test_a_dry_run_counts_phones_and_mails(make_city: Callable[..., City], serve: Serve) -> None:
    city = make_city(smtp_host="mail.example.org", mail_from="ausweise@example.org")
    service, passes = serve(city), permits(city, 3)
    IPhone(service.client).adds(city.offers(passes[0], "apple").body)
    city.offers(passes[1], "apple")
    content = write(city, renewals(city, passes)).read_bytes()
    answer = sends(service, content, "&dry_run=true&inform=mail")
    assert answer.json()["reach"] == {
        "passes": 3,
        "wallets": {"apple": 2},
        "apple_phones": 1,
        "mail": 3,
        "letter": 0,
        "nobody": 0,
    }


def test_pausing_resuming_and_cancelling_answer_how_it_stands(service_on: Service) -> None:
    place = sends(service_on, listed(service_on)).headers["Location"]
    for change, state in (("pause", "paused"), ("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        answer = service_on.call("POST", f"{place}/{change}")
        assert (answer.status_code, answer.json()["state"]) == (200, state), change
    over = service_on.call("POST", f"{place}/resume")
    assert (over.status_code, over.json()["code"]) == (409, "campaign_over")
    reads(service_on.city)
    assert service_on.call("GET", place).json()["rows"]["done"] == 0


def test_the_same_request_with_the_same_key_starts_one_campaign(service_on: Service) -> None:
    content, key = listed(service_on), {"Idempotency-Key": "monday"}
    first, again = sends(service_on, content, **key), sends(service_on, content, **key)
    assert (first.status_code, again.status_code, again.json()["id"]) == (201, 201, first.json()["id"])
    assert len(service_on.call("GET", PATH).json()["campaigns"]) == 1
    other = sends(service_on, content + b"\r\n", **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_the_rights_are_those_of_an_import_and_others_campaigns_unknown(service: Service) -> None:
    content = listed(service)
    place = sends(service, content).headers["Location"]
    for scopes, query, status in (
        (["parking:issue"], "", 403),
        (["library:*"], "", 403),
        (["parking:import"], "&reissue=true", 403),
        (["parking:import", "parking:issue"], "&reissue=true", 201),
        (["parking:import"], "", 201),
    ):
        assert sends(service, content, query, **service.token(*scopes)[1]).status_code == status, scopes
    stranger, importer = service.token("library:*")[1], service.token("parking:import")[1]
    for method, address in (("GET", ""), ("GET", "/result.csv"), ("POST", "/pause"), ("POST", "/cancel")):
        theirs = service.call(method, place + address, headers=stranger)
        nobodys = service.call(method, f"{PATH}/999{address}", headers=stranger)
        assert (theirs.status_code, theirs.json()) == (404, nobodys.json()), address
    assert service.call("GET", PATH, headers=stranger).json() == {"campaigns": []}
    assert service.call("GET", PATH, headers=service.token("parking:read")[1]).status_code == 403
    assert service.call("GET", place, headers=importer).status_code == 200
    assert service.call("GET", place + "/result.csv", headers=importer).json()["code"] == "right_missing"


@pytest.mark.parametrize("number", ["0", "-1", "x", "99999999999999999999", "9223372036854775808", "²"])
def test_what_is_no_number_names_no_campaign(service: Service, number: str) -> None:
    answer = service.call("GET", f"{PATH}/{number}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_campaign")


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "file_empty"), (b"zone;valid_until\nA1;2027-05-01\n", "missing_column")]
)
def test_a_list_that_cannot_be_read_starts_nothing(service: Service, content: bytes, code: str) -> None:
    answer: Any = sends(service, content)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert service.call("GET", PATH).json() == {"campaigns": []}
