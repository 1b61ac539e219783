"""Lengths of time in words: "3 Minuten", "2 days". One unit is enough for people."""

from __future__ import annotations

_UNITS = {
    "de": ((86400, "Tag", "Tage"), (3600, "Stunde", "Stunden"), (60, "Minute", "Minuten"), (1, "Sekunde", "Sekunden")),
    "en": ((86400, "day", "days"), (3600, "hour", "hours"), (60, "minute", "minutes"), (1, "second", "seconds")),
}


def span(seconds: int, language: str) -> str:
    """The largest unit that fits, rounded down."""
    for size, one, several in _UNITS[language]:
        if seconds >= size:
            count = seconds // size
            return f"{count} {one if count == 1 else several}"
    return f"0 {_UNITS[language][-1][2]}"


def ago(seconds: int, language: str) -> str:
    """How long ago something was."""
    return (
        f"vor {_dative(span(max(0, seconds), language))}"
        if language == "de"
        else f"{span(max(0, seconds), language)} ago"
    )


def _dative(text: str) -> str:
    return f"{text}n" if text.endswith("Tage") else text
