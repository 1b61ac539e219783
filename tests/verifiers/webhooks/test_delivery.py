"""Messages on their way: signed, sent again, leased, given up, sent once more; on both databases."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler

import pytest
from standardwebhooks import Webhook as Independent
from standardwebhooks import WebhookVerificationError

from tests.verifiers.webhooks.conftest import House
from tests.verifiers.webhooks.receiver import Receiver, status
from verifiers.webhooks.delivery import DAY, KEPT, LEASE, PAUSES, Delivery
from verifiers.webhooks.errors import WebhookDisabled, WebhookEventUnknown, WebhookNotFound
from verifiers.webhooks.events import EVENTS, announce
from verifiers.webhooks.sending import Sender
from web.database import write_transaction


def deliver_all(house: House) -> int:
    """Everything that is due, once each; how many arrived."""
    arrived = 0
    for webhook_id in house.delivery.due():
        while (delivered := house.delivery.deliver(webhook_id)) is not None:
            arrived += delivered
    return arrived


def test_a_message_arrives_signed_as_an_independent_library_demands(house_on: House, receiver: Receiver) -> None:
    _, secret = house_on.webhooks.create(receiver.address)
    assert house_on.announce("device.revoked", device="d1") == 1
    assert receiver.received == []
    assert deliver_all(house_on) == 1
    [request] = receiver.received
    said = Independent(secret).verify(request.body, request.headers)
    assert (said["type"], said["data"]) == ("device.revoked", {"device": "d1"})
    assert said["timestamp"].endswith("Z")
    assert request.headers["content-type"] == "application/json"
    for changed in (request.body + b" ", request.body.replace(b"d1", b"d2")):
        with pytest.raises(WebhookVerificationError):
            Independent(secret).verify(changed, request.headers)
    message = house_on.message()
    assert (message.state, message.attempts, message.answer) == ("delivered", 1, "200")
    assert deliver_all(house_on) == 0


def test_what_is_rolled_back_is_never_sent(house_on: House, receiver: Receiver) -> None:
    house_on.webhooks.create(receiver.address)

    def revoke_in_vain() -> None:
        with write_transaction(house_on.store.engine) as connection:
            announce(connection, "device.revoked", {"device": "d1"}, house_on.store.now())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        revoke_in_vain()
    assert house_on.webhooks.messages() == []


def test_a_webhook_gets_the_events_it_asked_for(house_on: House, receiver: Receiver) -> None:
    some, _ = house_on.webhooks.create(receiver.address, {"case.filed", "device.wiped"})
    every, _ = house_on.webhooks.create(receiver.address)
    ended, _ = house_on.webhooks.create(receiver.address)
    house_on.webhooks.disable(ended.id)
    assert house_on.announce("device.wiped", device="d1") == 2
    assert house_on.announce("device.enrolled", device="d1") == 1
    assert {m.webhook_id for m in house_on.webhooks.messages() if m.event == "device.wiped"} == {some.id, every.id}
    assert [m.webhook_id for m in house_on.webhooks.messages() if m.event == "device.enrolled"] == [every.id]


def test_nothing_undeclared_can_leave(house: House) -> None:
    data: dict[str, object]
    for data in ({"device": "d1", "plate": "D-AB 1234"}, {}, {"plate": "D-AB 1234"}):
        with write_transaction(house.store.engine) as connection, pytest.raises(ValueError, match=r"revoked says"):
            announce(connection, "device.revoked", data)
    with pytest.raises(KeyError):
        house.announce("device.painted", device="d1")
    with pytest.raises(WebhookEventUnknown):
        house.webhooks.create("https://example.org/", ["device.painted"])
    assert not any({"name", "plate", "plates", "serial", "at", "zone"} & members for members in EVENTS.values())


def test_a_message_that_does_not_arrive_is_sent_again_after_each_pause_and_then_given_up(
    house_on: House, receiver: Receiver
) -> None:
    house_on.webhooks.create(receiver.address)
    house_on.announce()
    receiver.respond = status(500)
    for pause in PAUSES:
        assert deliver_all(house_on) == 0
        assert house_on.message().state == "waiting"
        assert house_on.waits() == pause
        house_on.clock.seconds += pause - 1
        assert house_on.delivery.due() == []
        house_on.clock.seconds += 1
    assert sum(PAUSES) > 3 * DAY
    deliver_all(house_on)
    message = house_on.message()
    assert (message.state, message.attempts, message.answer) == ("given_up", len(PAUSES) + 1, "500")
    assert [m.id for m in house_on.webhooks.messages(state="given_up")] == [message.id]
    assert {request.headers["webhook-id"] for request in receiver.received} == {message.id}
    times = [int(request.headers["webhook-timestamp"]) for request in receiver.received]
    assert times == sorted(set(times))


def test_pauses_differ_a_little_from_message_to_message(house: House, receiver: Receiver) -> None:
    house.webhooks.create(receiver.address)
    receiver.respond = status(503)
    delivery = Delivery(house.store, Sender(()))
    for _ in range(20):
        house.announce()
    for _ in range(3):
        for message in house.webhooks.messages():
            delivery.attempt(message.id)
        house.clock.seconds += PAUSES[1] * 2
    waits = {m.next_at for m in house.webhooks.messages()}
    assert len(waits) > 10


def test_a_receiver_that_is_gone_ends_its_webhook(house_on: House, receiver: Receiver) -> None:
    made, _ = house_on.webhooks.create(receiver.address)
    house_on.announce()
    house_on.announce()
    receiver.respond = status(410)
    deliver_all(house_on)
    assert len(receiver.received) == 1
    assert [webhook.disabled_at for webhook in house_on.webhooks.all()] == [house_on.store.now()]
    assert {m.state for m in house_on.webhooks.messages()} == {"given_up"}
    assert house_on.announce() == 0
    for again in (lambda: house_on.webhooks.test(made.id), lambda: house_on.webhooks.replay_since(0, made.id)):
        with pytest.raises(WebhookDisabled):
            again()
    with pytest.raises(WebhookDisabled):
        house_on.webhooks.replay(house_on.webhooks.messages()[0].id)
    assert house_on.webhooks.replay_since(0) == 0


def test_a_killed_process_loses_no_message_and_the_next_one_waits_for_its_lease(
    house_on: House, receiver: Receiver
) -> None:
    house_on.webhooks.create(receiver.address)
    house_on.announce()
    message = house_on.message()
    killed = house_on.another_process()
    with write_transaction(house_on.store.engine) as connection:
        assert killed._lease(connection, message.id) is not None  # and nothing more is heard of it
    assert deliver_all(house_on) == 0 and house_on.delivery.attempt(message.id) is None
    house_on.clock.seconds += LEASE
    assert deliver_all(house_on) == 1
    assert [request.headers["webhook-id"] for request in receiver.received] == [message.id]


def test_two_processes_that_look_at_the_same_moment_send_a_message_once(house_on: House, receiver: Receiver) -> None:
    house_on.webhooks.create(receiver.address)
    for _ in range(5):
        house_on.announce()
    ids = [message.id for message in house_on.webhooks.messages()]
    processes = [house_on.another_process() for _ in range(4)]
    with ThreadPoolExecutor(8) as pool:
        attempts = [pool.submit(process.attempt, each) for each in ids for process in processes]
        assert sum(attempt.result() is not None for attempt in attempts) == len(ids)
    assert sorted(request.headers["webhook-id"] for request in receiver.received) == sorted(ids)


def test_an_answer_that_comes_after_the_lease_does_not_undo_the_next_attempt(
    house_on: House, receiver: Receiver
) -> None:
    house_on.webhooks.create(receiver.address)
    house_on.announce()
    arrived, answer = threading.Event(), threading.Event()

    def late(handler: BaseHTTPRequestHandler) -> None:
        arrived.set()
        answer.wait(10)
        status(500)(handler)

    receiver.respond = late
    first = threading.Thread(target=house_on.another_process().attempt, args=(house_on.message().id,))
    first.start()
    assert arrived.wait(10)
    receiver.respond = status(503)
    house_on.clock.seconds += LEASE
    assert deliver_all(house_on) == 0
    answer.set()
    first.join()
    message = house_on.message()
    assert (message.attempts, message.answer, house_on.waits()) == (2, "503", PAUSES[1])


@pytest.mark.parametrize("jump", [-30 * DAY, -3 * DAY, 30 * DAY])
def test_a_clock_that_jumps_delays_no_message_for_long(house_on: House, receiver: Receiver, jump: int) -> None:
    house_on.webhooks.create(receiver.address)
    receiver.respond = status(500)
    house_on.announce()
    deliver_all(house_on)
    receiver.respond = status(200)
    house_on.clock.seconds += jump
    assert deliver_all(house_on) == 1


def test_a_message_is_sent_again_on_demand_under_its_own_id(house_on: House, receiver: Receiver) -> None:
    made, _ = house_on.webhooks.create(receiver.address)
    other, _ = house_on.webhooks.create(receiver.address)
    house_on.announce()
    assert deliver_all(house_on) == 2
    first = house_on.webhooks.messages(made.id)[0]
    house_on.clock.seconds += 60
    house_on.webhooks.replay(first.id)
    assert deliver_all(house_on) == 1
    assert receiver.received[-1].headers["webhook-id"] == first.id
    assert int(receiver.received[-1].headers["webhook-timestamp"]) == house_on.store.now()
    house_on.announce()
    assert house_on.webhooks.replay_since(house_on.store.now(), other.id) == 1
    assert house_on.webhooks.replay_since(house_on.store.now() - 60) == 4
    assert deliver_all(house_on) == 4
    with pytest.raises(WebhookNotFound):
        house_on.webhooks.replay("msg_none")


def test_what_was_given_up_can_be_sent_again(house: House, receiver: Receiver) -> None:
    house.webhooks.create(receiver.address)
    house.announce()
    receiver.respond = status(500)
    for _ in range(len(PAUSES) + 1):
        deliver_all(house)
        house.clock.seconds += 2 * DAY
    assert house.message().state == "given_up"
    receiver.respond = status(200)
    house.webhooks.replay(house.message().id)
    assert deliver_all(house) == 1


def test_a_secret_is_sealed_and_without_the_seal_nothing_is_sent(house: House, receiver: Receiver) -> None:
    made, secret = house.webhooks.create(receiver.address)
    house.announce()
    stored = house.store.engine.raw_connection().cursor().execute("SELECT sealed_secret FROM webhooks").fetchone()[0]
    assert Independent(secret)._whsecret not in stored  # type: ignore[attr-defined]
    with write_transaction(house.store.engine) as connection:
        connection.exec_driver_sql("UPDATE webhooks SET sealed_secret = x'00'")
    deliver_all(house)
    assert (house.message().answer, receiver.received) == ("secret_unreadable", [])
    assert made.id not in stored.hex()


def test_old_messages_are_forgotten_once_they_are_over(house_on: House, receiver: Receiver) -> None:
    house_on.webhooks.create(receiver.address)
    house_on.announce()
    deliver_all(house_on)
    house_on.announce()
    house_on.clock.seconds += KEPT + 1
    assert house_on.delivery.forget() == 1
    assert house_on.message().state == "waiting"


def test_a_message_says_what_it_should_in_one_form(house: House, receiver: Receiver) -> None:
    house.webhooks.create(receiver.address)
    house.webhooks.tell_lists({"trust_list_version": 7, "status_lists": {"https://karten.example/s/1": 5}})
    deliver_all(house)
    said = json.loads(receiver.received[0].body)
    assert said.keys() == {"type", "timestamp", "data"}
    assert said["data"] == {"trust_list_version": 7, "status_lists": {"https://karten.example/s/1": 5}}
