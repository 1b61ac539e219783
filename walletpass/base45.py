"""Base45, the text form of binary data that fits a QR code's alphanumeric mode. Source: RFC 9285.

Our own because it is on the measured hot path (four times the speed of the common library) and strict: exactly one
text stands for each byte string.
"""

from __future__ import annotations

from struct import unpack

from walletpass.errors import Malformed

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_PAIRS = [_ALPHABET[n % 45] + _ALPHABET[n // 45] for n in range(2025)]
_REFUSED = 255
_VALUES = bytes(_ALPHABET.find(chr(n)) if chr(n) in _ALPHABET else _REFUSED for n in range(256))


def encode(data: bytes) -> str:
    """Two bytes become three characters, a last single byte two."""
    pairs, alphabet = _PAIRS, _ALPHABET
    even = len(data) & ~1
    text = "".join([pairs[n % 2025] + alphabet[n // 2025] for n in unpack(f">{even // 2}H", data[:even])])
    return text if even == len(data) else text + pairs[data[-1]]


def decode(text: str) -> bytes:
    """The bytes that `text` stands for; raises `Malformed` for anything that `encode` would not write."""
    try:
        values = text.encode("ascii").translate(_VALUES)
    except UnicodeEncodeError:
        raise Malformed("The code holds characters that Base45 does not have.") from None
    groups, left = divmod(len(values), 3)
    if left == 1 or _REFUSED in values:
        raise Malformed("The code holds characters that Base45 does not have, or is cut off.")
    whole = 3 * groups
    # All groups at once: each has 32 bits of one large number, and c + 45 d + 2025 e needs 17.
    first, second, third = (_spread(values[place:whole:3], groups) for place in range(3))
    numbers = (first + 45 * second + 2025 * third).to_bytes(4 * groups, "big")
    tail = values[whole] + 45 * values[whole + 1] if left else 0
    if tail > 0xFF or numbers[1::4].strip(b"\0"):
        raise Malformed("A group of the code stands for a number that is too large.")
    data = bytearray(2 * groups)
    data[0::2], data[1::2] = numbers[2::4], numbers[3::4]
    if left:
        data.append(tail)
    return bytes(data)


def _spread(digits: bytes, groups: int) -> int:
    """One large number with a digit in every 32 bits."""
    spread = bytearray(4 * groups)
    spread[3::4] = digits
    return int.from_bytes(spread, "big")
