"""The tokens of those who may ask the verifying service: devices and integrations, in its own database."""

from __future__ import annotations

from sqlalchemy import Engine

from verifiers.database import open_database
from verifiers.models import TOKENS
from verifiers.settings import VerifierSettings, read_settings
from web.tokens import TokenStore

VERIFY = "verify"  # the action a token needs


def open_tokens(settings: VerifierSettings, engine: Engine | None = None) -> TokenStore:
    """The store in the service's database, which is opened unless `engine` has it open already."""
    return TokenStore(engine or open_database(settings), TOKENS)


def token_store() -> TokenStore:
    """For `walletpass tokens --for verifier`."""
    return open_tokens(read_settings())
