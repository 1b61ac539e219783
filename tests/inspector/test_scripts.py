"""The inspector's scripts: they are JavaScript, they depend on nothing, and their constants are those of Python."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from keys import trust_list
from keys.certificates import EXTENDED_KEY_USAGES
from keys.signer import Role
from keys.strict_json import MAX_DEPTH as JSON_DEPTH
from tests.inspector.node import ROOT, node
from verifiers import plate_documents, published, verification
from verifiers.api.scans import MAX_SCANS
from verifiers.plates import PlateOutcome, PlateReason
from verifiers.scans import cases, scan
from walletpass import (
    cbor,
    claims,
    cwt_claims,
    plate_entries,
    plate_list,
    status_list,
    status_token,
    type_metadata,
)
from walletpass.formats import bound_cwt, cwt
from walletpass.pass_type import Audience, Category, ClaimKind
from walletpass.verdict import UNDETERMINED_REASONS, Outcome, Reason, Step, StepResult

SOURCE = ROOT / "verifiers" / "inspector" / "src"
SCRIPTS = sorted(
    path
    for folder in ("verifiers/inspector", "issuers/residents", "tests/inspector", "tests/issuers", "bench")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".js", ".mjs") and "node_modules" not in path.parts
)
# What judges offline: everything that these reach. A clock, a store or the network would make it something else.
ENTRANCES = ("verify.js", "published.js", "plates.js", "plate_documents.js")
OUTSIDE = re.compile(
    r"\b(?:fetch|XMLHttpRequest|WebSocket|indexedDB|localStorage)\b|\b(?:caches|navigator|window|process)\."
    r"|\bdocument\.|Date\.now|new Date\(\)|\bperformance\.|\bimport\(|\brequire\(\""
)
_IMPORT = re.compile(r'^(?:import|export)\b[^;]*?\bfrom "([^"]+)";', re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def source(name: str) -> str:
    return (SOURCE / name).read_text()


def judging() -> dict[str, str]:
    """Every module that the entrances reach, by name."""
    found: dict[str, str] = {}
    waiting = list(ENTRANCES)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = source(name)
            waiting += [there.removeprefix("./") for there in _IMPORT.findall(found[name])]
    return found


def constant(name: str, word: str) -> int:
    """The number that a module gives to a word, as Node reads it."""
    found = re.search(rf"\b{word} = ([\d_]+(?: (?:<<|\*\*) \d+)?);", source(name))
    assert found is not None, f"{name} has no {word}"
    return int(eval(found[1]))


def words(name: str, what: str) -> set[str]:
    """The quoted words of a frozen object, set or map."""
    found = re.search(rf"\b{what} = (?:Object\.freeze|new Set|new Map)\((.*?)\)+;", source(name), re.DOTALL)
    assert found is not None, f"{name} has no {what}"
    return set(re.findall(r'"([a-z_-]+)"', found[1]))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: Path(path).name)
def test_a_script_is_javascript_and_says_what_it_is_for(script: Path) -> None:
    checked = subprocess.run([node(), "--check", str(script)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    assert script.read_text().startswith(("/**", "// "))


def test_judging_reaches_no_package_clock_store_or_network() -> None:
    modules = judging()
    named = {"decode.js", "holder_key.js", "trust.js", "status.js", "types.js", "x509.js", "licence_plate.js"}
    assert named <= modules.keys()
    for name, text in modules.items():
        assert all(there.startswith("./") for there in _IMPORT.findall(text)), name
        assert not OUTSIDE.findall(_COMMENT.sub("", text)), name


@pytest.mark.parametrize("bad", ["fetch(url)", "Date.now()", "new Date()", 'await import("x")', "localStorage.x = 1"])
def test_the_rule_sees_what_reaches_outside(bad: str) -> None:
    assert OUTSIDE.search(bad)
    assert not OUTSIDE.search("new Date(0); const documents = prefetched; performances")


def test_limits_are_the_same_on_both_sides() -> None:
    same = {
        ("decode.js", "MAX_TEXT"): cwt.MAX_TEXT,
        ("decode.js", "MAX_BOUND_TEXT"): bound_cwt.MAX_TEXT,
        ("cwt_claims.js", "MAX_TIME"): cwt_claims.MAX_TIME,
        ("verify.js", "PROOF_AGE"): verification.PROOF_AGE,
        ("cbor.js", "MAX_DEPTH"): cbor.MAX_DEPTH,
        ("strict_json.js", "MAX_DEPTH"): JSON_DEPTH,
        ("trust.js", "MAX_TRUST_LIST"): trust_list.MAX_TRUST_LIST,
        ("trust.js", "MAX_CERTIFICATE"): trust_list.MAX_CERTIFICATE,
        ("trust.js", "MAX_CLOCK_DIFFERENCE"): trust_list.MAX_CLOCK_DIFFERENCE,
        ("trust.js", "MAX_TIME"): trust_list._MAX_TIME,
        ("status.js", "MAX_TOKEN"): status_token.MAX_TOKEN,
        ("status.js", "MAX_LIST"): status_list.MAX_LIST,
        ("types.js", "MAX_DOCUMENT"): type_metadata.MAX_DOCUMENT,
        ("published.js", "MAX_LISTS"): published.MAX_LISTS,
        ("published.js", "CLOCK_TOLERANCE"): published.CLOCK_TOLERANCE,
        ("published.js", "MAX_AGGREGATION"): published._MAX_AGGREGATION,
        ("../app/scan_log.js", "MAX_BATCH"): MAX_SCANS,
        ("../app/scan_log.js", "QUARTER"): scan.QUARTER,
        ("../app/cases.js", "MAX_NOTE"): cases.MAX_NOTE,
        ("plate_list.js", "MAX_LIST"): plate_list.MAX_LIST,
        ("plate_list.js", "MAX_ITERATIONS"): plate_list.MAX_ITERATIONS,
        ("plate_list.js", "MAX_ZONES"): plate_list.MAX_ZONES,
        ("plate_entries.js", "SALT_BYTES"): plate_entries.SALT_BYTES,
        ("plate_entries.js", "NONCE_BYTES"): plate_entries.NONCE_BYTES,
        ("plate_entries.js", "PREFIX_BYTES"): plate_entries.PREFIX_BYTES,
        ("plate_entries.js", "ENTRY_BYTES"): plate_entries.ENTRY_BYTES,
        ("licence_plate.js", "MAX_TEXT"): claims.MAX_TEXT,
        ("licence_plate.js", "PLATE_CHARACTERS"): claims._PLATE_CHARACTERS,
    }
    assert {place: constant(*place) for place in same} == same
    assert plate_documents.CLOCK_TOLERANCE == published.CLOCK_TOLERANCE  # of which JavaScript has one


def test_words_are_the_same_on_both_sides() -> None:
    same = {
        ("verdict.js", "Outcome"): set(Outcome),
        ("verdict.js", "Step"): set(Step),
        ("verdict.js", "StepResult"): set(StepResult),
        ("verdict.js", "Reason"): set(Reason),
        ("certificates.js", "Role"): set(Role),
        ("types.js", "CATEGORIES"): set(Category),
        ("types.js", "AUDIENCES"): set(Audience),
        ("types.js", "FORMS"): set(ClaimKind),
        ("plates.js", "PlateOutcome"): set(PlateOutcome),
        ("plates.js", "PlateReason"): set(PlateReason),
    }
    assert {place: words(*place) for place in same} == same
    undetermined = source("verdict.js").partition("UNDETERMINED_REASONS = new Set([")[2].partition("]")[0]
    assert set(re.findall(r"Reason\.([A-Z_]+)", undetermined)) == {reason.name for reason in UNDETERMINED_REASONS}
    usages = {usage.dotted_string for usage in EXTENDED_KEY_USAGES.values()}
    assert set(re.findall(r"Role\.[A-Z_]+, \"([\d.]+)\"", source("certificates.js"))) == usages
