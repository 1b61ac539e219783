"""Contested checks: encrypted for the desk, stored once, opened by its key only, closed and deleted."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from tests.verifiers.scans.desk_of_scans import NOW, Clock, Desk, sixteen
from verifiers.scans import cases as cases_module
from verifiers.scans.cases import (
    ALGORITHMS,
    MAX_CASE,
    CaseMalformed,
    CaseNotFound,
    Cases,
    CaseTaken,
    CaseUnreadable,
    TooManyCases,
)
from web.jwk import base64url

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 20
CONTENT: dict[str, Any] = {
    "note": "Kennzeichen verdeckt, Fahrer gab den Ausweis nicht aus der Hand. ✓",
    "verdict": {"outcome": "refused", "reason": "revoked", "passType": "resident_parking_permit"},
    "claims": [{"name": "zone", "label": {"de": "Zone", "en": "Zone"}, "kind": "zone", "value": "MÜ"}],
    "plate": "D-AB 1234",
    "zone": "MÜ",
    "at": NOW,
    "photo": base64url(JPEG),
}


@pytest.fixture
def cases(desk: Desk, tmp_path: Path) -> Cases:
    return Cases(desk.store, tmp_path / "verifier")


def encrypted(cases: Cases, content: bytes | None = None, **header: Any) -> str:
    plaintext = json.dumps(CONTENT).encode() if content is None else content
    algorithm, enc = ALGORITHMS
    key = ECKey.import_key(json.loads(cases.desk_key()))
    return jwe.encrypt_compact(
        {"alg": algorithm, "enc": enc} | header, plaintext, key, algorithms=[*ALGORITHMS, "DEF", "ECDH-ES+A256KW"]
    )


def upload(cases: Cases, name: str = "a", **changes: Any) -> dict[str, Any]:
    return {"id": sixteen(name), "at": NOW, "encrypted": encrypted(cases)} | changes


def test_a_case_is_of_no_time_to_come(cases: Cases) -> None:
    assert cases.take("one", upload(cases, at=NOW + 3600))
    for at in (NOW + 3660, 1 << 39, 60 * 10**20):
        with pytest.raises(CaseMalformed):
            cases.take("one", upload(cases, "b", at=at))


def test_a_device_files_no_more_than_somebody_can_look_at(cases: Cases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases_module, "MAX_WAITING", 2)
    sent = [upload(cases, name) for name in "abcd"]
    assert [cases.take("one", each) for each in sent[:2]] == [True, True]
    with pytest.raises(TooManyCases):
        cases.take("one", sent[2])
    assert not cases.take("one", sent[1])  # what is there may come again
    assert cases.take("two", sent[2])
    cases.close(sixteen("a"))
    assert cases.take("one", sent[3])


def test_a_case_is_stored_once_and_opened_with_the_desks_key(desk_on: Desk, tmp_path: Path) -> None:
    cases = Cases(desk_on.store, tmp_path / "verifier")
    sent = upload(cases)
    assert [cases.take("one", sent), cases.take("one", sent), cases.take("another", sent)] == [True, False, False]
    (case,) = cases.all()
    assert (case.id, case.device_id, case.at, case.received_at, case.closed_at) == (sixteen("a"), "one", NOW, NOW, None)
    found = cases.open(sixteen("a"))
    assert (found.note, found.plate, found.zone, found.at) == (CONTENT["note"], "D-AB 1234", "MÜ", NOW)
    assert (found.verdict, list(found.claims), found.photo) == (CONTENT["verdict"], CONTENT["claims"], JPEG)


def test_another_case_under_the_same_id_is_refused(cases: Cases) -> None:
    sent = upload(cases)
    cases.take("one", sent)
    for other in (upload(cases), sent | {"at": NOW + 60}):
        with pytest.raises(CaseTaken):
            cases.take("one", other)
    assert len(cases.all()) == 1


def test_a_case_is_closed_once_and_deleted_for_good(desk_on: Desk, tmp_path: Path, clock: Clock) -> None:
    cases = Cases(desk_on.store, tmp_path / "verifier")
    for name in "abc":
        clock.seconds += 60
        cases.take("one", upload(cases, name))
    for seconds in (0, 60):
        clock.seconds += seconds
        cases.close(sixteen("c"))
    assert [case.id for case in cases.all()] == [sixteen("b"), sixteen("a"), sixteen("c")]
    assert cases.one(sixteen("c")).closed_at == NOW + 180
    cases.delete(sixteen("a"))
    assert [case.id for case in cases.all()] == [sixteen("b"), sixteen("c")]
    for gone in (cases.delete, cases.open, cases.close, cases.one):
        for case_id in (sixteen("a"), "no id", ""):
            with pytest.raises(CaseNotFound):
                gone(case_id)


def test_a_stranger_and_the_database_alone_read_nothing(cases: Cases, desk: Desk, tmp_path: Path) -> None:
    cases.take("one", upload(cases))
    assert (tmp_path / "verifier/cases.jwk").stat().st_mode & 0o777 == 0o600
    assert "d" not in json.loads(cases.desk_key())
    desk.engine.dispose()
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("desk.db*"))
    assert b"verdeckt" not in stored and b"1234" not in stored
    with pytest.raises(CaseUnreadable, match="not encrypted for this desk"):
        Cases(desk.store, tmp_path / "elsewhere").open(sixteen("a"))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": sixteen("a") + "A"},
        {"id": 5},
        {"id": None},
        {"at": NOW + 1},
        {"at": -60},
        {"at": float(NOW)},
        {"at": 60 << 50},
        {"encrypted": None},
        {"encrypted": ""},
        {"encrypted": "a.b.c"},
        {"encrypted": "e30..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA"},
        {"encrypted": "A" * (MAX_CASE + 1)},
        {"note": "Fahrer"},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_what_is_no_encrypted_case_is_refused(cases: Cases, changes: dict[str, Any]) -> None:
    for sent in (upload(cases) | changes, {**upload(cases), "at": ...}, [], None, "case"):
        with pytest.raises(CaseMalformed):
            cases.take("one", sent)
    assert cases.all() == []


@pytest.mark.parametrize("header", [{"zip": "DEF"}, {"alg": "ECDH-ES+A256KW"}, {"apu": "QQ"}], ids=str)
def test_no_other_algorithm_and_no_compression(cases: Cases, header: dict[str, str]) -> None:
    bomb = zlib.compress(bytes(1 << 20)) if "zip" in header else None
    with pytest.raises(CaseMalformed):
        cases.take("one", upload(cases, encrypted=encrypted(cases, bomb, **header)))


@pytest.mark.parametrize(
    "content",
    [
        b" ",
        b"[]",
        json.dumps(CONTENT | {"device": "x"}).encode(),
        json.dumps(CONTENT | {"note": "x" * 2001}).encode(),
        json.dumps(CONTENT | {"note": None}).encode(),
        json.dumps(CONTENT | {"verdict": []}).encode(),
        json.dumps(CONTENT | {"claims": ["x"]}).encode(),
        json.dumps(CONTENT | {"plate": 5}).encode(),
        json.dumps(CONTENT | {"at": 1.5}).encode(),
        json.dumps(CONTENT | {"photo": "no base64"}).encode(),
        json.dumps(CONTENT | {"photo": base64url(b"<svg onload=alert(1)>")}).encode(),
    ],
    ids=range(11),
)
def test_a_case_that_holds_something_else_is_told_when_it_is_opened(cases: Cases, content: bytes) -> None:
    cases.take("one", upload(cases, encrypted=encrypted(cases, content)))
    with pytest.raises(CaseUnreadable):
        cases.open(sixteen("a"))


def test_a_large_photograph_fits(cases: Cases) -> None:
    photo = JPEG * 330  # 1.7 MB
    content = json.dumps(CONTENT | {"photo": base64url(photo)}).encode()
    sent = upload(cases, encrypted=encrypted(cases, content))
    assert len(json.dumps(sent)) < MAX_CASE
    cases.take("one", sent)
    assert cases.open(sixteen("a")).photo == photo
