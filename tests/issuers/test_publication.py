"""Publishing signed documents: nothing lost, nothing half, never older than before."""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from sqlalchemy import select

from issuers import publication
from issuers.errors import PublishFailed
from issuers.models import outbox
from issuers.publication import Publication
from issuers.status_lists import current_array
from keys.trust_list import read_trust_list
from tests.city import City
from verifiers.published import read_anchor
from walletpass.status_token import read_token
from walletpass.verdict import Reason
from web.database import read_transaction


def issued_at(city: City, list_id: str = "1") -> int:
    payload = jwt.decode(
        (city.settings.published / "status" / list_id).read_bytes(), options={"verify_signature": False}
    )
    return int(payload["iat"])


def pending(city: City) -> int:
    with read_transaction(city.office.engine) as connection:
        return len(connection.execute(select(outbox.c.id).where(outbox.c.done_at.is_(None))).all())


def test_all_public_documents_are_there_after_init(city: City) -> None:
    folder = city.settings.published
    names = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")}
    days = {f"plates/{city.today + timedelta(days=days)}.cwt" for days in (0, 1)}
    types = {f"types/{t.name}/{t.version}.json" for t in city.office.catalogue}
    assert (
        names
        == {"trust-list.jwt", "anchor.crl", "status-lists.json", "status/1", "status/1.jwt", "status/1.cwt"}
        | types
        | days
    )
    assert json.loads((folder / "status-lists.json").read_text()) == {
        "status_lists": ["http://localhost:8000/status/1"]
    }


def test_the_jwt_the_cwt_and_the_plain_name_say_the_same(city: City) -> None:
    pass_ = city.grants("family_card")
    city.qr(pass_)
    city.revokes(pass_)
    folder = city.settings.published / "status"
    believe: Callable[..., None] = lambda *_: None  # noqa: E731
    lists = [read_token((folder / name).read_bytes(), believe) for name in ("1", "1.jwt", "1.cwt")]
    assert lists[0] == lists[1] == lists[2]
    assert len(lists[0]) == 1024
    assert sum(lists[0].value(index) for index in range(1024)) == 1


def test_iat_strictly_rises_also_within_one_second(city_on: City) -> None:
    times = [issued_at(city_on)]
    for _ in range(4):
        city_on.publishes()
        times.append(issued_at(city_on))
    assert times == sorted(set(times))
    assert times[-1] <= city_on.clock()


def test_a_web_server_can_tell_two_lists_of_one_second_apart_by_their_files_times(city: City) -> None:
    for _ in range(3):
        city.publishes()
        for form in ("", ".jwt", ".cwt"):
            assert (city.settings.published / "status" / f"1{form}").stat().st_mtime == issued_at(city)


def test_the_trust_lists_version_rises(city: City) -> None:
    anchor = read_anchor(city.settings.anchor)

    def version() -> int:
        token = (city.settings.published / "trust-list.jwt").read_bytes()
        return read_trust_list(token, anchor, int(city.clock())).version

    before = version()
    city.publishes()
    assert version() > before


def test_a_clock_that_was_set_back_does_not_stop_publishing(city: City) -> None:
    before = issued_at(city)
    city.clock.seconds -= 3600
    city.publishes()
    assert issued_at(city) == before + 1


def test_a_full_disk_leaves_the_old_documents_whole_and_loses_no_change(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    pass_ = city.grants("family_card")
    text = city.qr(pass_)
    before = {path: path.read_bytes() for path in city.settings.published.rglob("*") if path.is_file()}

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(PublishFailed) as failure:
            city.revokes(pass_)
        assert "run walletpass publish" in failure.value.sentence
    assert {path: path.read_bytes() for path in city.settings.published.rglob("*") if path.is_file()} == before
    assert city.inspector_sees(text).reason is Reason.ACCEPTED
    assert pending(city) > 0
    city.office.publication.publish_changes()
    assert city.inspector_sees(text).reason is Reason.REVOKED


def test_what_a_dead_process_left_unpublished_the_next_one_publishes(city_on: City) -> None:
    pass_ = city_on.grants("family_card")
    text = city_on.qr(pass_)
    publish = city_on.office.publication.publish_changes
    city_on.office.publication.publish_changes = lambda: None  # type: ignore[method-assign]
    city_on.revokes(pass_)  # the process dies between commit and publication
    assert city_on.inspector_sees(text).reason is Reason.ACCEPTED
    publish()
    assert city_on.inspector_sees(text).reason is Reason.REVOKED


def test_many_changes_at_once_are_published_by_few(city_on: City, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = [city_on.grants("family_card") for _ in range(12)]
    texts = [city_on.qr(pass_) for pass_ in passes]
    written = []
    real = Publication._publish_lists
    monkeypatch.setattr(Publication, "_publish_lists", lambda self, ids: (written.append(ids), real(self, ids)))
    threads = [threading.Thread(target=city_on.revokes, args=(pass_,)) for pass_ in passes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 <= len(written) <= 12
    assert {city_on.inspector_sees(text).reason for text in texts} == {Reason.REVOKED}


def test_the_service_signs_everything_anew_when_the_hour_is_over(city: City) -> None:
    before = issued_at(city)
    city.later(minutes=59)
    assert city.office.publication.resign_if_due() is False
    city.later(minutes=2)
    assert city.office.publication.resign_if_due() is True
    assert issued_at(city) > before
    assert city.office.publication.resign_if_due() is False


def test_types_are_published_byte_for_byte_as_the_trust_list_says(city: City) -> None:
    first = {path: path.read_bytes() for path in (city.settings.published / "types").rglob("*.json")}
    city.publishes()
    assert {path: path.read_bytes() for path in (city.settings.published / "types").rglob("*.json")} == first


def test_no_private_thing_lies_in_the_published_folder(city: City, tmp_path: Path) -> None:
    for path in city.settings.published.rglob("*"):
        if path.is_file():
            assert b"PRIVATE KEY" not in path.read_bytes()
    assert (city.settings.issuer_home.stat().st_mode & 0o077) == 0


def test_many_changes_one_by_one_end_in_the_same_list_as_one_read_from_the_database(city_on: City) -> None:
    """The publisher keeps the array and applies what changed; another process publishes in between."""
    passes = [city_on.grants("family_card") for _ in range(6)]
    for pass_ in passes:
        city_on.qr(pass_)
    office, clock = city_on.office, city_on.clock
    other = Publication(city_on.settings, office.engine, office.catalogue, office.ring, clock, clock.sleep)
    city_on.suspends(passes[0])
    city_on.suspends(passes[1])
    city_on.reinstates(passes[0])
    city_on.revokes(passes[2])
    city_on.office.publication.publish_changes = other.publish_changes  # type: ignore[method-assign]
    city_on.revokes(passes[3])
    del city_on.office.publication.publish_changes
    city_on.withdraws(passes[4], "qr")
    city_on.suspends(passes[5])
    believe: Callable[..., None] = lambda *_: None  # noqa: E731
    step_by_step = read_token((city_on.settings.published / "status" / "1.cwt").read_bytes(), believe)
    with read_transaction(city_on.office.engine) as connection:
        assert step_by_step.raw == bytes(current_array(connection, "1").raw)
    assert sorted(filter(None, (step_by_step.value(i) for i in range(1024)))) == [1, 1, 1, 2, 2]


def test_one_change_does_not_read_the_whole_list_again(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = [city.grants("family_card") for _ in range(3)]
    for pass_ in passes:
        city.qr(pass_)
    city.revokes(passes[0])
    read = []
    monkeypatch.setattr(publication, "current_array", lambda *_: read.append(1))
    city.revokes(passes[1])
    city.suspends(passes[2])
    assert read == []


def test_a_publisher_that_was_overtaken_has_its_list_published_again(
    city_on: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was gone for a moment and its lock with it: another process publishes meanwhile."""
    pass_ = city_on.grants("family_card")
    text = city_on.qr(pass_)
    office, clock, real = city_on.office, city_on.clock, publication.write_public
    other = Publication(city_on.settings, office.engine, office.catalogue, office.ring, clock, clock.sleep)

    def overtaken(path: Path, content: bytes, *times: int) -> None:
        monkeypatch.setattr(publication, "write_public", real)
        other._publish_lists(["1"])
        real(path, content, *times)

    monkeypatch.setattr(publication, "write_public", overtaken)
    with pytest.raises(PublishFailed, match="published again"):
        city_on.revokes(pass_)
    assert pending(city_on) > 0
    newest = issued_at(city_on)
    office.publication.publish_changes()
    assert city_on.inspector_sees(text).reason is Reason.REVOKED
    assert issued_at(city_on) > newest + 1, "later than both"
