"""Checks on a device: kept before their verdict is shown, sent until the service has them, each exactly once."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import httpx2
import pytest

from tests.browser.checks.inspectors import Inspector, Service, permit
from tests.verifiers.scans.desk_of_scans import QUARTER


class Lost(Exception):
    """The network gave nothing back."""


def test_a_check_is_on_the_disk_before_its_verdict_is_there_and_says_nothing_personal(
    service: Service, karla: Inspector
) -> None:
    judged = karla.judges(permit(service))
    assert (judged["verdict"]["outcome"], judged["inScope"], judged["stored"]) == ("accepted", True, True)
    assert {"name": "zone", "label": {"de": "Zone", "en": "Zone"}, "kind": "zone", "value": "MÜ"} in judged["claims"]
    assert judged["passType"]["labels"]["de"] == "Bewohnerparkausweis"
    (scan,) = karla.stored("scans").values()
    assert scan == {
        "nonce": judged["nonce"],
        "at": karla.now - karla.now % QUARTER,
        "kind": "code",
        "outcome": "accepted",
        "reason": "accepted",
        "pass_type": "resident_parking_permit",
        "zone": "A1",
        "use": None,
    }
    assert "AB 1234" not in json.dumps([karla.stored(name) for name in ("scans", "uses")])
    karla.uploads()
    assert (service.nonces(), karla.queue()) == ([judged["nonce"]], {"waiting": 0, "quarantined": [], "cases": 0})


def test_every_text_is_counted_and_every_look_up(service: Service, karla: Inspector) -> None:
    texts = [permit(service), "WP1:nonsense", "https://example.org/?evil=<script>", ""]
    for text in texts:
        karla.judges(text)
    karla.run("judging.noteLookUp", "D-AB 1234", {"outcome": "none", "reason": "not_listed"})
    karla.uploads()
    kinds = sorted((row.kind, row.outcome, row.reason) for row in service.rows("scans"))
    assert kinds == [
        ("code", "accepted", "accepted"),
        ("code", "refused", "malformed"),
        ("code", "refused", "malformed"),
        ("code", "refused", "malformed"),
        ("plate", "none", "not_listed"),
    ]


def test_days_without_a_network_arrive_once_whatever_is_lost_repeated_or_killed(
    service: Service, karla: Inspector
) -> None:
    chance, made = random.Random(7), []

    def bad_network(_path: str, _body: Any, post: Any) -> Any:
        luck = chance.random()
        if luck < 0.3:
            raise Lost
        answer = post()
        if luck < 0.6:
            raise Lost  # it arrived, and the answer did not
        return answer

    for number in range(60):
        judged = karla.at(seconds=chance.randrange(3)).judges(permit(service, number % 5))
        made.append(judged["nonce"])
        if number % 4 == 0:
            karla.network = bad_network
            karla.uploads()
        if number % 9 == 0:
            karla.is_killed()
    karla.network = lambda _path, _body, post: post()
    karla.uploads()
    assert service.nonces() == sorted(made)
    assert service.counted() == len(made)
    assert karla.queue() == {"waiting": 0, "quarantined": [], "cases": 0}


def test_an_app_that_is_killed_while_it_sends_has_lost_nothing(service: Service, karla: Inspector) -> None:
    made = [karla.judges(permit(service))["nonce"] for _ in range(20)]
    karla.page.evaluate("() => { void device.uploads(); }")
    karla.is_killed()
    karla.uploads()
    assert service.nonces() == sorted(made)
    assert service.counted() == 20


def test_more_than_an_upload_holds_goes_in_several(service: Service, karla: Inspector) -> None:
    sizes: list[int] = []

    def counting(_path: str, body: Any, post: Any) -> Any:
        sizes.append(len(body["scans"]))
        return post()

    karla.network = counting
    karla.run("judgeAll", ["WP1:nonsense"] * 1003)
    karla.uploads()
    assert sizes == [500, 500, 3]
    assert len(service.nonces()) == 1003


def test_a_batch_that_is_refused_as_a_whole_is_halved_until_the_bad_ones_lie_in_the_quarantine(
    service: Service, karla: Inspector
) -> None:
    made = [each["nonce"] for each in karla.run("judgeAll", ["WP1:nonsense"] * 40)]
    bad, requests = {made[3], made[17]}, []

    def strict_proxy(_path: str, body: Any, post: Any) -> Any:
        requests.append(len(body["scans"]))
        if bad & {scan["nonce"] for scan in body["scans"]}:
            return httpx2.Response(422, json={"code": "proxy_refused"})
        return post()

    karla.network = strict_proxy
    karla.uploads()
    queue = karla.queue()
    assert (queue["waiting"], {entry["scan"]["nonce"] for entry in queue["quarantined"]}) == (0, bad)
    assert {entry["code"] for entry in queue["quarantined"]} == {"proxy_refused"}
    assert service.nonces() == sorted(set(made) - bad)
    assert len(requests) < 30
    karla.is_killed()
    bad.remove(made[3])
    karla.run("judging.retryQuarantined", made[3])
    karla.run("judging.retryQuarantined", made[17])
    assert karla.queue()["waiting"] == 2
    karla.uploads()
    assert [entry["scan"]["nonce"] for entry in karla.queue()["quarantined"]] == [made[17]]
    assert service.counted() == 39


def test_a_scan_that_the_service_refuses_is_put_aside_with_its_code_and_not_dropped(
    service: Service, karla: Inspector
) -> None:
    ahead = int(time.time()) + 3 * 3600 - karla.now
    karla.at(seconds=ahead).judges("WP1:nonsense")
    karla.at(seconds=-ahead).judges("WP1:nonsense")
    karla.uploads()
    (entry,) = karla.queue()["quarantined"]
    assert entry["code"] == "scan_from_future"
    assert len(service.nonces()) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, text="<html>Willkommen im WLAN</html>"),
        httpx2.Response(200, json={"welcome": "to our network"}),
        httpx2.Response(200, json={"received": "all", "rejected": []}),
        httpx2.Response(400, text="<html>Bad request</html>"),
        httpx2.Response(401, json={"code": "device_revoked"}),
        httpx2.Response(429, json={"code": "too_many_requests"}),
        httpx2.Response(500, json={"code": "internal_error"}),
        httpx2.Response(503, text=""),
    ],
    ids=range(8),
)
def test_what_is_not_the_services_word_on_them_moves_no_scan(karla: Inspector, answer: httpx2.Response) -> None:
    karla.run("judgeAll", ["WP1:nonsense"] * 3)
    karla.network = lambda _path, _body, _post: answer
    karla.uploads()
    assert karla.queue() == {"waiting": 3, "quarantined": [], "cases": 0}


def test_what_the_service_does_not_mention_is_put_aside(karla: Inspector) -> None:
    nonce = karla.judges("WP1:nonsense")["nonce"]
    karla.network = lambda _path, _body, _post: httpx2.Response(200, json={"received": [], "rejected": []})
    karla.uploads()
    assert [(e["scan"]["nonce"], e["code"]) for e in karla.queue()["quarantined"]] == [(nonce, "scan_unanswered")]


def test_without_room_a_check_is_judged_and_sent_all_the_same_and_says_that_it_is_not_kept(
    service: Service, karla: Inspector
) -> None:
    karla.page.evaluate(
        "() => { device.put = IDBObjectStore.prototype.put;"
        " IDBObjectStore.prototype.put = () => { throw new DOMException('', 'QuotaExceededError'); }; }"
    )
    first = karla.judges(permit(service))
    assert (first["verdict"]["outcome"], first["stored"], karla.queue()["waiting"]) == ("accepted", False, 1)
    karla.page.evaluate("() => { IDBObjectStore.prototype.put = device.put; }")
    second = karla.judges(permit(service))
    assert second["stored"] is True
    assert karla.stored("scans").keys() == {first["nonce"], second["nonce"]}
    karla.uploads()
    assert service.nonces() == sorted([first["nonce"], second["nonce"]])


def test_a_second_window_does_not_send_at_the_same_time(service: Service, karla: Inspector) -> None:
    karla.run("judgeAll", ["WP1:nonsense"] * 5)
    sent: list[int] = []

    def counting(_path: str, body: Any, post: Any) -> Any:
        sent.append(len(body["scans"]))
        return post()

    karla.network = counting
    karla.page.evaluate("() => Promise.all([device.uploads(), device.uploads(), device.uploads()])")
    assert sent == [5]
    assert service.counted() == 5
