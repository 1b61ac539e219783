"""What a log keeps of an exception, whoever logs it: classes, codes and places, never what it says."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from web.database import DatabaseBusy
from web.logs import configure_logs
configure_logs()
for log in (structlog.get_logger("ours"), logging.getLogger("theirs")):
    try:
        try:
            raise ExceptionGroup("Xaver", [ValueError("Xaver")])
        except ExceptionGroup as cause:
            raise DatabaseBusy("Xaver waits.") from cause
    except DatabaseBusy:
        log.exception("failed")
"""


def test_an_exception_is_logged_with_its_causes_and_without_their_sentences() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=30)
    lines = [json.loads(line)["exception"].splitlines() for line in done.stderr.splitlines()]
    assert len(lines) == 2 and "Xaver" not in done.stderr
    for told in lines:
        kinds = [line for line in told if not line.startswith(" ")]
        assert kinds == ["builtins.ValueError", "builtins.ExceptionGroup", "web.database.DatabaseBusy [database_busy]"]
