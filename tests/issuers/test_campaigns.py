"""Campaigns on both databases: whoever dies, nothing is lost or doubled; paused and cancelled at any moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from issuers import campaigns
from issuers.campaigns import CampaignOver, State, UnknownCampaign
from issuers.notices import Inform
from issuers.sources.errors import SourceRefused
from issuers.tasks import campaign as campaign_task
from issuers.tasks.campaign import CampaignTask
from issuers.tasks.carriers import CarriersTask
from issuers.tasks.letters import LettersTask
from issuers.tasks.printing import PrintTask
from tests.city import City
from tests.issuers.campaign_city import (
    Sent,
    changes,
    everything,
    exported,
    noted,
    permits,
    reads,
    renewals,
    renewed_serials,
    row,
    shown,
    starts,
    stored_list,
    works,
    write,
)
from web.database import write_transaction


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows a chunk, so that there are many moments between them."""
    monkeypatch.setattr(campaign_task, "BATCH", 10)


class Killed(BaseException):
    """Ends a worker as a signal would: nothing of ours catches it."""


class Stopping(CampaignTask):
    """A worker at whose chunk number `at` something happens, before the chunk is committed or after."""

    def __init__(self, city: City, at: int, happens: Callable[[], None], *, before: bool = False) -> None:
        super().__init__(city.office)
        self._at, self._happens, self._before = at, happens, before

    def _write(self, reading: Any, chunk: Any) -> bool:
        self._at -= 1
        if self._at == 0 and self._before:
            self._happens()
        went_on = super()._write(reading, chunk)
        if self._at == 0 and not self._before:
            self._happens()
        return went_on


def killed() -> None:
    raise Killed


def test_a_list_is_renewed_told_and_done(city_on: City) -> None:
    passes = permits(city_on, 3)
    for pass_ in passes:
        city_on.offers(pass_, "apple")
    number = starts(city_on, renewals(city_on, passes))
    assert shown(city_on, number)["state"] == State.RUNNING
    everything(city_on)
    found = shown(city_on, number)
    assert (found["state"], found["rows"]["total"], found["rows"]["done"]) == (State.DONE, 3, 3)
    assert found["rows"]["renewed"] == 3
    assert found["messages"]["update-apple"] == {"done": 3, "open": 0, "failed": 0, "cancelled": 0, "outdated": 0}
    assert stored_list(city_on) == b""
    assert {city_on.stored(each).valid_until for each in passes} == {city_on.today + timedelta(days=365)}


@pytest.mark.usefixtures("small_chunks")
def test_a_worker_killed_at_any_chunk_loses_and_doubles_nothing(city_on: City) -> None:
    passes = permits(city_on, 45)
    number = starts(city_on, renewals(city_on, passes), inform=Inform.LETTER)
    for at in (1, 2, 1):
        for before in (True, False):
            with pytest.raises(Killed):
                works(city_on, Stopping(city_on, at, killed, before=before))
            assert reads(city_on) == 0, "its lease has not ended"
            city_on.later(seconds=CampaignTask.lease + 1)
    reads(city_on)
    assert renewed_serials(city_on) == sorted(each.serial for each in passes)
    assert sorted(each.subject for each in noted(city_on, "letter")) == renewed_serials(city_on)
    assert [each["Zeile"] for each in exported(city_on, number)] == [str(line) for line in range(2, 47)]


@pytest.mark.usefixtures("small_chunks")
def test_who_was_thought_dead_writes_nothing_more(city_on: City) -> None:
    """A worker that slept longer than its lease wakes up in the middle of a list that another has gone on with."""
    passes = permits(city_on, 30)
    starts(city_on, renewals(city_on, passes), inform=Inform.LETTER)

    def sleeps() -> None:
        city_on.later(seconds=CampaignTask.lease + 1)
        assert reads(city_on) == 1

    works(city_on, Stopping(city_on, 2, sleeps, before=True))
    assert renewed_serials(city_on) == sorted(each.serial for each in passes)
    assert len(noted(city_on, "letter")) == 30


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("at", [1, 3])
def test_paused_at_any_chunk_it_stops_there_and_goes_on_from_there(city_on: City, at: int) -> None:
    passes = permits(city_on, 30)
    for pass_ in passes[:12]:
        city_on.offers(pass_, "google")
    number = starts(city_on, renewals(city_on, passes), inform=Inform.LETTER)
    works(city_on, Stopping(city_on, at, lambda: changes(city_on, campaigns.pause, number)))
    found = shown(city_on, number)
    assert (found["state"], found["rows"]["done"]) == (State.PAUSED, 10 * at)
    city_on.later(days=30)
    assert everything(city_on) == 0, "nobody is told while it is paused"
    changes(city_on, campaigns.pause, number)
    changes(city_on, campaigns.resume, number)
    changes(city_on, campaigns.resume, number)
    everything(city_on)
    found = shown(city_on, number)
    assert (found["state"], found["rows"]["renewed"]) == (State.DONE, 30)
    assert found["messages"]["letter"]["done"] == 30
    assert found["messages"]["update-google"]["done"] == 12
    assert renewed_serials(city_on) == sorted(each.serial for each in passes)


@pytest.mark.usefixtures("small_chunks")
def test_paused_and_resumed_in_one_moment_it_is_read_once(city_on: City) -> None:
    passes = permits(city_on, 30)

    def blinks() -> None:
        changes(city_on, campaigns.pause, number)
        changes(city_on, campaigns.resume, number)

    number = starts(city_on, renewals(city_on, passes))
    works(city_on, Stopping(city_on, 2, blinks))
    reads(city_on)
    assert renewed_serials(city_on) == sorted(each.serial for each in passes)
    assert len(noted(city_on, "campaign")) == 1


def test_what_a_worker_holds_when_it_is_paused_is_not_put_off_to_before_the_resumption(city_on: City) -> None:
    number = starts(city_on, renewals(city_on, permits(city_on, 3)), inform=Inform.LETTER)
    reads(city_on)
    claim = city_on.office.outbox.claim("letter", 2, 60)
    assert claim
    held, report = city_on.office.outbox.held(claim), city_on.office.outbox.report(claim, 60)
    changes(city_on, campaigns.pause, number)
    report.done([held[0].id])
    report.later([held[1]], "printer_away")
    report.keep()
    city_on.later(days=1)
    assert everything(city_on) == 0
    changes(city_on, campaigns.resume, number)
    everything(city_on)
    assert shown(city_on, number)["messages"]["letter"]["done"] == 3


def test_what_failed_for_good_in_a_paused_campaign_waits_too_when_it_is_tried_again(city_on: City) -> None:
    number = starts(city_on, renewals(city_on, permits(city_on, 2)), inform=Inform.LETTER)
    reads(city_on)
    claim = city_on.office.outbox.claim("letter", 1, 60)
    assert claim
    city_on.office.outbox.report(claim, 60).failed([city_on.office.outbox.held(claim)[0].id], "not_printable")
    changes(city_on, campaigns.pause, number)
    assert city_on.office.outbox.retry() == 1
    assert everything(city_on) == 0
    changes(city_on, campaigns.resume, number)
    everything(city_on)
    assert shown(city_on, number)["messages"]["letter"]["done"] == 2


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("paused", [False, True])
def test_cancelled_the_rest_is_not_imported_and_no_letter_is_sent_but_phones_hear_the_truth(
    city_on: City, paused: bool
) -> None:
    passes = permits(city_on, 30)
    for pass_ in passes:
        city_on.offers(pass_, "apple")

    def stops() -> None:
        if paused:
            changes(city_on, campaigns.pause, number)
        changes(city_on, campaigns.cancel, number)

    number = starts(city_on, renewals(city_on, passes), inform=Inform.LETTER)
    works(city_on, Stopping(city_on, 2, stops))
    assert stored_list(city_on) == b""
    everything(city_on)
    found = shown(city_on, number)
    assert (found["state"], found["rows"]["done"], found["rows"]["renewed"]) == (State.CANCELLED, 20, 20)
    assert found["messages"]["letter"] == {"done": 0, "open": 0, "failed": 0, "cancelled": 20, "outdated": 0}
    assert found["messages"]["update-apple"]["done"] == 20
    for change in (campaigns.pause, campaigns.resume):
        with pytest.raises(CampaignOver):
            changes(city_on, change, number)
    changes(city_on, campaigns.cancel, number)


def standings(city: City, number: int) -> dict[str, int]:
    """Of its letters: how many stand how."""
    return {standing: count for standing, count in shown(city, number)["messages"]["letter"].items() if count}


def test_a_letter_in_a_workers_hands_at_the_cancelling_is_told_as_what_became_of_it(city_on: City) -> None:
    number = starts(city_on, renewals(city_on, permits(city_on, 3)), inform=Inform.LETTER)
    reads(city_on)
    claim = city_on.office.outbox.claim("letter", 2, 60)
    assert claim
    held, report = city_on.office.outbox.held(claim), city_on.office.outbox.report(claim, 60)
    changes(city_on, campaigns.cancel, number)
    report.done([held[0].id])
    report.later([held[1]], "printer_away")
    assert standings(city_on, number) == {"done": 1, "cancelled": 2}
    city_on.later(days=1)
    everything(city_on)
    assert standings(city_on, number) == {"done": 1, "cancelled": 2}
    assert city_on.office.outbox.waiting() == {}, "and nothing waits for ever"


def test_a_done_campaign_is_over_and_an_unknown_one_unknown(city: City) -> None:
    number = starts(city, renewals(city, permits(city, 1)))
    everything(city)
    for change in (campaigns.pause, campaigns.resume, campaigns.cancel):
        with pytest.raises(CampaignOver):
            changes(city, change, number)
        with pytest.raises(UnknownCampaign):
            changes(city, change, number + 1)


@pytest.mark.usefixtures("small_chunks")
def test_two_campaigns_of_one_type_at_once_end_as_one_after_the_other(city_on: City) -> None:
    passes = permits(city_on, 30)
    other = write(city_on, reversed(renewals(city_on, passes, days=400)), "other.csv")
    first = starts(city_on, renewals(city_on, passes))
    second = starts(city_on, [], path=other)
    works(city_on, Stopping(city_on, 2, lambda: works(city_on, CampaignTask(city_on.office))))
    assert {shown(city_on, number)["state"] for number in (first, second)} == {State.DONE}
    assert shown(city_on, second)["rows"]["renewed"] == 30
    outcomes = shown(city_on, first)["rows"]
    assert (outcomes["renewed"], outcomes["updated"]) == (20, 10), "the last word is that of the list read last"


def test_bad_rows_and_revoked_passes_are_told_with_their_lines(city_on: City) -> None:
    passes = permits(city_on, 4)
    city_on.revokes(passes[1])
    city_on.suspends(passes[2])
    rows = renewals(city_on, passes)
    rows[3] = row(city_on, "BP-00003", zone="ZONE 99999")
    number = starts(city_on, [*rows, "broken", rows[0]], inform=Inform.LETTER)
    everything(city_on)
    found = exported(city_on, number)
    assert [[each[name] for name in ("Zeile", "Ergebnis", "Grund", "Spalte", "Brief")] for each in found] == [
        ["2", "verlängert", "", "", "gedruckt"],
        ["3", "fehlgeschlagen", "pass_revoked", "permit_no", ""],
        ["4", "verlängert", "", "", "nicht informiert"],  # suspended: nobody is told that it goes on
        ["5", "fehlgeschlagen", "bad_zone", "zone", ""],
        ["6", "fehlgeschlagen", "ragged_row", "", ""],
        ["7", "fehlgeschlagen", "duplicate_row", "permit_no", ""],
    ]
    numbers = ["BP-00000", "BP-00001", "BP-00002", "BP-00003", "", "BP-00000"]
    assert [each["Nummer"] for each in found] == numbers
    assert shown(city_on, number)["rows"]["failed"] == 4


def test_a_list_without_rows_is_done_at_once_and_an_empty_file_is_refused(city_on: City) -> None:
    number = starts(city_on, [])
    everything(city_on)
    assert (shown(city_on, number)["state"], exported(city_on, number)) == (State.DONE, [])
    path = write(city_on, [])
    path.write_bytes(b"")
    with pytest.raises(SourceRefused):
        starts(city_on, [], path=path)


def test_a_list_that_cannot_be_read_to_its_end_fails_and_what_was_imported_is_told(city: City) -> None:
    passes = permits(city, 2)
    number = starts(city, renewals(city, passes), inform=Inform.LETTER)
    with write_transaction(city.office.engine) as connection:  # as a bad disk would
        connection.execute(campaigns.campaign_lists.update().values(piece=b"permit_no;zone\r\n"))
    everything(city)
    found = shown(city, number)
    assert (found["state"], found["code"]) == (State.FAILED, "missing_column")
    assert stored_list(city) == b""


def test_the_stored_list_is_in_pieces_and_read_as_on_its_first_day(city_on: City, monkeypatch: Any) -> None:
    monkeypatch.setattr(campaigns, "_PIECE", 100)
    passes = permits(city_on, 20)
    number = starts(city_on, renewals(city_on, passes))
    city_on.later(days=3)
    everything(city_on)
    assert shown(city_on, number)["rows"]["renewed"] == 20
    assert exported(city_on, number)[0]["Ergebnis"] == "verlängert"


def test_the_result_says_what_each_carrier_was_told(city_on: City) -> None:
    passes = permits(city_on, 3)
    city_on.offers(passes[0], "apple")
    city_on.offers(passes[1], "google")
    number = starts(city_on, renewals(city_on, passes[:2]), inform=Inform.LETTER)
    reads(city_on)
    columns = ("Apple Wallet", "Google Wallet", "E-Mail", "Brief")
    assert [[each[name] for name in columns] for each in exported(city_on, number)] == [
        ["wartet"] * 2 + ["", "wartet"]
    ] * 2
    works(city_on, CarriersTask({"apple", "google"}), Sent("update-apple"))
    claim = city_on.office.outbox.claim("letter", 1, 60)
    assert claim
    city_on.office.outbox.report(claim, 60).failed([city_on.office.outbox.held(claim)[0].id], "not_printable")
    assert [[each[name] for name in columns] for each in exported(city_on, number)] == [
        ["informiert", "", "", "fehlgeschlagen (not_printable)"],
        ["", "wartet", "", "wartet"],
    ]


def test_a_letter_stands_as_the_batch_it_is_printed_with(city_on: City) -> None:
    number = starts(city_on, renewals(city_on, permits(city_on, 2)), inform=Inform.LETTER)
    city_on.later(days=2)
    works(city_on, CampaignTask(city_on.office), LettersTask(city_on.office))
    city_on.later(days=2)
    works(city_on, LettersTask(city_on.office))
    assert [each["Brief"] for each in exported(city_on, number)] == ["wartet"] * 2
    changes(city_on, campaigns.pause, number)
    assert works(city_on, PrintTask(city_on.office)) == 0
    changes(city_on, campaigns.resume, number)
    assert shown(city_on, number)["state"] == State.RUNNING
    works(city_on, PrintTask(city_on.office))
    assert [each["Brief"] for each in exported(city_on, number)] == ["gedruckt"] * 2
    assert shown(city_on, number)["state"] == State.DONE


def test_a_letter_in_a_batch_that_is_cancelled_is_not_printed(city_on: City) -> None:
    number = starts(city_on, renewals(city_on, permits(city_on, 2)), inform=Inform.LETTER)
    works(city_on, CampaignTask(city_on.office), LettersTask(city_on.office))
    city_on.later(days=2)
    works(city_on, LettersTask(city_on.office))
    changes(city_on, campaigns.cancel, number)
    assert works(city_on, PrintTask(city_on.office)) == 0
    assert [each["Brief"] for each in exported(city_on, number)] == ["abgebrochen"] * 2
    assert city_on.office.outbox.waiting() == {}


def test_a_pause_while_letters_are_put_together_holds_those_back(city_on: City) -> None:
    number = starts(city_on, renewals(city_on, permits(city_on, 3)), inform=Inform.LETTER)
    reads(city_on)
    city_on.later(days=2)
    task, outbox = LettersTask(city_on.office), city_on.office.outbox
    claim = outbox.claim(task.kind, task.batch, task.lease)
    assert claim
    held = outbox.held(claim)
    changes(city_on, campaigns.pause, number)
    task.perform(held, outbox.report(claim, task.lease))
    assert noted(city_on, "print") == []
    changes(city_on, campaigns.resume, number)
    city_on.later(days=2)
    works(city_on, task, PrintTask(city_on.office))
    assert [each["Brief"] for each in exported(city_on, number)] == ["gedruckt"] * 3


def test_a_number_that_a_spreadsheet_takes_for_a_formula_is_guarded(city: City) -> None:
    number = starts(city, [row(city, "+49-2"), row(city, "-1+1")])
    everything(city)
    assert {each["Nummer"] for each in exported(city, number)} == {"'+49-2", "'-1+1"}
