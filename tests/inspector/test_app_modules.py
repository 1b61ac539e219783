"""The app's small judgements: what a hand scanner meant, what a mistyped plate was, which PIN will not do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from typing import Any

import pytest

from tests.inspector.node import FOLDER, ROOT, node
from verifiers.tidy import tidy

CODE = next(case["text"] for case in json.loads((ROOT / "tests/vectors/cases.json").read_text()))
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
# Of the two keyboards, for each character: the key (KeyboardEvent.code), with Shift or not, and what it types.
_LETTERS = {letter: f"Key{letter}" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
_DIGITS = {digit: f"Digit{digit}" for digit in "0123456789"}
US = {" ": ("Space", False), "$": ("Digit4", True), "%": ("Digit5", True), "*": ("Digit8", True)} | {
    "+": ("Equal", True),
    "-": ("Minus", False),
    ".": ("Period", False),
    "/": ("Slash", False),
    ":": ("Semicolon", True),
}
DE = {" ": ("Space", False), "$": ("Digit4", True), "%": ("Digit5", True), "/": ("Digit7", True)} | {
    "*": ("BracketRight", True),
    "+": ("BracketRight", False),
    "-": ("Slash", False),
    ".": ("Period", False),
    ":": ("Period", True),
}
for keyboard, swapped in ((US, {}), (DE, {"Y": "KeyZ", "Z": "KeyY"})):
    keyboard.update({digit: (code, False) for digit, code in _DIGITS.items()})
    keyboard.update({letter: (swapped.get(letter, code), True) for letter, code in _LETTERS.items()})


def asked(module: str, name: str, calls: Iterable[list[Any]]) -> list[Any]:
    lines = "".join(json.dumps({"call": [module, name, *given]}) + "\n" for given in calls)
    command = [node(), str(FOLDER / "app.mjs")]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def typed(text: str, scanner: dict[str, tuple[str, bool]], device: dict[str, tuple[str, bool]]) -> list[dict[str, Any]]:
    """The keys that a hand scanner set to one keyboard presses on a device with another."""
    meaning = {pressed: character for character, pressed in device.items()}
    return [
        {"code": code, "shiftKey": shift, "key": meaning.get((code, shift), "Dead")}
        for code, shift in (scanner[character] for character in text)
    ]


def test_a_hand_scanner_may_type_for_either_keyboard() -> None:
    texts = [f"WP1:{BASE45}", CODE]
    calls = [[typed(text, scanner, device)] for text in texts for scanner in (US, DE) for device in (US, DE)]
    assert asked("wedge.js", "readBurst", calls) == [text for text in texts for _ in range(4)]


def test_what_no_reading_makes_a_code_is_taken_as_it_was_typed() -> None:
    keys = typed("HTTPS://EXAMPLE.ORG/", US, US)
    assert asked("wedge.js", "readBurst", [[keys]]) == ["HTTPS://EXAMPLE.ORG/"]


@pytest.mark.parametrize(
    ("text", "mistyped"),
    [
        ("WP1ÖRRQT", True),
        ("WP1>RRQT", True),
        ("wp1öRRQT", True),
        ("WP2;A", True),
        ("WP1:RRQT", False),
        ("WP12", False),
        ("WP1", False),
        ("HTTPÖ//X", False),
        ("", False),
    ],
)
def test_a_code_that_was_mistyped_by_a_scanner_is_known(text: str, mistyped: bool) -> None:
    assert asked("wedge.js", "looksMistyped", [[text]]) == [mistyped]


def test_pasted_texts_are_tidied_as_on_the_page() -> None:
    texts = ["WP1:A", "  WP1:A \n", "\r\n\tWP1:A ", "\n \nWP1:A\t\n", "", " \n"]
    assert asked("typed_code.js", "tidy", [[text] for text in texts]) == [tidy(text) for text in texts]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("D-AB 12O4", "D-AB 1204"),
        ("D-A8 1234", "D-AB 1234"),
        ("0S-AB 12", "OS-AB 12"),
        ("MÜ-0O I2E", "MÜ-OO 12E"),
        ("D-AB 1234", None),
        ("D-AB 1234E", None),
        ("MÜ-ÖX 1", None),
        ("1-ABC-234", None),
        ("", None),
    ],
)
def test_a_plate_with_letters_for_digits_is_asked_about(written: str, meant: str | None) -> None:
    assert asked("plate_hint.js", "meantPlate", [[written]]) == [meant]


def test_a_pin_that_everybody_tries_first_is_none() -> None:
    weak = ["12345", "111111", "123456", "987654", "000000"]
    good = ["130579", "112358", "808080", "4711471147"]
    found = asked("pin_pad.js", "weakness", [[pin] for pin in weak + good])
    assert found == ["pin_short", "pin_simple", "pin_simple", "pin_simple", "pin_simple", None, None, None, None]


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1600, 1200), (4000, 3000), (8064, 6048), (12000, 400)])
def test_every_small_code_in_a_large_photo_lies_whole_in_a_piece(width: int, height: int) -> None:
    [pieces] = asked("pieces.js", "pieces", [[width, height]])
    whole, *parts = pieces
    assert (whole["left"], whole["top"], whole["width"], whole["height"]) == (0, 0, width, height)
    assert max(width, height) * whole["scale"] <= 1600.5
    if max(width, height) <= 1600:
        assert parts == []
        return
    side = 480 / parts[0]["scale"]  # a code of 480 pixels at the reader
    for left in range(0, max(1, int(width - side)), 97):
        for top in range(0, max(1, int(height - side)), 97):
            inside = (
                part["left"] <= left
                and part["top"] <= top
                and left + min(side, width) <= part["left"] + part["width"] + 1
                and top + min(side, height) <= part["top"] + part["height"] + 1
                for part in parts
            )
            assert any(inside), (left, top)
    assert len(parts) <= 20
