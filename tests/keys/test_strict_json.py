"""Signed JSON has one reading: what two readers could understand differently is refused."""

from __future__ import annotations

import pytest

from keys.strict_json import MAX_DEPTH, NotStrictJson, read_object

LARGEST = (1 << 53) - 1


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"7",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":01}',
        b'{"a":"\\ud800"}',
        b'{"\\udc00":1}',
        b'{"a":"\xff"}',
        b'{"a":"\n"}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":1}x',
        b"{'a':1}",
        b'{"a":%d}' % (LARGEST + 1),
        b'{"a":%d}' % (-LARGEST - 1),
        b'{"a":' + b"9" * 100_000 + b"}",
        nested(MAX_DEPTH + 1),
        b'{"a":' + b"[" * 100_000,
    ],
)
def test_what_two_readers_could_understand_differently_is_refused(raw: bytes) -> None:
    with pytest.raises(NotStrictJson):
        read_object(raw)


def test_plain_json_is_read() -> None:
    raw = b' {"a" : [1, -0, true, null, "\\u00fc\\ud83d\\ude00"], "b": {"c": %d}}\n' % LARGEST
    assert read_object(raw) == {"a": [1, 0, True, None, "ü😀"], "b": {"c": LARGEST}}
    assert read_object(nested(MAX_DEPTH))
