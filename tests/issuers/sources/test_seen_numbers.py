"""The compact memory of numbers answers as a dict would."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from issuers.sources.seen_numbers import SeenNumbers


@given(st.lists(st.integers(0, 30).map(str), max_size=60))
def test_a_number_seen_before_gives_its_first_line(numbers):
    seen, first = SeenNumbers(), {}
    for line, number in enumerate(numbers, start=2):
        assert seen.add(number, line) == first.get(number, 0)
        first.setdefault(number, line)


def test_nothing_is_forgotten_while_it_grows():
    seen = SeenNumbers()
    assert not any(seen.add(f"BP-{line}", line) for line in range(1, 20_001))
    assert all(seen.add(f"BP-{line}", 7) == line for line in range(1, 20_001))
