"""Whom the changes of a list would reach: what a dry run shows before thousands of phones and letterboxes are told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from issuers.carrier_models import apple_registrations, copies
from issuers.models import credentials
from issuers.notices import LETTER, MAIL, NOBODY, Inform, way_to
from walletpass.passes import Pass
from walletpass.status import Status
from web.many_rows import among


@dataclass(slots=True)
class Reach:
    """Counted batch by batch. `told`: by `mail`, by `letter`, `nobody`, of the holders whose pass is renewed."""

    inform: Inform
    mail_possible: bool
    now: int
    passes: int = 0
    phones: int = 0
    wallets: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)

    def add(self, connection: Connection, renewed: Sequence[Pass], updated: Sequence[Pass]) -> None:
        """Passes as they would be, none of them twice."""
        serials = [pass_.serial for pass_ in (*renewed, *updated)]
        self.passes += len(serials)
        if serials:
            self._add_carriers(connection, serials)
        self.told.update(self._way(pass_) for pass_ in renewed)

    def _add_carriers(self, connection: Connection, serials: Sequence[str]) -> None:
        live = (credentials.c.status == int(Status.VALID)) & (credentials.c.valid_until > self.now)
        carried = select(credentials.c.carrier, func.count(credentials.c.serial.distinct())).where(
            among(connection, credentials.c.serial, serials), live
        )
        for carrier, count in connection.execute(carried.group_by(credentials.c.carrier)):
            self.wallets[carrier] += count
        held = select(func.count()).select_from(apple_registrations.join(copies))
        registered = held.where(among(connection, copies.c.serial, serials), copies.c.ended_at.is_(None))
        self.phones += connection.scalar(registered) or 0

    def _way(self, pass_: Pass) -> str:
        holder = next(iter(pass_.holders), None)
        if holder is None or pass_.status is not Status.VALID:
            return NOBODY
        return way_to(holder.email, holder.street, holder.city, self.inform, mail_possible=self.mail_possible)

    def document(self) -> dict[str, Any]:
        """`apple_phones` counts a phone once for each of these passes that it carries."""
        told = {way: self.told[way] for way in (MAIL, LETTER, NOBODY)}
        return {
            "passes": self.passes,
            "wallets": dict(sorted(self.wallets.items())),
            "apple_phones": self.phones,
        } | told
