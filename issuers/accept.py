"""Choosing a media type by the Accept header (RFC 9110 section 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

_LONGEST, _MOST = 2000, 64  # characters of the header, ranges in it: what comes after is not read
_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)


def choose(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offered media type that the caller likes best, of equals the first; None when none is acceptable.

    No header, or an empty one, accepts everything.
    """
    if accept is None or not accept.strip():
        return offered[0]
    ranges = dict(_range(part) for part in accept[:_LONGEST].split(",")[:_MOST] if part.strip())
    best = max(offered, key=lambda media_type: _weight(media_type, ranges))  # max keeps the first of equals
    return best if _weight(best, ranges) > 0 else None


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
    weights = [found for parameter in parameters if (found := _WEIGHT.fullmatch(parameter))]
    return name.lower(), float(weights[0][1]) if weights else 1.0


def _weight(media_type: str, ranges: dict[str, float]) -> float:
    """The most specific range decides, not the one with the highest weight."""
    for name in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0.0
