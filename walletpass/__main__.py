"""`python -m walletpass`: the same command without an installed script."""

from __future__ import annotations

from walletpass.cli import main

main()
