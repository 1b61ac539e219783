"""Letters to holders: put together into batches, and printed into one file each, which is opened and read again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from pypdf import PdfReader
from sqlalchemy import select, update
from typer.testing import CliRunner

from issuers import lifecycle
from issuers.carrier_models import print_batches, print_letters
from issuers.commands.letters import app
from issuers.lifecycle import Order
from issuers.models import holders
from issuers.notices import Inform, tell_holders
from issuers.office import Office
from issuers.printed_files import delete_printed
from issuers.set_times import set_times
from issuers.tasks.letters import build as letters_task
from issuers.wallets.paper.press import PressFailed, Sheets, print_apart
from tests.city import ANNA, City
from tests.issuers.outbox_work import performs, rows
from walletpass.passes import Pass
from web.database import read_transaction, write_transaction
from web.logs import configure_logs

MakeCity = Callable[..., City]
MM = 72 / 25.4  # in points
PERMIT = "resident_parking_permit"


def residents(city: City, count: int, pass_type: str = "family_card", **claims: Any) -> list[Pass]:
    new = [
        city.entitles(pass_type, holder=replace(ANNA, family_name=f"Müller{number}"), **claims)
        for number in range(count)
    ]
    with write_transaction(city.office.engine) as connection:
        return lifecycle.issue(connection, new, city.order())


def writes(city: City, passes: Collection[Pass], occasion: str = "renewed", campaign: int | None = None) -> None:
    order = Order("test", city.office.now(), campaign=campaign)
    with write_transaction(city.office.engine) as connection:
        serials = [pass_.serial for pass_ in passes]
        told = tell_holders(connection, serials, occasion, Inform.LETTER, order, mail_possible=True)
    assert told == {"letter": len(passes)}


def batches(city: City) -> list[list[str]]:
    """The serials of each batch, in their order."""
    with read_transaction(city.office.engine) as connection:
        numbers = connection.scalars(select(print_batches.c.id).order_by(print_batches.c.id)).all()
        query = select(print_letters.c.serial).order_by(print_letters.c.position)
        return [list(connection.scalars(query.where(print_letters.c.batch_id == number))) for number in numbers]


def codes(city: City) -> list[str | None]:
    with read_transaction(city.office.engine) as connection:
        query = select(print_letters.c.code).order_by(print_letters.c.batch_id, print_letters.c.position)
        return list(connection.scalars(query))


def prints(city: City) -> list[Path]:
    """Collect after a quarter of an hour, and print; the files there are."""
    performs(city, "letter")
    city.later(seconds=900)
    performs(city, "letter")
    performs(city, "print")
    return sorted((city.settings.issuer_home / "print").glob("*.pdf"))


def texts(file: Path) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(file).pages]


def serials(passes: Collection[Pass]) -> list[str]:
    return [pass_.serial for pass_ in passes]


def holds(city: City, pass_: Pass, carrier: str) -> None:
    city.office.carry([pass_.serial], carrier, city.order())


def loses_address(city: City, pass_: Pass) -> None:
    with write_transaction(city.office.engine) as connection:
        connection.execute(update(holders).where(holders.c.serial == pass_.serial).values(street=""))


def test_five_hundred_letters_are_a_batch_at_once_and_the_rest_when_it_has_waited(city_on: City) -> None:
    passes = residents(city_on, 507)
    writes(city_on, passes)
    performs(city_on, "letter")
    assert [len(batch) for batch in batches(city_on)] == [500]
    city_on.later(seconds=899)
    performs(city_on, "letter")
    assert len(batches(city_on)) == 1
    city_on.later(seconds=1)
    performs(city_on, "letter")
    assert [len(batch) for batch in batches(city_on)] == [500, 7]
    assert [serial for batch in batches(city_on) for serial in batch] == serials(passes)
    assert [row["subject"] for row in rows(city_on, "print")] == ["1", "2"]
    assert all(row["done_at"] for row in rows(city_on, "letter"))


def test_letters_that_come_one_by_one_wait_for_each_other(city_on: City) -> None:
    passes = residents(city_on, 4)
    for pass_ in passes:
        writes(city_on, [pass_])
        performs(city_on, "letter")
        city_on.later(seconds=200)
    assert batches(city_on) == []
    city_on.later(seconds=100)
    performs(city_on, "letter")
    assert batches(city_on) == [serials(passes)]
    assert max(row["attempts"] for row in rows(city_on, "letter")) <= 2, "waiting is no failing"


def test_what_waits_joins_what_comes_as_soon_as_a_batch_is_full(city_on: City) -> None:
    early, late = residents(city_on, 10), residents(city_on, 495)
    writes(city_on, early)
    performs(city_on, "letter")
    writes(city_on, late)
    performs(city_on, "letter")
    assert batches(city_on) == [serials([*early, *late])[:500]]


def test_letters_wait_as_long_as_the_setting_says_and_not_for_a_clock_that_was_ahead(make_city: MakeCity) -> None:
    city = make_city(print_after=5 * 3600)
    passes = residents(city, 2)
    writes(city, passes[:1])
    for _ in range(5):
        performs(city, "letter")
        assert batches(city) == []
        city.later(hours=1)
    performs(city, "letter")
    assert batches(city) == [serials(passes[:1])]
    city.later(hours=3)
    writes(city, passes[1:])
    performs(city, "letter")
    city.later(hours=-3)
    performs(city, "letter")
    assert batches(city) == [serials(passes[:1]), serials(passes[1:])]


def test_letters_that_waited_while_no_worker_ran_have_not_failed(city_on: City) -> None:
    early, late = residents(city_on, 10), residents(city_on, 500)
    writes(city_on, early)
    performs(city_on, "letter")
    writes(city_on, late)
    city_on.later(days=8)
    performs(city_on, "letter")
    assert city_on.office.outbox.failed() == []
    city_on.later(seconds=1)
    performs(city_on, "letter")
    assert sorted(serial for batch in batches(city_on) for serial in batch) == sorted(serials([*early, *late]))


def test_each_campaign_has_batches_of_its_own(city_on: City) -> None:
    first, second, none = residents(city_on, 3), residents(city_on, 2), residents(city_on, 1)
    for passes, campaign in ((first, 7), (none, None), (second, 8)):
        writes(city_on, passes, campaign=campaign)
    city_on.later(seconds=900)
    performs(city_on, "letter")
    assert sorted(batches(city_on), key=len) == [serials(none), serials(second), serials(first)]
    assert {row["campaign"] for row in rows(city_on, "print")} == {7, 8, None}


def test_a_worker_that_lost_its_claim_makes_no_second_batch(city_on: City) -> None:
    writes(city_on, residents(city_on, 3))
    city_on.later(seconds=900)
    slow, box = letters_task(city_on.office), city_on.office.outbox
    claim = box.claim("letter", slow.batch, slow.lease, alone=True)
    assert claim
    errands = box.held(claim)
    city_on.later(seconds=slow.lease + 1)
    performs(city_on, "letter")
    slow.perform(errands, box.report(claim, slow.lease))
    assert [len(batch) for batch in batches(city_on)] == [3]


def test_the_same_news_twice_is_one_letter(city: City) -> None:
    passes = residents(city, 2)
    writes(city, passes)
    writes(city, passes)
    prints(city)
    assert batches(city) == [serials(passes)]


def test_a_file_has_a_letter_for_each_on_pages_of_its_own_in_order(city_on: City) -> None:
    cards, permits = residents(city_on, 3), residents(city_on, 2, PERMIT)
    writes(city_on, [*cards, *permits])
    [file] = prints(city_on)
    assert re.fullmatch(r"letters-000001-20261123-0945[0-9]{2}\.pdf", file.name)
    assert file.stat().st_mode & 0o777 == 0o600
    pages = texts(file)
    assert len(pages) == 3 + 2 * 2
    letters = [page for page in pages if "Guten Tag" in page]
    names = [f"Guten Tag Anna Müller{number}," for number in (0, 1, 2, 0, 1)]
    assert [page.count("Guten Tag") for page in letters] == [1] * 5
    assert [name in page for name, page in zip(names, letters, strict=True)] == [True] * 5
    assert PdfReader(file).metadata.title == f"Landeshauptstadt Düsseldorf: {file.stem}"  # type: ignore[union-attr]
    assert codes(city_on) == [None] * 5


def test_the_batch_is_accessible_and_archivable(city: City) -> None:
    writes(city, residents(city, 2))
    [file] = prints(city)
    root: Any = PdfReader(file).trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()
    assert "<pdfuaid:part>1<" in xmp and "<pdfaid:part>3<" in xmp and "<pdfaid:conformance>A<" in xmp
    assert bool(root["/MarkInfo"]["/Marked"])


def test_printing_again_gives_the_same_bytes(city: City) -> None:
    writes(city, residents(city, 3))
    [file] = prints(city)
    first = file.read_bytes()
    with write_transaction(city.office.engine) as connection:  # as if the worker had died before it could say so
        connection.execute(print_batches.update().values(printed_at=None, file_name=None))
        connection.exec_driver_sql("UPDATE outbox SET done_at = NULL WHERE kind = 'print'")
    city.later(days=1)
    performs(city, "print")
    assert file.read_bytes() == first
    assert all(row["done_at"] for row in rows(city, "print"))


def test_a_batch_that_is_printed_is_not_printed_again(city: City) -> None:
    writes(city, residents(city, 1))
    [file] = prints(city)
    file.unlink()
    with write_transaction(city.office.engine) as connection:
        connection.exec_driver_sql("UPDATE outbox SET done_at = NULL WHERE kind = 'print'")
    performs(city, "print")
    assert not file.exists()


@pytest.mark.parametrize(
    ("carriers", "occasion", "with_card"),
    [
        ((), "renewed", True),
        (("paper",), "renewed", True),
        (("qr",), "renewed", True),
        (("apple",), "renewed", False),
        (("apple", "paper"), "renewed", True),
        (("page",), "renewed", False),
        (("paper",), "reminder-14", False),
        ((), "reminder-3", False),
    ],
)
def test_a_renewal_brings_a_card_to_who_needs_paper(
    carriers: tuple[str, ...], occasion: str, with_card: bool, city: City
) -> None:
    until = city.today + timedelta(days=3)
    permit = city.grants(PERMIT, valid_until=until)
    for carrier in carriers:
        holds(city, permit, carrier)
    writes(city, [permit], occasion)
    [file] = prints(city)
    pages = texts(file)
    assert len(pages) == (2 if with_card else 1)
    assert ("Ihre neue Karte" in pages[0]) == with_card == ("Ausschneiden" in pages[0])
    assert f"bis einschließlich {until:%d.%m.%Y}" in pages[0]
    assert ("ist verlängert" in pages[0]) == (occasion == "renewed")
    assert ("Verlängerung" in pages[0]) == (occasion != "renewed")
    assert "In English: Resident parking permit" in pages[0]


def test_what_is_true_no_longer_is_left_out_with_its_reason(city_on: City) -> None:
    soon = city_on.today + timedelta(days=3)
    revoked, suspended, renewed, moved, kept = (city_on.grants("library_card", valid_until=soon) for _ in range(5))
    writes(city_on, [revoked, suspended, renewed, moved, kept], "reminder-3")
    city_on.revokes(revoked)
    city_on.suspends(suspended)
    city_on.renews(renewed, soon + timedelta(days=365))
    loses_address(city_on, moved)
    [file] = prints(city_on)
    assert codes(city_on) == ["revoked", "suspended", "outdated", "no_postal_address", None]
    assert len(texts(file)) == 1


def test_a_renewal_that_begins_later_says_from_when(city: City) -> None:
    begins = city.today + timedelta(days=4)
    writes(city, [city.grants("library_card", valid_from=begins)])
    [file] = prints(city)
    assert f"Er gilt vom {begins:%d.%m.%Y} bis einschließlich" in texts(file)[0]


def test_a_letter_about_a_type_that_is_switched_off_is_left_out_and_the_others_are_printed(city_on: City) -> None:
    writes(city_on, [*residents(city_on, 1, PERMIT), *residents(city_on, 1)])
    city_on.office = Office(city_on.settings.model_copy(update={"pass_types": ("family_card",)}), city_on.clock)
    [file] = prints(city_on)
    assert codes(city_on) == ["unknown_type", None]
    assert len(texts(file)) == 1


def test_a_letter_that_no_font_can_print_is_left_out_and_the_others_are_printed(city: City) -> None:
    names = ("Anna", "山田", "Berta", "太郎", "Clara")
    writes(city, [city.grants("family_card", holder=replace(ANNA, given_name=name)) for name in names])
    [file] = prints(city)
    assert codes(city) == [None, "not_printable", None, "not_printable", None]
    assert [f"Guten Tag {name} Müller," in page for name, page in zip(names[::2], texts(file), strict=True)] == [
        True
    ] * 3


def test_a_batch_of_nothing_but_left_out_letters_has_no_file(city: City) -> None:
    [card] = residents(city, 1)
    writes(city, [card])
    city.revokes(card)
    assert prints(city) == []
    assert all(row["done_at"] for row in rows(city, "print"))


def test_every_address_stands_in_the_window_of_the_envelope(city: City) -> None:
    """DIN 5008 form B: the window begins 45 mm from the top and 20 mm from the left, 85 mm × 45 mm; its upper 17.7 mm
    are for the sender's line and remarks, the rest for the address.
    """
    long = replace(ANNA, given_name="Maximiliane-Alexandrina", family_name="Freifrau von Hohenlohe-Schillingsfürst")
    street = "Bürgermeister-Doktor-Wilhelm-Marx-von-der-Hardenberg-Straße 123 b"
    writes(city, [city.grants("family_card", holder=replace(holder, street=street)) for holder in (ANNA, long, ANNA)])
    [file] = prints(city)
    pdf = pypdfium2.PdfDocument(file)
    assert len(pdf) == 3
    for page in pdf:
        assert within(page, 45, 62.7).startswith("Landeshauptstadt Düsseldorf · Marktplatz")
        address = within(page, 62.7, 90)
        assert "Hardenberg" in address and address.endswith("40215 Düsseldorf")
        assert within(page, 90, 97) == "", "nothing of the address below the window"


def within(page: pypdfium2.PdfPage, top: float, bottom: float) -> str:
    """The text between two heights within the window's width, all in millimetres from the page's upper left corner."""
    height = page.get_height()
    found = page.get_textpage().get_text_bounded(20 * MM, height - bottom * MM, 105 * MM, height - top * MM)
    return str(found).strip()


def test_a_press_that_fails_is_tried_again_later() -> None:
    with pytest.raises(PressFailed) as failure:
        print_apart(Sheets("title", "author", [{}], "no time"))  # type: ignore[arg-type]
    assert failure.value.code == "press_failed"


def test_printed_files_are_deleted_after_their_time_and_stay_on_record(city: City) -> None:
    writes(city, residents(city, 1))
    [file] = prints(city)
    city.later(days=29)
    assert delete_printed(city.office) == 0
    city.later(days=2)
    _, forget = set_times(city.office)["forget_printed"]
    forget()
    assert not file.exists()
    assert len(batches(city)) == 1


def test_the_command_lists_batches_files_and_what_was_left_out(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = residents(city, 3)
    writes(city, passes)
    city.revokes(passes[1])
    [file] = prints(city)
    monkeypatch.setenv("WALLETPASS_HOME", str(city.settings.home))
    listed = CliRunner().invoke(app, ["list", "--json"])
    [batch] = json.loads(listed.stdout)["batches"]
    assert (batch["letters"], batch["left_out"], batch["file"]) == (3, {"revoked": 1}, file.name)
    assert batch["printed_at"]
    writes(city, passes[:1])
    shown = CliRunner().invoke(app, ["list"])
    assert file.name in shown.stdout
    assert f"The files are in {file.parent}." in shown.stderr and "not in a file yet: 1." in shown.stderr


def test_no_log_line_names_anybody(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs()
    card = city.grants("family_card")
    writes(city, [card, city.grants("family_card", holder=replace(ANNA, family_name="山田"))])
    prints(city)
    lines = capsys.readouterr().err
    assert "letters_printed" in lines
    for secret in ("Anna", "Müller", "山", "Bilker", card.serial):
        assert secret not in lines
