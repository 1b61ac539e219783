"""JSON in one reading only: what a signed document says must be the same in every language that reads it.

Source: RFC 8259, narrowed like I-JSON (RFC 7493): UTF-8, no member twice, no lone surrogates, whole numbers within
±(2^53 − 1); and no fractions, and bounded nesting. The inspector's `strict_json.js` refuses exactly the same.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

MAX_DEPTH = 16
_MAX_NUMBER = (1 << 53) - 1  # beyond it JavaScript no longer tells neighbours apart
_MAX_DIGITS = 16


class NotStrictJson(ValueError):
    """The words fit into a sentence about the document."""


def read_object(raw: bytes) -> dict[str, Any]:
    """The JSON object that `raw` is. Numbers are plain `int`. Raises `NotStrictJson` for anything else."""
    try:
        value = _DECODER.decode(raw.decode())
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise NotStrictJson("a part is not JSON") from None
    if not isinstance(value, dict):
        raise NotStrictJson("a part is not a JSON object")
    _check(value, MAX_DEPTH)
    return value


def _check(value: object, depth: int) -> None:
    """Nesting, and text that no UTF-8 could hold."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise NotStrictJson("a text holds half a character")
    elif isinstance(value, dict | list):
        if depth == 0:
            raise NotStrictJson("the JSON is nested too deeply")
        for item in value:
            _check(item, depth - 1)
        for item in value.values() if isinstance(value, dict) else ():
            _check(item, depth - 1)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise NotStrictJson("a member of the JSON appears twice")
    return members


def _whole(digits: str) -> int:
    number = int(digits) if len(digits.lstrip("-")) <= _MAX_DIGITS else _MAX_NUMBER + 1
    if abs(number) > _MAX_NUMBER:
        raise NotStrictJson("a number is too large")
    return number


def _refuse(text: str) -> NoReturn:
    raise NotStrictJson(f"{text[:20]} is no whole number")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_int=_whole, parse_float=_refuse, parse_constant=_refuse)
