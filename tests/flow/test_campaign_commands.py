"""Campaigns as a department runs them: the real commands in their own processes, a real worker, a real terminal."""

from __future__ import annotations

import csv
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from issuers.commands.imports import MANY
from tests.flow.test_command_line import NEXT_YEAR, TODAY, Desk, desk, founded  # noqa: F401 - the fixtures
from tests.flow.test_terminal import at_a_terminal

TYPE = "resident_parking_permit"


@contextmanager
def worker(desk: Desk) -> Iterator[None]:  # noqa: F811
    env = {**os.environ, "WALLETPASS_HOME": str(desk.home)}
    with subprocess.Popen(
        [sys.executable, "-m", "walletpass", "serve", "worker"], env=env, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)


def register(desk: Desk, count: int, days: int = 0, name: str = "parking.csv") -> str:  # noqa: F811
    until = NEXT_YEAR + timedelta(days=days)
    rows = (f"BP-{n};7;D-AB {n};;{TODAY:%d.%m.%Y};{until:%d.%m.%Y};Anna;Müller;" for n in range(1, count + 1))
    return desk.register(*rows, name=name)


def test_a_campaign_is_tried_started_followed_and_its_result_written(desk: Desk) -> None:  # noqa: F811
    desk("import", TYPE, register(desk, 30))
    renewals = register(desk, 30, days=-1, name="shorter.csv")
    tried = desk("campaigns", "start", TYPE, renewals, "--dry-run", "--inform", "letter")
    assert "Would be: 0 created, 0 renewed, 30 updated" in tried.stdout
    assert "Renewed and updated passes: 30, none in a wallet" in tried.stdout
    assert "0 by letter" in tried.stdout
    report = desk.json("campaigns", "start", TYPE, register(desk, 30, days=1), "--dry-run", "--inform", "letter")
    assert (report["renewed"], report["reach"]["passes"], report["reach"]["nobody"]) == (30, 30, 30)
    assert "Nobody is here to confirm" in desk("campaigns", "start", TYPE, renewals, status=2).stderr
    assert desk.json("campaigns", "list") == []
    bad, failed = register(desk, 2, name="bad.csv"), desk.home / "failed.csv"
    Path(bad).write_text(Path(bad).read_text("cp1252").replace(";7;", ";ZONE 9;", 1), "cp1252")
    desk("campaigns", "start", TYPE, bad, "--dry-run", "--failed", str(failed), status=1)
    assert failed.read_text("cp1252").count("[bad_zone]") == 1
    started = desk.json("campaigns", "start", TYPE, register(desk, 30, days=1), "--yes", "--name", "Winter [1]")
    number = str(started["id"])
    assert desk.json("campaigns", "pause", number)["state"] == "paused"
    assert "already" in desk("campaigns", "pause", number).stderr
    assert desk.json("campaigns", "resume", number)["state"] == "running"
    with worker(desk):
        followed = desk("campaigns", "follow", number)
    assert f"Campaign {number} Winter [1]: done" in followed.stdout
    assert "30 of 30: 0 created, 30 renewed" in followed.stdout
    assert "Winter [1]" in desk("campaigns", "list").stdout
    out = desk.home / "result.csv"
    desk("campaigns", "export", number, str(out))
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines(), delimiter=";"))
    assert {row["Ergebnis"] for row in rows} == {"verlängert"}
    assert desk("campaigns", "export", number, "-").stdout.count("verlängert") == 30
    assert "campaign_over" in desk("campaigns", "cancel", number, status=1).stderr
    assert "unknown_campaign" in desk("campaigns", "show", "99", status=1).stderr


def test_without_a_mail_server_it_is_said_who_would_be_told_then(desk: Desk) -> None:  # noqa: F811
    words = ("campaigns", "start", TYPE, register(desk, 1), "--dry-run", "--inform")
    assert "nobody would be told" in desk(*words, "mail").stderr
    assert "Letters take its place" in desk(*words, "mail_or_letter").stderr
    assert "No mail" not in desk(*words, "letter").stderr
    set_up = {"WALLETPASS_SMTP_HOST": "mail.example.org", "WALLETPASS_MAIL_FROM": "stadt@example.org"}
    assert "No mail" not in desk(*words, "mail", **set_up).stderr


def test_cancelling_is_asked_about_at_a_terminal(desk: Desk) -> None:  # noqa: F811
    desk("campaigns", "start", TYPE, register(desk, 1), "--yes")
    for answer, state in (("n\n", "running"), ("y\n", "cancelled")):
        shown = at_a_terminal(desk, answer, "campaigns", "cancel", "1")[1]
        assert "Cancel campaign 1 for good?" in shown
        assert desk.json("campaigns", "show", "1")["state"] == state


def test_an_import_that_renews_many_says_that_a_campaign_is_better(desk: Desk) -> None:  # noqa: F811
    hint = "walletpass campaigns start"
    assert hint not in desk("import", TYPE, register(desk, MANY + 1)).stderr
    assert hint not in desk("import", TYPE, register(desk, MANY, days=1)).stderr
    renewed = desk("import", TYPE, register(desk, MANY + 1, days=2))
    assert hint in renewed.stderr and hint not in renewed.stdout


def test_at_a_terminal_the_reach_is_shown_and_asked_about_and_a_bar_is_followed(desk: Desk) -> None:  # noqa: F811
    desk("import", TYPE, register(desk, 30))
    words = ("campaigns", "start", TYPE, register(desk, 30, days=1))
    status, shown = at_a_terminal(desk, "n\n", *words)
    assert (status, "30 renewed" in shown) == (1, True), shown
    assert desk.json("campaigns", "list") == []
    status, shown = at_a_terminal(desk, "y\n", *words)
    assert status == 0, shown
    [found] = desk.json("campaigns", "list")
    with worker(desk):
        status, shown = at_a_terminal(desk, "", "campaigns", "follow", str(found["id"]))
    assert status == 0, shown
    assert "━" in shown and "30/30" in shown, "a progress bar was there"


def test_a_list_that_is_read_by_nobody_is_no_campaign(desk: Desk, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "book.xlsx"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    assert "not_a_text_file" in desk("campaigns", "start", TYPE, str(path), "--yes", status=2).stderr


def test_a_plate_that_is_changed_without_a_visit_is_noted_for_the_phones(desk: Desk) -> None:  # noqa: F811
    desk("import", TYPE, register(desk, 1))
    [found] = desk.json("passes", "list")
    desk("passes", "offer", found["serial"], "--wallet", "apple", "--out", str(desk.home / "permit.pkpass"))
    desk("passes", "amend", found["serial"], "--set", "plates=D-NEU 1")
    assert desk.json("jobs", "list")["waiting"]["update-carriers"]["rows"] == 1
    with worker(desk):
        deadline = time.monotonic() + 60
        while desk.json("jobs", "list")["waiting"]:
            assert time.monotonic() < deadline
    assert desk.json("jobs", "list")["failed"] == []
