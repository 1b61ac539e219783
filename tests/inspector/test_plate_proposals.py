"""What is proposed after a photograph: what a reader of print took a plate for, held against the grammar of plates."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.inspector.node import judged_by_node
from walletpass.claims import plate_key, read_plate

# As read → what must be proposed, best first. `:` is room for the seals, `.` the pause before the digits, `/` the end
# of the upper line, `¨` dots that were seen above the letter before, `?` a place where nothing could be read.
SAID: dict[str, tuple[str, str]] = {
    "as it is": ("D:AB.1234", "D-AB 1234"),
    "an electric one": ("D:AB.1234E", "D-AB 1234E"),
    "an old one": ("D:AB.12H", "D-AB 12H"),
    "in two lines": ("NE/C.777", "NE-C 777"),
    "in two lines, one letter above": ("B/B.8", "B-B 8"),
    "a zero among letters is an O": ("0B:A0.10", "OB-AO 10"),
    "an O among digits is a zero": ("D:AB.1OO", "D-AB 100"),
    "an I among digits is a one": ("D:AB.I2", "D-AB 12"),
    "a one among letters is an I": ("1Z:K.627", "IZ-K 627"),
    "an eight among letters is a B": ("8:8.8", "B-B 8"),
    "a B among digits is an eight": ("D:AB.B1", "D-AB 81"),
    "a six among letters is a G": ("HSK:6.897E", "HSK-G 897E"),
    "an S among digits is a five": ("D:AB.1S", "D-AB 15"),
    "dots make an umlaut": ("KO¨:X.1", "KÖ-X 1"),
    "without dots there is none": ("MÜ:B.16", "MU-B 16"),
    "a dotted zero is an Ö": ("K0¨:X.1", "KÖ-X 1"),
    "the seals end the district": ("DAB:C.1", "DAB-C 1"),
    "the seals end a short district": ("D:AC.1", "D-AC 1"),
    "a pause parts an I from the digits": ("M:I.17", "M-I 17"),
    "and where it comes sooner, a one": ("M:A.117", "M-A 117"),
    "the rim on the left": ("I.D:AB.1234E", "D-AB 1234E"),
    "the rim on the right, where nothing was read": ("HI:KX.812H?", "HI-KX 812H"),
    "one from France": ("AB.123.CD", "AB123CD"),
    "one from the Netherlands": ("12.ABC.3", "12ABC3"),
}
GAPS = {":": 0.85, ".": 0.33}


def seen(text: str, confidence: float = 96) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    gap, begins = 0.12, True
    for char in text:
        if char == "¨":
            found[-1]["dotted"] = True
        elif char in GAPS:
            gap = GAPS[char]
        elif char == "/":
            begins = True
        else:
            read = [] if char == "?" else [{"char": char, "confidence": confidence}]
            found.append({"read": read, "dotted": False, "gap": 0 if begins else gap, "begins": begins})
            gap, begins = 0.12, False
    return found


def proposed(*texts: str) -> list[list[str]]:
    return [answer["plates"] for answer in judged_by_node({"seen": seen(text)} for text in texts)]


def test_the_grammar_of_plates_decides_between_look_alikes() -> None:
    found = proposed(*(read for read, _ in SAID.values()))
    assert {said: plates[0] for said, plates in zip(SAID, found, strict=True)} == {
        said: plate for said, (_, plate) in SAID.items()
    }


def test_the_further_proposals_are_other_plates_with_one_character_another() -> None:
    (plates,) = proposed("D:AO.1234")
    assert plates[0] == "D-AO 1234" and "D-AQ 1234" in plates
    assert len({plate_key(plate) for plate in plates}) == 3
    assert all(sum(a != b for a, b in zip(plates[0], plate, strict=True)) == 1 for plate in plates[1:])


@pytest.mark.parametrize("text", ["", "?", "??", "A", "1", "AB", "12:", "A?.B"])
def test_too_little_to_tell_is_no_proposal(text: str) -> None:
    assert all(read_plate("plate", plate) for plate in proposed(text)[0])
    assert len(proposed(text)[0]) <= 1


def test_whatever_was_read_a_proposal_is_a_plate_in_its_one_spelling() -> None:
    rng = random.Random(5)
    texts = [
        "".join(rng.choices("ABDIOQSZÄÖÜ0123456789E:./¨?", k=rng.randint(1, 12))).lstrip("¨:./") for _ in range(800)
    ]
    for plates in proposed(*texts):
        assert len(plates) <= 3 and len({plate_key(plate) for plate in plates}) == len(plates)
        assert [read_plate("plate", plate)[0] for plate in plates] == plates
