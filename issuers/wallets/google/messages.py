"""What a phone is told beside the changed pass: that it was renewed, or that it ends soon. Pure functions.

A message's id says all that it says, so that a message which is there is not sent again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from issuers.shown import shown_date
from issuers.wallets import CarriedPass
from issuers.wallets.google.objects import local_time, localized
from walletpass.pass_type import LANGUAGES

MOST = 10  # of an object, as Google documents it
_KEPT = 5  # of the messages of earlier years, when there is no room for another
_REMINDER = "reminder-"
_RENEWED = {"de": "Verlängert: {label}", "en": "Renewed: {label}"}
_RENEWED_BODY = {"de": "Gilt jetzt bis {until}.", "en": "Now valid until {until}."}
_ENDING = {"de": "Läuft bald ab: {label}", "en": "Ends soon: {label}"}
_ENDING_BODY = {
    "de": "Gilt noch bis {until}. Bitte denken Sie an die Verlängerung.",
    "en": "Valid until {until}. Please remember to renew it.",
}


def due_messages(carried: CarriedPass, *, renewed: bool) -> list[dict[str, Any]]:
    """What to tell, as Messages without a type; `renewed`: the change that is being told was a renewal."""
    until = carried.pass_.valid_until.isoformat()
    if renewed:  # which says until when, so that nobody is reminded in the same breath
        return [_message(carried, f"renewed-{until}", _RENEWED, _RENEWED_BODY)]
    if carried.reminder is None:
        return []
    reminder = _message(carried, f"{_REMINDER}{carried.reminder}-{until}", _ENDING, _ENDING_BODY)
    return [reminder | {"displayInterval": {"end": {"date": local_time(carried.expires)}}}]


def _message(
    carried: CarriedPass, message_id: str, headers: Mapping[str, str], bodies: Mapping[str, str]
) -> dict[str, Any]:
    labels, day = carried.pass_type.labels, carried.pass_.valid_until
    header = {language: headers[language].format(label=labels[language]) for language in LANGUAGES}
    body = {language: bodies[language].format(until=shown_date(day, language)) for language in LANGUAGES}
    return {
        "id": message_id,
        "header": header["de"],
        "body": body["de"],
        "localizedHeader": localized(header),
        "localizedBody": localized(body),
    }


def still_true(
    messages: Iterable[Mapping[str, Any]], carried: CarriedPass, coming: Collection[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Those of an object's messages that may stay: no reminder of an end that was put off, and few enough in all."""
    until = carried.pass_.valid_until.isoformat()
    kept = [
        message
        for message in messages
        if not str(message.get("id")).startswith(_REMINDER) or str(message.get("id")).endswith(until)
    ]
    return kept if len(kept) + len(coming) <= MOST else kept[-_KEPT:]
