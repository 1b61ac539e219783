"""The tokens of those who may ask the verifying service: devices and integrations, in its own database."""

from __future__ import annotations

from verifiers.models import TOKENS
from verifiers.settings import VerifierSettings, read_settings
from web.database import create_engine_for
from web.migrations import upgrade
from web.tokens import TokenStore

VERIFY = "verify"  # the action a token needs


def open_tokens(settings: VerifierSettings) -> TokenStore:
    """The store in `verifier/verifier.db`, created when it is not there."""
    engine = create_engine_for(settings.database_url)
    upgrade(engine, "verifiers.migrations")
    return TokenStore(engine, TOKENS)


def token_store() -> TokenStore:
    """For `walletpass tokens --for verifier`."""
    return open_tokens(read_settings())
