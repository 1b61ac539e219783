"""Mails of a batch are each others' concern no more than need be: what one is, or does, and who holds it by now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select, update

from issuers import campaigns, repository
from issuers.models import holders, outbox, passes
from issuers.notices import Inform
from issuers.outbox import Errand, Report
from issuers.tasks.campaign import CampaignTask
from issuers.tasks.mail import MailTask
from tests.city import City
from tests.conftest import new_database
from tests.issuers.campaign_city import changes, exported, permits, renewals, shown, starts, works
from tests.issuers.outbox_work import performs, rows
from tests.issuers.smtp_server import SmtpServer
from tests.issuers.test_mail import mailing, outcomes, residents, tells
from web.database import read_transaction, write_transaction

MakeCity = Callable[..., City]


@pytest.fixture
def server() -> Iterator[SmtpServer]:
    with SmtpServer() as running:
        yield running


@pytest.fixture
def city(request: pytest.FixtureRequest, database_kind: str, make_city: MakeCity, server: SmtpServer) -> City:
    """It sends mail; once on SQLite and once on PostgreSQL."""
    url = "" if database_kind == "sqlite" else new_database(request.getfixturevalue("postgresql"))
    return mailing(make_city, server.port, database_url=url)


class Interrupted(Report):
    """Something happens before the worker asks for its mail number `at`."""

    at = 0

    def happens(self) -> None:
        raise NotImplementedError

    def holds(self, errand: Errand) -> bool:
        self.at -= 1
        if self.at == 0:
            self.happens()
        return super().holds(errand)


def sends(city: City, at: int, happens: Callable[[], object]) -> None:
    """Send what is due, as one claim."""
    claim = city.office.outbox.claim("mail", 50, MailTask.lease)
    assert claim
    report = Interrupted(city.office.engine, city.clock, claim, MailTask.lease)
    report.at = at
    vars(report)["happens"] = happens
    MailTask(city.office).perform(city.office.outbox.held(claim), report)


def campaign_of(city: City, count: int, inform: Inform = Inform.MAIL) -> int:
    number = starts(city, renewals(city, permits(city, count)), inform=inform)
    works(city, CampaignTask(city.office))
    return number


def test_a_worker_that_slept_sends_nothing_that_another_has_taken_over(city: City, server: SmtpServer) -> None:
    tells(city, *residents(city, 6))

    def sleeps() -> None:
        city.later(seconds=MailTask.lease + 1)
        other = threading.Thread(target=performs, args=(city, "mail"))
        other.start()
        other.join()

    sends(city, 3, sleeps)
    assert sorted(mail.to[0] for mail in server.mails) == [f"person{number}@example.org" for number in range(6)]


def test_a_worker_that_slept_and_was_not_missed_goes_on_and_nobody_takes_over(city: City, server: SmtpServer) -> None:
    tells(city, *residents(city, 6))
    sends(city, 3, lambda: city.later(seconds=MailTask.lease + 1))
    assert len(server.mails) == 6
    assert outcomes(city) == ["done"] * 6


@pytest.mark.parametrize(("change", "left"), [(campaigns.pause, "open"), (campaigns.cancel, "cancelled")])
def test_a_mail_whose_campaign_stops_after_the_claim_is_not_sent(
    city: City, server: SmtpServer, change: Any, left: str
) -> None:
    number = campaign_of(city, 5)
    sends(city, 3, lambda: changes(city, change, number))
    assert len(server.mails) == 2
    told = shown(city, number)["messages"]["mail"]
    assert (told["done"], told[left]) == (2, 3)
    city.later(days=1)
    works(city, CampaignTask(city.office), MailTask(city.office))
    assert len(server.mails) == 2
    if change is campaigns.pause:
        changes(city, campaigns.resume, number)
        works(city, MailTask(city.office))
        assert len(server.mails) == 5
    else:
        assert city.office.outbox.waiting() == {}


def test_what_is_wrong_with_one_mail_stops_no_other(city: City, server: SmtpServer) -> None:
    told = residents(city, 4)
    tells(city, *told)
    with write_transaction(city.office.engine) as connection:
        odd = update(holders).where(holders.c.serial == told[0].serial)
        connection.execute(odd.values(email="=?x?q?a?=@example.org"))
        connection.execute(update(passes).where(passes.c.serial == told[1].serial).values(type="switched_off"))
    performs(city, "mail", OneFails(city, told[2].serial))
    assert outcomes(city) == ["done no_mail_address", "quarantine unknown_type", "later internal_error", "done"]
    assert [row["subject"] for row in rows(city, "letter")] == [told[0].serial]
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("inform", "street", "outcome", "letters"),
    [
        (Inform.MAIL_OR_LETTER, "Bilker Allee 5", "done no_mail_address", 1),
        (Inform.MAIL_OR_LETTER, "", "quarantine no_mail_address", 0),
        (Inform.MAIL, "Bilker Allee 5", "quarantine no_mail_address", 0),
    ],
)
def test_who_has_no_address_for_mails_any_more_gets_a_letter_where_one_is_wanted(
    city: City, server: SmtpServer, inform: Inform, street: str, outcome: str, letters: int
) -> None:
    number = campaign_of(city, 2, inform)
    with write_transaction(city.office.engine) as connection:
        one = connection.scalars(select(outbox.c.subject).where(outbox.c.kind == "mail").limit(1)).one()
        connection.execute(update(holders).where(holders.c.serial == one).values(email="", street=street))
    performs(city, "mail")
    assert sorted(outcomes(city)) == sorted(["done", outcome])
    assert [(row["subject"], row["campaign"]) for row in rows(city, "letter")] == [(one, number)] * letters
    assert len(server.mails) == 1


def test_no_letter_is_written_for_a_campaign_that_was_paused_meanwhile(city: City, server: SmtpServer) -> None:
    number = campaign_of(city, 1, Inform.MAIL_OR_LETTER)
    with write_transaction(city.office.engine) as connection:
        connection.execute(update(holders).values(email=""))
    task = MailTask(city.office)
    claim = city.office.outbox.claim("mail", 1, task.lease)
    assert claim is not None
    held = city.office.outbox.held(claim)
    changes(city, campaigns.pause, number)
    report = city.office.outbox.report(claim, task.lease)
    with read_transaction(city.office.engine) as connection:
        pass_ = repository.one(connection, held[0].subject)
    assert task._by_letter(held[0], pass_, "no_mail_address", report)
    assert rows(city, "letter") == []
    changes(city, campaigns.resume, number)
    city.later(hours=1)
    performs(city, "mail")
    assert [row["campaign"] for row in rows(city, "letter")] == [number]
    assert server.mails == []


class OneFails(MailTask):
    """Fails with one pass in a way that nobody foresaw."""

    def __init__(self, city: City, serial: str) -> None:
        super().__init__(city.office)
        self._serial = serial

    async def _deliver(self, server: Any, room: Any, errand: Errand, pass_: Any) -> str:
        if errand.subject == self._serial:
            raise ValueError("nobody foresaw this")
        return await super()._deliver(server, room, errand, pass_)


def test_a_mail_that_was_true_no_longer_does_not_count_as_sent(city: City, server: SmtpServer) -> None:
    made = permits(city, 3)
    number = starts(city, renewals(city, made), inform=Inform.MAIL)
    works(city, CampaignTask(city.office))
    city.revokes(made[0])
    city.suspends(made[1])
    works(city, MailTask(city.office))
    assert len(server.mails) == 1
    assert [each["E-Mail"] for each in exported(city, number)] == [
        "entfallen (revoked)",
        "entfallen (suspended)",
        "gesendet",
    ]
    told = shown(city, number)["messages"]["mail"]
    assert told == {"done": 1, "open": 0, "failed": 0, "cancelled": 0, "outdated": 2}
