"""The `walletpass` command around the commands: what a crash of one looks like from outside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import sys
from importlib.metadata import EntryPoint
from walletpass import cli
sys.path.insert(0, {folder!r})
sys.argv = ["walletpass", "crash"]
cli.offered = lambda group: [EntryPoint("crash", "crashing:" + {which!r}, group)]
cli.main()
"""
CRASHING = """
from walletpass.errors import Malformed, UnknownPassType
def accident() -> None:
    raise ValueError("Anna Müller")
def foreseen() -> None:
    raise Malformed("This is broken.")
def usage() -> None:
    raise UnknownPassType("There is no such type.")
"""


@pytest.mark.parametrize(
    ("which", "status", "code"),
    [("accident", 70, "unexpected_error"), ("foreseen", 1, "malformed"), ("usage", 2, "unknown_type")],
)
def test_a_crash_ends_with_a_status_of_its_own_and_a_sentence_without_what_was_read(
    tmp_path: Path, which: str, status: int, code: str
) -> None:
    (tmp_path / "crashing.py").write_text(CRASHING)
    command = [sys.executable, "-c", RUN.format(folder=str(tmp_path), which=which)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.rstrip().endswith(f"[{code}]") and done.stderr.count("\n") == 1
    assert "Anna" not in done.stderr
    if which == "accident":
        assert "ValueError in crashing.py, line 4" in done.stderr
