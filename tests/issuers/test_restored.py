"""What `walletpass restored` does about phones that were lost since the copy, and about messages sent since."""

from __future__ import annotations

import shutil
from datetime import timedelta

from issuers import campaigns
from issuers.models import outbox
from issuers.notices import Inform
from issuers.printed_files import delete_printed
from issuers.reminders import give_reminders
from issuers.residents import links
from issuers.restoring import CODE
from tests.city import City
from tests.issuers.api.conftest import Serve
from tests.issuers.campaign_city import changes, everything, permits, reads, renewals, shown, starts
from tests.issuers.disaster import Disaster, learns
from tests.issuers.outbox_work import performs, rows
from tests.issuers.test_letters import prints, residents, texts, writes
from tests.issuers.wallets.apple.phones import PERMIT, tells
from tests.issuers.wallets.iphone import IPhone, opened
from tests.phone import Phone
from walletpass.passes import Pass
from web.database import read_transaction, write_transaction

MESSAGES = ("mail", "letter", "print")


def restored(disaster: Disaster) -> City:
    """Restored beside the published documents that survived, and after `walletpass restored`."""
    disaster.city.publishes()
    disaster.city.later(minutes=10)
    city = disaster.restore(published=disaster.city.settings.published)
    learns(city)
    city.later(seconds=5)
    return city


def test_a_phone_that_was_lost_since_the_copy_gets_no_pass_again(disaster: Disaster, serve: Serve) -> None:
    city = disaster.city
    service, permit = serve(city), city.grants(PERMIT)
    lost = IPhone(service.client)
    held = lost.adds(city.offers(permit, "apple").body)
    disaster.copy()
    city.later(hours=1)
    city.withdraws(permit, "apple")
    found = IPhone(service.client).adds(city.offers(permit, "apple").body)
    city = restored(disaster)
    city.reinstates(permit)
    lost.client = serve(city).client
    tells(city)
    assert lost.is_pushed() == ["Neuer Status: Auf diesem Gerät beendet"]
    assert held.json["voided"] is True and "barcodes" not in held.json
    new = IPhone(lost.client)
    replacement = new.adds(city.offers(permit, "apple").body)
    assert replacement.json["serialNumber"] not in (held.json["serialNumber"], found.json["serialNumber"])
    city.suspends(permit)
    tells(city)
    assert new.is_pushed() == ["Neuer Status: Ausgesetzt"]
    assert lost.is_pushed() == []


def test_names_given_out_since_the_copy_are_given_to_no_other_phone(disaster: Disaster) -> None:
    city, permit = disaster.city, disaster.city.grants(PERMIT)
    disaster.copy()
    city.later(hours=1)
    lost = [opened(city.offers(permit, "apple").body)["serialNumber"]]
    city.withdraws(permit, "apple")
    lost.append(opened(city.offers(permit, "apple").body)["serialNumber"])
    city = restored(disaster)
    assert opened(city.offers(permit, "apple").body)["serialNumber"] not in lost


def test_a_page_that_was_closed_since_the_copy_stays_closed(disaster: Disaster) -> None:
    city = disaster.city
    lost, kept = city.grants(PERMIT), city.grants(PERMIT)
    secrets = [city.link(pass_) for pass_ in (lost, kept)]
    for secret in secrets:
        city.binds(secret, Phone())
    disaster.copy()
    city.later(hours=1)
    city.link(lost)
    city = restored(disaster)
    city.reinstates(lost)
    with read_transaction(city.office.engine) as connection:
        assert [links.find(connection, secret) for secret in secrets] == [None, kept.serial]


def waiting(city: City, *kinds: str) -> list[tuple[str | None, bool]]:
    """Of what is not done: the code, and whether it is in the quarantine."""
    found = [row for kind in kinds for row in rows(city, kind) if row["done_at"] is None]
    return [(row["code"], row["failed_at"] is not None) for row in found]


def test_mails_letters_and_print_batches_wait_for_a_person(disaster: Disaster) -> None:
    city = disaster.city
    writes(city, residents(city, 1))
    performs(city, "letter")
    city.later(seconds=900)
    performs(city, "letter")
    writes(city, residents(city, 2))
    with write_transaction(city.office.engine) as connection:
        row = {"kind": "mail", "subject": "0" * 20, "detail": "renewed", "created_at": 1, "due_at": 1}
        connection.execute(outbox.insert().values(row))
    disaster.copy()
    city = restored(disaster)
    assert waiting(city, *MESSAGES) == [(CODE, True)] * 4
    assert city.office.outbox.due().isdisjoint(MESSAGES)
    assert not (city.settings.issuer_home / "print").exists()
    again = {row["id"] for row in city.office.outbox.failed() if row["kind"] != "mail"}
    city.office.outbox.retry(again)
    assert len(prints(city)) == 2


def test_running_campaigns_are_paused_and_what_is_done_stays_done(disaster: Disaster) -> None:
    city = disaster.city
    known = permits(city, 3)
    done = starts(city, renewals(city, known[:1]), inform=Inform.LETTER)
    everything(city)
    running = starts(city, renewals(city, known), inform=Inform.LETTER)
    half = starts(city, renewals(city, known, days=400), inform=Inform.LETTER)
    disaster.copy()
    city = restored(disaster)
    assert [shown(city, number)["state"] for number in (done, running, half)] == ["done", "paused", "paused"]
    everything(city)
    assert rows(city, "letter")[1:] == []
    changes(city, campaigns.resume, running)
    reads(city)
    assert len(rows(city, "letter")) == 3


def ending(city: City, days: int) -> Pass:
    until = city.today + timedelta(days=days)
    return city.grants("library_card", valid_from=until - timedelta(days=365), valid_until=until)


def test_reminders_that_are_due_are_taken_for_given(disaster: Disaster) -> None:
    city = disaster.city
    soon, suspended, _, _ = (ending(city, days) for days in (10, 10, 59, 300))
    city.qr(suspended)
    disaster.copy()
    assert give_reminders(city.office) == {"reminders": 3, "letter": 3}
    city.suspends(suspended)
    city = restored(disaster)
    assert give_reminders(city.office) == {}
    city.reinstates(suspended)
    assert give_reminders(city.office) == {}, "whoever it was, they were told before"
    city.later(days=8)
    assert give_reminders(city.office) == {"reminders": 2, "letter": 2}
    assert sorted(row["subject"] for row in rows(city, "letter")) == sorted([soon.serial, suspended.serial])


def test_a_file_that_outlived_its_database_is_not_overwritten(disaster: Disaster) -> None:
    city = disaster.city
    passes = residents(city, 2)
    disaster.copy()
    writes(city, passes[:1])
    [old] = prints(city)
    city = restored(disaster)
    folder = city.settings.issuer_home / "print"
    shutil.copytree(old.parent, folder)
    writes(city, passes[1:])
    files = {path.name: path for path in prints(city)}
    [new] = files.keys() - {old.name}
    assert files[old.name].read_bytes() == old.read_bytes()
    assert "Müller1" in texts(files[new])[0]
    city.later(days=31)
    assert delete_printed(city.office) == 1
    assert [path.name for path in folder.iterdir()] == [old.name], "what the database does not know is somebody's"
