"""Storing scans: each once and none missing, whatever is lost, repeated, mixed up or killed on the way."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from tests.verifiers.scans.desk_of_scans import HOUR, NOW, PERMIT, QUARTER, Clock, Desk, a_batch, scan, sixteen, used
from verifiers.scans.scan import Refusal, nonce_text
from verifiers.scans.scan_log import Upload

ROOT = Path(__file__).parents[3]
ROUNDS = 60 if os.environ.get("WALLETPASS_STRESS") else 6


def test_a_scan_is_stored_and_counted_and_again_changes_nothing(desk_on: Desk) -> None:
    sent = scan("a", NOW - HOUR, zone="MÜ")
    for _ in range(3):
        assert desk_on.receives(sent) == ([sixteen("a")], [])
    (row,) = desk_on.rows("scans")
    assert (row.device_id, row.at, row.kind, row.outcome) == ("one", NOW - HOUR, "code", "accepted")
    assert (row.reason, row.pass_type, row.zone, row.received_at) == ("accepted", PERMIT, "MÜ", NOW)
    assert [tuple(row) for row in desk_on.rows("counts")] == [(NOW - HOUR, "MÜ", PERMIT, "code", "accepted", 1)]


def test_the_order_and_the_batches_of_a_days_scans_change_nothing(desk_on: Desk) -> None:
    sent = [scan(n, NOW - n % 9 * QUARTER, zone=["A1", None, "MÜ"][n % 3]) for n in range(40)]
    chance = random.Random(1)
    while desk_on.scans() < len(sent):
        batch = chance.sample(sent, 15)
        assert sorted(desk_on.receives(*batch).received) == sorted(item["nonce"] for item in batch)
    assert desk_on.counted() == desk_on.scans() == len(sent)
    assert len(desk_on.rows("counts")) == len({(s["at"] - s["at"] % HOUR, s["zone"]) for s in sent})


def test_the_same_scan_twice_in_one_batch_is_one(desk_on: Desk) -> None:
    assert desk_on.receives(scan("a"), scan("b"), scan("a")).rejected == []
    assert desk_on.counted() == desk_on.scans() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"at": NOW - QUARTER},
        {"kind": "plate", "outcome": "found", "reason": "listed"},
        {"outcome": "refused", "reason": "revoked"},
        {"pass_type": None},
        {"zone": "B1"},
        {"zone": None},
    ],
    ids=str,
)
def test_a_nonce_with_another_content_is_refused_in_any_batch(desk_on: Desk, changes: dict[str, Any]) -> None:
    other = scan("a") | changes
    taken = [(sixteen("a"), Refusal.NONCE_TAKEN)]
    assert desk_on.receives(scan("a"), other, scan("b")) == ([sixteen("a"), sixteen("b")], taken)
    assert desk_on.receives(other) == ([], taken)
    assert desk_on.receives(scan("a")).rejected == []
    assert desk_on.counted() == desk_on.scans() == 2


def test_what_is_refused_holds_up_nothing(desk_on: Desk) -> None:
    early = scan("early", NOW + 2 * HOUR)
    upload = desk_on.receives(scan("a"), early, {"nonce": "D-AB 1234"}, "no scan", scan("b", zone="?"), scan("c"))
    assert upload.received == [sixteen("a"), sixteen("c")]
    assert upload.rejected == [
        (sixteen("early"), Refusal.FROM_FUTURE),
        ("", Refusal.MALFORMED),
        ("", Refusal.MALFORMED),
        (sixteen("b"), Refusal.MALFORMED),
    ]
    desk_on.clock.seconds += HOUR
    assert desk_on.receives(early).received == [sixteen("early")]


def test_a_plate_may_be_confirmed_later_and_a_late_repeat_does_not_take_it_away(desk_on: Desk) -> None:
    before, after = used("a", "permit"), used("a", "permit", plate="DAB1234")
    for sent in (before, after, before, after):
        assert desk_on.receives(sent) == ([sixteen("a")], [])
    assert desk_on.receives(used("a", "permit", plate="DXY1")).rejected == [(sixteen("a"), Refusal.NONCE_TAKEN)]
    (row,) = desk_on.rows("uses")
    assert sixteen("DAB1234 2027-01-15") == nonce_text(row.plate)
    assert desk_on.counted() == 1


def test_a_plate_that_is_confirmed_in_the_same_batch_counts(desk_on: Desk) -> None:
    desk_on.receives(used("a", "permit"), used("a", "permit", plate="DAB1234"), used("a", "permit"))
    assert nonce_text(desk_on.rows("uses")[0].plate) == sixteen("DAB1234 2027-01-15")


def test_another_use_under_the_same_nonce_is_refused(desk_on: Desk) -> None:
    desk_on.receives(used("a", "permit"), scan("b"))
    for sent in (used("a", "another"), scan("a"), used("a", "permit") | {"zone": "B1"}, used("b", "permit")):
        assert desk_on.receives(sent).rejected == [(sent["nonce"], Refusal.NONCE_TAKEN)]


def test_a_repeat_after_its_use_was_forgotten_is_the_same_scan(desk_on: Desk, clock: Clock) -> None:
    sent = used("a", "permit")
    desk_on.receives(sent)
    clock.seconds += 2 * 86400
    desk_on.retention().purge()
    assert desk_on.rows("uses") == []
    assert desk_on.receives(sent) == ([sixteen("a")], [])
    assert desk_on.rows("uses") == []
    assert desk_on.counted() == 1


def test_a_new_enrolment_may_send_again_what_the_old_one_had_no_answer_to(desk_on: Desk) -> None:
    desk_on.receives(used("a", "permit"), device="old")
    assert desk_on.receives(used("a", "permit", plate="DAB1234"), device="new").received == [sixteen("a")]
    assert desk_on.counted() == 1


def at_once(*works: Callable[[], Upload]) -> list[Upload]:
    """All of these in threads that start together; the first failure is raised."""
    start = Barrier(len(works))

    def run(work: Callable[[], Upload]) -> Upload:
        start.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_two_uploads_of_one_batch_at_the_same_moment_store_it_once(desk_on: Desk) -> None:
    for number in range(ROUNDS):
        batch = [used(f"{number} {n}", f"permit {n % 7}", plate=f"D{n}") for n in range(40)]
        uploads = at_once(*(partial(desk_on.receives, *batch[::order]) for order in (1, -1, 1)))
        assert all(len(upload.received) == 40 and not upload.rejected for upload in uploads)
    assert desk_on.counted() == desk_on.scans() == len(desk_on.rows("uses")) == 40 * ROUNDS


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_after_lost_answers_repeats_and_new_starts_each_scan_is_there_once(desk_on: Desk, seed: int) -> None:
    """Devices that send what waits, hear an answer or none, and forget only what they heard of."""
    chance, names = random.Random(seed), itertools.count()
    waiting: dict[str, dict[str, dict[str, Any]]] = {"one": {}, "two": {}, "three": {}}
    made: set[str] = set()
    for _ in range(60):
        device = chance.choice(sorted(waiting))
        queue = waiting[device]
        for _ in range(chance.randrange(6)):
            name = f"{seed} {next(names)}"
            at = NOW - chance.randrange(HOUR)
            made.add(sixteen(name))
            queue[sixteen(name)] = used(name, f"permit {chance.randrange(9)}", at, chance.choice(["A1", "B1", None]))
        batch = chance.sample(sorted(queue), min(len(queue), chance.randrange(12)))
        upload = desk_on.receives(*(queue[nonce] for nonce in batch), device=device)
        assert upload.rejected == []
        if chance.random() < 0.5:
            for nonce in upload.received:
                del queue[nonce]
    for device, queue in waiting.items():
        desk_on.receives(*queue.values(), device=device)
    assert {nonce_text(row.nonce) for row in desk_on.rows("scans")} == made
    assert desk_on.counted() == desk_on.scans() == len(made)


_UPLOADS = """
import sys
from tests.verifiers.scans.desk_of_scans import Clock, Desk, a_batch
desk = Desk(sys.argv[1], Clock())
for number in range(1000):
    desk.receives(*a_batch(number))
    print(number, flush=True)
"""


def test_an_upload_that_is_killed_is_there_whole_or_not_at_all_and_again_completes_it(desk_on: Desk) -> None:
    for tried in range(3):
        command = [sys.executable, "-c", _UPLOADS, desk_on.url]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None and process.stdout.readline()
        time.sleep(random.Random(tried).random() / 10)
        process.send_signal(signal.SIGKILL)
        done = 1 + len(process.communicate()[0].splitlines())
        with desk_on.store.upload():
            pass  # what the killed one had handed to the server has ended now
        assert desk_on.scans() % 50 == 0
        assert desk_on.counted() == desk_on.scans() == len(desk_on.rows("uses")) >= 50 * done
    for number in range(done + 1):
        desk_on.receives(*a_batch(number))
    assert desk_on.counted() == desk_on.scans() >= 50 * (done + 1)


def test_nothing_personal_has_room_in_any_table_and_a_failure_repeats_nothing(desk_on: Desk) -> None:
    """Digests, rounded times and closed words: what was sent beside them is not stored."""
    sent = used("a", "permit", NOW + 61, plate="DAB1234")
    desk_on.receives(sent, scan("b") | {"zone": "D-AB 1234"}, scan("c") | {"name": "Karla"})
    stored = repr([desk_on.rows(name) for name in ("scans", "counts", "uses", "warnings")])
    assert not [word for word in ("Karla", "DAB1234", "D-AB", "1234E") if word in stored]
    (row,) = desk_on.rows("scans")
    assert row.at == NOW
    assert desk_on.rows("uses")[0].at == NOW + 60
