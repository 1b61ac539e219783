"""The mirror hands on exactly what the service has taken: unchanged bytes, nothing refused, also after a restart."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.verifiers.sample_city import SampleCity
from tests.verifiers.test_plate_documents import TODAY, PlateCity
from verifiers.documents import Folder
from verifiers.mirror import Mirrored, mirror_router, mirrored
from verifiers.plate_documents import PlateDocuments
from verifiers.published import PublishedDocuments
from verifiers.seen import SeenDocuments
from walletpass.plate_list import list_path


def files(city: SampleCity) -> dict[str, bytes]:
    """All that lies in the published folder, by path."""
    return {
        str(file.relative_to(city.published)): file.read_bytes() for file in city.published.rglob("*") if file.is_file()
    }


def test_everything_that_was_taken_is_there_as_it_came(city: SampleCity) -> None:
    documents = city.documents()
    assert documents.taken() == {}
    documents.refresh(city.now)
    taken, published = documents.taken(), files(city)
    assert json.loads(taken.pop("status-lists.json")) == json.loads(published.pop("status-lists.json"))
    assert taken == published


def test_a_list_that_came_as_jwt_is_at_its_own_path(city: SampleCity) -> None:
    (city.published / "status/1.cwt").unlink()
    city.publish_statuses("jwt")
    documents = city.documents()
    documents.refresh(city.now)
    assert documents.taken()["status/1.jwt"] == files(city)["status/1.jwt"]


def truncate(city: SampleCity, path: str) -> None:
    city.write(path, files(city)[path][:-1])


SPOILED: dict[str, Callable[[SampleCity], object]] = {
    "trust-list.jwt": lambda city: truncate(city, "trust-list.jwt"),
    "status/1.cwt": lambda city: truncate(city, "status/1.cwt"),
    "types/library_card/1.json": lambda city: city.write("types/library_card/1.json", b"{}"),
}


@pytest.mark.parametrize(("path", "spoil"), SPOILED.items(), ids=list(SPOILED))
def test_what_was_refused_is_not_handed_on(city: SampleCity, path: str, spoil: Callable[[SampleCity], object]) -> None:
    documents = city.documents()
    documents.refresh(city.now)
    good = documents.taken()
    spoil(city)
    documents.refresh(city.now)
    assert documents.taken() == good
    fresh = city.documents()
    fresh.refresh(city.now)
    assert path not in fresh.taken()


def test_the_list_of_a_withdrawn_key_is_not_handed_on(city: SampleCity) -> None:
    documents = city.documents()
    documents.refresh(city.now)
    city.now += 60
    city.publish(lambda key: None if key.role.value == "status-list" else key)
    documents.refresh(city.now)
    taken = documents.taken()
    assert "status/1.cwt" not in taken and json.loads(taken["status-lists.json"]) == {"status_lists": []}


def test_after_a_restart_without_the_source_it_is_all_still_there(city: SampleCity, tmp_path: Path) -> None:
    documents = city.documents(tmp_path / "cache")
    documents.refresh(city.now)
    restarted = PublishedDocuments(
        Folder(tmp_path / "nowhere"), city.ring.anchor_certificate, SeenDocuments(tmp_path / "cache")
    )
    restarted.recall(city.now)
    assert restarted.taken() == documents.taken()


def test_plate_lists_are_handed_on_and_the_keys_to_them_not(tmp_path: Path) -> None:
    city = PlateCity(tmp_path)
    city.lists(city.signed(city.plates()))
    city.sends(city.keys())
    seen = SeenDocuments(tmp_path / "cache")
    city.reader = PlateDocuments(Folder(city.published), city.receiver, seen)
    city.reads()
    list_bytes = files(city)[list_path(TODAY)]
    assert city.reader.taken() == {list_path(TODAY): list_bytes}
    city.lists(list_bytes[:-1])
    city.reads()
    assert city.reader.taken() == {list_path(TODAY): list_bytes}
    restarted = PlateDocuments(Folder(tmp_path / "nowhere"), city.receiver, seen)
    restarted.recall(city.documents().refresh(city.now).trust_list, city.now)
    assert restarted.taken() == {list_path(TODAY): list_bytes}


def test_over_http_it_is_a_document_with_an_etag(city: SampleCity) -> None:
    documents = city.documents()
    documents.refresh(city.now)
    served = mirrored(documents.taken(), {})
    app = FastAPI()
    app.include_router(mirror_router(lambda: served))
    client = TestClient(app)
    answer = client.get("/published/status/1.cwt")
    etag = answer.headers["etag"]
    assert answer.content == files(city)["status/1.cwt"]
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (
        "application/statuslist+cwt",
        "no-cache",
    )
    assert etag == served["status/1.cwt"].etag and etag[0] == etag[-1] == '"'
    for sent, status in ((etag, 304), (f"W/{etag}", 304), ("*", 304), ('"x"', 200), ("", 200)):
        assert client.get("/published/status/1.cwt", headers={"If-None-Match": sent}).status_code == status
    types = {path: client.get(f"/published/{path}").headers["content-type"] for path in served}
    assert types["trust-list.jwt"] == "application/trustlist+jwt"
    assert types["status-lists.json"] == types["types/library_card/1.json"] == "application/json"
    assert client.get("/published/plates/keys/x.jwt").status_code == 404


def test_a_changed_document_has_another_etag_and_an_unchanged_one_is_the_same_object() -> None:
    before = mirrored({"a": b"1", "b": b"2"}, {})
    after = mirrored({"a": b"1", "b": b"3"}, before)
    assert after["a"] is before["a"] and after["b"].etag != before["b"].etag
    assert mirrored({}, before) == {} and isinstance(before["a"], Mirrored)
