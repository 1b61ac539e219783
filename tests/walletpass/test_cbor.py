"""Deterministic CBOR: exact to write, strict to read, judged against the independent `cbor2`."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletpass import cbor
from walletpass.errors import Malformed

_SCALARS = (
    st.integers(-(1 << 64), (1 << 64) - 1) | st.binary(max_size=40) | st.text(max_size=40) | st.booleans() | st.none()
)
_KEYS = st.integers(-(1 << 64), (1 << 64) - 1) | st.text(max_size=20)
_VALUES = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=6) | st.dictionaries(_KEYS, inner, max_size=6), max_leaves=25
)

# RFC 8949 appendix A, the rows whose kind of value we use.
_APPENDIX_A = [
    (0, "00"),
    (10, "0a"),
    (23, "17"),
    (24, "1818"),
    (100, "1864"),
    (1000, "1903e8"),
    (1000000, "1a000f4240"),
    (1000000000000, "1b000000e8d4a51000"),
    (18446744073709551615, "1bffffffffffffffff"),
    (-18446744073709551616, "3bffffffffffffffff"),
    (-1, "20"),
    (-100, "3863"),
    (-1000, "3903e7"),
    (False, "f4"),
    (True, "f5"),
    (None, "f6"),
    (b"", "40"),
    (bytes.fromhex("01020304"), "4401020304"),
    ("", "60"),
    ("IETF", "6449455446"),
    ('"\\', "62225c"),
    ("\u00fc", "62c3bc"),
    ("\u6c34", "63e6b0b4"),
    ("\U00010151", "64f0908591"),
    ([], "80"),
    ([1, [2, 3], [4, 5]], "8301820203820405"),
    (list(range(1, 26)), "98190102030405060708090a0b0c0d0e0f101112131415161718181819"),
    ({}, "a0"),
    ({1: 2, 3: 4}, "a201020304"),
    ({"a": 1, "b": [2, 3]}, "a26161016162820203"),
    ({"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}, "a56161614161626142616361436164614461656145"),
]

_REFUSED = {
    "nothing at all": "",
    "an array of indefinite length": "9f01ff",
    "a map of indefinite length": "bf0102ff",
    "a text string of indefinite length": "7f6161ff",
    "a byte string of indefinite length": "5f4101ff",
    "a break outside of anything": "ff",
    "a small number in two bytes": "1817",
    "a number in three bytes that fits two": "1900ff",
    "a number in five bytes that fits three": "1a0000ffff",
    "a number in nine bytes that fits five": "1b00000000ffffffff",
    "a negative number in two bytes that fits one": "3800",
    "a string length that is not the shortest": "5800",
    "an array length that is not the shortest": "980101",
    "a map length that is not the shortest": "b8010102",
    "the reserved argument 28": "1c",
    "the reserved argument 30": "1e",
    "a doubled key": "a201020103",
    "keys in the wrong order": "a203040102",
    "text keys longer first": "a2626161016162 02".replace(" ", ""),
    "text before a number as key": "a2616101 0102".replace(" ", ""),
    "a byte string as key": "a1410102",
    "true as key": "a1f502",
    "null as key": "a1f602",
    "an array as key": "a1810102",
    "a map as key": "a1a002",
    "a half-precision float": "f93c00",
    "a single-precision float": "fa47c35000",
    "a double-precision float": "fb3ff199999999999a",
    "undefined": "f7",
    "an unassigned simple value": "f0",
    "a simple value in two bytes": "f8ff",
    "a date tag": "c074323031332d30332d32315432303a30343a30305a",
    "an epoch time tag": "c11a514b67b0",
    "a big number": "c249010000000000000000",
    "a shared-reference tag": "d81c00",
    "the tag 18 inside": "81d280",
    "one byte after the end": "0100",
    "an array cut off": "8301",
    "a text string cut off": "6461",
    "a byte string cut off": "44010203",
    "a number cut off": "19ff",
    "a map without its last value": "a20102 03".replace(" ", ""),
    "an array that declares four thousand million items": "9affffffff00",
    "an array that declares 2^64-1 items": "9bffffffffffffffff",
    "a map that declares four thousand million pairs": "baffffffff00",
    "a byte string that declares 2^64-1 bytes": "5bffffffffffffffff00",
    "text that is not UTF-8": "62c328",
    "text with an encoded surrogate": "63eda080",
    "a key that is not UTF-8": "a161ff01",
}


@pytest.mark.parametrize(("value", "encoded"), _APPENDIX_A, ids=[row[1] for row in _APPENDIX_A])
def test_the_examples_of_rfc_8949_are_written_and_read(value, encoded):
    assert cbor.encode(value).hex() == encoded
    assert cbor.decode(bytes.fromhex(encoded)) == value


def test_map_keys_are_sorted_by_their_encoded_bytes():
    # The example of RFC 8949 section 4.2.1, without the keys of kinds we do not use.
    assert cbor.encode({"aa": 0, "z": 0, -1: 0, 100: 0, 10: 0}).hex() == "a50a0018640020006 17a0062616100".replace(
        " ", ""
    )


@pytest.mark.parametrize("encoded", _REFUSED.values(), ids=_REFUSED.keys())
def test_what_is_not_deterministic_or_not_ours_is_refused(encoded):
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(encoded))


@pytest.mark.parametrize("opening", ["81", "a101"], ids=["arrays", "maps"])
def test_eight_levels_are_read_and_nine_are_refused(opening):
    cbor.decode(bytes.fromhex(opening * 8 + "00"))
    with pytest.raises(Malformed):
        cbor.decode(bytes.fromhex(opening * 9 + "00"))


def test_a_thousand_nested_arrays_do_not_exhaust_the_stack():
    with pytest.raises(Malformed):
        cbor.decode(b"\x81" * 100_000)


@given(_VALUES)
def test_the_independent_library_writes_and_reads_the_same(value):
    encoded = cbor.encode(value)
    assert encoded == cbor2.dumps(_in_bytewise_order(value))
    assert cbor2.loads(encoded) == value
    assert cbor.decode(encoded) == value


def _in_bytewise_order(value):
    """cbor2's own canonical mode sorts by length first (RFC 7049), so the order is laid down before."""
    if isinstance(value, list):
        return [_in_bytewise_order(item) for item in value]
    if isinstance(value, dict):
        return {key: _in_bytewise_order(value[key]) for key in sorted(value, key=cbor2.dumps)}
    return value


@given(st.binary(max_size=60))
def test_any_bytes_are_either_malformed_or_the_one_encoding_of_their_value(encoded):
    try:
        value = cbor.decode(encoded)
    except Malformed:
        return
    assert cbor.encode(value) == encoded


@given(_VALUES, st.data())
def test_every_cut_of_an_encoding_is_refused(value, data):
    encoded = cbor.encode(value)
    with pytest.raises(Malformed):
        cbor.decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@pytest.mark.parametrize("value", [1.5, {1, 2}, object()], ids=["float", "set", "object"])
def test_values_without_a_form_are_a_programming_error(value):
    with pytest.raises(TypeError):
        cbor.encode(value)


def test_numbers_beyond_64_bits_are_not_written():
    with pytest.raises(ValueError, match="64 bits"):
        cbor.encode(1 << 64)
