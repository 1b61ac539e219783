"""Status lists: the vectors of the draft, the order of the bits, and compression that opens no door."""

from __future__ import annotations

import base64
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletpass.errors import StatusListInvalid
from walletpass.status_list import MAX_LIST, StatusArray, StatusList, compress, inflate

_URI = "https://example.com/statuslists/1"
_SIXTEEN = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
_TWELVE = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]
_MILLION = 1 << 20

# draft-ietf-oauth-status-list, test vectors: a list of 2^20 entries, all zero but these. The compressed text of each
# is part of the draft; runs of the letter A, which are most of it, are written as their length in braces.
_LONG_INDEXES = (0, 1993, 25460, 159495, 495669, 554353, 645645, 723232, 854545, 934534, 1000345)
_LONG = {
    1: dict.fromkeys(_LONG_INDEXES, 1),
    2: dict(zip(_LONG_INDEXES, (1, 2, 1, 3, 1, 1, 2, 1, 1, 2, 3), strict=True)),
    4: {
        0: 1,
        1993: 2,
        35460: 3,
        459495: 4,
        595669: 5,
        754353: 6,
        845645: 7,
        923232: 8,
        924445: 9,
        934534: 10,
        1004534: 11,
        1000345: 12,
        1030203: 13,
        1030204: 14,
        1030205: 15,
    },
}


def _spelled_out(text):
    return re.sub(r"\{(\d+)\}", lambda run: "A" * int(run[1]), text)


_LONG_TEXT = {
    1: _spelled_out(
        "eNrt3AENwCAMAEGogklACtKQPg9LugC9k_ACvreiogEAAKkeCQ{19}IBylgQ{53}XG9I{9}PwsJ{15}vhsS{12}7KpL{21}JsLCQ"
        "{11}Djel{11}KjDMAQAAAACAZC8L2AEb"
    ),
    2: _spelled_out(
        "eNrt2zENACEQAEEuoaBABP5VIO01fCjIHTMStt9ovGVIAAAAAABAbiEB{41}EB5WwI{106}ID0ugQ{17}QG12Sg{27}OCSIQE{23"
        "}D8ExI{41}wJEuAQ{23}MB9SwI{19}CoYUo{14}EBqH81gAQw"
    ),
    4: _spelled_out(
        "eNrt0EENgDAQADAIHwImkIIEJEwCUpCEBBQRHOy35Li1EjoOQGabAg{19}CC1SQE{271}BADrsC{86}DoxaE{102}IIoCg{56}CA"
        "rpwK{49}GhqVkAzlwIAAAAAiGVR{42}Bx3AoAgLpVAQ{14}wM89rwM{11}jsA9xMBMA"
    ),
}


def _list(raw, bits):
    return StatusList(_URI, 0, 0, 0, raw, bits)


def _unpacked(text):
    return inflate(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


@pytest.mark.parametrize(
    ("bits", "values", "raw", "packed", "text"),
    [
        (1, _SIXTEEN, "b9a3", "78dadbb918000217015d", "eNrbuRgAAhcBXQ"),
        (2, _TWELVE, "c944f9", "78da3be9f2130003df0207", "eNo76fITAAPfAgc"),
    ],
    ids=["one bit", "two bits"],
)
def test_the_short_vectors_of_the_draft_are_read(bits, values, raw, packed, text):
    assert inflate(bytes.fromhex(packed)).hex() == raw == _unpacked(text).hex()
    status_list = _list(bytes.fromhex(raw), bits)
    assert len(status_list) == len(values)
    assert [status_list.value(index) for index in range(len(values))] == values


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_the_long_vectors_of_the_draft_are_read(bits):
    status_list = _list(_unpacked(_LONG_TEXT[bits]), bits)
    assert len(status_list) == _MILLION
    assert {index: status_list.value(index) for index in _LONG[bits]} == _LONG[bits]
    assert sum(map(int.bit_count, status_list.raw)) == sum(map(int.bit_count, _LONG[bits].values()))


def test_the_long_two_bit_vector_is_written_bit_for_bit():
    array = StatusArray.empty(_MILLION)
    array.update(_LONG[2].items())
    assert bytes(array.raw) == _unpacked(_LONG_TEXT[2])
    assert inflate(compress(array.raw)) == bytes(array.raw)


def test_the_first_entry_stands_at_the_least_significant_end():
    array = StatusArray.empty(8)
    array.update(enumerate(_TWELVE[:8]))
    assert array.raw.hex() == "c944"
    # The same values with the first entry at the most significant end would be this; a reader must tell them apart.
    swapped = _list(bytes.fromhex("6311"), 2)
    assert [swapped.value(index) for index in range(8)] != _TWELVE[:8]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=64))
def test_every_entry_is_read_back_and_disturbs_no_other(values):
    array = StatusArray.empty(64)
    array.update(reversed(list(enumerate(values))))
    expected = values + [0] * (64 - len(values))
    assert [array.get(index) for index in range(64)] == expected
    assert [_list(bytes(array.raw), 2).value(index) for index in range(64)] == expected


@given(st.integers(0, 63), st.integers(0, 3), st.integers(0, 3))
def test_an_entry_can_be_set_again(index, first, second):
    array = StatusArray(b"\xff" * 16)
    array.update([(index, first), (index, second)])
    assert array.get(index) == second
    assert array.raw.count(0xFF) >= 15


@pytest.mark.parametrize(("index", "value"), [(0, 4), (0, -1), (-1, 1)])
def test_an_entry_that_would_spill_into_another_is_refused(index, value):
    with pytest.raises(ValueError, match="entry"):
        StatusArray.empty(8).set(index, value)


@pytest.mark.parametrize("size", [0, -4, 3, 1021])
def test_a_list_has_whole_bytes(size):
    with pytest.raises(ValueError, match="multiple of 4"):
        StatusArray.empty(size)


@given(st.binary(max_size=2000))
def test_what_is_compressed_inflates_again_and_is_a_zlib_container(raw):
    packed = compress(raw)
    assert packed[0] == 0x78
    assert inflate(packed) == raw == zlib.decompress(packed)


def test_the_largest_list_is_read_and_one_byte_more_is_refused():
    assert len(inflate(zlib.compress(bytes(MAX_LIST), 9))) == MAX_LIST
    with pytest.raises(StatusListInvalid):
        inflate(zlib.compress(bytes(MAX_LIST + 1), 9))


def _raw_deflate(raw):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(raw) + packer.flush()


def _with_dictionary(raw):
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, zdict=b"dictionary")
    return packer.compress(raw) + packer.flush()


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"not compressed",
        zlib.compress(bytes(1000))[:-1],
        zlib.compress(bytes(1000))[:-4],
        zlib.compress(bytes(1000))[:-4] + bytes(4),
        zlib.compress(bytes(1000)) + b"\x00",
        zlib.compress(bytes(1000)) * 2,
        _raw_deflate(bytes(1000)),
        _with_dictionary(bytes(1000)),
        b"\x1f\x8b" + zlib.compress(bytes(1000)),
    ],
    ids=[
        "nothing",
        "no zlib",
        "cut off by a byte",
        "without the checksum",
        "with a wrong checksum",
        "a byte after the end",
        "two streams",
        "raw deflate",
        "a preset dictionary",
        "a gzip header",
    ],
)
def test_what_is_not_exactly_one_zlib_stream_is_refused(packed):
    with pytest.raises(StatusListInvalid):
        inflate(packed)


def test_a_bomb_of_64_megabytes_stops_at_the_bound():
    packer = zlib.compressobj(9)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    assert len(bomb) < 100_000
    with pytest.raises(StatusListInvalid):
        inflate(bomb)
