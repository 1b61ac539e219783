"""What a worker can do for the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from issuers.outbox import Errand, Report


class Task(Protocol):
    """Performs the outbox rows of one kind, `batch` at a time, and reports what became of them."""

    @property
    def kind(self) -> str: ...

    @property
    def batch(self) -> int: ...

    @property
    def lease(self) -> int:
        """Seconds without a report after which another worker takes over."""
        ...

    @property
    def alone(self) -> bool:
        """One batch at a time in the whole installation: somebody else limits the rate."""
        ...

    def perform(self, errands: Sequence[Errand], report: Report) -> None:
        """Do these, oldest first. What is not reported is tried again; so doing a thing twice must do no harm.

        A `WalletPassError` puts all that is left off for later, with its code.
        """
        ...

    def close(self) -> None:
        """Let go of connections; called once, at the end."""
        ...
