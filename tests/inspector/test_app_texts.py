"""The app's sentences: two languages with the same keys and gaps, one sentence for each code, all of them used."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.inspector.node import FOLDER, ROOT, node
from verifiers import check_texts
from verifiers.plates import PlateOutcome, PlateReason
from verifiers.scans.scan import Refusal
from walletpass.verdict import Outcome, Reason, Step, StepResult

APP = ROOT / "verifiers" / "inspector" / "app"
LANGUAGES = ("de", "en")
WARNINGS = {"two_places", "two_plates"}
REJECTIONS = {*Refusal, "scan_unanswered"}
# Called by a name put together from a state: `${kind}Title`.
_BY_STATE = re.compile(r"(?:suspended|locked|ended)(?:Title|Reason|Advice)")


@cache
def texts() -> dict[str, Any]:
    said = subprocess.run([node(), str(FOLDER / "words.mjs")], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def sentences(texts: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every sentence with its path."""
    if isinstance(texts, str):
        yield path, texts
    else:
        for key, inner in texts.items() if isinstance(texts, dict) else enumerate(texts):
            yield from sentences(inner, f"{path}.{key}")


def test_both_languages_have_the_same_sentences_with_the_same_gaps() -> None:
    german, english = (dict(sentences(texts()[language])) for language in LANGUAGES)
    assert german.keys() == english.keys()
    gaps = re.compile(r"\{\w+\}")
    for path, sentence in german.items():
        assert sorted(gaps.findall(sentence)) == sorted(gaps.findall(english[path])), path
        assert sentence.strip() and english[path].strip(), path


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_has_its_sentence(language: str) -> None:
    said = texts()[language]
    assert set(Reason) <= said["reasons"].keys()
    assert set(Reason) - {Reason.ACCEPTED} <= said["advice"].keys()
    assert said["outcomes"].keys() == set(Outcome)
    assert said["steps"].keys() == set(Step)
    assert said["results"].keys() == set(StepResult)
    assert said["plateReasons"].keys() == said["plateAdvice"].keys() == set(PlateReason)
    assert set(PlateOutcome) <= said["plateOutcomes"].keys()
    assert said["warnings"].keys() >= WARNINGS
    assert said["rejections"].keys() >= REJECTIONS


def test_the_page_and_the_app_say_the_same() -> None:
    for language in LANGUAGES:
        said = texts()[language]
        for reason, sentence in check_texts.REASONS[language].items():
            assert said["reasons"][reason] == sentence
        assert said["outcomes"] == {str(outcome): word for outcome, word in check_texts.OUTCOMES[language].items()}
        assert said["steps"] == {str(step): word for step, word in check_texts.STEPS[language].items()}
        assert said["results"] == {str(result): word for result, word in check_texts.RESULTS[language].items()}


def scripts() -> str:
    found = (path.read_text() for path in APP.rglob("*.js") if not path.name.startswith("texts_"))
    return "\n".join(found)


def test_every_sentence_is_used_and_every_error_of_the_app_has_one() -> None:
    source = scripts()
    words = {word for word in texts()["de"]["ui"] if not _BY_STATE.fullmatch(word)}
    assert [word for word in sorted(words) if not re.search(rf"\b{word}\b", source)] == []
    errors = set(texts()["de"]["errors"])
    raised = set(re.findall(r'(?:Refused|Failed|Unreadable)\("([a-z_]+)"\)', source))
    raised |= set(re.findall(r'code: "([a-z_]+)"', source)) | set(re.findall(r'\["\w+Error", "([a-z_]+)"\]', source))
    assert raised - errors == set()


def test_the_app_never_turns_text_into_markup() -> None:
    writing = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment")
    assert writing.findall(scripts()) == []
    assert not re.search(r"\b(?:eval|Function)\(|javascript:|\bhref:", scripts())
