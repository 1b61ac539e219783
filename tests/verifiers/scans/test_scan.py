"""Reading a scan: what devices send, what they never would, and that nothing which is sent raises."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.verifiers.scans.desk_of_scans import HOUR, MINUTE, NOW, QUARTER, TYPES, day_of, scan, sixteen, used
from verifiers.plates import PlateOutcome, PlateReason
from verifiers.scans.scan import OLDEST, OUTCOMES, Refusal, Scan, nonce_text, read_nonce, read_scan
from walletpass import scan_counts
from walletpass.verdict import Outcome, Reason

HOUSE: dict[str, Any] = {"deadline": None, "derandomize": True, "database": None}
MANY = 10_000 if os.environ.get("WALLETPASS_STRESS") else 1_000


def test_a_scan_is_what_the_device_wrote() -> None:
    found = read_scan(used("a", "permit", NOW + 7 * MINUTE, "MÜ", "DAB1234"), NOW + HOUR, TYPES)
    assert isinstance(found, Scan)
    assert found.content == (NOW, "code", "accepted", "accepted", "resident_parking_permit", "MÜ")
    assert found.use is not None
    assert (found.use.day.isoformat(), found.use.at, found.use.zone) == ("2027-01-15", NOW + 7 * MINUTE, "MÜ")
    assert nonce_text(found.nonce) == sixteen("a")
    assert len(found.nonce) == len(found.use.digest) == len(found.use.plate or b"") == 16


@pytest.mark.parametrize("kind", ["code", "plate"])
def test_every_reason_has_one_outcome_and_no_other(kind: str) -> None:
    for reason, outcome in OUTCOMES[kind].items():
        for other in (*Outcome, *PlateOutcome):
            sent = scan("a", kind=kind, reason=reason, outcome=other.value)
            assert isinstance(read_scan(sent, NOW, TYPES), Scan) == (other.value == outcome), (reason, other)


def test_all_reasons_and_outcomes_are_known_and_those_that_are_counted_are_the_same() -> None:
    assert OUTCOMES["code"].keys() == set(Reason)
    assert OUTCOMES["plate"].keys() == set(PlateReason)
    assert {kind: set(outcomes) for kind, outcomes in scan_counts.OUTCOMES.items()} == {
        kind: set(outcomes.values()) for kind, outcomes in OUTCOMES.items()
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"nonce": ""},
        {"nonce": sixteen("a") + "="},
        {"nonce": sixteen("a")[:-1] + "B"},
        {"nonce": sixteen("a")[:-2]},
        {"nonce": "D-AB 1234 Max Muster.."},
        {"nonce": 7},
        {"nonce": [sixteen("a")]},
        {"at": NOW + 1},
        {"at": float(NOW)},
        {"at": True},
        {"at": -QUARTER},
        {"at": str(NOW)},
        {"at": None},
        {"kind": "face"},
        {"kind": ["code"]},
        {"kind": {}},
        {"outcome": "refused"},
        {"outcome": {"accepted": 1}},
        {"reason": "accepted by Karla"},
        {"reason": ["accepted"]},
        {"reason": None},
        {"pass_type": "Bewohner"},
        {"pass_type": "x" * 65},
        {"pass_type": 5},
        {"zone": "D-AB1"},
        {"zone": "DAB1234"},
        {"zone": "a12"},
        {"zone": ""},
        {"zone": 12},
        {"zone": "A12\n"},
        {"use": []},
        {"use": {}},
        {"use": "D-AB 1234"},
        {"plate": "D-AB 1234"},
    ],
    ids=str,
)
def test_what_no_device_of_ours_writes_is_malformed(changes: dict[str, Any]) -> None:
    assert read_scan(scan("a") | changes, NOW, TYPES) is Refusal.MALFORMED


@pytest.mark.parametrize(
    "changes",
    [
        {"day": "2027-01-16"},
        {"day": "20270115"},
        {"day": 20270115},
        {"digest": None},
        {"digest": sixteen("a")[:-1]},
        {"plate": "D-AB 1234"},
        {"plate": ""},
        {"minute": NOW + 1},
        {"minute": NOW + QUARTER},
        {"minute": NOW - MINUTE},
        {"minute": float(NOW)},
        {"zone": "Bilk"},
        {"holder": "Karla"},
    ],
    ids=str,
)
def test_a_use_that_is_not_of_its_scan_is_malformed(changes: dict[str, Any]) -> None:
    sent = used("a", "permit", plate="DAB1234")
    assert isinstance(read_scan(sent, NOW, TYPES), Scan)
    assert read_scan(sent | {"use": sent["use"] | changes}, NOW, TYPES) is Refusal.MALFORMED


def test_a_look_up_has_no_use() -> None:
    sent = used("a", "permit") | {"kind": "plate", "outcome": "found", "reason": "listed"}
    assert read_scan(sent, NOW, TYPES) is Refusal.MALFORMED
    assert isinstance(read_scan(sent | {"use": None}, NOW, TYPES), Scan)


def test_an_hour_ahead_is_a_clock_and_more_is_the_future() -> None:
    assert isinstance(read_scan(scan("a", NOW + HOUR), NOW, TYPES), Scan)
    assert read_scan(scan("a", NOW + HOUR + QUARTER), NOW, TYPES) is Refusal.FROM_FUTURE
    assert read_scan(scan("a") | {"at": QUARTER * 10**30}, NOW, TYPES) is Refusal.FROM_FUTURE


def test_a_scan_of_long_ago_changes_no_settled_count() -> None:
    assert isinstance(read_scan(scan("a", NOW - OLDEST + QUARTER), NOW, TYPES), Scan)
    assert read_scan(scan("a", NOW - OLDEST - QUARTER), NOW, TYPES) is Refusal.TOO_OLD
    assert read_scan(scan("a") | {"at": 0}, NOW, TYPES) is Refusal.TOO_OLD


def test_a_type_of_pass_is_one_that_is_published_and_no_free_text() -> None:
    assert read_scan(scan("a") | {"pass_type": "d_ab_1234e_was_here"}, NOW, TYPES) is Refusal.TYPE_UNKNOWN


def test_the_day_of_a_use_is_the_local_one() -> None:
    late = 1_800_053_700  # 23:55 local, 22:55 UTC
    assert day_of(late) == "2027-01-15"
    assert isinstance(read_scan(used("a", "permit", late), late, TYPES), Scan)
    assert isinstance(read_scan(used("a", "permit", late + 600), late, TYPES), Scan)
    assert day_of(late + 600) == "2027-01-16"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([sixteen("a"), NOW, "code"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_NAMES = sorted(used("a", "permit"))
_USE_NAMES = sorted(used("a", "permit")["use"])


@st.composite
def hostile(draw: st.DrawFn) -> Any:
    """Anything; or a good scan of which some members are anything, missing or too many."""
    if draw(st.integers(0, 9)) == 0:
        return draw(_JSON)
    sent = used("a", "permit", plate="DAB1234")
    for name in draw(st.lists(st.sampled_from(_NAMES), max_size=3)):
        sent[name] = draw(_JSON)
    if isinstance(sent["use"], dict) and draw(st.booleans()):
        sent["use"][draw(st.sampled_from(_USE_NAMES))] = draw(_JSON)
    if draw(st.integers(0, 5)) == 0:
        sent.pop(draw(st.sampled_from(_NAMES)), None)
    if draw(st.integers(0, 5)) == 0:
        sent[draw(st.text(max_size=8))] = draw(_JSON)
    return sent


@settings(max_examples=MANY, suppress_health_check=list(HealthCheck), **HOUSE)
@given(hostile())
def test_nothing_that_is_sent_raises_and_what_is_taken_is_within_the_columns(item: Any) -> None:
    found = read_scan(json.loads(json.dumps(item)), NOW, TYPES)
    if isinstance(found, Scan):
        assert 0 <= found.at <= NOW + HOUR and found.at % QUARTER == 0
        assert len(found.nonce) == 16 and len(found.zone or "") <= 4 and len(found.pass_type or "") <= 64
        assert found.reason in OUTCOMES[found.kind]


@settings(max_examples=MANY // 5, **HOUSE)
@given(st.text() | st.binary(max_size=20).map(repr) | st.from_regex(r"[A-Za-z0-9_-]{22}", fullmatch=True))
def test_a_nonce_has_one_spelling(text: str) -> None:
    found = read_nonce(text)
    assert found is None or nonce_text(found) == text
