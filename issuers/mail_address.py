"""Whether a mail can go to what a department wrote down as an e-mail address.

Sources: RFC 5322, section 3.4.1 (addr-spec, without quoted strings); RFC 5321, section 4.5.3.1; RFC 3490 (IDNA).
"""

from __future__ import annotations

import re

_LONGEST_LOCAL, _LONGEST = 64, 254
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"(?!.*=\?){_ATOM}(?:\.{_ATOM})*")  # "=?" begins an encoded word (RFC 2047), whatever follows
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]")


def mail_address(text: str) -> str | None:
    """The address as it stands in an envelope, in ASCII; None when every server could not understand it.

    Nothing that ends a header or an envelope's line can pass: only atoms, dots and one @ do.
    """
    local, at, domain = text.partition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    if not at or len(local) > _LONGEST_LOCAL or len(local) + 1 + len(domain) > _LONGEST:
        return None
    if not (_LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain)):
        return None
    return f"{local}@{domain}"
