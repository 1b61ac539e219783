"""Deterministic CBOR, the part of it that our documents use: strict to read, exact to write.

Source: RFC 8949 section 4.2.1 (core deterministic encoding). Integers, byte and text strings, arrays, maps, false,
true, null and tag 18 at the outside. Floats, other tags and indefinite lengths are refused: a general decoder turns
tags into objects, ignores trailing bytes and keeps the last of duplicate keys, and each of these has been an attack.
"""

from __future__ import annotations

from collections.abc import Mapping

from walletpass.errors import Malformed

CborValue = int | bytes | str | bool | None | list["CborValue"] | dict["CborKey", "CborValue"]
CborKey = int | str

MAX_DEPTH = 8
COSE_SIGN1_TAG = b"\xd2"  # tag 18


def encode(value: object) -> bytes:
    """The one deterministic encoding of `value`. Tuples are arrays; map keys are integers or text."""
    out: list[bytes] = []
    _write(value, out)
    return b"".join(out)


def head(major: int, length: int) -> bytes:
    """The initial byte and its argument in the shortest form (RFC 8949 section 3)."""
    if length < 24:
        return bytes((major << 5 | length,))
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if length < 1 << 8 * size:
            return bytes((major << 5 | extra,)) + length.to_bytes(size, "big")
    raise ValueError("CBOR argument beyond 64 bits")


def _write(value: object, out: list[bytes]) -> None:
    kind = type(value)
    if kind is str:
        raw = value.encode()  # type: ignore[attr-defined]
        out.append(head(3, len(raw)) + raw)
    elif isinstance(value, bool):
        out.append(b"\xf5" if value else b"\xf4")
    elif isinstance(value, int):
        out.append(head(0, value) if value >= 0 else head(1, -1 - value))
    elif isinstance(value, bytes):
        out.append(head(2, len(value)))
        out.append(value)
    elif isinstance(value, str):
        _write(str(value), out)
    elif value is None:
        out.append(b"\xf6")
    elif isinstance(value, Mapping):
        out.append(head(5, len(value)))
        for key, item in sorted((encode(key), item) for key, item in value.items()):
            out.append(key)
            _write(item, out)
    elif isinstance(value, list | tuple):
        out.append(head(4, len(value)))
        for item in value:
            _write(item, out)
    else:
        raise TypeError(f"no CBOR form for {kind.__name__}")


def decode(data: bytes) -> CborValue:
    """Read exactly one deterministic item; raises `Malformed` for anything else, trailing bytes included."""
    try:
        value, end = _read(data, 0, MAX_DEPTH)
    except (IndexError, UnicodeDecodeError):
        raise Malformed("The CBOR data is cut off or not text.") from None
    if end != len(data):
        raise Malformed("There are bytes after the end of the CBOR data.")
    return value


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """The byte string at `at` and where it ends; raises `Malformed` for any other item."""
    try:
        value, end = _read(data, at, 0)
    except (IndexError, UnicodeDecodeError):
        value, end = None, at
    if not isinstance(value, bytes):
        raise Malformed("The CBOR data holds something else where bytes should be.")
    return value, end


_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}
_SMALLEST = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}


def _read(data: bytes, at: int, depth: int) -> tuple[CborValue, int]:
    first = data[at]
    at += 1
    if first < 24:  # a small number, the most frequent item by far
        return first, at
    major, argument = first >> 5, first & 31
    if argument > 23:
        size = _SIZES.get(argument)
        if size is None or major == 7 or at + size > len(data):
            raise Malformed("The CBOR data is cut off or uses a form that is not deterministic.")
        shortest, argument = _SMALLEST[argument], int.from_bytes(data[at : at + size], "big")
        at += size
        if argument < shortest:
            raise Malformed("A CBOR number is not in its shortest form.")
    if major == 0:
        return argument, at
    if major == 3 or major == 2:
        end = at + argument
        if end > len(data):
            raise Malformed("The CBOR data is cut off.")
        return (data[at:end].decode() if major == 3 else data[at:end]), end
    if major == 1:
        return -1 - argument, at
    if major == 7 and 20 <= argument <= 22:
        return (False, True, None)[argument - 20], at
    if major == 6 or major == 7 or depth == 0 or argument > len(data) - at:
        raise Malformed("The CBOR data is nested too deeply or holds a kind of value that is not used here.")
    return (_read_array if major == 4 else _read_map)(data, at, argument, depth - 1)


def _read_array(data: bytes, at: int, count: int, depth: int) -> tuple[CborValue, int]:
    items = []
    for _ in range(count):
        item, at = _read(data, at, depth)
        items.append(item)
    return items, at


def _read_map(data: bytes, at: int, count: int, depth: int) -> tuple[CborValue, int]:
    found: dict[CborKey, CborValue] = {}
    key: CborValue
    last = b""
    for _ in range(count):
        start, first = at, data[at]
        if first < 24:  # a small number stands for itself; a call for each would be half of the time
            key, at = first, at + 1
        else:
            key, at = _read(data, at, 0)
            if type(key) is not int and type(key) is not str:
                raise Malformed("A CBOR map has a key that is neither a number nor text.")
        encoded = data[start:at]
        if encoded <= last:
            raise Malformed("The keys of a CBOR map are doubled or out of order.")
        last = encoded
        found[key], at = _read(data, at, depth)
    return found, at
