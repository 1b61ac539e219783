"""Importing lists: idempotent, complete, interrupted, side by side, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from issuers import importing, lifecycle
from issuers.import_report import ImportReport
from issuers.importing import TOO_MANY, Import, TooManyMissing, TooManyShorter
from issuers.models import audit, holders, passes
from issuers.sources.entitlements import SourceRow, read_rows
from issuers.sources.errors import RowFailure
from tests.city import ANNA, City
from walletpass.entitlement import Entitlement, Holder
from walletpass.status import Status
from walletpass.verdict import Reason
from web.database import read_transaction, write_transaction

PERMIT = "resident_parking_permit"
BEN = Holder("Ben", "Beispiel", email="ben@example.org")


def rows_of(entitlements: Iterable[Entitlement]) -> list[SourceRow | RowFailure]:
    return [
        SourceRow(n, (e.external_number,), "permit_no", "valid_until", e) for n, e in enumerate(entitlements, start=2)
    ]


def permits(city: City, count: int, **claims: Any) -> list[Entitlement]:
    numbers = (f"BP-{n:05d}" for n in range(count))
    return [city.entitles("resident_parking_permit", number=number, **claims) for number in numbers]


def imports(city: City, rows: list[Any], **options: Any) -> ImportReport:
    rows = rows if rows and not isinstance(rows[0], Entitlement) else rows_of(rows)
    declared = city.office.catalogue.named("resident_parking_permit")
    report = Import(city.office.engine, declared, city.order(), **options).run(rows, lambda: None)
    city.office.publication.publish_changes()
    return report


def read(city: City, text: str) -> list[Any]:
    """The rows of a list with this content."""
    file = city.settings.home / "list.csv"
    file.write_text(text, encoding="utf-8")
    return list(read_rows(file, city.office.catalogue.named(PERMIT), city.today))


def counts(report: ImportReport) -> tuple[int, ...]:
    return (report.created, report.renewed, report.updated, report.unchanged, report.failed)


def snapshot(city: City) -> list[tuple[Any, ...]]:
    """The state of all passes, without serials and times."""
    with read_transaction(city.office.engine) as connection:
        query = select(
            passes.c.external_number, passes.c.status, passes.c.valid_from, passes.c.valid_until, passes.c.claims,
            holders.c.family_name, holders.c.email,
        ).join_from(passes, holders)  # fmt: skip
        return sorted(tuple(row) for row in connection.execute(query))


def test_the_same_list_twice_changes_nothing(city_on: City) -> None:
    listed = permits(city_on, 30)
    assert counts(imports(city_on, listed)) == (30, 0, 0, 0, 0)
    before = snapshot(city_on)
    assert counts(imports(city_on, listed)) == (0, 0, 0, 30, 0)
    assert snapshot(city_on) == before


def test_a_later_date_renews_and_other_changes_update(city_on: City) -> None:
    listed = permits(city_on, 4)
    imports(city_on, listed)
    listed[0] = replace(listed[0], valid_until=listed[0].valid_until + timedelta(days=30))
    listed[1] = replace(listed[1], claims=dict(listed[1].claims) | {"plates": ("D-X 1",)})
    listed[2] = replace(listed[2], holders=(replace(ANNA, email="neu@example.org"),))
    assert counts(imports(city_on, listed)) == (0, 1, 2, 1, 0)
    assert counts(imports(city_on, listed)) == (0, 0, 0, 4, 0)


def test_what_a_list_has_no_column_for_stays_and_an_empty_cell_removes(city_on: City) -> None:
    city = city_on
    first = replace(
        city.entitles(PERMIT, number="BP-1", plates=("D-X 1",), changing_vehicles=True), holders=(ANNA, BEN)
    )
    with write_transaction(city.office.engine) as connection:
        [pass_] = lifecycle.issue(connection, [first], city.order())
    until = first.valid_until + timedelta(days=30)
    assert counts(imports(city, read(city, f"permit_number;zone;valid_until\nBP-1;MÜ;{until}\n"))) == (0, 1, 0, 0, 0)
    assert city.stored(pass_) == replace(pass_, valid_until=until, claims=pass_.claims)
    emptied = f"permit_number;zone;valid_until;plate1;changing_vehicles;email;language\nBP-1;MÜ;{until};;nein;;en\n"
    assert counts(imports(city, read(city, emptied))) == (0, 0, 1, 0, 0)
    stored = city.stored(pass_)
    assert stored.claims == {"permit_number": "BP-1", "zone": "MÜ", "plates": ()}
    assert stored.holders == (replace(ANNA, email="", language="en"), BEN)


def test_a_pass_that_has_not_begun_keeps_its_first_day_where_a_list_has_none(city_on: City) -> None:
    city = city_on
    begins = city.today + timedelta(days=5)
    pass_ = city.grants(PERMIT, number="BP-1", zone="MÜ", valid_from=begins)
    until = pass_.valid_until + timedelta(days=30)
    imports(city, read(city, f"permit_number;zone;valid_until\nBP-1;MÜ;{until}\n"))
    assert city.stored(pass_) == replace(pass_, valid_until=until)
    imports(city, read(city, f"permit_number;zone;valid_until;valid_from\nBP-1;MÜ;{until};\n"))
    assert city.stored(pass_).valid_from == city.today


def test_a_row_that_does_not_fit_the_first_day_that_stays_fails_and_changes_nothing(city_on: City) -> None:
    city, day = city_on, timedelta(days=1)
    later = city.grants(PERMIT, number="BP-1", zone="MÜ", valid_from=city.today + 30 * day)
    running = city.grants(PERMIT, number="BP-2", zone="MÜ")
    ended = running.valid_from - day
    rows = f"permit_number;zone;valid_until\nBP-1;MÜ;{city.today + 10 * day}\nBP-2;MÜ;{ended}\n"
    report = imports(city, read(city, rows))
    assert [(f.line, f.column, f.code) for f in report.failures] == [
        (2, "valid_until", "bad_validity"),
        (3, "valid_until", "bad_validity"),
    ]
    assert [city.stored(each) for each in (later, running)] == [later, running]


def test_rows_that_join_on_lengthen_a_pass_no_further_than_its_type_allows(city_on: City) -> None:
    city, longest = city_on, timedelta(days=5 * 366)
    pass_ = city.grants(PERMIT, number="BP-1", zone="MÜ", valid_until=city.today + longest)
    begins = pass_.valid_until + timedelta(days=1)
    rows = f"Permit_No;zone;valid_from;Valid_Until\nBP-1;MÜ;{begins};{begins + timedelta(days=300)}\n"
    [failure] = imports(city, read(city, rows)).failures
    assert (failure.column, failure.code) == ("Valid_Until", "validity_too_long")
    assert city.stored(pass_) == pass_


def test_a_list_that_shortens_passes_says_how_many_before_and_after(city_on: City) -> None:
    listed = permits(city_on, 3)
    imports(city_on, listed)
    for n, days in enumerate((-1, 1)):
        listed[n] = replace(listed[n], valid_until=listed[n].valid_until + timedelta(days=days))
    for dry_run in (True, False):
        report = imports(city_on, listed, dry_run=dry_run)
        assert (counts(report), report.document()["shortened"]) == ((0, 1, 1, 1, 0), 1)


def test_next_years_row_renews_a_running_permit_without_a_gap(city_on: City) -> None:
    [now] = permits(city_on, 1)
    imports(city_on, [now])
    next_year = replace(
        now, valid_from=now.valid_until + timedelta(days=1), valid_until=now.valid_until + timedelta(days=365)
    )
    assert counts(imports(city_on, [next_year])) == (0, 1, 0, 0, 0)
    [stored] = snapshot(city_on)
    assert (stored[2], stored[3]) == (now.valid_from, next_year.valid_until)
    assert counts(imports(city_on, [next_year])) == (0, 0, 0, 1, 0)


def test_an_import_never_changes_a_status(city_on: City) -> None:
    pass_ = city_on.grants("resident_parking_permit", number="BP-00000")
    city_on.suspends(pass_)
    later = [replace(e, valid_until=e.valid_until + timedelta(days=20)) for e in permits(city_on, 1)]
    assert counts(imports(city_on, later)) == (0, 1, 0, 0, 0)
    assert city_on.stored(pass_).status is Status.SUSPENDED


def test_a_row_for_a_revoked_pass_fails_unless_it_is_reissued_on_purpose(city_on: City) -> None:
    pass_ = city_on.grants("resident_parking_permit", number="BP-00000")
    city_on.revokes(pass_)
    report = imports(city_on, permits(city_on, 2))
    assert counts(report) == (1, 0, 0, 0, 1)
    assert (report.failures[0].line, report.failures[0].column, report.failures[0].code) == (
        2,
        "permit_no",
        "pass_revoked",
    )
    assert counts(imports(city_on, permits(city_on, 2), reissue=True)) == (1, 0, 0, 1, 0)
    assert city_on.stored(pass_).status is Status.INVALID


def test_a_dry_run_counts_the_same_and_changes_nothing(city_on: City) -> None:
    imports(city_on, permits(city_on, 3))
    listed = permits(city_on, 5, zone="7")
    before = snapshot(city_on)
    dry = imports(city_on, listed, dry_run=True, complete=True)
    assert snapshot(city_on) == before
    assert counts(dry) == counts(imports(city_on, listed, complete=True)) == (2, 0, 3, 0, 0)


def test_a_complete_list_suspends_what_is_missing_and_only_that(city_on: City) -> None:
    imports(city_on, permits(city_on, 5))
    gone = city_on.grants("resident_parking_permit", number="BP-GONE")
    other_type = city_on.grants("family_card")
    text = city_on.qr(gone)
    report = imports(city_on, permits(city_on, 5), complete=True)
    assert (report.missing, report.unchanged) == (1, 5)
    assert city_on.inspector_sees(text).reason is Reason.SUSPENDED
    assert city_on.stored(other_type).status is Status.VALID
    assert imports(city_on, permits(city_on, 5), complete=True).missing == 0, "it is suspended already"


def test_a_row_that_failed_still_names_its_pass(city: City) -> None:
    imports(city, permits(city, 2))
    broken = RowFailure(3, "zone", "bad_zone", "A zone has …", ("BP-00001", "Zone 99999"))
    report = imports(city, [*rows_of(permits(city, 1)), broken], complete=True)
    assert (report.failed, report.missing) == (1, 0)


def test_a_row_with_broken_quotes_still_names_its_pass(city: City) -> None:
    imports(city, permits(city, 2))
    broken = RowFailure(3, "", "bad_quotes", "The quotation marks …", ('"BP-00001";7;"D-AB 1',))
    report = imports(city, [*rows_of(permits(city, 1)), broken], complete=True)
    assert (report.failed, report.missing) == (1, 0)


def test_a_pass_made_while_a_complete_list_is_read_is_not_missing_from_it(city: City) -> None:
    imports(city, permits(city, 2))

    def rows() -> Iterator[SourceRow | RowFailure]:
        yield from rows_of(permits(city, 1))
        city.grants("resident_parking_permit", number="BP-NEW")

    declared = city.office.catalogue.named("resident_parking_permit")
    report = Import(city.office.engine, declared, city.order(), complete=True).run(rows(), lambda: None)
    assert report.missing == 1


def test_all_failures_are_counted_and_the_first_thousand_kept_without_their_rows(city: City) -> None:
    written: list[RowFailure] = []
    rows = (RowFailure(n, "zone", "bad_zone", "No.", ("BP-1", "x")) for n in range(2, 2502))
    declared = city.office.catalogue.named("resident_parking_permit")
    report = Import(city.office.engine, declared, city.order()).run(rows, lambda: None, written.append)
    document = report.document()
    assert (document["failed"], len(document["failures"]), document["failures_left_out"]) == (2500, 1000, 1500)
    assert {failure.row for failure in report.failures} == {()}
    assert (len(written), written[-1].line, written[-1].row) == (2500, 2501, ("BP-1", "x"))


def test_a_cut_off_complete_list_suspends_nothing(city: City) -> None:
    imports(city, permits(city, 250))
    with pytest.raises(TooManyMissing) as refusal:
        imports(city, permits(city, 50), complete=True)
    assert "200 of 250" in refusal.value.sentence
    assert imports(city, permits(city, 50), complete=True, dry_run=True).refusals == ["too_many_missing"]
    assert {row[1] for row in snapshot(city)} == {int(Status.VALID)}
    with pytest.raises(TooManyMissing):
        imports(city, permits(city, 50), complete=True, too_many=199)
    assert imports(city, permits(city, 50), complete=True, too_many=200).missing == 200


def test_an_old_list_shortens_nothing_unless_that_is_meant(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    imports(city, permits(city, 60))
    older = [replace(e, valid_until=e.valid_until - timedelta(days=90)) for e in permits(city, 60)]
    before = snapshot(city)
    dry = imports(city, older, dry_run=True)
    assert (dry.shortened, dry.refusals) == (60, ["too_many_shorter"])
    with pytest.raises(TooManyShorter, match=r"60 of 60 .* Nothing was changed\."):
        imports(city, older)
    assert snapshot(city) == before
    monkeypatch.setattr(importing, "BATCH", 20)
    half = permits(city, 60)[:30] + older[30:]
    assert imports(city, half, dry_run=True).refusals == []
    assert imports(city, half).shortened == 30, "half of them is not more than half"
    imports(city, permits(city, 60), force=True)
    late = permits(city, 60)[:20] + older[20:]
    with pytest.raises(TooManyShorter, match=r"40 of 60 .* Rows before line 42 are imported"):
        imports(city, late)
    assert imports(city, older, force=True).shortened == 40


def test_a_few_passes_may_be_shortened_without_a_word(city: City) -> None:
    imports(city, permits(city, TOO_MANY))
    older = [replace(e, valid_until=e.valid_until - timedelta(days=90)) for e in permits(city, TOO_MANY)]
    assert imports(city, older).shortened == TOO_MANY


def test_what_empty_cells_remove_is_counted_before_and_after(city: City) -> None:
    imports(city, [replace(e, holders=(ANNA,)) for e in permits(city, 2)])
    emptied = [replace(e, holders=(replace(ANNA, email="", street=""),)) for e in permits(city, 2, plates=())]
    for dry_run in (True, False):
        assert imports(city, emptied, dry_run=dry_run).document()["emptied"] == {"email": 2, "plates": 2, "street": 2}


def test_force_suspends_what_a_short_list_lacks(city: City) -> None:
    imports(city, permits(city, 3))
    with pytest.raises(TooManyMissing):
        imports(city, permits(city, 1), complete=True, too_many=0)
    assert imports(city, permits(city, 1), complete=True, too_many=0, force=True).missing == 2


def test_past_dates_import_as_expired(city: City) -> None:
    past = {"valid_from": city.today - timedelta(days=400), "valid_until": city.today - timedelta(days=40)}
    assert counts(imports(city, permits(city, 1, **past))) == (1, 0, 0, 0, 0)
    [stored] = snapshot(city)
    assert stored[1] == int(Status.VALID)


def test_an_import_stopped_at_any_batch_and_run_again_ends_like_one_clean_run(
    city_on: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 7)
    listed = permits(city_on, 40)
    for stop_after in range(4):
        calls = iter(range(100))

        def stop(calls: Any = calls, after: int = stop_after) -> None:
            if next(calls) == after:
                raise KeyboardInterrupt

        declared = city_on.office.catalogue.named("resident_parking_permit")
        with pytest.raises(KeyboardInterrupt):
            Import(city_on.office.engine, declared, city_on.order()).run(rows_of(listed), stop)
    imports(city_on, listed)
    assert [row[0] for row in snapshot(city_on)] == [e.external_number for e in listed]
    with read_transaction(city_on.office.engine) as connection:
        assert len(connection.execute(select(audit)).all()) == 40, "every pass was issued exactly once"


def test_two_imports_at_once_create_each_pass_once(city_on: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH", 20)
    listed = permits(city_on, 300)
    reports: list[ImportReport] = []
    threads = [threading.Thread(target=lambda: reports.append(imports(city_on, listed))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report.created for report in reports) == 300
    assert sum(report.unchanged for report in reports) == 300
    assert len(snapshot(city_on)) == 300


def test_a_complete_list_without_rows_suspends_nothing(city: City) -> None:
    imports(city, permits(city, 3))
    with pytest.raises(TooManyMissing):
        imports(city, [], complete=True)
    assert {row[1] for row in snapshot(city)} == {int(Status.VALID)}
