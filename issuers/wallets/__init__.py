"""The ways to carry a pass. One file or folder each; the folder is the register: every module has `build`.

A wallet is packaging: it shows the pass and carries the evidence inside. It does no I/O and signs with what it is
given; the lifecycle decides whether an offer is made at all.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from sqlalchemy import Engine

from issuers.copies import Copy
from issuers.settings import IssuerSettings
from issuers.task import Task
from keys.signer import Role, Signer
from walletpass.pass_type import PassType
from walletpass.passes import Pass

if TYPE_CHECKING:  # commands that serve nothing start in two thirds of the time without it
    from fastapi import APIRouter

SignerSource = Callable[[Role], Signer]
"""The key that signs in a role at this moment; loaded at the first call, raises `KeyNotFound`."""


@dataclass(frozen=True, slots=True)
class CarriedPass:
    """All a wallet shows. `qr_text` is the signed QR credential, empty when the pass or its copy is good no longer;
    `expires` the first instant after the last day; `copy` the wallet's own, where it hears of changes; `reminder` the
    days (60, 14, 3) of the reminder that its end has reached, if any.
    """

    pass_: Pass
    pass_type: PassType
    qr_text: str
    expires: datetime
    copy: Copy | None = None
    reminder: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What the resident gets: a file or a link."""

    body: bytes
    media_type: str
    file_name: str


class Wallet(Protocol):
    """One way to carry a pass. `forms` are the file suffixes it can write, the default first."""

    name: str
    forms: tuple[str, ...]

    def offer(self, carried: CarriedPass, form: str, now: datetime) -> Offer:
        """Package the pass. `form` is one of `forms`; `now` is aware."""
        ...


class WalletDesk(Protocol):
    """What a wallet may ask of the office."""

    @property
    def engine(self) -> Engine: ...

    def seconds(self) -> float: ...

    def now(self) -> datetime: ...

    def current(self, held: Collection[Copy]) -> dict[int, CarriedPass]:
        """What copies have to show now, by their id; credentials are made where a change needs new ones."""
        ...


@runtime_checkable
class HasRouter(Protocol):
    """A wallet that others ask for something: a picture, or passes themselves. The app includes its router."""

    def router(self, desk: WalletDesk) -> APIRouter: ...


@runtime_checkable
class HasUpdates(Protocol):
    """A wallet that can be told of changes: its passes have copies, and the task performs `update-{name}`."""

    def updates(self, desk: WalletDesk) -> Task: ...


@runtime_checkable
class CreatesRemotely(Protocol):
    """A wallet that `HasUpdates`, whose passes exist at its maker's before anybody saves them.

    While `creates_remotely`, a new copy is put there by `update-{name}` as soon as it is made.
    """

    @property
    def creates_remotely(self) -> bool: ...


def load_wallets(settings: IssuerSettings, signer_for: SignerSource) -> dict[str, Wallet]:
    """Every wallet of this folder, by name."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    wallets = [module.build(settings, signer_for) for module in modules]
    return {wallet.name: wallet for wallet in wallets}
