"""`walletpass plates …` as two offices use it: the keys handed over by hand, a car looked up, a service shut out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from issuers.installing import bring_up_to_date, initialise
from issuers.office import Office
from issuers.settings import IssuerSettings
from keys.ring_entries import INDEX_FILE
from keys.signer import Role
from tests.flow.test_command_line import NEXT_YEAR, TODAY, Desk


@pytest.fixture
def desk(tmp_path: Path, key_folder_of_today: Path) -> Desk:
    home = tmp_path / "home"
    shutil.copytree(key_folder_of_today, home / "issuer")
    initialise(Office(IssuerSettings(home=home, status_list_size=1024)))
    desk = Desk(home)
    row = f"BP-1;MÜ;D-AB 1234E;KÖ-X 1;{TODAY:%d.%m.%Y};{NEXT_YEAR:%d.%m.%Y};Jürgen;Größmann;j@example.org"
    desk("import", "resident_parking_permit", desk.register(row))
    return desk


def checked(desk: Desk, *words: str, status: int) -> Any:
    return desk.json("plates", "check", *words, status=status)


def test_the_whole_way_of_a_key_and_an_answer(desk: Desk) -> None:
    file = str(desk.home / "receiver.jwk")
    shown = desk("plates", "receiver", file).stderr
    private = desk("plates", "recipient", "add", str(desk.home / "verifier" / "plate-receiver.jwk"), status=2)
    assert "must not leave" in private.stderr
    assert checked(desk, "D-AB 1234E", status=3)["reason"] == "plate_key_missing"
    added = desk("plates", "recipient", "add", file, "--name", "Ordnungsamt").stderr
    [recipient] = desk.json("plates", "recipient", "list")
    assert recipient["name"] == "Ordnungsamt"
    assert recipient["id"] in shown and recipient["id"] in added
    desk("plates", "publish")
    found = checked(desk, "köx1", "--zone", "mü", status=0)
    assert found["permits"] == [{"zone": "MÜ", "valid_until": NEXT_YEAR.isoformat()}]
    desk("plates", "publish", "--new-keys")
    assert checked(desk, "KO-X 1", status=1) | {"issued_at": ""} == {
        "outcome": "none", "reason": "not_listed", "permits": [], "ask_for_permit": False, "issued_at": "",
    }  # fmt: skip
    assert "zone_unknown" in desk("plates", "check", "KÖ-X 1", "--zone", "MU", status=3).stdout
    assert "bad_plate" in desk("plates", "check", "?", status=2).stderr
    desk("plates", "recipient", "remove", recipient["id"])
    assert checked(desk, "KÖ-X 1", status=3)["reason"] == "plate_key_missing"
    assert "recipient_invalid" in desk("plates", "recipient", "remove", recipient["id"], status=2).stderr


def test_an_installation_from_before_gets_the_new_role_when_it_is_served(desk: Desk) -> None:
    index = desk.home / "issuer" / "keys" / INDEX_FILE
    known = json.loads(index.read_text())
    entries = known["keys"]
    known["keys"] = [entry for entry in entries if entry["role"] != Role.PLATE_LIST]
    assert len(known["keys"]) == len(entries) - 1
    index.write_text(json.dumps(known))
    failed = desk("plates", "publish", status=1)
    assert "walletpass keys new plate-list" in failed.stderr
    office = Office(IssuerSettings(home=desk.home, status_list_size=1024))
    bring_up_to_date(office)
    assert office.signer(Role.PLATE_LIST).role is Role.PLATE_LIST
    before = len(office.ring.entries())
    bring_up_to_date(office)
    assert len(office.ring.entries()) == before
    desk("plates", "publish")
    assert checked(desk, "KÖ-X 1", status=3)["reason"] == "plate_key_missing", "the list is believed"
