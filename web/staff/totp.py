"""Time-based one-time codes (RFC 6238 over RFC 4226): six digits, 30 seconds, SHA-1, as every authenticator app does.

HMAC-SHA-1 is not touched by collisions (RFC 6238 section 1.2); other digests are ignored by common apps.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from itertools import groupby
from urllib.parse import quote, urlencode

import qrcode

PERIOD, DIGITS, KEY = 30, 6, 20  # seconds, digits, bytes (RFC 4226 section 4, R6: 160 bits)
_STEPS = (-1, 0, 1)  # RFC 6238 section 5.2: at most one step of delay; one ahead for a phone whose clock is fast
_QUIET = 4  # modules, ISO/IEC 18004 section 9.1


def new_key() -> bytes:
    """A fresh secret."""
    return secrets.token_bytes(KEY)


def code_at(key: bytes, step: int) -> str:
    """The code of a time step (RFC 4226 section 5.3)."""
    digest = hmac.digest(key, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def matching_step(key: bytes, code: str, now: int) -> int | None:
    """The step around `now` (NumericDate) that has this code, or None. All are compared, in constant time."""
    given, found = "".join(code.split()).encode(), None
    for step in (now // PERIOD + ahead for ahead in _STEPS):
        if hmac.compare_digest(code_at(key, step).encode(), given):
            found = step
    return found


def key_text(key: bytes) -> str:
    """The secret for typing: Base32 in groups of four."""
    text = base64.b32encode(key).decode()
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def key_uri(key: bytes, issuer: str, user_name: str) -> str:
    """`otpauth://totp/…` as authenticator apps read it (Google Authenticator, "Key Uri Format")."""
    parameters = {"secret": base64.b32encode(key).decode(), "issuer": issuer}
    label = quote(f"{issuer}:{user_name}", safe=":@")
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"


def qr_path(text: str) -> tuple[int, str]:
    """A QR code as its width in modules, quiet zone included, and the data of one SVG path."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_M, border=0)
    code.add_data(text)
    code.make(fit=True)
    parts = []
    for y, row in enumerate(code.modules, _QUIET):
        x = _QUIET
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                parts.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return len(code.modules) + 2 * _QUIET, "".join(parts)
