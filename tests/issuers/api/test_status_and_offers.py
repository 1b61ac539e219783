"""Suspending, reinstating, revoking, withdrawing and offering: seen by an inspector when the answer is there."""

from __future__ import annotations

import pytest

from tests.issuers.api.conftest import Service


def test_a_change_of_status_is_published_before_it_is_answered(service_on: Service) -> None:
    serial = service_on.creates().json()["serial"]
    text = service_on.changes(serial, "offers", {"wallet": "qr", "form": "txt"}).text
    for address, status, reason in (
        ("suspensions", "suspended", "suspended"),
        ("reinstatements", "valid", "accepted"),
        ("revocations", "revoked", "revoked"),
    ):
        before = service_on.client.get("/status/1").content
        answer = service_on.changes(serial, address, {"reason": "a test"})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert service_on.client.get("/status/1").content != before
        assert service_on.city.inspector_sees(text).reason == reason


def test_a_lost_phones_credentials_end_and_the_others_live_on(service: Service) -> None:
    serial = service.creates().json()["serial"]
    paper = service.changes(serial, "offers", {"wallet": "qr"}).text
    service.changes(serial, "offers", {"wallet": "apple"})
    assert service.call("GET", f"/api/v1/passes/{serial}").json()["carriers"] == ["apple", "qr"]
    answer = service.changes(serial, "withdrawals", {"carrier": "apple", "reason": "phone lost"})
    assert (answer.status_code, answer.json()["carriers"]) == (200, ["qr"])
    assert service.city.inspector_sees(paper).outcome == "accepted"
    assert service.changes(serial, "withdrawals", {"carrier": "qr"}).json()["carriers"] == []
    assert service.city.inspector_sees(paper).reason == "revoked"


def test_only_a_known_carrier_can_be_withdrawn(service: Service) -> None:
    serial = service.creates().json()["serial"]
    answer = service.changes(serial, "withdrawals", {"carrier": "pigeon"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_carrier")
    assert "pigeon" not in answer.text


@pytest.mark.parametrize(
    ("first", "then", "code"),
    [
        (None, "reinstatements", "transition_not_allowed"),
        ("suspensions", "suspensions", "transition_not_allowed"),
        ("revocations", "reinstatements", "transition_not_allowed"),
        ("revocations", "suspensions", "transition_not_allowed"),
        ("revocations", "revocations", "transition_not_allowed"),
    ],
)
def test_a_transition_that_is_not_allowed_is_refused(service: Service, first: str | None, then: str, code: str) -> None:
    serial = service.creates().json()["serial"]
    if first:
        assert service.changes(serial, first, {"reason": "a test"}).status_code == 200
    answer = service.changes(serial, then, {"reason": "a test"})
    assert (answer.status_code, answer.json()["code"]) == (409, code)


def test_suspending_and_revoking_need_a_reason(service: Service) -> None:
    serial = service.creates().json()["serial"]
    for address in ("suspensions", "revocations"):
        for body in (None, {}, {"reason": "  "}):
            answer = service.changes(serial, address, body)
            assert (answer.status_code, answer.json()["code"]) == (422, "reason_required"), (address, body)
    assert service.call("GET", f"/api/v1/passes/{serial}").json()["status"] == "valid"


def test_each_change_is_audited_with_the_token_and_the_reason(service: Service) -> None:
    serial = service.creates().json()["serial"]
    token, headers = service.token("parking:suspend")
    service.changes(serial, "suspensions", {"reason": "unpaid"}, headers=headers)
    last = service.call("GET", f"/api/v1/passes/{serial}").json()["history"][-1]
    assert (last["actor"], last["action"], last["reason"]) == (f"token {token.id}", "suspend", "unpaid")


@pytest.mark.parametrize(
    ("wallet", "form", "media_type", "begins", "name"),
    [
        ("apple", "", "application/vnd.apple.pkpass", b"PK\x03\x04", ".pkpass"),
        ("google", "", "text/plain; charset=us-ascii", b"https://pay.google.com/gp/v/save/", "-google.txt"),
        ("paper", "pdf", "application/pdf", b"%PDF-", ".pdf"),
        ("qr", "", "text/plain; charset=us-ascii", b"WP1:", ".txt"),
        ("qr", "svg", "image/svg+xml", b"<", ".svg"),
        ("qr", "png", "image/png", b"\x89PNG", ".png"),
    ],
)
def test_an_offer_is_a_file_with_its_media_type_and_name(
    service: Service, wallet: str, form: str, media_type: str, begins: bytes, name: str
) -> None:
    serial = service.creates().json()["serial"]
    answer = service.changes(serial, "offers", {"wallet": wallet, "form": form})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == media_type
    assert answer.content.startswith(begins)
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="resident_parking_permit') and disposition.endswith(name + '"')
    assert answer.headers["cache-control"] == "no-store"


def test_an_unchanged_pass_offers_the_same_credential_again(service_on: Service) -> None:
    serial = service_on.creates().json()["serial"]
    first = service_on.changes(serial, "offers", {"wallet": "qr"}, headers={"Idempotency-Key": "a"}).text
    assert service_on.changes(serial, "offers", {"wallet": "qr"}, headers={"Idempotency-Key": "a"}).text == first
    other = service_on.changes(serial, "offers", {"wallet": "apple"}, headers={"Idempotency-Key": "a"})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("body", [{"wallet": "pigeon"}, {"wallet": "qr", "form": "exe"}])
def test_an_unknown_wallet_or_form_is_refused(service: Service, body: dict[str, str]) -> None:
    serial = service.creates().json()["serial"]
    answer = service.changes(serial, "offers", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_wallet")
    assert "pigeon" not in answer.text and "exe" not in answer.text


def test_a_pass_that_does_not_count_is_not_offered(service: Service) -> None:
    suspended, revoked = (service.creates(number).json()["serial"] for number in ("BP-1", "BP-2"))
    service.changes(suspended, "suspensions", {"reason": "unpaid"})
    service.changes(revoked, "revocations", {"reason": "fraud"})
    expired = service.creates("BP-3", valid_until="2026-01-31").json()["serial"]
    for serial, code in ((suspended, "suspended"), (revoked, "revoked"), (expired, "expired")):
        answer = service.changes(serial, "offers", {"wallet": "qr"})
        assert (answer.status_code, answer.json()["code"]) == (409, code)
