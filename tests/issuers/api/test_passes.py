"""Creating, listing, showing, amending and renewing passes as a department's system does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.issuers.api.conftest import Service, permit


def test_an_entitlement_becomes_a_pass(service_on: Service) -> None:
    answer = service_on.creates("BP-1")
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"/api/v1/passes/{made['serial']}"
    assert answer.headers["cache-control"] == "no-store"
    assert made | {"serial": ""} == {
        "serial": "",
        "type": "resident_parking_permit",
        "external_number": "BP-1",
        "status": "valid",
        "valid_from": "2026-11-23",
        "valid_until": "2027-06-01",
        "claims": {"permit_number": "BP-1", "zone": "MÜ", "plates": ["D-AB 12"]},
        "carriers": [],
    }
    shown = service_on.call("GET", answer.headers["location"]).json()
    assert shown["history"][0]["action"] == "issue" and shown["history"][0]["actor"].startswith("token ")


def test_what_the_api_creates_is_what_an_import_of_the_same_row_finds_unchanged(service: Service) -> None:
    body: dict[str, Any] = {"valid_from": "2026-11-01", "holder": {"given_name": "Jürgen", "family_name": "Müßig"}}
    service.creates("BP-1", **body, claims={"permit_number": "BP-1", "zone": "MÜ"})
    header = "permit_no;zone;plate1;valid_from;valid_until;given_name;family_name"
    row = f"{header}\nBP-1;mü;;1.11.2026;1.6.2027;Jürgen;Müßig\n"
    answer = service.call(
        "POST",
        "/api/v1/imports?type=resident_parking_permit",
        content=row.encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert (answer.json()["unchanged"], answer.json()["updated"]) == (1, 0)


def test_every_type_can_be_created(service: Service) -> None:
    holder = {
        "given_name": "Anna",
        "family_name": "Müller",
        "date_of_birth": "29.02.1980",
        "street": "Bilker Allee 5",
        "postcode": "40215",
        "city": "Düsseldorf",
    }
    values = {"zone": "A12", "plates": [], "changing_vehicles": True, "children": 2, "for_life": True}
    for pass_type in service.city.office.catalogue:
        own = {claim.name for claim in pass_type.claims if not claim.holder_field}
        claims = {name: value for name, value in values.items() if name in own}
        claims[pass_type.number_claim.name] = "29300012345674"
        body = {"type": pass_type.name, "claims": claims, "holder": holder, "valid_until": "2027-01-31"}
        answer = service.call("POST", "/api/v1/passes", body)
        assert answer.status_code == 201, answer.text
        assert answer.json()["claims"].items() >= claims.items()


def test_a_taken_number_is_refused_and_a_revoked_one_only_reissued_on_purpose(service_on: Service) -> None:
    serial = service_on.creates("BP-1").json()["serial"]
    assert (service_on.creates("BP-1").status_code, service_on.creates("BP-1").json()["code"]) == (409, "number_taken")
    service_on.changes(serial, "revocations", {"reason": "moved away"})
    assert (service_on.creates("BP-1").status_code, service_on.creates("BP-1").json()["code"]) == (409, "pass_revoked")
    again = service_on.creates("BP-1", reissue=True)
    assert again.status_code == 201 and again.json()["serial"] != serial


def test_a_list_is_read_page_by_page_without_gaps_or_doubles(service_on: Service) -> None:
    serials = sorted(service_on.creates(f"BP-{number}").json()["serial"] for number in range(10, 17))
    page = service_on.call("GET", "/api/v1/passes?type=resident_parking_permit&status=valid&limit=3").json()
    seen = [each["serial"] for each in page["passes"]]
    pages = 1
    while page["next"]:
        assert "limit=3" in page["next"] and "status=valid" in page["next"] and "type=resident" in page["next"]
        page = service_on.call("GET", page["next"]).json()
        seen += [each["serial"] for each in page["passes"]]
        pages += 1
    assert (seen, pages) == (serials, 3)


def test_a_last_page_that_is_full_names_no_next_one(service: Service) -> None:
    for number in (10, 11):
        service.creates(f"BP-{number}")
    assert service.call("GET", "/api/v1/passes?limit=2").json()["next"] is None


def test_a_pass_is_found_by_the_departments_number(service_on: Service) -> None:
    serials = {number: service_on.creates(number).json()["serial"] for number in ("BP-1", "BP-2")}
    found = service_on.call("GET", "/api/v1/passes?number=BP-2").json()["passes"]
    assert [each["serial"] for each in found] == [serials["BP-2"]]
    assert service_on.call("GET", "/api/v1/passes?number=BP-3").json() == {"passes": [], "next": None}
    for wrong in ("BP-1%00", "B" * 33, "BP 1"):
        assert service_on.call("GET", f"/api/v1/passes?number={wrong}").status_code == 422


def test_a_list_can_be_narrowed_to_a_type_and_a_status(service: Service) -> None:
    serial = service.creates("BP-1").json()["serial"]
    service.creates("BP-2")
    service.city.grants("library_card")
    service.changes(serial, "suspensions", {"reason": "unpaid"})
    suspended = service.call("GET", "/api/v1/passes?status=suspended").json()["passes"]
    assert [each["serial"] for each in suspended] == [serial]
    assert len(service.call("GET", "/api/v1/passes?type=library_card").json()["passes"]) == 1
    assert len(service.call("GET", "/api/v1/passes").json()["passes"]) == 3


def test_an_amended_plate_withdraws_the_credentials_that_named_another(service: Service) -> None:
    serial = service.creates().json()["serial"]
    text = service.changes(serial, "offers", {"wallet": "qr"}).text
    assert service.city.inspector_sees(text).outcome == "accepted"
    answer = service.call("PATCH", f"/api/v1/passes/{serial}", {"claims": {"plates": ["D-XY 99"]}, "reason": "new car"})
    assert answer.status_code == 200
    assert answer.json()["claims"]["plates"] == ["D-XY 99"] and answer.json()["carriers"] == []
    assert service.city.inspector_sees(text).reason == "revoked"


def test_null_removes_a_claim_and_what_is_absent_stays(service: Service) -> None:
    serial = service.creates().json()["serial"]
    changed = service.call("PATCH", f"/api/v1/passes/{serial}", {"claims": {"changing_vehicles": True, "plates": None}})
    assert changed.json()["claims"] == {"permit_number": "BP-1", "zone": "MÜ", "plates": [], "changing_vehicles": True}
    changed = service.call("PATCH", f"/api/v1/passes/{serial}", {"claims": {"changing_vehicles": None}})
    assert "changing_vehicles" not in changed.json()["claims"]
    assert service.call("PATCH", f"/api/v1/passes/{serial}", {"claims": {"zone": None}}).json()["field"] == "zone"


def test_a_holder_can_be_amended(service: Service) -> None:
    serial = service.city.grants("library_card").serial
    answer = service.call("PATCH", f"/api/v1/passes/{serial}", {"holder": {"family_name": "Schmidt"}})
    assert answer.json()["claims"]["family_name"] == "Schmidt" and answer.json()["claims"]["given_name"] == "Anna"


def test_a_renewal_lengthens_by_the_usual_period_or_to_a_day(service: Service) -> None:
    serial = service.creates().json()["serial"]
    assert service.changes(serial, "renewals").json()["valid_until"] == "2028-05-31"
    assert service.changes(serial, "renewals", {"valid_until": "30.6.2028"}).json()["valid_until"] == "2028-06-30"
    shorter = service.changes(serial, "renewals", {"valid_until": "2028-01-01"})
    assert (shorter.status_code, shorter.json()["code"]) == (422, "bad_validity")


BAD_VALUES: list[tuple[dict[str, Any], str, str]] = [
    ({"claims": {"permit_number": "BP-1", "zone": "A12345"}}, "bad_zone", "zone"),
    ({"claims": {"permit_number": "BP-1"}}, "missing_value", "zone"),
    ({"claims": {"zone": "A"}}, "missing_value", "permit_number"),
    ({"claims": {"permit_number": "B P", "zone": "A"}}, "bad_number", "permit_number"),
    ({"claims": {"permit_number": "BP-1", "zone": "A", "plates": ["??"]}}, "bad_plate", "plates"),
    ({"claims": {"permit_number": "BP-1", "zone": "A", "plates": ["D-AB 1, D-AB 2"]}}, "bad_plate", "plates"),
    (
        {"claims": {"permit_number": "BP-1", "zone": "A", "plates": [f"D-AB {n}" for n in range(1, 9)]}},
        "too_many_plates",
        "plates",
    ),
    ({"claims": {"permit_number": "BP-1", "zone": "A", "colour": "red"}}, "unknown_claim", "claims"),
    ({"claims": {"permit_number": "BP-1", "zone": "A", "changing_vehicles": "maybe"}}, "bad_flag", "changing_vehicles"),
    ({"valid_until": "2027-02-30"}, "bad_date", "valid_until"),
    ({"valid_from": "tomorrow"}, "bad_date", "valid_from"),
    ({"valid_from": "2027-06-02"}, "bad_validity", "valid_until"),
    ({"valid_until": "2099-01-01"}, "validity_too_long", "valid_until"),
    ({"holder": {"email": "no address"}}, "bad_email", "email"),
    ({"holder": {"date_of_birth": "2030-01-01"}}, "bad_date", "date_of_birth"),
    ({"holder": {"given_name": "A\u0000B"}}, "bad_text", "given_name"),
    ({"holder": {"given_name": "A" * 81}}, "too_long", "given_name"),
]


def test_a_value_that_does_not_fit_is_named_with_its_field_and_code(service: Service) -> None:
    for body, code, field in BAD_VALUES:
        answer = service.call("POST", "/api/v1/passes", permit() | body)
        assert (answer.status_code, answer.json()["code"], answer.json().get("field")) == (422, code, field), body
        assert answer.headers["content-type"] == "application/problem+json"
    assert service.call("GET", "/api/v1/passes").json()["passes"] == []


def test_a_zone_outside_the_departments_closed_list_is_refused(make_city: Any, serve: Any) -> None:
    service = serve(make_city(parking_zones=("A1", "MÜ")))
    refused = service.creates(claims={"permit_number": "BP-1", "zone": "B2"})
    assert refused.json()["code"] == "bad_zone"
    assert service.creates(claims={"permit_number": "BP-1", "zone": "mü"}).status_code == 201


@pytest.mark.parametrize("operation", ["amend", "renew"])
def test_a_revoked_pass_is_not_changed_any_more(service: Service, operation: str) -> None:
    serial = service.creates().json()["serial"]
    service.changes(serial, "revocations", {"reason": "fraud"})
    if operation == "amend":
        answer = service.call("PATCH", f"/api/v1/passes/{serial}", {"claims": {"zone": "B"}})
    else:
        answer = service.changes(serial, "renewals")
    assert (answer.status_code, answer.json()["code"]) == (409, "pass_revoked")


def test_the_number_of_a_pass_cannot_change(service: Service) -> None:
    serial = service.creates().json()["serial"]
    answer = service.call("PATCH", f"/api/v1/passes/{serial}", {"claims": {"permit_number": "BP-2"}})
    assert (answer.json()["code"], answer.json()["field"]) == ("number_fixed", "permit_number")
