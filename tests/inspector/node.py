"""Asking the inspector's modules in Node what they make of something."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from web.browser import packages

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent


@cache
def node() -> str:
    """The path of a Node that is new enough."""
    return str(packages.node())


def judged_by_node(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers of `judge.mjs`, one for each line."""
    return answered_by("judge.mjs", lines)


def answered_by(script: str, lines: Iterable[dict[str, Any]]) -> list[Any]:
    """The answers of a script of this folder, one for each line."""
    asked = "".join(f"{json.dumps(line)}\n" for line in lines)
    command = [node(), str(FOLDER / script)]
    answered = subprocess.run(command, input=asked, capture_output=True, text=True, encoding="utf-8", timeout=240)
    assert answered.returncode == 0, answered.stderr[-4000:]
    return [json.loads(line) for line in answered.stdout.splitlines()]
