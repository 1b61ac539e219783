"""The command line as a department uses it: the real command in its own process, on files it would have."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from walletpass.passes import local_day

TODAY = local_day(datetime.now(UTC))
NEXT_YEAR = TODAY + timedelta(days=365)
REGISTER = "permit_no;zone;plate1;plate2;valid_from;valid_until;given_name;family_name;email\r\n"


@dataclass
class Desk:
    """A shell at a department: `desk("passes", "list")` runs the command."""

    home: Path

    def __call__(self, *words: str, status: int | None = 0, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "walletpass", *words],
            env={**os.environ, "WALLETPASS_HOME": str(self.home), "COLUMNS": "200", **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert status is None or done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def json(self, *words: str, status: int = 0, **env: str) -> Any:
        return json.loads(self(*words, "--json", status=status, **env).stdout)

    def register(self, *rows: str, name: str = "parking.csv") -> str:
        path = self.home / name
        path.write_bytes((REGISTER + "".join(row + "\r\n" for row in rows)).encode("cp1252"))
        return str(path)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("desk")
    Desk(home)("init", WALLETPASS_STATUS_LIST_SIZE="4096")
    return home


@pytest.fixture
def desk(founded: Path, tmp_path: Path) -> Desk:
    """A desk of its own, on a copy of a city that was just founded."""
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    return Desk(home)


@pytest.fixture
def permit(desk: Desk) -> str:
    """The serial of one valid permit."""
    row = f"BP-1;MÜ;D-AB 1234E;KÖ-X 1;{TODAY:%d.%m.%Y};{NEXT_YEAR:%d.%m.%Y};Jürgen;Größmann;j@example.org"
    desk("import", "resident_parking_permit", desk.register(row))
    [found] = desk.json("passes", "list", "--type", "resident_parking_permit")
    return str(found["serial"])


def offered(desk: Desk, serial: str, name: str = "code.txt") -> str:
    out = desk.home / name
    desk("passes", "offer", serial, "--wallet", "qr", "--out", str(out))
    return out.read_text().strip() if name.endswith(".txt") else str(out)


def test_init_makes_everything_and_is_idempotent(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "var")
    first = desk("init", WALLETPASS_STATUS_LIST_SIZE="4096")
    assert "random" in first.stderr, "a made-up passphrase is warned of"
    assert {path.name for path in desk.home.iterdir()} >= {"issuer", "published", "anchor.pem"}
    passphrase = desk.home / "issuer" / "key-passphrase"
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600
    anchor = (desk.home / "anchor.pem").read_bytes()
    again = desk("init", WALLETPASS_STATUS_LIST_SIZE="4096")
    assert "random" not in again.stderr
    assert (desk.home / "anchor.pem").read_bytes() == anchor
    keys = [path for path in (desk.home / "issuer" / "keys").iterdir() if "PRIVATE KEY" in path.read_text()]
    assert len(keys) == 7
    assert all("ENCRYPTED" in path.read_text() and stat.S_IMODE(path.stat().st_mode) == 0o600 for path in keys)


def test_before_init_every_command_says_what_to_do(tmp_path: Path) -> None:
    done = Desk(tmp_path)("passes", "list", status=2)
    assert "walletpass init" in done.stderr


def test_an_import_reports_counts_and_failures_as_json(desk: Desk) -> None:
    until = f"{NEXT_YEAR:%d.%m.%Y}"
    file = desk.register(
        f"BP-1;7;D-AB 1;;01.01.2026;{until};Anna;Müller;",
        f"BP-2;NOZONE;D-AB 2;;01.01.2026;{until};Anna;Müller;",
        "BP-3;7;D-AB 3;;01.01.2026;31.02.2027;Anna;Müller;",
        f"BP-1;7;D-AB 1;;01.01.2026;{until};Anna;Müller;",
    )
    failed = desk.home / "failed.csv"
    report = desk.json("import", "resident_parking_permit", file, "--failed", str(failed), status=1)
    assert {key: report[key] for key in ("created", "updated", "unchanged", "renewed", "failed", "missing")} == {
        "created": 1, "updated": 0, "unchanged": 0, "renewed": 0, "failed": 3, "missing": 0,
    }  # fmt: skip
    assert [(f["line"], f["column"], f["code"]) for f in report["failures"]] == [
        (3, "zone", "bad_zone"),
        (4, "valid_until", "bad_date"),
        (5, "permit_no", "duplicate_row"),
    ]
    assert all(f["sentence"].endswith(".") for f in report["failures"])
    assert stat.S_IMODE(failed.stat().st_mode) == 0o600
    corrected = failed.read_bytes().decode("cp1252").replace("NOZONE", "MÜ").replace("31.02.2027", until)
    failed.write_bytes(corrected.encode("cp1252"))
    again = desk.json("import", "resident_parking_permit", str(failed))
    assert (again["created"], again["unchanged"], again["failed"]) == (2, 1, 0)


def test_a_doubtful_plate_is_told_with_its_line(desk: Desk) -> None:
    file = desk.register(f"BP-9;7;NL AB-12-C;;01.01.2026;{NEXT_YEAR:%d.%m.%Y};Anna;Müller;")
    [doubt] = desk.json("import", "resident_parking_permit", file)["doubts"]
    assert doubt["line"] == 2
    assert "plate1" in doubt["sentence"]
    assert "line 2: plate1" in desk("import", "resident_parking_permit", file).stderr


def test_passes_list_shows_a_permit_with_its_claims(desk: Desk, permit: str) -> None:
    [found] = desk.json("passes", "list")
    assert found == {
        "serial": permit,
        "type": "resident_parking_permit",
        "external_number": "BP-1",
        "status": "valid",
        "valid_from": TODAY.isoformat(),
        "valid_until": NEXT_YEAR.isoformat(),
        "claims": {"permit_number": "BP-1", "zone": "MÜ", "plates": ["D-AB 1234E", "KÖ-X 1"]},
    }


def test_the_whole_life_of_a_permit(desk: Desk, permit: str) -> None:
    text = offered(desk, permit)
    verdict = desk.json("verify", text)
    assert (verdict["outcome"], verdict["reason"], verdict["pass_type"]) == (
        "accepted",
        "accepted",
        "resident_parking_permit",
    )
    assert verdict["claims"] == {"permit_number": "BP-1", "zone": "MÜ", "plates": ["D-AB 1234E", "KÖ-X 1"]}
    assert [step["step"] for step in verdict["steps"]] == [
        "shape", "signature", "trust", "validity", "status", "holder",
    ]  # fmt: skip
    assert verdict["status_age_seconds"] >= 0
    changes: list[tuple[tuple[str, ...], int, str]] = [
        (("suspend", permit, "--reason", "Prüfung"), 1, "suspended"),
        (("reinstate", permit), 0, "accepted"),
        (("renew", permit, "--valid-until", (NEXT_YEAR + timedelta(days=30)).isoformat()), 0, "accepted"),
        (("revoke", permit, "--reason", "weggezogen"), 1, "revoked"),
    ]
    for words, status, reason in changes:
        desk("passes", *words)
        assert desk.json("verify", text, status=status)["reason"] == reason
    [shown] = desk.json("passes", "show", permit)
    assert [entry["action"] for entry in shown["history"]] == ["issue", "suspend", "reinstate", "renew", "revoke"]
    assert [(entry["carrier"], entry["status"]) for entry in shown["credentials"]] == [("qr", "revoked")]
    assert shown["history"][-1]["reason"] == "weggezogen"
    assert desk("passes", "offer", permit, "--wallet", "qr", "--out", "-", status=1).stderr.count("[revoked]") == 1


@pytest.mark.parametrize(
    ("wallet", "suffix", "start"),
    [
        ("apple", "pkpass", b"PK\x03\x04"),
        ("google", "txt", b"https://pay.google.com/gp/v/save/"),
        ("paper", "pdf", b"%PDF-1."),
        ("qr", "txt", b"WP1:"),
        ("qr", "svg", b"<"),
        ("qr", "png", b"\x89PNG"),
    ],
)
def test_a_pass_is_offered_to_every_wallet(wallet: str, suffix: str, start: bytes, desk: Desk, permit: str) -> None:
    out = desk.home / f"pass.{suffix}"
    desk("passes", "offer", permit, "--wallet", wallet, "--out", str(out))
    assert out.read_bytes().startswith(start)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_pass_is_found_by_its_number_and_a_list_of_another_type_is_doubted(desk: Desk, permit: str) -> None:
    assert [found["serial"] for found in desk.json("passes", "list", "--number", "BP-1")] == [permit]
    assert desk.json("passes", "list", "--number", "BP-2") == []
    sample = desk.home / "family.csv"
    desk("sample", "family-cards", str(sample), "--rows", "3")
    done = desk("import", "library_card", str(sample), "--dry-run")
    assert "not read: children. Is library_card the right type?" in done.stderr
    assert "not read" not in desk("import", "family_card", str(sample)).stderr


def test_a_change_says_that_a_card_on_paper_is_accepted_no_longer(desk: Desk, permit: str) -> None:
    desk("passes", "offer", permit, "--wallet", "paper", "--out", str(desk.home / "card.pdf"))
    assert "paper" not in desk("passes", "amend", permit, "--set", "email=neu@example.org").stderr
    changed = desk("passes", "amend", permit, "--set", "plates=D-X 1")
    assert changed.stderr == "Its card on paper is accepted no longer; offer it again.\n"
    assert "paper  cwt  revoked  of 20" in desk("passes", "show", permit).stdout


def test_a_number_in_place_of_a_serial_is_answered_with_how_to_find_it(desk: Desk, permit: str) -> None:
    assert "walletpass passes list --number BP-1 finds its pass" in desk("passes", "show", "BP-1", status=1).stderr
    assert desk("passes", "list", "--number", "BP-2").stderr == "No pass has this number.\n"


def test_a_group_without_words_of_its_own_names_its_commands(desk: Desk) -> None:
    assert re.search(r"serve +Issuer, verifier, worker\.", desk("--help").stdout)


def test_a_link_to_the_pass_page_is_printed_once_and_ended(desk: Desk, permit: str) -> None:
    first, second = (desk("passes", "link", permit).stdout.strip() for _ in range(2))
    assert first != second and all(re.fullmatch(r"http://localhost:8000/p/[\w-]{22}", link) for link in (first, second))
    ended = desk("passes", "link", permit, "--end")
    assert (ended.stdout, ended.stderr) == ("", "The link has ended.\n")
    assert "no link" in desk("passes", "link", permit, "--end").stderr
    [shown] = desk.json("passes", "show", permit)
    actions = [entry["action"] for entry in shown["history"]]
    assert actions == ["issue", "link", "unlink", "withdraw", "link", "unlink", "withdraw"]
    assert second.rpartition("/")[2] not in json.dumps(shown)


def test_a_code_is_read_from_a_picture_and_from_standard_input(desk: Desk, permit: str) -> None:
    picture = offered(desk, permit, "code.png")
    assert desk.json("verify", "--image", picture)["outcome"] == "accepted"
    text = offered(desk, permit)
    piped = subprocess.run(
        [sys.executable, "-m", "walletpass", "verify", "-", "--json"],
        env={**os.environ, "WALLETPASS_HOME": str(desk.home)},
        input=text + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert (piped.returncode, json.loads(piped.stdout)["reason"]) == (0, "accepted")


def test_verifying_needs_only_the_published_folder_and_the_anchor(desk: Desk, permit: str, tmp_path: Path) -> None:
    text = offered(desk, permit)
    elsewhere = tmp_path / "inspector"
    elsewhere.mkdir()
    shutil.copytree(desk.home / "published", elsewhere / "docs")
    shutil.copy(desk.home / "anchor.pem", elsewhere / "root.pem")
    shutil.rmtree(desk.home)
    words = ("verify", text, "--published", str(elsewhere / "docs"), "--anchor", str(elsewhere / "root.pem"))
    assert Desk(elsewhere / "nowhere").json(*words)["outcome"] == "accepted"


def test_an_anchor_in_the_published_folder_is_not_believed(desk: Desk, permit: str) -> None:
    text = offered(desk, permit)
    (desk.home / "anchor.pem").rename(desk.home / "published" / "anchor.pem")
    assert "anchor" in desk("verify", text, status=2).stderr.lower()


@pytest.mark.parametrize(
    ("at", "status", "reason"),
    [
        (TODAY - timedelta(days=400), 1, "not_yet_valid"),
        (NEXT_YEAR + timedelta(days=2), 3, "trust_list_stale"),
        (TODAY + timedelta(days=3), 3, "status_stale"),
    ],
)
def test_verify_judges_at_a_given_time(at: date, status: int, reason: str, desk: Desk, permit: str) -> None:
    text = offered(desk, permit)
    assert desk.json("verify", text, "--at", f"{at.isoformat()}T12:00:00Z", status=status)["reason"] == reason


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (("import", "bus_ticket", "x.csv"), 2, "unknown_type"),
        (("import", "library_card", "nowhere.csv"), 2, "file_not_found"),
        (("passes", "show", "0000"), 1, "unknown_serial"),
        (("passes", "revoke", "0000", "--reason", "x"), 1, "unknown_serial"),
        (("passes", "revoke", "0000"), 2, "--reason"),
        (("passes", "link", "0000"), 1, "unknown_serial"),
        (("passes", "link", "0000", "--end"), 1, "unknown_serial"),
        (("passes", "list", "--status", "green"), 2, "status"),
        (("passes", "offer", "0000", "--wallet", "samsung", "--out", "-"), 2, "unknown_wallet"),
        (("passes", "offer", "0000", "--wallet", "paper", "--out", "x.docx"), 2, "unknown_wallet"),
        (("passes", "amend", "0000"), 2, "--set"),
        (("passes", "renew", "0000", "--valid-until", "yesterday"), 2, "date"),
        (("verify",), 2, ""),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_wrong_usage_is_one_clear_sentence(words: tuple[str, ...], status: int, code: str, desk: Desk) -> None:
    assert code in desk(*words, status=status).stderr


def test_one_failed_serial_does_not_stop_the_others(desk: Desk, permit: str) -> None:
    done = desk("passes", "suspend", "0000", permit, "--reason", "Prüfung", "--json", status=1)
    assert [item["status"] for item in json.loads(done.stdout)] == ["suspended"]
    assert "unknown_serial" in done.stderr


def test_a_wrong_passphrase_is_said_and_changes_nothing(desk: Desk, permit: str) -> None:
    wrong = {"WALLETPASS_KEY_PASSPHRASE": "not the right passphrase at all"}
    done = desk("passes", "offer", permit, "--wallet", "qr", "--out", "-", status=1, **wrong)
    assert "[wrong_passphrase]" in done.stderr
    assert done.stdout == ""


def test_the_public_url_is_fixed_by_the_first_start(desk: Desk) -> None:
    done = desk("passes", "list", status=2, WALLETPASS_PUBLIC_URL="https://other.example")
    assert "[public_url_fixed]" in done.stderr


def test_a_public_url_that_is_too_long_for_the_qr_code_is_refused_at_start(tmp_path: Path) -> None:
    done = Desk(tmp_path)("init", status=2, WALLETPASS_PUBLIC_URL="https://" + "x" * 40 + ".example")
    assert "72" in done.stderr


def test_amending_a_plate_withdraws_the_old_code(desk: Desk, permit: str) -> None:
    old = offered(desk, permit)
    desk("passes", "amend", permit, "--set", "plates=D-NEU 1, D-NEU 2", "--reason", "neues Auto")
    assert desk.json("verify", old, status=1)["reason"] == "revoked"
    verdict = desk.json("verify", offered(desk, permit))
    assert verdict["claims"]["plates"] == ["D-NEU 1", "D-NEU 2"]


def test_publish_writes_every_document_afresh(desk: Desk) -> None:
    before = (desk.home / "published" / "trust-list.jwt").read_bytes()
    desk("publish")
    assert (desk.home / "published" / "trust-list.jwt").read_bytes() != before


def test_tokens_are_shown_once_listed_and_revoked(desk: Desk) -> None:
    made = desk.json("tokens", "create", "Parkamt", "--scope", "parking:read")
    secret = made["secret"]
    assert len(secret) > 40
    listed: Callable[[], Any] = lambda: desk.json("tokens", "list")  # noqa: E731
    assert secret not in json.dumps(listed())
    [entry] = [token for token in listed() if token["name"] == "Parkamt"]
    desk("tokens", "revoke", entry["id"])
    assert next(token for token in listed() if token["id"] == entry["id"])["revoked_at"] is not None
