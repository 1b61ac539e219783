"""What iPhones report to the log endpoint, reduced to counts: their sentences hold serials, tokens and addresses.

Apple documents no list of the messages; these are the ones that phones are known to send. What is logged consists of
words of ours only, so nothing that a stranger sends reaches a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

MOST_MESSAGES = 100
LONGEST = 2000  # characters of a message that are looked at

_TASKS = (
    ("unregister task", "unregister"),
    ("register task", "register"),
    ("get serial", "list"),
    ("what changed", "list"),
    ("get pass task", "fetch"),
    ("requested update", "fetch"),
    ("if-modified-since' header", "fetch"),
)
_TROUBLES = (
    ("authentication", "token_refused"),
    ("lastupdated tag", "tag_unchanged"),
    ("ignored the 'if-modified-since'", "not_conditional"),
    ("was unchanged", "pass_unchanged"),
    ("invalid pass", "pass_invalid"),
    ("isn't valid", "pass_invalid"),
    ("response code 4", "status_4xx"),
    ("response code 5", "status_5xx"),
    ("response code", "status_other"),
    ("timed out", "no_connection"),
    ("could not connect", "no_connection"),
    ("offline", "no_connection"),
    ("certificate", "tls_failed"),
    ("ssl", "tls_failed"),
)


def counted(messages: Iterable[str]) -> dict[str, int]:
    """How many of each kind: what the phone was doing, and what went wrong; both `other` where they are not known."""
    kinds = Counter(f"{_word(text, _TASKS)}:{_word(text, _TROUBLES)}" for text in map(_shortened, messages))
    return dict(sorted(kinds.items()))


def _shortened(message: str) -> str:
    return message[:LONGEST].replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").lower()


def _word(text: str, known: Iterable[tuple[str, str]]) -> str:
    return next((word for phrase, word in known if phrase in text), "other")
