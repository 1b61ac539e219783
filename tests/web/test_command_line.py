"""`walletpass tokens`: made, listed and ended on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from verifiers.settings import VerifierSettings
from verifiers.tokens import open_tokens


def tokens(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from walletpass.cli import main; sys.argv[0] = 'walletpass'; main()"
    environment = {"PATH": os.environ["PATH"], "WALLETPASS_HOME": str(home)}
    command = [sys.executable, "-c", code, "tokens", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_token_is_made_listed_and_ended(tmp_path: Path) -> None:
    made = tokens(tmp_path, "create", "Handheld 7", "--scope", "*:verify", "--for", "verifier", "--json")
    document = json.loads(made.stdout)
    assert made.returncode == 0
    store = open_tokens(VerifierSettings(home=tmp_path))
    assert store.authenticate(document["secret"], int(time.time())).name == "Handheld 7"
    listed = tokens(tmp_path, "list", "--for", "verifier", "--json")
    assert document["secret"] not in listed.stdout
    [shown] = json.loads(listed.stdout)
    assert (shown["id"], shown["state"], shown["scopes"]) == (document["id"], "active", ["*:verify"])
    assert tokens(tmp_path, "revoke", shown["id"], "--for", "verifier").returncode == 0
    assert "revoked" in tokens(tmp_path, "list", "--for", "verifier").stdout


def test_the_secret_alone_is_on_stdout(tmp_path: Path) -> None:
    made = tokens(tmp_path, "create", "Koha", "--scope", "*:verify", "--for", "verifier")
    assert made.stdout.startswith("wpt_") and made.stdout.count("\n") == 1
    assert "only this once" in made.stderr


def test_wrong_words_exit_with_2_and_a_sentence(tmp_path: Path) -> None:
    for words, code in [
        (("create", "Koha", "--scope", "everything", "--for", "verifier"), "[scope_invalid]"),
        (("list", "--for", "nobody"), "[unknown_service]"),
        (("revoke", "none", "--for", "verifier"), "[token_not_found]"),
    ]:
        done = tokens(tmp_path, *words)
        assert (done.returncode, code in done.stderr) == (2, True), done.stderr
