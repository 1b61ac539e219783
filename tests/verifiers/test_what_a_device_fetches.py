"""What a device that looks no plates up has to fetch of a whole city, as the service hands it on."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from issuers.settings import IssuerSettings
from tests.verifiers.sample_city import SampleCity
from verifiers.mirror import mirror_router, mirrored
from walletpass.status import Status
from walletpass.status_list import StatusArray

MILLION, REVOKED = 1_000_000, 10_000
SMALL_ENOUGH = 40_000  # bytes
_SETTINGS = IssuerSettings.model_fields
AS_SET = (_SETTINGS["status_lists_open"].default, _SETTINGS["status_list_size"].default)


def publish_a_million(city: SampleCity, lists: int, size: int) -> None:
    """A million passes on so many lists, one in a hundred revoked, and everything else that a city publishes."""
    city.publish()
    uris = [f"{city.issuer}/status/{number}" for number in range(1, lists + 1)]
    for number, uri in enumerate(uris, 1):
        city.statuses = StatusArray.empty(size)
        places = random.Random(number).sample(range(size), REVOKED // lists)
        city.statuses.update((place, Status.INVALID) for place in places)
        city.write(f"status/{number}.cwt", city.status_token(uri=uri))
    city.write("status-lists.json", json.dumps({"status_lists": uris}).encode())


@pytest.mark.parametrize(("lists", "size"), [(1, MILLION), AS_SET], ids=["one list", "as set"])
def test_all_of_a_city_with_a_million_passes_is_small(tmp_path: Path, lists: int, size: int) -> None:
    """Bodies as they are sent, to a client that would take them compressed; the plate lists come on top (ADR 0010)."""
    city = SampleCity(tmp_path)
    publish_a_million(city, lists, size)
    documents = city.documents()
    known = documents.refresh(city.now)
    revoked = [place for found in known.status_lists.values() for place in range(size) if found.value(place)]
    assert len(revoked) == REVOKED
    paths = mirrored(documents.taken(), {})
    app = FastAPI()
    app.include_router(mirror_router(lambda: paths))
    with TestClient(app) as client:
        answers = {path: client.get(f"/published/{path}", headers={"Accept-Encoding": "gzip, br"}) for path in paths}
    fetched = {path: int(answer.headers["content-length"]) for path, answer in answers.items()}
    assert {path.partition("/")[0] for path in fetched} == {"trust-list.jwt", "status-lists.json", "status", "types"}
    assert sum(fetched.values()) < SMALL_ENOUGH, fetched
