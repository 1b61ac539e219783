"""What wallets, inspectors and caches fetch: the bytes of the folder, in the form they ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from issuers.accept import choose
from tests.issuers.api.conftest import Service
from verifiers.receiving import ReceivingKey
from walletpass.plate_keys import keys_path

JWT, CWT = "application/statuslist+jwt", "application/statuslist+cwt"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JWT),
        ("", JWT),
        ("*/*", JWT),
        ("application/*", JWT),
        (JWT, JWT),
        (CWT, CWT),
        (CWT.upper(), CWT),
        (f"{JWT}, {CWT}", JWT),
        (f"{JWT};q=0.5, {CWT}", CWT),
        (f"{JWT};q=0.2, {CWT};q=0.20", JWT),
        (f"{CWT}, */*;q=0.1", CWT),
        (f"{JWT};q=0, */*", CWT),
        (f"application/*;q=0.1, {CWT};q=0.9, */*", CWT),
        (f"text/html, {CWT};v=1;q=0.4", CWT),
        ("text/html", None),
        (f"{JWT};q=0", None),
        ("*/*;q=0.000", None),
        ("application/jwt, image/*", None),
        ("," * 5000, None),
    ],
)
def test_the_accept_header_chooses_the_form(accept: str | None, chosen: str | None) -> None:
    assert choose(accept, (JWT, CWT)) == chosen


def test_plate_lists_and_their_keys_are_served_as_what_they_are(service: Service) -> None:
    city = service.city
    city.finds("D-AB 1234")
    paths = {
        f"plates/{city.today}.cwt": "application/platelist+cwt",
        keys_path(ReceivingKey.open(city.settings.home / "verifier").id): "application/platekeys+jwt",
    }
    for path, media_type in paths.items():
        answer = service.client.get(f"/published/{path}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
        assert answer.content == (city.settings.published / path).read_bytes()
    for hidden in ("plates/", "plates/.lock", "plates/keys", "plates/2026-11-23", "plates/keys/x.jwt"):
        assert service.client.get(f"/published/{hidden}").status_code == 404


@pytest.mark.parametrize(
    ("address", "file", "media_type"),
    [
        ("/status/1", "status/1.jwt", JWT),
        ("/published/status/1", "status/1", JWT),
        ("/published/status/1.jwt", "status/1.jwt", JWT),
        ("/published/status/1.cwt", "status/1.cwt", CWT),
        ("/published/trust-list.jwt", "trust-list.jwt", "application/trustlist+jwt"),
        ("/published/anchor.crl", "anchor.crl", "application/pkix-crl"),
        ("/status-lists.json", "status-lists.json", "application/json"),
        ("/published/status-lists.json", "status-lists.json", "application/json"),
        ("/types/library_card/1", "types/library_card/1.json", "application/json"),
        ("/published/types/library_card/1.json", "types/library_card/1.json", "application/json"),
    ],
)
def test_a_published_document_is_served_as_the_bytes_in_the_folder(
    service: Service, address: str, file: str, media_type: str
) -> None:
    answer = service.client.get(address)
    assert answer.status_code == 200
    assert answer.content == (service.city.settings.published / file).read_bytes()
    assert answer.headers["content-type"] == media_type
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_status_list_comes_as_cwt_to_those_who_ask_for_it(service: Service) -> None:
    answer = service.client.get("/status/1", headers={"Accept": CWT})
    assert answer.headers["content-type"] == CWT
    assert answer.content == (service.city.settings.published / "status/1.cwt").read_bytes()
    assert answer.headers["vary"] == "Accept"


def test_a_form_that_we_do_not_have_is_not_acceptable(service: Service) -> None:
    answer = service.client.get("/status/1", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


def test_how_a_list_looked_earlier_is_not_told(service: Service) -> None:
    answer = service.client.get("/status/1?time=1700000000")
    assert (answer.status_code, answer.json()["code"]) == (501, "not_implemented")


def test_an_unchanged_document_is_not_sent_again(service: Service) -> None:
    etag = service.client.get("/status/1").headers["etag"]
    for sent in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = service.client.get("/status/1", headers={"If-None-Match": sent})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag), sent
    assert service.client.get("/status/1", headers={"If-None-Match": '"other"'}).status_code == 200
    assert service.client.get("/status/1", headers={"Accept": CWT, "If-None-Match": etag}).status_code == 200


def test_a_document_that_was_published_anew_is_served_at_once_with_another_etag(service: Service) -> None:
    before = service.client.get("/status/1")
    service.city.publishes()
    after = service.client.get("/status/1")
    assert after.content == (service.city.settings.published / "status/1").read_bytes()
    assert after.content != before.content and after.headers["etag"] != before.headers["etag"]


def test_caches_keep_a_status_list_no_longer_than_its_ttl_says(service: Service) -> None:
    assert service.client.get("/status/1").headers["cache-control"] == "public, max-age=300"
    assert service.client.get("/types/library_card/1").headers["cache-control"] == "public, max-age=86400"


def test_a_page_of_another_site_may_read_the_documents(service: Service) -> None:
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "GET"}
    for address in ("/status/1", "/published/trust-list.jwt", "/types/library_card/1", "/status-lists.json"):
        answer = service.client.options(address, headers=asked)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "GET" in answer.headers["access-control-allow-methods"]
        assert "If-None-Match" in answer.headers["access-control-allow-headers"]


def test_head_tells_what_get_would_send(service: Service) -> None:
    got, told = service.client.get("/status/1"), service.client.head("/status/1")
    assert told.content == b""
    assert told.headers["etag"] == got.headers["etag"]
    assert told.headers["content-length"] == str(len(got.content))


UNPUBLISHED = (
    "/published/.lock",
    "/published/status/.1.jwt.0123456789abcdef.unfinished",
    "/published/../issuer/issuer.db",
    "/published/..%2fissuer%2fissuer.db",
    "/published/%2e%2e/anchor.pem",
    "/published/status/../../anchor.pem",
    "/published/status/..%2f..%2fanchor.pem",
    "/published//etc/passwd",
    "/published/%2fetc%2fpasswd",
    "/published/status/1.jwt%00",
    "/published/",
    "/published/status",
    "/status/..%2ftrust-list",
    "/status/999",
    "/status/1.jwt",
    "/status/\u0661",
    "/types/..%2f..%2fissuer/1",
    "/types/library_card/2",
    "/types/library_card/1.json",
)


def test_nothing_but_published_documents_is_served(service: Service) -> None:
    published = service.city.settings.published
    (published / ".lock").touch()
    (published / "status/.1.jwt.0123456789abcdef.unfinished").write_text("half")
    for path in UNPUBLISHED:
        answer = service.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


def test_a_link_out_of_the_folder_under_an_unknown_name_is_not_followed(service: Service) -> None:
    link = service.city.settings.published / "anchor.pem"
    link.symlink_to(service.city.settings.anchor)
    assert service.client.get("/published/anchor.pem").status_code == 404


def test_the_service_is_ready_while_its_documents_are_fresh(service: Service) -> None:
    ready = service.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "missing": []})
    trust_list: Path = service.city.settings.published / "trust-list.jwt"
    long_ago = trust_list.stat().st_mtime - 3 * service.city.settings.resign_interval
    os.utime(trust_list, (long_ago, long_ago))
    assert service.client.get("/readyz").json()["missing"] == ["published_documents_old"]
    trust_list.unlink()
    answer = service.client.get("/readyz")
    assert (answer.status_code, answer.json()["missing"]) == (503, ["published_documents"])
    assert service.client.get("/healthz").status_code == 200


def test_the_service_is_not_ready_without_its_database_or_a_key(service: Service) -> None:
    ring = service.city.settings.issuer_home / "keys"
    assert ring.is_dir()
    service.city.later(days=30 * 365)
    assert "keys" in service.client.get("/readyz").json()["missing"]
    service.city.office.engine.dispose()
    for file in service.city.settings.issuer_home.glob("issuer.db*"):
        file.unlink()
    assert "database" in service.client.get("/readyz").json()["missing"]
