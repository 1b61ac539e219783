"""Security headers on every answer. Pages run no script that we did not serve and sit in nobody's frame."""

from __future__ import annotations

from collections.abc import Iterable

Header = tuple[bytes, bytes]
"""A name in lower case, as ASGI demands, and a value."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)


_NAMES = frozenset(name for name, _ in SECURITY_HEADERS)


def secured(headers: Iterable[Header], *more: Header) -> list[Header]:
    """An answer's headers with these ones and `more`. A route that sets one of these itself keeps its own."""
    own = list(headers)
    kept = {name for name, _ in own if name in _NAMES}
    added = [header for header in SECURITY_HEADERS if header[0] not in kept] if kept else SECURITY_HEADERS
    return [*own, *added, *more]
