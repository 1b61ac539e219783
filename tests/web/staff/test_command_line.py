"""`walletpass staff` as a process: made once, shown once, listed, closed, reset."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path


def staff(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "walletpass", "staff", *words]
    environment = {"PATH": os.environ["PATH"], "WALLETPASS_HOME": str(home)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_an_account_is_made_listed_closed_and_opened_again(tmp_path: Path) -> None:
    made = staff(tmp_path, "create", "K.Lange", "--name", "Karla Lange", "--role", "lead", "--json")
    assert made.returncode == 0, made.stderr
    document = json.loads(made.stdout)
    start = document.pop("start_password")
    assert (document["user_name"], document["roles"], document["state"]) == ("k.lange", ["lead"], "new")
    listed = staff(tmp_path, "list", "--json")
    assert json.loads(listed.stdout) == [document] and start not in listed.stdout
    assert staff(tmp_path, "disable", "k.lange", "--for", "verifier").returncode == 0
    assert "disabled" in staff(tmp_path, "list").stdout
    assert json.loads(staff(tmp_path, "enable", "k.lange", "--json").stdout)["start_password"] != start
    assert "disabled" not in staff(tmp_path, "list").stdout


def test_the_start_password_alone_is_on_stdout(tmp_path: Path) -> None:
    shown = [
        staff(tmp_path, "create", "k.lange"),
        staff(tmp_path, "reset-password", "k.lange"),
        staff(tmp_path, "reset-second-factor", "k.lange"),
    ]
    assert len({done.stdout for done in shown}) == 3
    for done in shown:
        assert done.stdout.count("\n") == 1 and len(done.stdout.strip()) == 23
        assert "only this once" in done.stderr and done.stdout.strip() not in done.stderr


def test_wrong_words_exit_with_2_and_a_sentence(tmp_path: Path) -> None:
    staff(tmp_path, "create", "k.lange")
    for words, code in [
        (("create", "k.lange"), "[account_invalid]"),
        (("create", "K LANGE!"), "[account_invalid]"),
        (("create", "x.y", "--role", "Every Thing"), "[account_invalid]"),
        (("create", "x.y", "--name", "a\nb"), "[account_invalid]"),
        (("create", "x.y", "--name", "n" * 81), "[account_invalid]"),
        (("disable", "nobody"), "[account_unknown]"),
        (("list", "--for", "nobody"), "[unknown_service]"),
    ]:
        done = staff(tmp_path, *words)
        assert (done.returncode, code in done.stderr) == (2, True), done.stderr


def test_database_and_seal_are_open_to_their_owner_only(tmp_path: Path) -> None:
    staff(tmp_path, "create", "k.lange")
    for name in ("verifier.db", "staff.key"):
        assert stat.S_IMODE((tmp_path / "verifier" / name).stat().st_mode) == 0o600
    seal = (tmp_path / "verifier" / "staff.key").read_bytes()
    staff(tmp_path, "list")
    assert (tmp_path / "verifier" / "staff.key").read_bytes() == seal and len(seal) == 32
