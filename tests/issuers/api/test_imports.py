"""Importing a department's list over the network, with the same report as on the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from issuers import importing, uploads
from tests.issuers.api.conftest import Answer, Service

HEADER = "permit_no;zone;plate1;valid_from;valid_until\n"
GOOD = HEADER + "BP-1;A1;D-AB 1;2026-12-01;2027-05-01\nBP-2;MÜ;;01.12.2026;01.05.2027\n"


def send(service: Service, text: str | bytes, query: str = "", **headers: str) -> Answer:
    content = text if isinstance(text, bytes) else text.encode()
    path = f"/api/v1/imports?type=resident_parking_permit{query}"
    return service.call("POST", path, content=content, headers={"Content-Type": "text/csv"} | headers)


def test_a_list_becomes_passes_and_twice_changes_nothing(service_on: Service) -> None:
    first = send(service_on, GOOD)
    assert (first.status_code, first.json()["created"], first.json()["failures"]) == (200, 2, [])
    again = send(service_on, GOOD.encode("cp1252"))
    assert (again.json()["created"], again.json()["unchanged"]) == (0, 2)


def test_a_row_that_fails_is_reported_without_its_values(service: Service) -> None:
    answer = send(service, GOOD + "BP-3;A12345;D-AB 1;2026-12-01;2027-05-01\n")
    report = answer.json()
    assert (report["created"], report["failed"]) == (2, 1)
    [failure] = report["failures"]
    assert (failure["line"], failure["column"], failure["code"]) == (4, "zone", "bad_zone")
    assert "A12345" not in answer.text


def test_columns_that_are_not_read_are_named(service: Service) -> None:
    more = GOOD.replace("valid_until\n", "valid_until;Bemerkung\n").replace("05-01\n", "05-01;Tante Käthe\n")
    answer = send(service, more.replace("05.2027\n", "05.2027;\n"))
    assert (answer.json()["created"], answer.json()["unread_columns"]) == (2, ["Bemerkung"])
    assert "Käthe" not in answer.text
    assert send(service, GOOD).json()["unread_columns"] == []


def test_a_dry_run_changes_nothing(service: Service) -> None:
    assert send(service, GOOD, "&dry_run=true").json()["created"] == 2
    assert service.call("GET", "/api/v1/passes").json()["passes"] == []


def test_a_mistyped_parameter_does_not_import_in_earnest(service: Service) -> None:
    answer = send(service, GOOD, "&dryrun=true")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "query.dryrun")
    assert service.call("GET", "/api/v1/passes").json()["passes"] == []


def test_passes_missing_from_a_complete_list_are_suspended_and_published(service: Service) -> None:
    serial = service.creates("BP-9").json()["serial"]
    text = service.changes(serial, "offers", {"wallet": "qr"}).text
    assert send(service, GOOD, "&complete=true").json()["missing"] == 1
    assert service.city.inspector_sees(text).reason == "suspended"


def test_a_complete_list_that_lacks_more_than_half_needs_force_however_small(service: Service) -> None:
    serials = [service.creates(number).json()["serial"] for number in ("BP-7", "BP-8", "BP-9")]
    refused = send(service, HEADER + "BP-7;A1;;2026-12-01;2027-05-01\n", "&complete=true")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_missing")
    assert [service.call("GET", f"/api/v1/passes/{each}").json()["status"] for each in serials] == ["valid"] * 3
    assert send(service, GOOD, "&complete=true&force=true").json()["missing"] == 3


def test_an_old_list_is_refused_and_what_was_imported_before_is_published(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 20)
    rows = [f"BP-{n:02};A1;;2026-11-01;2027-05-01\n" for n in range(60)]
    assert send(service, HEADER + "".join(rows)).json()["created"] == 60
    found = service.call("GET", "/api/v1/passes?number=BP-00").json()["passes"]
    text = service.changes(found[0]["serial"], "offers", {"wallet": "qr"}).text
    older = [row.replace("2027-05-01", "2027-04-01") for row in rows]
    refused = send(service, HEADER + "".join(older[:10] + rows[10:20] + older[20:]))
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_shorter")
    assert service.city.inspector_sees(text).reason == "revoked"
    assert send(service, HEADER + "".join(older), "&force=true").json()["shortened"] == 50


def test_a_million_failures_make_a_short_answer(service: Service) -> None:
    answer = send(service, HEADER + "a\n" * 5000, "&dry_run=true")
    report = answer.json()
    assert (report["failed"], len(report["failures"]), report["failures_left_out"]) == (5000, 1000, 4000)
    assert len(answer.content) < 200_000


def test_what_suspends_or_reissues_needs_those_rights_too(service: Service) -> None:
    path = "/api/v1/imports?type=resident_parking_permit"
    for query, more in (
        ("&complete=true", "suspend"),
        ("&complete=true&force=true", "suspend"),
        ("&reissue=true", "issue"),
    ):
        for scopes, status in (((), 403), ((f"parking:{more}",), 200)):
            headers = service.token("parking:import", *scopes)[1] | {"Content-Type": "text/csv"}
            answer = service.call("POST", path + query, content=GOOD.encode(), headers=headers)
            assert (answer.status_code, answer.json().get("code", "right_missing")) == (status, "right_missing"), query


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "file_empty"),
        (HEADER.encode() + b'a";"\n' * 1100, "bad_quotes"),
        (b"zone;valid_until\nA1;2027-05-01\n", "missing_column"),
        (GOOD.encode("utf-16"), "bad_encoding"),
        (b"PK\x03\x04" + bytes(100), "not_a_text_file"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused_as_a_whole(service: Service, text: bytes, code: str) -> None:
    answer = send(service, text)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_only_a_list_of_a_known_type_as_csv_is_taken(service: Service) -> None:
    wrong = send(service, GOOD, **{"Content-Type": "application/json"})
    assert (wrong.status_code, wrong.json()["code"]) == (415, "unsupported_media_type")
    unknown = service.call(
        "POST", "/api/v1/imports?type=dog_licence", content=b"", headers={"Content-Type": "text/csv"}
    )
    assert (unknown.status_code, unknown.json()["code"]) == (422, "unknown_type")
    assert "dog" not in unknown.text


def test_a_list_beyond_the_limit_is_refused_while_it_arrives(service: Service) -> None:
    chunk = b"x" * (1 << 20)

    def endless() -> Iterator[bytes]:
        for _ in range((uploads.LIMIT >> 20) + 1):
            yield chunk

    answer = service.call(
        "POST", "/api/v1/imports?type=library_card", content=endless(), headers={"Content-Type": "text/csv"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert left_behind(service) == []


def test_an_upload_is_private_and_gone_afterwards(service: Service) -> None:
    seen: list[int] = []

    def in_two_parts() -> Iterator[bytes]:
        yield GOOD[:60].encode()
        folder = uploads.uploads_folder(service.city.settings.issuer_home)
        seen.extend(place.stat().st_mode & 0o777 for place in (folder, *folder.iterdir()))
        yield GOOD[60:].encode()

    path = "/api/v1/imports?type=resident_parking_permit"
    answer = service.call("POST", path, content=in_two_parts(), headers={"Content-Type": "text/csv"})
    assert answer.json()["created"] == 2
    assert seen == [0o700, 0o600]
    assert left_behind(service) == []


def test_what_a_killed_import_left_is_deleted_after_a_day(service: Service) -> None:
    send(service, GOOD)
    left = uploads.uploads_folder(service.city.settings.issuer_home) / "left.csv"
    left.write_text("Anna")
    now = left.stat().st_mtime
    uploads.forget_old_uploads(service.city.settings.issuer_home, now + 3600)
    assert left.exists()
    uploads.forget_old_uploads(service.city.settings.issuer_home, now + 86401)
    assert not left.exists()


def test_the_key_of_one_list_is_refused_for_another(service: Service) -> None:
    key = {"Idempotency-Key": "monday"}
    assert send(service, GOOD, **key).json()["created"] == 2
    assert send(service, GOOD, **key).json()["unchanged"] == 2
    other = send(service, HEADER + "BP-5;A1;;2026-12-01;2027-05-01\n", **key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def left_behind(service: Service) -> list[Path]:
    return list(uploads.uploads_folder(service.city.settings.issuer_home).iterdir())
