"""Why a holder is told something, whether that is still true, and the sentences that mail and letters share.

The name of a type stands in quotation marks, so that no sentence must know its gender. The city's contact may be an
e-mail address or a telephone number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from issuers.notices import REMINDER, RENEWED
from issuers.shown import shown_date
from walletpass.errors import WalletPassError
from walletpass.pass_type import PassType
from walletpass.passes import Pass

OUTDATED = "outdated"  # it was renewed meanwhile
TRUE_NO_LONGER = ("revoked", "suspended", "expired", OUTDATED)  # codes of what is not told for that reason
_GOOD = ("valid", "not_yet_valid")
_SOON = 7  # days: from then on the subject says so


class UnknownOccasion(WalletPassError):
    """What the outbox asks to tell is nothing that this version knows."""

    code = "unknown_occasion"


@dataclass(frozen=True, slots=True)
class Occasion:
    """A renewal, or the reminder that many `days` before the end."""

    days: int | None = None

    def why_not(self, pass_: Pass, today: date) -> str | None:
        """Why the holder is not told after all: `revoked`, `suspended`, `expired` or `outdated`; else None."""
        word = pass_.status_word(today)
        if word not in _GOOD:
            return word
        if self.days is not None and (pass_.valid_until - today).days > self.days:
            return OUTDATED
        return None


def read_occasion(detail: str) -> Occasion:
    """The occasion that an outbox row names; raises `UnknownOccasion`."""
    if detail == RENEWED:
        return Occasion()
    number = detail.removeprefix(REMINDER)
    if detail.startswith(REMINDER) and number.isascii() and number.isdigit():
        return Occasion(int(number))
    raise UnknownOccasion("This occasion is not known here; a newer version may have written it.")


@dataclass(frozen=True, slots=True)
class Notice:
    """What a holder reads, in one language. `actions` is what to do by mail, `actions_on_paper` in a letter."""

    subject: str
    facts: str
    actions: str
    actions_on_paper: str
    contact: str


def notice(
    pass_: Pass, pass_type: PassType, occasion: Occasion, contact: str, language: str, written_on: date
) -> Notice:
    """The sentences of an occasion. Of the pass only its kind and its days are told."""
    words = _WORDS[language]
    days = occasion.days
    name = "renewed" if days is None else "ends_soon" if days <= _SOON else "ends"
    facts = "renewed_ahead_facts" if days is None and pass_.valid_from > written_on else f"{name}_facts"
    values = {
        "label": pass_type.labels[language],
        "begin": shown_date(pass_.valid_from, language),
        "until": shown_date(pass_.valid_until, language),
        "contact": contact,
    }
    actions = "renewed_actions" if days is None else "ends_actions"
    return Notice(
        subject=words[f"{name}_subject"].format_map(values),
        facts=words[facts].format_map(values),
        actions=words[actions].format_map(values),
        actions_on_paper=words.get(f"{actions}_on_paper", words[actions]).format_map(values),
        contact=words["contact"].format_map(values),
    )


def greeting(pass_: Pass, language: str) -> str:
    """Guten Tag Anna Müller,"""
    holder = pass_.holders[0] if pass_.holders else None
    name = f"{holder.given_name} {holder.family_name}".strip() if holder else ""
    return f"{_WORDS[language]['greeting']} {name}".strip() + ","


_WORDS: Mapping[str, Mapping[str, str]] = {
    "de": {
        "greeting": "Guten Tag",
        "renewed_subject": "{label}: verlängert bis {until}",
        "renewed_facts": "Ihr Ausweis „{label}“ ist verlängert. Er gilt jetzt bis einschließlich {until}.",
        "renewed_ahead_facts": "Ihr Ausweis „{label}“ ist verlängert. Er gilt vom {begin} bis einschließlich {until}.",
        "renewed_actions": "Haben Sie ihn auf dem Telefon, ändert sich das dort von selbst; Sie müssen nichts tun. "
        "Eine Karte auf Papier gilt nur bis zu dem Tag, der darauf steht. Brauchen Sie eine neue, sagen Sie uns bitte "
        "Bescheid.",
        "renewed_actions_on_paper": "Haben Sie ihn auf dem Telefon, ändert sich das dort von selbst. Eine ältere Karte "
        "auf Papier gilt nur bis zu dem Tag, der darauf steht.",
        "ends_subject": "{label}: gültig bis {until}",
        "ends_soon_subject": "{label}: nur noch gültig bis {until}",
        "ends_facts": "Ihr Ausweis „{label}“ gilt noch bis einschließlich {until}.",
        "ends_soon_facts": "Ihr Ausweis „{label}“ gilt nur noch bis einschließlich {until}.",
        "ends_actions": "Möchten Sie ihn danach weiter nutzen? Dann beantragen Sie bitte vorher die Verlängerung. "
        "Haben Sie das schon getan, oder brauchen Sie ihn nicht mehr, müssen Sie nichts tun.",
        "contact": "Sie erreichen uns unter {contact}.",
    },
    "en": {
        "greeting": "Hello",
        "renewed_subject": "{label}: renewed until {until}",
        "renewed_facts": "Your pass “{label}” has been renewed. It is now valid until {until}, including that day.",
        "renewed_ahead_facts": "Your pass “{label}” has been renewed. It is valid from {begin} until {until}, "
        "including both days.",
        "renewed_actions": "If you have it on your phone, it changes there by itself; there is nothing to do. A card "
        "on paper is valid only until the day that it names. If you need a new one, please tell us.",
        "renewed_actions_on_paper": "If you have it on your phone, it changes there by itself. An older card on paper "
        "is valid only until the day that it names.",
        "ends_subject": "{label}: valid until {until}",
        "ends_soon_subject": "{label}: valid only until {until}",
        "ends_facts": "Your pass “{label}” is valid until {until}, including that day.",
        "ends_soon_facts": "Your pass “{label}” is valid only until {until}, including that day.",
        "ends_actions": "Would you like to use it after that? Then please apply for its renewal before that day. If "
        "you have done so already, or need it no longer, there is nothing to do.",
        "contact": "You can reach us at {contact}.",
    },
}
