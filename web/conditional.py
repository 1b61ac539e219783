"""Conditional requests: has the caller this document already? Source: RFC 9110 section 13.1.2."""

from __future__ import annotations


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the header If-None-Match names the document's ETag; the comparison is weak."""
    if if_none_match is None:
        return False
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in tags or "*" in tags
