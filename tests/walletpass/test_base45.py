"""Base45: the vectors of RFC 9285, and exactly one text for each byte string."""

from __future__ import annotations

from contextlib import suppress

import base45 as independent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletpass import base45
from walletpass.errors import Malformed

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

_VECTORS = [
    (b"", ""),
    (b"AB", "BB8"),
    (b"Hello!!", "%69 VD92EX0"),
    (b"base-45", "UJCLQE7W581"),
    (b"ietf!", "QED8WEX0"),
    (b"\xff\xff", "FGW"),
    (b"\xff", "U5"),
    (b"\x00", "00"),
    (b"\x00\x00", "000"),
]

_REFUSED = {
    "the group after the last": "GGW",
    "the largest three characters": ":::",
    "a good group and then one too large": "BB8GGW",
    "two last characters beyond a byte": "V5",
    "the largest two characters": "::",
    "one single character": "0",
    "a single character at the end": "BB80",
    "lower case": "bb8",
    "a character outside the alphabet": "BB!",
    "a line feed at the end": "BB8\n",
    "an umlaut": "BÜ8",
    "a full-width letter": "\uff22B8",
    "an emoji": "BB8😀12",
    "a lone surrogate": "BB8\ud800AA",
    "a NUL": "B\x008",
}


@pytest.mark.parametrize(("raw", "text"), _VECTORS, ids=[repr(row[1]) for row in _VECTORS])
def test_the_examples_of_rfc_9285_are_written_and_read(raw, text):
    assert base45.encode(raw) == text
    assert base45.decode(text) == raw


@pytest.mark.parametrize("text", _REFUSED.values(), ids=_REFUSED.keys())
def test_what_no_encoder_writes_is_refused(text):
    with pytest.raises(Malformed):
        base45.decode(text)


@given(st.binary(max_size=300))
def test_the_independent_library_writes_and_reads_the_same(raw):
    text = base45.encode(raw)
    assert text == independent.b45encode(raw).decode()
    assert base45.decode(text) == raw


@given(st.text(alphabet=_ALPHABET, max_size=40))
def test_a_text_that_is_read_is_the_one_that_would_be_written(text):
    try:
        raw = base45.decode(text)
    except Malformed:
        return
    assert base45.encode(raw) == text


@given(st.text(max_size=40))
def test_any_text_is_read_or_malformed_and_nothing_else(text):
    with suppress(Malformed):
        assert isinstance(base45.decode(text), bytes)
