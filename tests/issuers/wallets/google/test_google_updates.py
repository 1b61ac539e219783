"""From a change of a pass to its object at Google: what it shows, what its holder is told, and once only."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from issuers.reminders import give_reminders
from issuers.tasks import load_tasks
from issuers.wallets.google.updates import build_updates
from issuers.worker import Worker, worker_name
from tests.issuers.test_worker import until, waiting, working
from tests.issuers.wallets.google.conftest import ADD_MESSAGE, INSERT, PATCH, Google
from walletpass.passes import Pass

PERMIT = "resident_parking_permit"


def renew(google: Google, permit: Pass, days: int = 365) -> str:
    """The new last day, in ISO."""
    last = google.city.stored(permit).valid_until + timedelta(days=days)
    google.city.renews(permit, last)
    return last.isoformat()


def again(google: Google, permit: Pass, detail: str = "") -> None:
    """The same row once more, as after a kill between Google's answer and the report."""
    with google.city.office.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO outbox (kind, subject, detail, created_at, due_at, attempts) "
            f"VALUES ('update-google', '{permit.serial}', '{detail}', 0, 0, 0)"
        )
    google.work()


def link_payload(google: Google, permit: Pass) -> dict[str, Any]:
    token = google.city.offers(permit, "google").body.decode().rpartition("/")[2]
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["payload"]
    return found


def test_a_new_offer_puts_its_object_at_google_where_the_skinny_link_finds_it(google_on: Google) -> None:
    permit = google_on.saves()
    [named] = link_payload(google_on, permit)["genericObjects"]
    found = google_on.emulator.stored["genericObject"][named["id"]]
    assert found["state"] == "ACTIVE" and found["barcode"]["value"]
    assert named["classId"] in google_on.emulator.stored["genericClass"]
    assert "messages" not in found


def test_a_new_object_costs_one_request_and_a_second_offer_none(google: Google) -> None:
    permit = google.saves()
    google.city.offers(permit, "google")
    google.work()
    assert google.count(INSERT) == 1 and google.count(PATCH) == 0


def test_a_link_with_the_object_leaves_the_class_to_the_interface(google: Google) -> None:
    payload = link_payload(google, google.saves("library_card"))
    assert payload["genericClasses"] == [{"id": payload["genericObjects"][0]["classId"]}]
    assert "logo" not in payload["genericObjects"][0]


def test_a_renewal_reaches_the_object_and_says_until_when_once(google_on: Google) -> None:
    permit = google_on.saves()
    last = renew(google_on, permit)
    google_on.work()
    found = google_on.object(permit.serial)
    assert found["validTimeInterval"]["end"]["date"].startswith(last)
    [message] = found["messages"]
    assert message["id"] == f"renewed-{last}" and message["messageType"] == "TEXT_AND_NOTIFY"
    year, month, day = last.split("-")
    assert message["body"] == f"Gilt jetzt bis {day}.{month}.{year}."
    assert message["localizedBody"]["translatedValues"][0]["value"].startswith("Now valid until ")
    again(google_on, permit, "renewed")
    assert google_on.emulator.messages_notified(permit.serial) == [message["id"]]


def test_a_change_that_is_no_renewal_tells_nothing(google: Google) -> None:
    permit = google.saves()
    before = google.object(permit.serial)["barcode"]["value"]
    google.city.amends(permit, plates=("D-NEU 77",))
    google.work()
    found = google.object(permit.serial)
    assert "D-NEU 77" in json.dumps(found["textModulesData"])
    assert found["barcode"]["value"] != before
    assert google.count(ADD_MESSAGE) == 0


def test_a_suspended_pass_loses_its_code_until_it_is_reinstated(google_on: Google) -> None:
    permit = google_on.saves()
    google_on.city.suspends(permit)
    google_on.work()
    assert google_on.object(permit.serial)["state"] == "INACTIVE"
    assert "barcode" not in google_on.object(permit.serial)
    google_on.city.reinstates(permit)
    google_on.work()
    assert google_on.object(permit.serial)["state"] == "ACTIVE"
    assert google_on.object(permit.serial)["barcode"]["value"]


def test_a_revoked_library_card_loses_its_number_and_its_messages(google: Google) -> None:
    card = google.saves("library_card")
    renew(google, card)
    google.work()
    assert google.object(card.serial)["messages"]
    google.city.revokes(card)
    google.work()
    found = google.object(card.serial)
    assert found["state"] == "INACTIVE" and "barcode" not in found and "messages" not in found


def test_a_pass_that_ran_out_is_shown_as_expired_and_comes_back_with_its_renewal(google: Google) -> None:
    permit = google.saves(valid_until=google.city.today + timedelta(days=3))
    google.city.later(days=5)
    again(google, permit)
    assert google.object(permit.serial)["state"] == "EXPIRED"
    assert "barcode" not in google.object(permit.serial)
    renew(google, permit, 90)
    google.work()
    assert google.object(permit.serial)["state"] == "ACTIVE"
    assert len(google.emulator.messages_notified(permit.serial)) == 1


def test_a_lost_phones_object_dies_and_the_next_offer_makes_another(google_on: Google) -> None:
    permit = google_on.saves()
    lost = google_on.object(permit.serial)["barcode"]["value"]
    google_on.city.later(minutes=1)
    google_on.city.withdraws(permit, "google")
    google_on.work()
    assert google_on.object(permit.serial)["state"] == "INACTIVE"
    assert "barcode" not in google_on.object(permit.serial)
    [named] = link_payload(google_on, permit)["genericObjects"]
    assert named["id"].endswith(f".{permit.serial}-2")
    google_on.work()
    second = google_on.object(f"{permit.serial}-2")
    assert second["state"] == "ACTIVE" and second["barcode"]["value"] not in ("", lost)


def test_what_ended_is_not_put_again_by_later_changes(google: Google) -> None:
    permit = google.saves()
    google.city.later(minutes=1)
    google.city.withdraws(permit, "google")
    google.city.later(minutes=1)
    google.work()
    google.city.offers(permit, "google")
    google.work()
    patched = google.count(PATCH)
    renew(google, permit)
    google.work()
    assert google.count(PATCH) == patched + 1
    assert google.object(f"{permit.serial}-2")["messages"]
    assert "messages" not in google.object(permit.serial)


def test_an_ended_copy_that_google_never_had_is_put_there_dead_so_that_its_link_saves_nothing(google: Google) -> None:
    permit = google.city.grants(PERMIT)
    google.city.offers(permit, "google")
    google.city.withdraws(permit, "google")
    google.work()
    assert google.object(permit.serial)["state"] == "INACTIVE"


def test_each_reminder_is_told_once_and_goes_when_the_pass_is_renewed(google: Google) -> None:
    permit = google.saves(valid_until=google.city.today + timedelta(days=61))
    last = google.city.stored(permit).valid_until.isoformat()
    for days in (2, 46, 1):
        google.city.later(days=days)
        give_reminders(google.city.office)
        google.work()
    told = [f"reminder-60-{last}", f"reminder-14-{last}"]
    assert google.emulator.messages_notified(permit.serial) == told
    first = google.object(permit.serial)["messages"][0]
    assert first["displayInterval"]["end"]["date"] > last
    google.city.suspends(permit)
    google.work()
    google.city.reinstates(permit)
    google.work()
    assert google.emulator.messages_notified(permit.serial) == told, "the same end is near as before"
    last = renew(google, permit)
    google.work()
    assert [message["id"] for message in google.object(permit.serial)["messages"]] == [f"renewed-{last}"]


def test_there_is_always_room_for_another_message(google: Google) -> None:
    permit = google.saves(valid_until=google.city.today + timedelta(days=20))
    for _ in range(13):
        google.city.later(days=3)
        renew(google, permit, 5)
        google.work()
    assert len(google.emulator.messages_notified(permit.serial)) == 13
    assert len(google.object(permit.serial)["messages"]) <= 10


def test_a_fourth_notification_in_a_day_is_a_message_without_one(google: Google) -> None:
    permit = google.saves()
    for _ in range(4):
        renew(google, permit, 10)
        google.work()
    assert len(google.emulator.messages_notified(permit.serial)) == 3
    kinds = [message["messageType"] for message in google.object(permit.serial)["messages"]]
    assert kinds == ["TEXT_AND_NOTIFY"] * 3 + ["TEXT"]


def test_a_code_goes_even_if_null_took_nothing_away(google: Google) -> None:
    permit = google.saves()
    renew(google, permit)
    google.work()
    google.emulator.honours_null = False
    google.city.suspends(permit)
    google.work()
    found = google.object(permit.serial)
    assert "barcode" not in found and len(found["messages"]) == 1
    google.city.revokes(permit)
    google.work()
    assert "messages" not in google.object(permit.serial)


def test_several_rows_of_one_pass_are_one_request(google: Google) -> None:
    permit = google.saves()
    google.city.suspends(permit)
    google.city.reinstates(permit)
    google.work()
    assert google.count(PATCH) == 1


def test_without_an_address_nothing_is_asked_of_google(make_google: Callable[..., Google]) -> None:
    google = make_google(google_api_url="")
    permit = google.saves()
    google.city.suspends(permit)
    google.work()
    assert not google.emulator.requests and waiting(google.city) == 0


@pytest.mark.parametrize("url", ["http://walletobjects.example.org", "ftp://example.org", "walletobjects"])
def test_tokens_are_sent_over_tls_only(url: str, make_google: Callable[..., Google]) -> None:
    with pytest.raises(ValueError, match="WALLETPASS_GOOGLE_API_URL is an https address"):
        make_google(google_api_url=url)


def test_callbacks_are_asked_for_where_google_can_reach_the_city(make_google: Callable[..., Google]) -> None:
    google = make_google()
    google.saves()
    [class_] = google.emulator.stored["genericClass"].values()
    assert "callbackOptions" not in class_, "http:// is not reached"
    settings = google.city.settings.model_copy(update={"public_url": "https://ausweis.duesseldorf.de"})
    task = build_updates(google.city.office, settings, google.city.office.signer)
    google.tasks["update-google"].close()
    google.tasks["update-google"] = task
    google.saves()
    [class_] = google.emulator.stored["genericClass"].values()
    assert class_["callbackOptions"] == {"url": "https://ausweis.duesseldorf.de/google/callback"}


def test_a_real_worker_tells_google_of_every_change(google_on: Google) -> None:
    office = google_on.city.office
    permits = [google_on.city.grants(PERMIT) for _ in range(60)]
    office.offer([permit.serial for permit in permits], "google", "", google_on.city.order())
    google_on.city.suspends(permits[0])
    with worker_name(office) as name, working(Worker(office, name, load_tasks(office), {})):
        until(lambda: waiting(google_on.city) == 0)
    states = [google_on.object(permit.serial)["state"] for permit in permits]
    assert states == ["INACTIVE"] + ["ACTIVE"] * 59
