"""What an import did, or in a dry run would do: counts, the first failures and warnings, and whom it would reach."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from issuers.lifecycle import Change
from issuers.reach import Reach
from issuers.sources.errors import RowFailure

KEPT_FAILURES = 1000  # failures that a report tells one by one; all are counted


class Outcome(NamedTuple):
    """What became of a row: which change of which pass, or why it failed.

    `shortened`: the pass ends earlier than before; `emptied`: what it said before and says no more.
    """

    line: int
    change: Change | RowFailure
    serial: str | None
    shortened: bool = False
    emptied: tuple[str, ...] = ()


@dataclass(slots=True)
class ImportReport:
    """`shortened` are those of `updated` that end earlier than before; `emptied` counts the values that empty cells
    removed, by name; `missing` is counted for complete lists only.

    `failures` holds the first `KEPT_FAILURES`, without their rows; `failed` counts all. `doubts` are the first
    warnings, with their lines; `warnings` counts all. `unread_columns`: those of the list that are ignored. `refusals`,
    in a dry run: the codes with which the import itself would be refused unless it is forced.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    renewed: int = 0
    failed: int = 0
    shortened: int = 0
    missing: int = 0
    warnings: int = 0
    emptied: Counter[str] = field(default_factory=Counter)
    doubts: list[tuple[int, str]] = field(default_factory=list)
    failures: list[RowFailure] = field(default_factory=list)
    unread_columns: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    reach: Reach | None = None

    def count(self, outcome: Outcome) -> None:
        """One row. A failure is counted by `fail`."""
        if not isinstance(outcome.change, RowFailure):
            setattr(self, outcome.change.value, getattr(self, outcome.change.value) + 1)
            self.shortened += outcome.shortened
            self.emptied.update(outcome.emptied)

    def doubt(self, line: int, sentence: str) -> None:
        self.warnings += 1
        if len(self.doubts) < KEPT_FAILURES:
            self.doubts.append((line, sentence))

    def fail(self, failure: RowFailure) -> None:
        self.failed += 1
        if len(self.failures) < KEPT_FAILURES:
            self.failures.append(replace(failure, row=()))

    @property
    def known(self) -> int:
        """How many rows named a pass that there was."""
        return self.updated + self.unchanged + self.renewed

    @property
    def rows(self) -> int:
        """How many rows the list had."""
        return self.created + self.known + self.failed

    def document(self) -> dict[str, Any]:
        """For `--json` and the API. A failure's row is personal data and stays out."""
        counts = ("created", "updated", "unchanged", "renewed", "failed", "shortened", "missing", "warnings")
        listed = [{"line": f.line, "column": f.column, "code": f.code, "sentence": f.sentence} for f in self.failures]
        return {name: getattr(self, name) for name in counts} | {
            "emptied": dict(sorted(self.emptied.items())),
            "doubts": [{"line": line, "sentence": sentence} for line, sentence in self.doubts],
            "unread_columns": self.unread_columns,
            "refusals": self.refusals,
            "failures": listed,
            "failures_left_out": self.failed - len(listed),
            "reach": self.reach.document() if self.reach else None,
        }
