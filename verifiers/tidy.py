"""Texts as people paste them."""

from __future__ import annotations


def tidy(text: str) -> str:
    """The text without line ends and leading blanks. A blank at the end belongs to Base45: it stays."""
    return text.strip("\r\n\t").lstrip()
