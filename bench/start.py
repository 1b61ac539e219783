"""Starting the command line, against starting Python. Everything measured is another process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from resource import struct_rusage
from tempfile import TemporaryDirectory

from bench.measuring import ROUNDS, Row, measure, megabytes

PYTHON = [sys.executable]


def start() -> Row:
    """Processor time of `walletpass passes list` where there are no passes."""
    with TemporaryDirectory(prefix="walletpass-bench-") as home:
        env = os.environ | {"WALLETPASS_HOME": home}
        subprocess.run([*PYTHON, "-m", "walletpass", "init"], env=env, check=True, capture_output=True)
        measured = [
            (_run(["-m", "walletpass", "passes", "list"], env), _run(["-c", "pass"], env)) for _ in range(ROUNDS)
        ]
        figure, limit = (1000 * statistics.median(map(_seconds, column)) for column in zip(*measured, strict=True))
        peak = max(megabytes(used.ru_maxrss) for used, _ in measured)
        ratio = statistics.median(_seconds(least) / _seconds(used) for used, least in measured)
        return Row("start of `walletpass passes list`", figure, "ms", "python -c pass", limit, ratio, None, peak)


def _run(words: Sequence[str], env: Mapping[str, str]) -> struct_rusage:
    process = subprocess.Popen([*PYTHON, *words], env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used


def _seconds(used: struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    measure({"start": start}, sys.argv[1:])
