"""`walletpass serve verifier`: run the verifying service."""

from __future__ import annotations

from verifiers.app import create_app
from verifiers.settings import read_settings
from web.edge import serve


def serve_verifier() -> None:
    """Run the verifying service until it is interrupted."""
    settings = read_settings()
    serve(create_app(settings), settings.verifier_host, settings.verifier_port, settings.trusted_proxies)
