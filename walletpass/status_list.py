"""Status lists: the array of statuses and its compression. The signed tokens are in `status_token.py`.

Source: draft-ietf-oauth-status-list section 4. Two bits an entry, so that a pass can be suspended.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from walletpass.errors import StatusListInvalid

BITS = 2
MAX_LIST = 4 << 20  # bytes once inflated: 16 million entries


class StatusArray:
    """The bits themselves: entry i stands at the least significant end of its byte (section 4.1)."""

    __slots__ = ("raw",)

    def __init__(self, raw: bytes | bytearray) -> None:
        self.raw = bytearray(raw)

    @classmethod
    def empty(cls, size: int) -> StatusArray:
        """`size` entries, all VALID; `size` is a multiple of 4."""
        if size <= 0 or size % (8 // BITS):
            raise ValueError("a list's size is a positive multiple of 4")
        return cls(bytes(size * BITS // 8))

    def __len__(self) -> int:
        return len(self.raw) * 8 // BITS

    def get(self, index: int) -> int:
        return self.raw[index >> 2] >> ((index & 3) * BITS) & 3

    def set(self, index: int, value: int) -> None:
        if index < 0 or not 0 <= value <= 3:
            raise ValueError("an entry's index is not negative, and its value has two bits")
        shift = (index & 3) * BITS
        self.raw[index >> 2] = self.raw[index >> 2] & ~(3 << shift) | value << shift

    def update(self, entries: Iterable[tuple[int, int]]) -> None:
        for index, value in entries:
            self.set(index, value)


@dataclass(frozen=True, slots=True)
class StatusList:
    """A status list that was read and verified. `raw` is inflated; times are NumericDates."""

    uri: str
    issued_at: int
    expires_at: int
    ttl: int
    raw: bytes
    bits: int = BITS

    def __len__(self) -> int:
        return len(self.raw) * 8 // self.bits

    def value(self, index: int) -> int:
        """The status value at `index`; the caller checks the range."""
        per_byte = 8 // self.bits
        return self.raw[index // per_byte] >> (index % per_byte * self.bits) & ((1 << self.bits) - 1)


def compress(raw: bytes | bytearray) -> bytes:
    """DEFLATE in a ZLIB container (section 4.1). Run-length strategy: a hundred times the speed for 6 % more bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    return packer.compress(raw) + packer.flush()


def inflate(data: bytes) -> bytes:
    """The inverse, bounded by `MAX_LIST`; raises `StatusListInvalid` for bombs, truncation and trailing bytes."""
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, MAX_LIST + 1)  # one more, so that a full list can end
    except zlib.error:
        raise StatusListInvalid("The status list cannot be inflated.") from None
    if len(raw) > MAX_LIST or not inflater.eof or inflater.unused_data or inflater.unconsumed_tail:
        raise StatusListInvalid("The status list is cut off, too large or followed by something else.")
    return raw
