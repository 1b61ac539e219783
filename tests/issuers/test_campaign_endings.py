"""How campaigns begin and end in the database: what is counted before, and what is left over after."""

from __future__ import annotations

import pytest

from issuers import campaigns
from issuers.campaigns import State, UnknownCampaign, Wish
from issuers.notices import Inform
from issuers.set_times import set_times
from issuers.sources.csv_file import SourceFile
from issuers.tasks.campaign import CampaignTask
from issuers.tasks.carriers import CarriersTask
from issuers.tasks.letters import LettersTask
from issuers.tasks.printing import PrintTask
from tests.city import City
from tests.issuers.campaign_city import (
    TYPE,
    Sent,
    changes,
    everything,
    exported,
    noted,
    permits,
    reads,
    renewals,
    shown,
    starts,
    works,
    write,
)
from web.database import write_transaction


def test_a_list_is_counted_before_the_database_is_held(city: City) -> None:
    source = SourceFile(write(city, renewals(city, permits(city, 3))))
    wanted = campaigns.counted(source)
    source.bytes_read = 0
    with write_transaction(city.office.engine) as connection:
        number = campaigns.start(connection, Wish(TYPE, "", Inform.NONE, "test"), wanted, int(city.clock()))
    assert source.bytes_read == 0
    assert shown(city, number)["rows"]["total"] == 3


@pytest.mark.parametrize("failed_first", [True, False])
def test_what_failed_before_or_after_the_cancelling_cannot_be_tried_again(city_on: City, failed_first: bool) -> None:
    box, number = city_on.office.outbox, starts(city_on, renewals(city_on, permits(city_on, 2)), inform=Inform.LETTER)
    reads(city_on)
    claim = box.claim("letter", 1, 60)
    assert claim
    [held], report = box.held(claim), box.report(claim, 60)
    if failed_first:
        report.failed([held.id], "not_printable")
    changes(city_on, campaigns.cancel, number)
    if not failed_first:
        report.failed([held.id], "not_printable")
        city_on.later(minutes=2)
        reads(city_on)
    assert (box.failed(), box.retry(), box.waiting()) == ([], 0, {})
    assert [each["Brief"] for each in exported(city_on, number)] == ["fehlgeschlagen (not_printable)", "abgebrochen"]


def test_after_400_days_a_campaign_is_forgotten_with_its_rows(city_on: City) -> None:
    number = starts(city_on, renewals(city_on, permits(city_on, 2)), inform=Inform.LETTER)
    everything(city_on)
    city_on.later(days=399)
    city_on.office.outbox.forget(int(city_on.clock()))
    assert exported(city_on, number)[0]["Brief"] == "gedruckt", "the result stays whole as long as the campaign"
    set_times(city_on.office)["forget_campaigns"][1]()
    assert shown(city_on, number)["state"] == State.DONE
    city_on.later(days=2)
    set_times(city_on.office)["forget_campaigns"][1]()
    assert noted(city_on, "letter") == []
    with pytest.raises(UnknownCampaign):
        shown(city_on, number)


def test_what_a_pause_holds_back_for_400_days_is_not_sent_any_more_and_wallets_are_told(city_on: City) -> None:
    box, made = city_on.office.outbox, permits(city_on, 2)
    for pass_ in made:
        city_on.offers(pass_, "apple")
    number = starts(city_on, renewals(city_on, made), inform=Inform.LETTER)
    reads(city_on)
    claim = box.claim("letter", 1, 60)
    assert claim
    box.report(claim, 60).failed([box.held(claim)[0].id], "not_printable")
    changes(city_on, campaigns.pause, number)
    city_on.later(days=401)
    set_times(city_on.office)["forget_campaigns"][1]()
    assert (noted(city_on, "letter"), box.failed()) == ([], [])
    told = Sent("update-apple")
    assert works(city_on, CarriersTask({"apple"}), told) == 2
    assert box.waiting() == {}


def test_letters_are_counted_as_what_became_of_them_in_print(city_on: City) -> None:
    passes = permits(city_on, 4)
    number = starts(city_on, renewals(city_on, passes), inform=Inform.LETTER)
    works(city_on, CampaignTask(city_on.office))
    for left_out in passes[:2]:
        city_on.revokes(left_out)
    city_on.later(days=2)
    works(city_on, LettersTask(city_on.office))
    assert letters(city_on, number) == {"open": 4}
    works(city_on, PrintTask(city_on.office))
    assert letters(city_on, number) == {"done": 2, "outdated": 2}
    assert [each["Brief"] for each in exported(city_on, number)] == ["entfallen (revoked)"] * 2 + ["gedruckt"] * 2


def test_letters_whose_printing_failed_count_as_failed_until_a_person_lets_them_rest(city_on: City) -> None:
    number = starts(city_on, renewals(city_on, permits(city_on, 3)), inform=Inform.LETTER)
    works(city_on, CampaignTask(city_on.office))
    city_on.later(days=2)
    works(city_on, LettersTask(city_on.office))
    claim = city_on.office.outbox.claim("print", 1, 60)
    assert claim
    [job] = city_on.office.outbox.held(claim)
    city_on.office.outbox.report(claim, 60).failed([job.id], "press_failed")
    assert letters(city_on, number) == {"failed": 3}
    assert city_on.office.outbox.discard([job.id]) == 1
    assert letters(city_on, number) == {"outdated": 3}
    assert {each["Brief"] for each in exported(city_on, number)} == {"entfallen (discarded)"}


def letters(city: City, number: int) -> dict[str, int]:
    return {stands: count for stands, count in shown(city, number)["messages"]["letter"].items() if count}
