"""The Apple wallet with a demo certificate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from issuers.settings import IssuerSettings
from issuers.wallets.apple import AppleWallet, build
from keys.local_signer import LocalSigner
from keys.signer import Role
from tests.issuers.api.conftest import serve, service, service_on
from tests.issuers.wallets.apple.apple_pass import NOW, TYPES, Opened, carry, demo_signer, opened

__all__ = ["serve", "service", "service_on"]


@pytest.fixture(scope="session")
def settings() -> IssuerSettings:
    return IssuerSettings()


@pytest.fixture(scope="session")
def signer(settings: IssuerSettings) -> LocalSigner:
    return demo_signer(settings.apple_pass_type_identifier, settings.apple_team_identifier)


@pytest.fixture(scope="session")
def wallet(settings: IssuerSettings, signer: LocalSigner) -> AppleWallet:
    return build(settings, lambda role: {Role.APPLE_PASS: signer}[role])


@pytest.fixture(scope="session")
def offered(wallet: AppleWallet) -> Callable[..., Opened]:
    """Open the pass the wallet makes of (type name, status, holder, claims)."""

    def offer(type_: str, *args: Any, **claims: Any) -> Opened:
        return opened(wallet.offer(carry(TYPES[type_], *args, **claims), "pkpass", NOW))

    return offer
