"""A pass that ends says so on the lock screen, three times and no more: from the calendar to the phone."""

from __future__ import annotations

from datetime import timedelta

from issuers.reminders import give_reminders
from tests.issuers.wallets.apple.phones import PERMIT, Street, tasks_of, works
from tests.issuers.wallets.iphone import IPhone
from tests.issuers.wallets.push_server import PushServer


def test_each_reminder_reaches_the_phone_once(street: Street, apple: PushServer) -> None:
    city, phone = street.city, IPhone(street.client)
    last = city.today + timedelta(days=70)
    phone.adds(city.offers(city.grants(PERMIT, valid_until=last), "apple").body)
    shown: dict[int, list[str]] = {}
    with tasks_of(city) as tasks:
        for days in (61, 60, 60, 59, 15, 14, 14, 13, 4, 3, 3, 2, 0):  # twice on a day: there is nothing left to say
            city.later(days=(last - city.today).days - days)
            give_reminders(city.office)
            works(city, tasks)
            if apple.tokens():
                apple.received.clear()
                shown.setdefault(days, []).extend(phone.is_pushed())
    assert shown == {
        days: [
            f"Ihr Ausweis endet in höchstens {days} Tagen, am {last:%d.%m.%Y}. "
            "Wenn Sie ihn weiter brauchen, verlängern Sie ihn bitte rechtzeitig."
        ]
        for days in (60, 14, 3)
    }
