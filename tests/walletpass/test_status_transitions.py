"""The life of a status: what may follow what, and the word a department reads."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletpass.errors import TransitionNotAllowed
from walletpass.passes import Pass, end_instant, end_second, first_second, local_day
from walletpass.status import TRANSITIONS, Status, require_transition, status_word, worse

_STATUS = st.sampled_from(Status)
_DAYS = st.dates(date(2020, 1, 1), date(2040, 1, 1))


def test_the_values_are_those_of_the_token_status_list():
    assert {status.name: status.value for status in Status} == {"VALID": 0, "INVALID": 1, "SUSPENDED": 2}


@given(st.lists(_STATUS))
def test_whatever_is_tried_nothing_leaves_invalid(wanted):
    status, was_invalid = Status.VALID, False
    for new in wanted:
        try:
            require_transition(status, new)
        except TransitionNotAllowed:
            continue
        status = new
        assert not was_invalid
        was_invalid = status is Status.INVALID


@given(_STATUS, _STATUS)
def test_exactly_the_listed_transitions_are_allowed(old, new):
    if (old, new) in TRANSITIONS:
        require_transition(old, new)
        return
    with pytest.raises(TransitionNotAllowed) as refusal:
        require_transition(old, new)
    assert refusal.value.code == "transition_not_allowed"


def test_the_transitions_are_the_four_of_the_design():
    v, i, s = Status.VALID, Status.INVALID, Status.SUSPENDED
    assert {(v, s), (s, v), (v, i), (s, i)} == TRANSITIONS


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (Status.VALID, Status.VALID, "already valid"),
        (Status.SUSPENDED, Status.SUSPENDED, "already suspended"),
        (Status.INVALID, Status.INVALID, "already revoked"),
        (Status.INVALID, Status.VALID, "final"),
        (Status.INVALID, Status.SUSPENDED, "final"),
    ],
)
def test_a_refused_transition_says_why(old, new, words):
    with pytest.raises(TransitionNotAllowed, match=words):
        require_transition(old, new)


@given(_STATUS, _STATUS)
def test_the_worse_status_wins_in_either_order(one, other):
    assert worse(one, other) is worse(other, one)
    assert worse(one, other) in (one, other)
    assert worse(one, Status.INVALID) is Status.INVALID
    assert worse(Status.VALID, other) is other


@pytest.mark.parametrize(
    ("status", "start", "end", "word"),
    [
        (Status.VALID, -1, 1, "valid"),
        (Status.VALID, 0, 0, "valid"),
        (Status.VALID, 1, 2, "not_yet_valid"),
        (Status.VALID, -2, -1, "expired"),
        (Status.SUSPENDED, -2, -1, "suspended"),
        (Status.SUSPENDED, 1, 2, "suspended"),
        (Status.INVALID, -2, -1, "revoked"),
        (Status.INVALID, -1, 1, "revoked"),
        (Status.INVALID, 1, 2, "revoked"),
    ],
)
def test_the_word_names_the_gravest_truth_first(status, start, end, word):
    today = date(2027, 3, 31)
    first, last = today + timedelta(start), today + timedelta(end)
    assert status_word(status, first, last, today) == word
    assert Pass("s", "library_card", "1", status, first, last, {}).status_word(today) == word


@given(_DAYS)
def test_a_credential_ends_with_the_last_local_day(day):
    assert local_day(datetime.fromtimestamp(first_second(day), UTC)) == day
    assert local_day(end_instant(day)) == day + timedelta(1)
    assert local_day(end_instant(day) - timedelta(seconds=1)) == day
    assert end_instant(day).timestamp() == end_second(day) == first_second(day + timedelta(1))


def test_the_first_second_follows_summer_time():
    assert datetime.fromtimestamp(first_second(date(2027, 1, 15)), UTC).isoformat() == "2027-01-14T23:00:00+00:00"
    assert datetime.fromtimestamp(first_second(date(2027, 7, 15)), UTC).isoformat() == "2027-07-14T22:00:00+00:00"
    # The day on which the clocks go forward has 23 hours.
    assert end_second(date(2027, 3, 28)) - first_second(date(2027, 3, 28)) == 23 * 3600
