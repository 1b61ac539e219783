"""The pages lead somewhere: links and headings exist, decisions have one form, each rule names its check."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted({*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")})
DECISIONS = sorted((ROOT / "docs/adr").glob("*.md"))
_LINK = re.compile(r"(?:\]\(|src=\")([^)\"\s]+)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_TEST = re.compile(r"`(?:\.venv/bin/pytest )?(tests/[\w/.]+|test_architecture\.py)`")


def anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_heading_of_ours(page: Path) -> None:
    for link in _LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if fragment:
            assert fragment in {anchor(heading) for heading in _HEADING.findall(target.read_text())}, link


def test_decisions_are_numbered_short_and_say_why_what_and_what_then() -> None:
    assert [page.name[:4] for page in DECISIONS] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    for page in DECISIONS:
        title, *headings = _HEADING.findall(page.read_text())
        assert title.startswith(f"{page.name[:4]} ")
        assert headings == ["Context", "Decision", "Consequences"], page.name
        assert len(page.read_text().splitlines()) <= 40, page.name


def test_each_rule_of_contributing_names_its_check() -> None:
    rules = [line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line.startswith("- ")]
    assert len(rules) > 10
    assert [rule for rule in rules if " → " not in rule] == []


def test_the_checks_that_contributing_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    tests = {"tests/test_architecture.py" if name == "test_architecture.py" else name for name in _TEST.findall(text)}
    assert [name for name in sorted(tests) if not (ROOT / name).exists()] == []
    rules = re.findall(r"`test_architecture\.py` \(`(\w+)`\)", text)
    source = (ROOT / "tests/test_architecture.py").read_text()
    assert [rule for rule in rules if f"def {rule}(" not in source] == []
    targets = set(re.findall(r"`make (\w+)`", text))
    makefile = (ROOT / "Makefile").read_text()
    assert [target for target in sorted(targets) if f"\n{target}:" not in makefile] == []


def test_pictures_are_small_enough_for_a_readme() -> None:
    listed = subprocess.run(["git", "ls-files", "docs"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    pictures = [ROOT / name for name in listed.splitlines() if name.endswith(".png")]
    assert pictures
    assert [picture.name for picture in pictures if picture.stat().st_size > 150_000] == []
