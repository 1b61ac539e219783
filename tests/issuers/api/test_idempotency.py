"""A request that is sent again is answered again, and not done again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import func, select

from issuers.api.idempotency import KEPT, forget_old_keys
from issuers.models import audit, idempotency_keys
from tests.issuers.api.conftest import Service, permit
from web.database import read_transaction

KEY = {"Idempotency-Key": "6f1c1b0e-5a0f"}


def count(service: Service, action: str) -> int:
    with read_transaction(service.city.office.engine) as connection:
        return connection.scalar(select(func.count()).select_from(audit).where(audit.c.action == action)) or 0


def keys(service: Service) -> int:
    with read_transaction(service.city.office.engine) as connection:
        return connection.scalar(select(func.count()).select_from(idempotency_keys)) or 0


def test_the_same_request_again_gets_the_first_answer_with_the_pass_as_it_is_now(service_on: Service) -> None:
    first = service_on.call("POST", "/api/v1/passes", permit(), headers=KEY)
    again = service_on.call("POST", "/api/v1/passes", permit(), headers=KEY)
    assert (again.status_code, again.json(), again.headers["location"]) == (
        201,
        first.json(),
        first.headers["location"],
    )
    service_on.changes(first.json()["serial"], "suspensions", {"reason": "unpaid"})
    again = service_on.call("POST", "/api/v1/passes", permit(), headers=KEY)
    assert (again.status_code, again.json()["status"]) == (201, "suspended")
    assert count(service_on, "issue") == 1


def test_a_change_that_could_not_be_done_twice_is_answered_twice(service: Service) -> None:
    serial = service.creates().json()["serial"]
    for address, body in (
        ("suspensions", {"reason": "unpaid"}),
        ("renewals", {}),
        ("revocations", {"reason": "fraud"}),
    ):
        if address == "renewals":
            service.changes(serial, "reinstatements")
        headers = {"Idempotency-Key": address}
        first = service.changes(serial, address, body, headers=headers)
        again = service.changes(serial, address, body, headers=headers)
        assert (first.status_code, again.status_code, first.json()) == (200, 200, again.json())
    assert (count(service, "suspend"), count(service, "renew"), count(service, "revoke")) == (1, 1, 1)


def test_the_key_of_another_request_is_refused(service: Service) -> None:
    serial = service.creates().json()["serial"]
    service.changes(serial, "suspensions", {"reason": "unpaid"}, headers=KEY)
    for address, body in (("suspensions", {"reason": "other"}), ("revocations", {"reason": "unpaid"})):
        answer = service.changes(serial, address, body, headers=KEY)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert service.call("GET", f"/api/v1/passes/{serial}").json()["status"] == "suspended"


def test_two_tokens_may_choose_the_same_key(service: Service) -> None:
    other = service.token("parking:issue")[1]
    assert service.call("POST", "/api/v1/passes", permit("BP-1"), headers=KEY).status_code == 201
    assert service.call("POST", "/api/v1/passes", permit("BP-2"), headers=KEY | other).status_code == 201


def test_of_many_at_once_one_is_done_and_all_are_answered(service_on: Service) -> None:
    def send(_: int) -> tuple[int, str]:
        answer = service_on.call("POST", "/api/v1/passes", permit(), headers=KEY)
        return answer.status_code, answer.json().get("serial", answer.text)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert len(set(answers)) == 1 and answers[0][0] == 201
    assert count(service_on, "issue") == 1


def test_of_many_different_requests_for_one_number_one_succeeds(service_on: Service) -> None:
    def send(number: int) -> int:
        headers = {"Idempotency-Key": f"key-{number}"}
        return service_on.call("POST", "/api/v1/passes", permit(), headers=headers).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(send, range(6))) == [201] + 5 * [409]


def test_a_request_that_failed_may_be_sent_again_with_its_key(service: Service) -> None:
    serial = service.creates().json()["serial"]
    assert service.changes(serial, "reinstatements", headers=KEY).status_code == 409
    assert keys(service) == 0
    service.changes(serial, "suspensions", {"reason": "unpaid"})
    assert service.changes(serial, "reinstatements", headers=KEY).status_code == 200


def test_keys_are_forgotten_after_a_day(service_on: Service) -> None:
    service_on.call("POST", "/api/v1/passes", permit("BP-1"), headers=KEY)
    service_on.city.later(seconds=KEPT - 1)
    forget_old_keys(service_on.city.office.engine, service_on.city.clock())
    assert keys(service_on) == 1
    service_on.city.later(seconds=1)
    assert service_on.call("POST", "/api/v1/passes", permit("BP-2"), headers=KEY).status_code == 201
    service_on.city.later(seconds=KEPT)
    forget_old_keys(service_on.city.office.engine, service_on.city.clock())
    assert keys(service_on) == 0


def test_a_key_is_short_and_printable(service: Service) -> None:
    for key in ("", "a" * 81, "with blank", "tab\tbed"):
        answer = service.call("POST", "/api/v1/passes", permit(), headers={"Idempotency-Key": key})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), key
