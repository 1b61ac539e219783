"""The committed vectors, judged by `verifiers.verification.verify`; the same files are read in other languages."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from tests.vectors.make_vectors import FOLDER, read_published, write_vectors
from verifiers.documents import Document, Unchanged
from verifiers.published import PublishedDocuments, PublishedSet, read_anchor
from verifiers.verification import verify
from walletpass.verdict import Reason, Step, StepResult

_CASES = json.loads((FOLDER / "cases.json").read_text())
_STOPS = {"refused": StepResult.FAILED, "undetermined": StepResult.UNKNOWN}


class _Documents:
    """A `DocumentSource` over one set of a vector file."""

    def __init__(self, documents: dict[str, bytes]) -> None:
        self._documents = documents

    def read(self, path: str, limit: int, tag: str = "") -> Document | Unchanged | None:
        content = self._documents.get(path)
        return None if content is None or len(content) > limit else Document(content, "")


@cache
def _published(folder: Path, name: str, read_at: int) -> PublishedSet:
    documents = _Documents(_read_all(folder)[name])
    return PublishedDocuments(documents, read_anchor(folder / "anchor.pem")).refresh(read_at)


_read_all = cache(read_published)


def _judged(case: dict, folder: Path) -> tuple[str, str, str | None]:
    verdict = verify(case["text"], _published(folder, case["published"], case["read_at"]), case["now"])
    stopped = [step for step, result in verdict.steps if result is _STOPS.get(verdict.outcome)]
    return verdict.outcome, verdict.reason, stopped[0] if stopped else None


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_a_vector_gets_its_verdict(case):
    assert _judged(case, FOLDER) == (case["outcome"], case["reason"], case["step"])


def test_of_what_is_accepted_only_live_codes_have_shown_their_holder():
    for case in _CASES:
        verdict = verify(case["text"], _published(FOLDER, case["published"], case["read_at"]), case["now"])
        if case["outcome"] == "accepted":
            holder = StepResult.PASSED if case["text"].startswith("WP2:") else StepResult.NOT_CHECKED
            steps = [(step, holder if step is Step.HOLDER else StepResult.PASSED) for step in Step]
            assert list(verdict.steps) == steps, case["name"]


def test_every_reason_has_a_vector_and_every_name_is_its_own():
    assert {case["reason"] for case in _CASES} == set(Reason)
    assert len({case["name"] for case in _CASES}) == len(_CASES) >= 60


def test_vectors_made_today_say_the_same(tmp_path):
    write_vectors(tmp_path)
    made = json.loads((tmp_path / "cases.json").read_text())
    fixed = ("name", "outcome", "reason", "step", "published", "now", "read_at")
    assert [[case[key] for key in fixed] for case in made] == [[case[key] for key in fixed] for case in _CASES]
    wrong = [
        case["name"] for case in made if _judged(case, tmp_path) != (case["outcome"], case["reason"], case["step"])
    ]
    assert not wrong


def test_the_vectors_hold_no_private_key():
    texts = [path.read_text() for path in FOLDER.glob("*.json")] + [(FOLDER / "anchor.pem").read_text()]
    assert not [text[:40] for text in texts if "PRIVATE" in text or '"d":' in text]
