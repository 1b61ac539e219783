"""Reminders before the end of passes: which, when, once; on both databases, over restarts, by several workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import func, select, text

from issuers.carrier_models import reminders
from issuers.office import Office
from issuers.reminder_days import reached
from issuers.reminders import give_reminders
from issuers.set_times import set_times
from issuers.settings import IssuerSettings
from tests.city import ANNA, City
from tests.issuers.outbox_work import rows
from walletpass.errors import UnknownPassType
from walletpass.pass_types import load_catalogue
from walletpass.passes import Pass
from web.database import read_transaction

MakeCity = Callable[..., City]
DAYS = (3, 14, 60)


def ending(city: City, days: int, pass_type: str = "library_card", **more: Any) -> Pass:
    """A pass that ends in so many days, after a year."""
    until = city.today + timedelta(days=days)
    return city.grants(pass_type, valid_from=until - timedelta(days=365), valid_until=until, **more)


def reminded(city: City) -> list[tuple[str, str]]:
    """Who was told of what, by letter: serial and occasion."""
    return [(row["subject"], row["detail"]) for row in rows(city, "letter")]


@pytest.mark.parametrize(
    ("left", "whole", "found"),
    [
        (61, 365, None),
        (60, 365, 60),
        (15, 365, 60),
        (14, 365, 14),
        (10, 365, 14),
        (3, 365, 3),
        (0, 365, 3),
        (-1, 365, None),
        (10, 10, None),
        (14, 14, None),
        (14, 15, 14),
        (3, 10, 3),
        (2, 2, None),
    ],
)
def test_the_nearest_day_that_is_reached_counts(left: int, whole: int, found: int | None) -> None:
    until = date(2027, 3, 1)
    assert reached(until - timedelta(days=whole), until, until - timedelta(days=left), DAYS) == found


def test_a_year_brings_each_reminder_once(city_on: City) -> None:
    card = ending(city_on, 70)
    for _ in range(80):
        give_reminders(city_on.office)
        city_on.later(days=1)
    assert reminded(city_on) == [(card.serial, f"reminder-{days}") for days in (60, 14, 3)]


def test_a_second_run_and_a_restart_remind_nobody_again(city_on: City) -> None:
    passes = [ending(city_on, days) for days in (60, 14, 3)]
    assert give_reminders(city_on.office) == {"reminders": 3, "letter": 3}
    assert give_reminders(city_on.office) == {}
    assert give_reminders(Office(city_on.settings, city_on.clock)) == {}
    assert len(reminded(city_on)) == len(passes)


def test_several_workers_at_once_remind_each_once(city_on: City) -> None:
    serials = {ending(city_on, days).serial for days in range(1, 61)}
    offices = [Office(city_on.settings, city_on.clock) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        given = list(pool.map(give_reminders, offices))
    for office in offices:
        office.engine.dispose()
    assert sum(given, Counter())["reminders"] == 60
    told = reminded(city_on)
    assert len(told) == 60 and {serial for serial, _ in told} == serials


def test_days_that_were_missed_are_made_up_for_by_the_nearest_reminder_only(city_on: City) -> None:
    card = ending(city_on, 61)
    city_on.later(days=50)
    give_reminders(city_on.office)
    assert reminded(city_on) == [(card.serial, "reminder-14")]


def test_a_clock_that_goes_back_reminds_nobody_of_an_earlier_day(city_on: City) -> None:
    card = ending(city_on, 14)
    give_reminders(city_on.office)
    city_on.later(days=-30)
    give_reminders(city_on.office)
    assert reminded(city_on) == [(card.serial, "reminder-14")]


def test_only_a_valid_pass_is_reminded_of(city_on: City) -> None:
    suspended, revoked, over, kept = (ending(city_on, days) for days in (14, 14, -1, 14))
    city_on.suspends(suspended)
    city_on.revokes(revoked)
    give_reminders(city_on.office)
    assert [serial for serial, _ in reminded(city_on)] == [kept.serial]
    city_on.reinstates(suspended)
    give_reminders(city_on.office)
    assert [serial for serial, _ in reminded(city_on)] == [kept.serial, suspended.serial]
    assert over.serial not in dict(reminded(city_on))


def test_a_pass_that_is_granted_shortly_before_its_end_gets_one_reminder_at_most(city_on: City) -> None:
    late = ending(city_on, 10)
    week = city_on.grants("library_card", valid_from=city_on.today, valid_until=city_on.today + timedelta(days=7))
    two_days = city_on.grants("library_card", valid_from=city_on.today, valid_until=city_on.today + timedelta(days=2))
    give_reminders(city_on.office)
    assert reminded(city_on) == [(late.serial, "reminder-14")]
    city_on.later(days=4)
    give_reminders(city_on.office)
    assert reminded(city_on)[1:] == [(week.serial, "reminder-3")]
    assert two_days.serial not in dict(reminded(city_on))


def test_a_renewed_pass_is_reminded_of_its_new_end(city_on: City) -> None:
    card = ending(city_on, 3)
    give_reminders(city_on.office)
    city_on.renews(card, city_on.today + timedelta(days=63))
    give_reminders(city_on.office)
    city_on.later(days=60)
    give_reminders(city_on.office)
    assert reminded(city_on) == [(card.serial, "reminder-3")] * 2


def test_phones_and_paper_show_what_the_end_has_reached(city_on: City) -> None:
    card = ending(city_on, 60)
    order = city_on.order()

    def shown() -> int | None:
        [carried] = city_on.office.carry([card.serial], "qr", order)
        return carried.reminder

    assert shown() == 60
    city_on.later(days=57)
    assert shown() == 3
    city_on.renews(card, city_on.today + timedelta(days=100))
    assert shown() is None


def test_carriers_are_told_of_a_reminder_in_the_same_transaction(city_on: City) -> None:
    on_a_phone, nowhere = ending(city_on, 14), ending(city_on, 14)
    city_on.qr(on_a_phone)
    give_reminders(city_on.office)
    assert [row["subject"] for row in rows(city_on, "update-carriers")] == [on_a_phone.serial]
    assert nowhere.serial in dict(reminded(city_on))


@pytest.mark.parametrize("start", [datetime(2026, 3, 27, 5, tzinfo=UTC), datetime(2026, 10, 23, 4, tzinfo=UTC)])
def test_summer_time_moves_no_reminder(start: datetime, city: City) -> None:
    """The city's day counts: half an hour after midnight in Düsseldorf is the day before in Greenwich."""
    city.clock.seconds = start.timestamp()
    changes = date(2026, 3, 29) if start.month == 3 else date(2026, 10, 25)
    card = city.grants("library_card", valid_from=date(2026, 1, 1), valid_until=changes + timedelta(days=3))
    told = []
    for _ in range(24 * 5):
        if give_reminders(city.office):
            told.append((city.today, reminded(city)[-1][1]))
        city.later(hours=1)
    assert told == [(start.date(), "reminder-14"), (changes, "reminder-3")]
    assert card.serial in dict(reminded(city))


def test_a_year_ends_and_a_leap_day_counts(city: City) -> None:
    city.clock.seconds = datetime(2027, 12, 31, 23, 30, tzinfo=UTC).timestamp()  # 2028 in Düsseldorf
    assert city.today == date(2028, 1, 1)
    leap = city.grants("library_card", valid_from=date(2027, 3, 1), valid_until=date(2028, 3, 1))
    give_reminders(city.office)
    assert reminded(city) == [(leap.serial, "reminder-60")], "January has 31 days, this February 29"


def test_a_type_is_reminded_on_its_own_days_or_never(make_city: MakeCity) -> None:
    city = make_city(reminder_days={"library_card": [30], "social_pass": []})
    early, never, usual = (ending(city, 30, name) for name in ("library_card", "social_pass", "family_card"))
    give_reminders(city.office)
    assert sorted(reminded(city)) == sorted([(early.serial, "reminder-30"), (usual.serial, "reminder-60")])
    assert never.serial not in dict(reminded(city))


@pytest.mark.parametrize(
    ("inform", "found"),
    [
        ("mail_or_letter", {"mail": 1, "letter": 1, "nobody": 1}),
        ("mail", {"mail": 1, "nobody": 2}),
        ("letter", {"letter": 2, "nobody": 1}),
        ("none", {"nobody": 3}),
    ],
)
def test_how_reminders_reach_people_is_a_setting(inform: str, found: dict[str, int], make_city: MakeCity) -> None:
    city = make_city(reminders_inform=inform, smtp_host="localhost", mail_from="city@example.org")
    for holder in (ANNA, replace(ANNA, email=""), replace(ANNA, email="", street="")):
        city.qr(ending(city, 14, holder=holder))
    assert give_reminders(city.office) == {"reminders": 3, **found}
    assert {kind: len(rows(city, kind)) for kind in ("mail", "letter") if rows(city, kind)} == {
        kind: count for kind, count in found.items() if kind != "nobody"
    }
    assert len(rows(city, "update-carriers")) == 3


@pytest.mark.parametrize(
    "days", [{"library_card": [0]}, {"library_card": [366]}, {"library_card": list(range(1, 10))}, {"library_card": 3}]
)
def test_days_that_make_no_sense_are_refused(days: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="reminder_days"):
        IssuerSettings(reminder_days=days)


def test_days_for_a_type_that_there_is_not_are_refused() -> None:
    with pytest.raises(UnknownPassType):
        Office(IssuerSettings(reminder_days={"libary_card": [3]}))


def test_the_days_are_no_part_of_what_is_published(city: City) -> None:
    published = b"".join(path.read_bytes() for path in (city.settings.published / "types").rglob("*") if path.is_file())
    assert b"library_card" in published and b"reminder" not in published
    assert all(found.look.reminder_days for found in load_catalogue())


def test_reminders_are_given_at_a_set_time(city: City) -> None:
    ending(city, 14)
    cron, remind = set_times(city.office)["give_reminders"]
    assert cron.startswith("30 6")
    remind()
    assert len(reminded(city)) == 1


def test_many_passes_are_gone_through_in_pages(city_on: City) -> None:
    for _ in range(1201):
        ending(city_on, 14)
    assert give_reminders(city_on.office)["reminders"] == 1201
    with read_transaction(city_on.office.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(reminders)) == 1201


def test_the_daily_look_uses_an_index(city_on: City) -> None:
    query = "SELECT serial FROM passes WHERE type = 'library_card' AND status = 0 AND valid_until <= '2026-12-01'"
    with read_transaction(city_on.office.engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            plan = connection.execute(text(f"EXPLAIN {query}")).all()
        else:
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {query}")).all()
    assert "ix_passes_ending" in str(plan)
