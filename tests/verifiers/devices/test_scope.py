"""What a device is for: shifts by the clock on the wall, also over midnight and when the clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from verifiers.devices.errors import DeviceInvalid
from verifiers.devices.scope import Scope, Shift, read_scope, read_shift
from walletpass.passes import LOCAL_ZONE


def at(text: str) -> int:
    """The NumericDate of a local time."""
    return int(datetime.fromisoformat(text).replace(tzinfo=LOCAL_ZONE).timestamp())


def shift(text: str) -> Shift:
    found = read_shift(text)
    assert found is not None
    return found


# 2027-01-11 is a Monday.
COVERED = [
    ("12345 06:00-22:00", "2027-01-11T06:00", True),
    ("12345 06:00-22:00", "2027-01-11T05:59:59", False),
    ("12345 06:00-22:00", "2027-01-11T21:59:59", True),
    ("12345 06:00-22:00", "2027-01-11T22:00", False),
    ("12345 06:00-22:00", "2027-01-16T12:00", False),
    ("67 06:00-22:00", "2027-01-17T12:00", True),
    ("5 22:00-06:00", "2027-01-15T21:59", False),
    ("5 22:00-06:00", "2027-01-15T22:00", True),
    ("5 22:00-06:00", "2027-01-16T05:59", True),
    ("5 22:00-06:00", "2027-01-16T06:00", False),
    ("5 22:00-06:00", "2027-01-15T05:00", False),
    ("7 22:00-06:00", "2027-01-11T03:00", True),
    ("7 22:00-06:00", "2027-01-17T03:00", False),
    ("1 00:00-00:00", "2027-01-11T00:00", True),
    ("1 00:00-00:00", "2027-01-11T23:59", True),
    ("1 00:00-00:00", "2027-01-12T00:00", False),
    ("1 12:00-12:00", "2027-01-12T11:59", True),
    ("1 12:00-12:00", "2027-01-12T12:00", False),
]


@pytest.mark.parametrize(("text", "when", "covered"), COVERED)
def test_a_shift_covers_its_first_minute_and_not_the_one_it_ends_at(text: str, when: str, covered: bool) -> None:
    assert shift(text).covers(at(when)) is covered


def test_a_shift_keeps_to_the_wall_when_the_clocks_are_changed() -> None:
    """28 March 2027: 02:00 becomes 03:00. 31 October 2027: 03:00 becomes 02:00."""
    night = shift("6 22:00-03:00")
    assert night.covers(int(datetime(2027, 3, 28, 0, 59, tzinfo=UTC).timestamp()))  # 01:59
    assert not night.covers(int(datetime(2027, 3, 28, 1, 0, tzinfo=UTC).timestamp()))  # 03:00
    assert night.covers(int(datetime(2027, 10, 31, 1, 59, tzinfo=UTC).timestamp()))  # 02:59, the second time
    assert not night.covers(int(datetime(2027, 10, 31, 2, 0, tzinfo=UTC).timestamp()))


@pytest.mark.parametrize("text", ["12345 06:00-22:00", "5 22:00-06:00", "1234567 00:00-00:00"])
def test_a_shift_is_written_as_it_is_read(text: str) -> None:
    assert str(shift(text)) == text
    assert shift(f" {text} ").document()["from"] == text[-11:-6]


@pytest.mark.parametrize(
    "text",
    ["1", "8 06:00-22:00", "1 6:00-22:00", "1 06:00-24:00", "1 06:60-22:00", "1 06:00 - 22:00", "1 06:00-22:00x"],
)
def test_what_is_no_shift_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(DeviceInvalid, match="12345 06:00-22:00"):
        read_shift(text)


def test_a_scope_is_sorted_and_without_doubles_and_empty_lists_mean_all() -> None:
    scope = read_scope(["social_pass", "library_card", "social_pass"], ["mü", "7", "MÜ"], "1 06:00-22:00")
    assert (scope.pass_types, scope.zones) == (("library_card", "social_pass"), ("7", "MÜ"))
    assert scope.includes_any(["library_card"]) and not scope.includes_any(["resident_parking_permit"])
    assert read_scope() == Scope() and Scope().includes_any(["anything"]) and Scope().on_duty(0)
    assert not Scope().includes_any([]) and not scope.on_duty(at("2027-01-11T23:00"))


@pytest.mark.parametrize(
    ("pass_types", "zones"),
    [
        (["Social Pass"], []),
        ([""], []),
        (["x\0"], []),
        ([f"type_{n:03}" for n in range(60)], []),
        ([], ["too long"]),
        ([], [""]),
        ([], ["M\0"]),
        ([], [f"{n}" for n in range(1000, 2000)]),
    ],
)
def test_what_no_device_can_be_for_is_refused(pass_types: list[str], zones: list[str]) -> None:
    with pytest.raises(DeviceInvalid):
        read_scope(pass_types, zones)
