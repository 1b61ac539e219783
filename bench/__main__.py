"""`python -m bench`: every figure beside its limit, measured in the same run. Each row is a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.measuring import Row

ROWS = (
    "wallets pkpass",
    "wallets save_link",
    "qr_codes made",
    "qr_codes judged",
    "inspector judged",
    "inspector_app frame",
    "inspector_app opening",
    "status_lists change",
    "status_lists fetched",
    "plates built",
    "plates looked_up",
    "plates in_node",
    "offers offers sqlite",
    "offers offers postgresql",
    "imports imports sqlite",
    "imports imports postgresql",
    "scans uploaded sqlite",
    "scans uploaded postgresql",
    "campaigns renewed sqlite",
    "campaigns renewed postgresql",
    "campaigns memory sqlite",
    "campaigns memory postgresql",
    "publication delay sqlite",
    "publication delay postgresql",
    "machines rate",
    "machines slowest",
    "pushes sent sqlite",
    "pushes sent postgresql",
    "start start",
)
# What is left where a figure falls short of its limit, and why.
_OFFERS = (
    "half of what an offer costs beside its text is reading the pass and its holder and storing the credential with "
    "two foreign keys and three indexes; the other half is checking, fingerprint and reserving the entry. A faster "
    "text would make this ratio smaller, not larger. Left: one statement for pass and holder"
)
_CHECKS = (
    "the raw ES256 verification that each check needs takes nearly as long as a whole hello: an application that does "
    "nothing else, without FastAPI, reached 0.83. What is left beside it is decoding (a third), token, limits, log and "
    "figures (a third) and the server itself. Left: verifying on another core while this one talks HTTP"
)
REASONS = {
    "machines rate": _CHECKS,
    "machines slowest": _CHECKS + ". With 32 callers that wait for each other, this ratio is about that of the rates",
    "offers offers sqlite": _OFFERS,
    "offers offers postgresql": _OFFERS + "; and the server's own work on another core (row locks, commits to disk)",
}
LINE = "{:<43} {:>12} {:>12} {:<26} {:>7} {:>7} {:<7} {:>7}"


def main() -> None:
    """Print the table as it grows, then what is short; a figure that is short is no failure of the command."""
    sys.stdout.write(LINE.format("what", "figure", "limit", "", "ratio", "wanted", "verdict", "peak") + "\n")
    short = []
    for words in ROWS:
        row = _measured(words)
        wanted, verdict = ("", "") if row.wanted is None else (f"{row.wanted:.2f}", "short" if row.short else "ok")
        figures = (f"{row.figure:,.0f} {row.unit}", f"{row.limit:,.0f} {row.unit}", row.against, f"{row.ratio:.2f}")
        sys.stdout.write(LINE.format(row.what, *figures, wanted, verdict, f"{row.peak} MB") + "\n")
        sys.stdout.flush()
        if row.short:
            short.append((row.what, REASONS.get(words, "it was not when it was last measured: is the machine busy?")))
    for what, reason in short:
        sys.stdout.write(f"\nshort: {what}: {reason}\n")


def _measured(words: str) -> Row:
    module, *rest = words.split()
    command = [sys.executable, "-W", "ignore", "-m", f"bench.{module}", *rest]
    ended = subprocess.run(command, check=False, capture_output=True)  # its logs are shown only when it fails
    if ended.returncode:
        sys.exit(f"bench.{words} failed:\n{ended.stderr.decode()[-5000:]}")
    return Row(**json.loads(ended.stdout))


if __name__ == "__main__":
    main()
