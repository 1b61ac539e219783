"""The issuing service's bearer tokens: who may ask for what, for which department."""

from __future__ import annotations

from issuers.models import tokens
from issuers.office import Office
from issuers.settings import IssuerSettings
from web.tokens import TokenStore


def token_store() -> TokenStore:
    """The store of the installation that the environment names; for `walletpass tokens`."""
    return TokenStore(Office(IssuerSettings()).engine, tokens)
