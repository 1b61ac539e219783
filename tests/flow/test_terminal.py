"""What a person at a terminal sees and is asked: a real terminal, a real import."""

from __future__ import annotations

import os
import pty
import shutil
import sys
from pathlib import Path

from tests.flow.test_command_line import NEXT_YEAR, Desk, founded  # noqa: F401 - the fixture


def at_a_terminal(desk: Desk, answer: str, *words: str) -> tuple[int, str]:
    """Run the command on a pseudo-terminal and type `answer`; the exit status and all that was shown."""
    env = {**os.environ, "WALLETPASS_HOME": str(desk.home), "TERM": "xterm", "COLUMNS": "100"}
    shown = b""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, [sys.executable, "-m", "walletpass", *words], env)
    os.write(terminal, answer.encode())
    while True:
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), shown.decode(errors="replace")


def register(desk: Desk, numbers: range) -> str:
    until = f"{NEXT_YEAR:%d.%m.%Y}"
    return desk.register(*(f"BP-{n};7;D-AB {n};;01.01.2026;{until};Anna;Müller;" for n in numbers))


def statuses(desk: Desk) -> list[str]:
    return [found["status"] for found in desk.json("passes", "list")]


def test_a_complete_list_is_shown_and_asked_about_before_it_suspends(founded: Path, tmp_path: Path) -> None:  # noqa: F811
    home = tmp_path / "home"
    shutil.copytree(founded, home)
    desk = Desk(home)
    desk("import", "resident_parking_permit", register(desk, range(1, 31)))
    words = ("import", "resident_parking_permit", register(desk, range(1, 6)), "--complete")
    status, shown = at_a_terminal(desk, "n\n", *words)
    assert status == 1
    assert "25" in shown
    assert statuses(desk).count("suspended") == 0
    status, shown = at_a_terminal(desk, "y\n", *words)
    assert status == 0, shown
    assert statuses(desk).count("suspended") == 25
    assert "%" in shown, "a progress bar was there"


def test_a_list_that_looks_like_another_types_is_asked_about_first(founded: Path, tmp_path: Path) -> None:  # noqa: F811
    shutil.copytree(founded, tmp_path / "home")
    desk = Desk(tmp_path / "home")
    sample = desk.home / "family.csv"
    desk("sample", "family-cards", str(sample), "--rows", "3")
    for answer, made in (("n\n", 0), ("y\n", 3)):
        status, shown = at_a_terminal(desk, answer, "import", "library_card", str(sample))
        assert (status, len(statuses(desk))) == (int(not made), made), shown
        assert "columns of family_card. Import it as library_card?" in shown
    assert "Import it as" not in at_a_terminal(desk, "", "import", "family_card", str(sample))[1]
