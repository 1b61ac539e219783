"""The README's story, as a stranger would copy it: every command runs, and prints what the README says it prints.

The list is made afresh, as of today, so that the story does not end with the sample's last day.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from issuers.sources.sample import SAMPLES, write_sample

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()
_MARK = "=== "
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def story() -> list[tuple[str, list[str]]]:
    """Each command of the story with the output that stands below it."""
    steps: list[tuple[str, list[str]]] = []
    for line in re.findall(r"^    (.+)$", README, re.MULTILINE):
        if line.startswith("# "):
            steps[-1][1].append(line.removeprefix("# "))
        elif not line.startswith("make "):
            steps.append((line, []))
    return steps


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, list[str]]]:
    """Exit status and output of each command, run one after another in one shell."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "docs/samples").mkdir(parents=True)
    write_sample(folder / "docs/samples/parking-register.csv", SAMPLES["parking-register"], 24, date.today())  # noqa: DTZ011
    script = "\n".join(f'{command}\nprintf "{_MARK}%s\\n" "$?"' for command, _ in story())
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WALLETPASS_")}
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment | {"PATH": path}, capture_output=True, text=True, check=True
    )
    found: list[tuple[int, list[str]]] = []
    lines: list[str] = []
    for line in done.stdout.splitlines():
        if line.startswith(_MARK):
            found.append((int(line.removeprefix(_MARK)), lines))
            lines = []
        else:
            lines.append(line)
    return found


def test_only_the_suspended_pass_is_refused(told: list[tuple[int, list[str]]]) -> None:
    refused = [command for (command, _), (status, _) in zip(story(), told, strict=True) if status]
    assert refused == ["walletpass verify --image var/permit.png"]
    assert [status for status, _ in told[-3:]] == [0, 1, 0]


def test_every_command_prints_what_the_readme_says(told: list[tuple[int, list[str]]]) -> None:
    assert len(told) == len(story())
    for (command, expected), (_, printed) in zip(story(), told, strict=True):
        shown = [_DAY.sub("DAY", line) for line in printed[: len(expected)]]
        assert shown == [_DAY.sub("DAY", line) for line in expected], command
    assert sum(len(expected) for _, expected in story()) >= 7


def test_the_two_commands_stand_at_the_top_each_on_a_line() -> None:
    commands = [line for line in README.splitlines() if line.startswith("    ")]
    assert commands[:2] == ["    make run", "    make test"]
    assert README.index("make run") < 500
    assert len(README.splitlines()) <= 60
