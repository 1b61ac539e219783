"""What workers do at set times of the day, in the city's time (cron). Each may be done twice without harm."""

from __future__ import annotations

from collections.abc import Callable

from issuers import campaigns
from issuers.office import Office
from issuers.printed_files import delete_printed
from issuers.reminders import give_reminders
from web.database import write_transaction

DONE_KEPT = 30 * 86400  # seconds that an outbox row stays after it was done
CAMPAIGNS_KEPT = 400 * 86400  # seconds that a campaign's result can be fetched: a year, and time to compare

Times = dict[str, tuple[str, Callable[[], None]]]


def set_times(office: Office) -> Times:
    """By name: when, and what."""

    def forget_done() -> None:
        office.outbox.forget(int(office.seconds()) - DONE_KEPT)

    def forget_campaigns() -> None:
        with write_transaction(office.engine) as connection:
            now = int(office.seconds())
            campaigns.forget(connection, now - CAMPAIGNS_KEPT, now)

    def remind() -> None:
        give_reminders(office)

    def forget_printed() -> None:
        delete_printed(office)

    return {
        "forget_done": ("17 3 * * *", forget_done),
        "forget_printed": ("37 3 * * *", forget_printed),
        "forget_campaigns": ("27 3 * * *", forget_campaigns),
        "give_reminders": ("30 6-18 * * *", remind),  # once a day; the other hours are for a machine that was off
    }
