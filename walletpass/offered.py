"""What the packages on this machine offer each other by entry points. A machine may have one of the services only."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec


def offered(group: str) -> list[EntryPoint]:
    """The entry points of a group whose package is here, by name; nothing is loaded."""
    found = sorted(entry_points(group=group), key=lambda each: each.name)
    return [each for each in found if find_spec(each.module.partition(".")[0]) is not None]
