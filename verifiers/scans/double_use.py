"""Which of one day's uses of one permit do not go together: two places within minutes, or two plates.

Pure: what is found hangs on the uses alone, not on the order or the batches in which they arrived (ADR 0014).
The inspector's `uses.js` finds the same among the uses of its own device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple


class DoubleUse(StrEnum):
    TWO_PLACES = "two_places"
    TWO_PLATES = "two_plates"


class SeenUse(NamedTuple):
    """A stored use, without its day and digest: those compared have them in common. `at` is a NumericDate."""

    nonce: bytes
    at: int
    zone: str | None
    plate: bytes | None
    device_id: str


def double_uses(uses: Sequence[SeenUse], within: int) -> Iterator[tuple[SeenUse, DoubleUse, SeenUse]]:
    """For each use that does not go with another: the use, why, and the nearest such other. `within` is in seconds.

    Takes time in proportion to the number of uses, once they are sorted.
    """
    for use, other in _nearest(uses, attrgetter("zone")):
        if abs(use.at - other.at) <= within:
            yield use, DoubleUse.TWO_PLACES, other
    for use, other in _nearest(uses, attrgetter("plate")):
        yield use, DoubleUse.TWO_PLATES, other


def _nearest(
    uses: Sequence[SeenUse], value: Callable[[SeenUse], str | bytes | None]
) -> Iterator[tuple[SeenUse, SeenUse]]:
    """Each use with the nearest in time that has another value. Where none is known, nothing is compared."""
    ordered = sorted((use for use in uses if value(use) is not None), key=attrgetter("at", "nonce"))
    before = _others(ordered, value)
    after = reversed(_others(ordered[::-1], value))
    for use, *others in zip(ordered, before, after, strict=True):
        found = [other for other in others if other is not None]
        if found:
            yield use, min(found, key=lambda other: abs(other.at - use.at))


def _others(ordered: Sequence[SeenUse], value: Callable[[SeenUse], str | bytes | None]) -> list[SeenUse | None]:
    """For each use the last one before it that has another value."""
    found: list[SeenUse | None] = []
    for number, use in enumerate(ordered):
        last = ordered[number - 1] if number else None
        found.append(found[-1] if last is not None and value(last) == value(use) else last)
    return found
