"""docs/flow.md tells the six steps with the codes of each: held against the enums, the vectors and the pass types."""

from __future__ import annotations

import json
import re
from pathlib import Path

from walletpass.pass_types import load_catalogue
from walletpass.verdict import UNDETERMINED_REASONS, Outcome, Reason, Step

ROOT = Path(__file__).parent.parent
_HEADING = re.compile(r"^### (\d)\. (\w+)$", re.MULTILINE)
_ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|", re.MULTILINE)


def sections() -> list[tuple[int, str, list[tuple[str, str]]]]:
    """Number, name and (code, outcome) rows of each step on the page."""
    parts = _HEADING.split((ROOT / "docs/flow.md").read_text().partition("## Verifying")[2])
    steps = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return [(int(number), name, _ROW.findall(text.partition("\n## ")[0])) for number, name, text in steps]


def test_the_headings_are_the_six_steps_in_order() -> None:
    assert [(number, name) for number, name, _ in sections()] == list(enumerate(Step, 1))


def test_every_reason_but_accepted_stands_under_a_step() -> None:
    codes = {code for _, _, rows in sections() for code, _ in rows}
    assert codes == set(Reason) - {Reason.ACCEPTED}


def test_each_code_has_the_outcome_that_the_code_gives_it() -> None:
    for _, _, rows in sections():
        for code, outcome in rows:
            unknown = Reason(code) in UNDETERMINED_REASONS
            assert outcome == (Outcome.UNDETERMINED if unknown else Outcome.REFUSED), code


def test_the_page_and_the_vectors_name_the_same_codes_at_the_same_steps() -> None:
    cases = json.loads((ROOT / "tests/vectors/cases.json").read_text())
    tried = {(case["step"], case["reason"]) for case in cases if case["step"]}
    assert {(name, code) for _, name, rows in sections() for code, _ in rows} == tried


def test_the_page_says_how_old_a_status_list_may_be() -> None:
    days = {pass_type.name: pass_type.max_status_age / 86400 for pass_type in load_catalogue()}
    assert days.pop("resident_parking_permit") == 1
    assert set(days.values()) == {7}
    assert "a day for parking, a week for the others" in (ROOT / "docs/flow.md").read_text()
