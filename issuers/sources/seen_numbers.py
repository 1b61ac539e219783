"""Which external numbers a file has had already, and where, in 24 to 48 bytes each (a dict takes a hundred)."""

from __future__ import annotations

from array import array

_LEAST_SLOTS = 1 << 12
_HASH_BITS = (1 << 64) - 1


class SeenNumbers:
    """An open-addressing table of 64-bit hashes and line numbers, at most half full.

    Python's hash of text is keyed with a secret of the process, so no file can be made whose numbers collide; by
    chance two of a million do so once in some ten million files, and then a row is reported, not lost.
    """

    def __init__(self) -> None:
        self._hashes = array("Q", bytes(8 * _LEAST_SLOTS))
        self._lines = array("I", bytes(4 * _LEAST_SLOTS))
        self._mask = _LEAST_SLOTS - 1
        self._count = 0

    def add(self, number: str, line: int) -> int:
        """The line (1 or more) on which the number was first added, or 0 when it is new and now stands for `line`."""
        key = (hash(number) & _HASH_BITS) or 1  # 0 marks a free slot
        slot = self._slot(key)
        if self._hashes[slot]:
            return self._lines[slot]
        self._hashes[slot], self._lines[slot] = key, line
        self._count += 1
        if self._count * 2 > self._mask:
            self._grow()
        return 0

    def _slot(self, key: int) -> int:
        hashes, mask = self._hashes, self._mask
        slot = key & mask
        while hashes[slot] and hashes[slot] != key:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        old_hashes, old_lines = self._hashes, self._lines
        slots = (self._mask + 1) * 2
        self._hashes = array("Q", bytes(8 * slots))
        self._lines = array("I", bytes(4 * slots))
        self._mask = slots - 1
        for key, line in zip(old_hashes, old_lines, strict=True):
            if key:
                slot = self._slot(key)
                self._hashes[slot], self._lines[slot] = key, line
