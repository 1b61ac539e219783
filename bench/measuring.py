"""Measuring a figure beside its limit: interleaved (A B A B), so that a busy machine slows both alike.

A ratio is the median over the rounds, each of which compares two neighbours in time.
"""

from __future__ import annotations

import json
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog

Work = Callable[[], int]
"""Does a batch of something and returns how many."""

ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `wanted` is the least ratio; None where nothing is asked but the figure."""

    what: str
    figure: float
    unit: str
    against: str
    limit: float
    ratio: float
    wanted: float | None
    peak: int = 0
    """MB of the process that measured."""

    @property
    def short(self) -> bool:
        return self.wanted is not None and self.ratio < self.wanted


def rates(work: Work, limit: Work, rounds: int = ROUNDS) -> tuple[float, float, float]:
    """Things per second of processor time of `work` and of `limit`, and the ratio of the two: medians.

    The first round is not counted.
    """
    measured = [(rate(work, time.process_time), rate(limit, time.process_time)) for _ in range(rounds + 1)]
    return medians(measured[1:])


def rate(work: Work, clock: Callable[[], float] = time.perf_counter) -> float:
    """Things per second."""
    start = clock()
    done = work()
    return done / (clock() - start)


def medians(measured: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Of the rounds' rates (figure, limit): the median figure, limit and ratio."""
    mine, most = zip(*measured, strict=True)
    return statistics.median(mine), statistics.median(most), statistics.median(a / b for a, b in measured)


def repeated(action: Callable[[], object], times: int) -> Work:
    """The same action, `times` in a batch."""

    def work() -> int:
        for _ in range(times):
            action()
        return times

    return work


def measure(rows: Mapping[str, Callable[..., Row]], words: Sequence[str]) -> None:
    """The main of every module with rows: measure the one that `words` begins with, print it as JSON for the table."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    name, *rest = words
    row = rows[name](*rest)
    json.dump(asdict(row) | {"peak": row.peak or _peak()}, sys.stdout)


def megabytes(peak: int) -> int:
    """`ru_maxrss` in MB: kilobytes on Linux, bytes on macOS (getrusage(2))."""
    return peak >> 20 if sys.platform == "darwin" else peak >> 10


def _peak() -> int:
    """The most memory this process has had. VmHWM, where there is one: getrusage counts the process before exec too."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) >> 10 if found else megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
