"""Webhooks of the running service and on the command line: processes that are killed, lists that change, figures."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Independent
from starlette.testclient import TestClient

from tests.verifiers.sample_city import SampleCity
from tests.verifiers.webhooks.conftest import House
from tests.verifiers.webhooks.receiver import Receiver, status
from verifiers.app import create_app
from verifiers.settings import VerifierSettings
from verifiers.webhooks.events import announce
from verifiers.webhooks.store import open_webhooks
from verifiers.webhooks.webhooks import Webhooks
from web.database import write_transaction

_LOOPBACK = '["127.0.0.0/8", "::1/128"]'
_RUN = "import sys; from walletpass.cli import main; sys.argv[0] = 'walletpass'; main()"
_ANNOUNCE = """
import os
from verifiers.settings import read_settings
from verifiers.webhooks.events import announce
from verifiers.webhooks.store import open_webhooks
from web.database import write_transaction
with write_transaction(open_webhooks(read_settings()).engine) as connection:
    announce(connection, "device.revoked", {"device": "d1"})
os._exit(9)
"""
_DELIVER = """
from verifiers.settings import read_settings
from verifiers.webhooks.delivery import Delivery
from verifiers.webhooks.sending import Sender
from verifiers.webhooks.store import open_webhooks
settings = read_settings()
delivery = Delivery(open_webhooks(settings), Sender(settings.webhook_private_networks))
delivery.deliver(delivery.due()[0])
"""


@pytest.fixture
def living_city(tmp_path: Path) -> SampleCity:
    city = SampleCity(tmp_path, now=int(time.time()) - 60)
    city.publish()
    return city


def settings_of(city: SampleCity) -> VerifierSettings:
    return VerifierSettings(home=city.home, refresh_interval=0.05, webhook_private_networks=("127.0.0.0/8", "::1/128"))


def environment(city: SampleCity) -> dict[str, str]:
    names = {"HOME": str(city.home), "WEBHOOK_PRIVATE_NETWORKS": _LOOPBACK}
    return {"PATH": os.environ["PATH"]} | {f"WALLETPASS_{name}": value for name, value in names.items()}


def walletpass(city: SampleCity, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _RUN, "webhooks", *words]
    return subprocess.run(command, env=environment(city), capture_output=True, text=True, timeout=180, check=False)


def revokes(settings: VerifierSettings) -> None:
    store = open_webhooks(settings)
    with write_transaction(store.engine) as connection:
        announce(connection, "device.revoked", {"device": "d1"}, store.now())


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 90
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_a_change_of_the_lists_is_told_once_and_not_at_a_restart(living_city: SampleCity, receiver: Receiver) -> None:
    settings = settings_of(living_city)
    _, secret = Webhooks(open_webhooks(settings)).create(receiver.address, ["lists.updated"])
    with TestClient(create_app(settings)):
        until(lambda: receiver.received)
        living_city.now += 1
        living_city.statuses.set(7, 1)
        living_city.publish_statuses()
        until(lambda: len(receiver.received) == 2)
    first, second = (Independent(secret).verify(each.body, each.headers)["data"] for each in receiver.received)
    assert first["trust_list_version"] == second["trust_list_version"] == 1
    [uri] = second["status_lists"]
    assert second["status_lists"][uri] == first["status_lists"][uri] + 1
    with TestClient(create_app(settings)) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        time.sleep(0.5)
    assert len(receiver.received) == 2


def test_a_change_that_several_processes_see_is_told_once(house_on: House) -> None:
    house_on.webhooks.create("https://gate.example.org/hooks")
    versions = [{"trust_list_version": 1, "status_lists": {"https://karten.example/s/1": at}} for at in (5, 6, 5)]
    told = []
    for lists in versions:
        with ThreadPoolExecutor(8) as processes:
            told.append(sorted(processes.map(house_on.webhooks.tell_lists, [lists] * 8)))
        house_on.clock.seconds += 1
    assert told == [[0] * 7 + [1]] * 3


def test_a_process_that_is_killed_after_its_commit_has_its_message_sent_by_the_service(
    living_city: SampleCity, receiver: Receiver
) -> None:
    settings = settings_of(living_city)
    Webhooks(open_webhooks(settings)).create(receiver.address, ["device.revoked"])
    done = subprocess.run([sys.executable, "-c", _ANNOUNCE], env=environment(living_city), timeout=180, check=False)
    assert (done.returncode, receiver.received) == (9, [])
    with TestClient(create_app(settings)):
        until(lambda: receiver.received)
    assert json.loads(receiver.received[0].body)["data"] == {"device": "d1"}


def test_a_process_that_is_killed_while_it_sends_keeps_the_message_under_its_id(
    living_city: SampleCity, receiver: Receiver
) -> None:
    webhooks = Webhooks(open_webhooks(settings_of(living_city)))
    webhooks.create(receiver.address)
    revokes(settings_of(living_city))
    killed = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        killed.wait(90)
        status(200)(handler)

    receiver.respond = slow
    process = subprocess.Popen([sys.executable, "-c", _DELIVER], env=environment(living_city))
    until(lambda: receiver.received)
    process.send_signal(signal.SIGKILL)
    process.wait()
    killed.set()
    [message] = webhooks.messages()
    assert (message.state, message.attempts, message.delivered_at) == ("waiting", 1, None)
    assert message.id == receiver.received[0].headers["webhook-id"]


def test_a_slow_receiver_keeps_only_its_own_messages_waiting(living_city: SampleCity, receiver: Receiver) -> None:
    slow, let_go = Receiver(), threading.Event()
    slow.respond = lambda _: let_go.wait(90) and None
    settings = settings_of(living_city)
    webhooks = Webhooks(open_webhooks(settings))
    for each in (slow, receiver):
        webhooks.create(each.address, ["device.revoked"])
    with TestClient(create_app(settings)) as client:
        for _ in range(3):
            revokes(settings)
        until(lambda: 'walletpass_webhook_attempts_total{result="delivered"} 3.0' in client.get("/metrics").text)
        assert len(receiver.received) == 3 and len(slow.received) < 3
        figures = client.get("/metrics").text
        let_go.set()
    assert 'walletpass_webhook_messages{state="waiting"} 3.0' in figures
    assert 'walletpass_webhook_messages{state="given_up"} 0.0' in figures
    slow.stop()


def test_a_webhook_is_made_tried_listed_replayed_and_ended_by_command(
    living_city: SampleCity, receiver: Receiver
) -> None:
    made = walletpass(living_city, "create", receiver.address, "--event", "case.filed", "--event", "device.revoked")
    secret, webhook_id = made.stdout.strip(), made.stderr.split()[1]
    assert secret.startswith("whsec_") and secret not in made.stderr
    assert walletpass(living_city, "test", webhook_id).returncode == 0
    assert Independent(secret).verify(receiver.received[0].body, receiver.received[0].headers)["type"] == "webhook.test"
    listed = walletpass(living_city, "list")
    assert listed.stdout.split() == [webhook_id, "active", receiver.address, "case.filed", "device.revoked"]
    assert secret not in listed.stdout + walletpass(living_city, "list", "--json").stdout
    receiver.respond = status(500)
    failed = walletpass(living_city, "test", webhook_id)
    assert failed.returncode == 1 and failed.stderr.rstrip().endswith("[webhook_not_delivered]")
    waiting = json.loads(walletpass(living_city, "messages", "--state", "waiting", "--json").stdout)
    assert [(each["answer"], each["attempts"]) for each in waiting] == [("500", 1)]
    assert re.search(r"webhook\.test  1 attempts, 200$", walletpass(living_city, "messages").stdout, re.MULTILINE)
    assert walletpass(living_city, "replay", waiting[0]["id"]).stderr == "1 messages are sent again.\n"
    assert walletpass(living_city, "replay", "--since", "2020-01-01").stderr == "2 messages are sent again.\n"
    assert walletpass(living_city, "disable", webhook_id).returncode == 0
    assert walletpass(living_city, "test", webhook_id).stderr.rstrip().endswith("[webhook_disabled]")
    assert "disabled" in walletpass(living_city, "list").stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("create", "http://example.org/"), "webhook_address_invalid"),
        (("create", "https://example.org/", "--event", "pass.read"), "webhook_event_unknown"),
        (("test", "none"), "webhook_not_found"),
        (("disable", "none"), "webhook_not_found"),
        (("replay",), "webhook_time_invalid"),
        (("replay", "--since", "yesterday"), "webhook_time_invalid"),
        (("replay", "msg_none"), "webhook_not_found"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(living_city: SampleCity, words: tuple[str, ...], code: str) -> None:
    done = walletpass(living_city, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.rstrip().endswith(f"[{code}]")
