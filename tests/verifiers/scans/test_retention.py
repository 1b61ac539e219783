"""Forgetting: what is over goes, a batch at a time; what is not stays; counts outlive all of it."""

from __future__ import annotations

from base64 import urlsafe_b64decode

import pytest
from pydantic import ValidationError
from sqlalchemy import insert, select

from tests.verifiers.scans.desk_of_scans import DAY, NOW, PERMIT, Clock, Desk, scan, sixteen, used
from verifiers.models import PROOFS
from verifiers.scans import retention as rules
from verifiers.scans.retention import BATCH, REPEATED_FOR, Forgotten
from verifiers.settings import VerifierSettings
from web.database import read_transaction, write_transaction


def test_scans_go_after_the_days_of_their_type_and_counts_stay(desk_on: Desk, clock: Clock) -> None:
    desk_on.receives(scan("permit"), scan("library", pass_type="library_card"), scan("none", pass_type=None, zone=None))
    days = {"*": 30, "library_card": 90}
    clock.seconds += 30 * DAY
    assert desk_on.retention(days).purge().scans == 0
    clock.seconds += 1
    assert desk_on.retention(days).purge().scans == 2
    assert [row.pass_type for row in desk_on.rows("scans")] == ["library_card"]
    clock.seconds += 60 * DAY
    assert desk_on.retention(days).purge().scans == 1
    assert desk_on.counted() == 3


def test_a_scan_that_comes_late_is_kept_until_its_repeat_can_no_longer_come(desk_on: Desk, clock: Clock) -> None:
    sent = scan("late", NOW - 40 * DAY)
    desk_on.receives(sent)
    assert desk_on.retention().purge().scans == 0
    clock.seconds += REPEATED_FOR * DAY
    assert desk_on.receives(sent).received == [sixteen("late")]
    clock.seconds += 1
    assert desk_on.retention().purge().scans == 1
    assert desk_on.counted() == 1


def test_uses_warnings_and_keys_go_when_their_tomorrow_is_over(desk_on: Desk, clock: Clock) -> None:
    desk_on.receives(used("a", "permit", NOW, "A1"), used("b", "permit", NOW, "B1"))
    with write_transaction(desk_on.engine) as connection:
        connection.execute(insert(desk_on.store.tables.use_keys).values(day=desk_on.today, sealed_key=b"sealed"))
    clock.seconds += DAY
    assert desk_on.retention().purge() == Forgotten(0, 0, 0)
    assert [len(desk_on.rows(name)) for name in ("uses", "warnings", "use_keys")] == [2, 2, 1]
    clock.seconds += DAY
    assert desk_on.retention().purge() == Forgotten(0, 2, 0)
    assert [len(desk_on.rows(name)) for name in ("uses", "warnings", "use_keys")] == [0, 0, 0]
    assert desk_on.scans() == 2


def test_cases_go_after_their_days_whether_closed_or_not(desk_on: Desk, clock: Clock) -> None:
    table = desk_on.store.tables.cases
    case = {"device_id": "one", "at": NOW, "received_at": NOW, "encrypted": "x"}
    with write_transaction(desk_on.engine) as connection:
        for name, closed_at in (("a", None), ("b", NOW)):
            raw = urlsafe_b64decode(sixteen(name) + "==")
            connection.execute(insert(table).values(**case, id=raw, closed_at=closed_at))
    clock.seconds += 180 * DAY
    assert desk_on.retention().purge().cases == 0
    clock.seconds += 1
    assert desk_on.retention().purge().cases == 2


@pytest.mark.parametrize("count", [BATCH - 1, BATCH, 2 * BATCH + 1])
def test_any_number_goes_a_batch_at_a_time(desk: Desk, clock: Clock, count: int) -> None:
    desk.receives(*(scan(n) for n in range(count)), scan("young", NOW + 900))
    clock.seconds += 30 * DAY + 1
    assert desk.retention().purge().scans == count
    assert (desk.scans(), desk.counted()) == (1, count + 1)


def test_proofs_go_when_their_nonces_are_over(desk_on: Desk, clock: Clock) -> None:
    with write_transaction(desk_on.engine) as connection:
        connection.execute(insert(PROOFS), [{"identity": bytes([n]) * 32, "forget_at": NOW + n} for n in range(2)])
    clock.seconds += 1
    desk_on.retention().purge()
    with read_transaction(desk_on.engine) as connection:
        assert connection.scalars(select(PROOFS.c.forget_at)).all() == [NOW + 1]


def test_the_thread_forgets_at_the_start(desk: Desk, clock: Clock) -> None:
    desk.receives(scan("a"))
    clock.seconds += 31 * DAY
    thread = rules.RetentionThread(desk.retention())
    thread.start()
    thread.stop()
    assert desk.scans() == 0


def test_the_days_are_set_by_type_and_for_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert VerifierSettings().scan_retention_days == {"*": 30}
    monkeypatch.setenv("WALLETPASS_SCAN_RETENTION_DAYS", f'{{"*": 14, "{PERMIT}": 3}}')
    assert VerifierSettings().scan_retention_days == {"*": 14, PERMIT: 3}
    for wrong in ('{"library_card": 3}', '{"*": 0}', '{"*": 30, "Büchereikarte": 3}', '{"*": 4000}', "{}"):
        monkeypatch.setenv("WALLETPASS_SCAN_RETENTION_DAYS", wrong)
        with pytest.raises(ValidationError):
            VerifierSettings()
