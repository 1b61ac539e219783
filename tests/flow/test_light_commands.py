"""Commands are started often, by people and by cron: what serves nothing loads no web framework."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

from walletpass.cli import GROUP

SERVING = ("demo", "serve.issuer", "serve.verifier")


def test_a_command_that_serves_nothing_starts_without_a_web_framework() -> None:
    modules = {found.module for found in entry_points(group=GROUP) if found.name not in SERVING}
    script = f"import sys\nfor name in {sorted(modules)}: __import__(name)\nprint('fastapi' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
