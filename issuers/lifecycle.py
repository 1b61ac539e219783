"""Issue, renew, amend, suspend, reinstate, revoke, withdraw: the only code that changes a pass.

Every function works inside the caller's transaction, writes its audit record there, and notes in the outbox what must
happen after the commit: signing the status lists anew, and telling the carriers.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, literal, select, update

from issuers import copies, repository
from issuers.errors import BadValidity, PassRevoked, ReasonRequired
from issuers.models import credentials
from walletpass.entitlement import HOLDER_FIELDS, ClaimValue, Entitlement, Holder
from walletpass.pass_type import PassType
from walletpass.passes import Pass, all_claims, local_day
from walletpass.status import Status, require_transition, worse

PUBLISH_LIST = "publish-list"  # subject: a status list's id
UPDATE_CARRIERS = "update-carriers"  # subject: a pass's serial; detail: RENEWED, or nothing
RENEWED = "renewed"


class Change(StrEnum):
    """What an entitlement means for the pass that exists."""

    CREATED = "created"
    RENEWED = "renewed"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class Action(StrEnum):
    """What the audit record calls a change."""

    ISSUE = "issue"
    RENEW = "renew"
    AMEND = "amend"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    REVOKE = "revoke"
    WITHDRAW = "withdraw"
    LINK = "link"  # a link to the pass page was made
    UNLINK = "unlink"


NEEDS_REASON = frozenset({Action.SUSPEND, Action.REVOKE})
_TARGETS = {Action.SUSPEND: Status.SUSPENDED, Action.REINSTATE: Status.VALID, Action.REVOKE: Status.INVALID}


@dataclass(frozen=True, slots=True)
class Order:
    """Who asks for a change, why, and when (`now` aware). `actor` names a role or token, never a person.

    `campaign` is the id of the campaign that the change belongs to.
    """

    actor: str
    now: datetime
    reason: str = ""
    campaign: int | None = None

    @property
    def seconds(self) -> int:
        return int(self.now.timestamp())

    def record(self, action: Action, serial: str, detail: str = "") -> dict[str, Any]:
        """The audit record; `detail` names what changed, never a value."""
        return {
            "at": self.seconds,
            "actor": self.actor,
            "action": action.value,
            "serial": serial,
            "reason": self.reason,
            "detail": detail,
        }


def new_serial() -> str:
    """80 random bits: nothing can be guessed from a serial, and nothing personal is in it."""
    return secrets.token_hex(10)


def new_pass(entitlement: Entitlement) -> Pass:
    return Pass(
        serial=new_serial(),
        pass_type=entitlement.pass_type,
        external_number=entitlement.external_number,
        status=Status.VALID,
        valid_from=entitlement.valid_from,
        valid_until=entitlement.valid_until,
        claims=entitlement.claims,
        holders=entitlement.holders,
    )


def merged(existing: Pass, entitlement: Entitlement, today: date) -> Pass:
    """The pass as the entitlement wants it: what that does not state stays, and so do all holders but the first.

    A running pass keeps its first day when the new period joins on.
    """
    starts = entitlement.valid_from
    running = existing.valid_from <= today
    joins = running and existing.valid_from <= starts <= existing.valid_until + timedelta(days=1)
    if joins or ("valid_from" in entitlement.unstated and today <= existing.valid_until):
        starts = existing.valid_from
    return replace(
        existing,
        valid_from=starts,
        valid_until=entitlement.valid_until,
        claims=_claims_after(existing, entitlement),
        holders=_holders_after(existing, entitlement),
    )


def _claims_after(existing: Pass, entitlement: Entitlement) -> Mapping[str, ClaimValue]:
    kept = {name: value for name, value in existing.claims.items() if name in entitlement.unstated}
    return {**entitlement.claims, **kept} if kept else entitlement.claims


def _holders_after(existing: Pass, entitlement: Entitlement) -> tuple[Holder, ...]:
    if not existing.holders:
        return entitlement.holders
    first, *others = existing.holders
    kept = {name: getattr(first, name) for name in HOLDER_FIELDS if name in entitlement.unstated}
    return (replace(entitlement.holders[0], **kept), *others)


def renewed(pass_: Pass, pass_type: PassType, until: date | None, today: date) -> Pass:
    """The pass lengthened to `until`, or by the type's usual period from its end or from today, whichever is later."""
    usual = max(pass_.valid_until, today - timedelta(days=1)) + timedelta(days=pass_type.validity.period_days)
    return replace(pass_, valid_until=until or usual)


def change_of(existing: Pass, wanted: Pass) -> Change:
    """Whether going from `existing` to `wanted` renews, updates or changes nothing."""
    if wanted == existing:
        return Change.UNCHANGED
    return Change.RENEWED if wanted.valid_until > existing.valid_until else Change.UPDATED


def require_not_revoked(existing: Pass) -> None:
    if existing.status is Status.INVALID:
        raise PassRevoked("The pass with this number is revoked, which is final; re-issue it on purpose instead.")


def issue(connection: Connection, entitlements: Sequence[Entitlement], order: Order) -> list[Pass]:
    """New passes; a taken number raises the database's IntegrityError. Credentials come at the first offer."""
    new = [new_pass(entitlement) for entitlement in entitlements]
    repository.add_passes(connection, new, order.seconds)
    repository.add_audit(connection, [order.record(Action.ISSUE, pass_.serial) for pass_ in new])
    return new


def apply(connection: Connection, pairs: Sequence[tuple[Pass, Pass]], pass_type: PassType, order: Order) -> None:
    """Bring passes from what they are to what is wanted: (existing, wanted) pairs that differ.

    A renewal lets the old credentials run out at their own end. Whatever else changes what a credential says, or
    shortens it, withdraws the old ones at once.
    """
    repository.update_passes(connection, [wanted for _, wanted in pairs], order.seconds, with_holders=True)
    records, outdated, lengthened = [], [], set()
    for existing, wanted in pairs:
        renewed = change_of(existing, wanted) is Change.RENEWED
        if renewed:
            lengthened.add(wanted.serial)
        changed = _changed(existing, wanted, pass_type)
        records.append(order.record(Action.RENEW if renewed else Action.AMEND, wanted.serial, ",".join(changed)))
        if _outdates_credentials(existing, wanted, pass_type):
            outdated.append(wanted.serial)
    repository.add_audit(connection, records)
    if outdated:
        _withdraw(connection, credentials.c.serial.in_(outdated), order)
    tell_carriers(connection, [wanted.serial for _, wanted in pairs], order, lengthened)


def amend(
    connection: Connection, existing: Pass, wanted: Pass, pass_type: PassType, order: Order, *, renewing: bool = False
) -> Change:
    """One pass changed at a desk; checks the dates. Returns what happened."""
    require_not_revoked(existing)
    check_validity(wanted, pass_type, order.now, renewing=existing if renewing else None)
    change = change_of(existing, wanted)
    if change is not Change.UNCHANGED:
        apply(connection, [(existing, wanted)], pass_type, order)
    return change


def check_validity(wanted: Pass, pass_type: PassType, now: datetime, *, renewing: Pass | None = None) -> None:
    """Raise `BadValidity` for dates that are impossible for the type, or a renewal that does not lengthen."""
    today = local_day(now)
    if wanted.valid_until < wanted.valid_from:
        raise BadValidity(f"The pass would end on {wanted.valid_until}, before its first day {wanted.valid_from}.")
    latest = max(today, wanted.valid_from) + timedelta(days=pass_type.validity.longest_days)
    if wanted.valid_until > latest:
        raise BadValidity(f"A pass of this type ends on {latest} at the latest; {wanted.valid_until} is later.")
    if renewing and wanted.valid_until <= renewing.valid_until:
        raise BadValidity(f"A renewal ends later than the pass it renews, which ends on {renewing.valid_until}.")


def set_status(connection: Connection, serials: Collection[str], action: Action, order: Order) -> None:
    """Suspend, reinstate or revoke passes; all are locked first. Raises `TransitionNotAllowed`, `UnknownSerial`."""
    if action in NEEDS_REASON and not order.reason.strip():
        raise ReasonRequired(f"To {action.value} a pass, say why with a reason.")
    target = _TARGETS[action]
    found = [repository.one(connection, serial, lock=True) for serial in sorted(set(serials))]
    for pass_ in found:
        require_transition(pass_.status, target)
    changed = [replace(pass_, status=target) for pass_ in found]
    repository.update_passes(connection, changed, order.seconds, with_holders=False)
    repository.add_audit(connection, [order.record(action, pass_.serial) for pass_ in changed])
    for start in range(0, len(changed), repository.BATCH):
        batch = [pass_.serial for pass_ in changed[start : start + repository.BATCH]]
        _refresh_effective(connection, batch, target, order)
        tell_carriers(connection, batch, order)


def withdraw(connection: Connection, serial: str, carrier: str, order: Order) -> int:
    """Withdraw one carrier's credentials of a pass for good (a lost phone); the others live. Returns how many."""
    repository.one(connection, serial, lock=True)
    count = _withdraw(connection, (credentials.c.serial == serial) & (credentials.c.carrier == carrier), order)
    copies.end(connection, serial, carrier, order.seconds)
    repository.add_audit(connection, [order.record(Action.WITHDRAW, serial, carrier)])
    tell_carriers(connection, [serial], order)
    return count


def withdraw_entries(connection: Connection, list_id: str, indexes: Collection[int], order: Order) -> int:
    """Withdraw the credentials that have these entries of a status list, for good. Returns how many."""
    count, ordered = 0, sorted(indexes)
    for start in range(0, len(ordered), repository.BATCH):
        batch = ordered[start : start + repository.BATCH]
        which = (credentials.c.list_id == list_id) & credentials.c.status_index.in_(batch)
        serials = connection.scalars(select(credentials.c.serial).where(which).distinct()).all()
        count += _withdraw(connection, which, order)
        repository.add_audit(connection, [order.record(Action.WITHDRAW, serial, "entry") for serial in serials])
    return count


def withdraw_other_keys(
    connection: Connection, serial: str, carrier: str, holder_key: bytes, order: Order, *, unbound_too: bool
) -> None:
    """Withdraw a carrier's credentials that are bound to other keys than this one, for good: another phone took over.

    `unbound_too`: those bound to no key as well. The pass is locked by the caller's transaction.
    """
    key = credentials.c.holder_key
    others = (key != holder_key) | key.is_(None) if unbound_too else key != holder_key
    if _withdraw(connection, (credentials.c.serial == serial) & (credentials.c.carrier == carrier) & others, order):
        repository.add_audit(connection, [order.record(Action.WITHDRAW, serial, f"{carrier}, other keys")])


def _changed(existing: Pass, wanted: Pass, pass_type: PassType) -> list[str]:
    before, after = all_claims(existing, pass_type), all_claims(wanted, pass_type)
    names = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    names += [name for name in ("valid_from", "valid_until") if getattr(existing, name) != getattr(wanted, name)]
    if existing.holders != wanted.holders and not names:
        names.append("holder")
    return names


def _outdates_credentials(existing: Pass, wanted: Pass, pass_type: PassType) -> bool:
    before, after = all_claims(existing, pass_type), all_claims(wanted, pass_type)
    says_other = any(before.get(claim.name) != after.get(claim.name) for claim in pass_type.qr_claims)
    return says_other or wanted.valid_until < existing.valid_until or wanted.valid_from > existing.valid_from


def _withdraw(connection: Connection, which: Any, order: Order) -> int:
    live = which & (credentials.c.status != int(Status.INVALID)) & (credentials.c.valid_until > order.seconds)
    final = int(Status.INVALID)
    entries = select(credentials.c.list_id, credentials.c.status_index, literal(final)).where(live)
    changed = connection.execute(entries).all()
    connection.execute(update(credentials).where(live).values(status=final, effective_status=final))
    _note_entries(connection, changed, order)
    return len(changed)


def _refresh_effective(connection: Connection, serials: Collection[str], of_pass: Status, order: Order) -> None:
    """Carry a pass's new status over to its unexpired credentials, and note which lists must be signed anew."""
    own = credentials.c.serial.in_(serials) & (credentials.c.valid_until > order.seconds)
    for status in Status:
        effective = int(worse(status, of_pass))
        connection.execute(
            update(credentials).where(own, credentials.c.status == int(status)).values(effective_status=effective)
        )
    entries = select(credentials.c.list_id, credentials.c.status_index, credentials.c.effective_status).where(own)
    _note_entries(connection, connection.execute(entries).all(), order)


def _note_entries(connection: Connection, entries: Iterable[Sequence[Any]], order: Order) -> None:
    """The lists to sign anew, each with its entries (list, index, value) that changed."""
    by_list: dict[str, list[str]] = {}
    for list_id, index, value in entries:
        by_list.setdefault(list_id, []).append(f"{index}={value}")
    details = {list_id: " ".join(changed) for list_id, changed in by_list.items()}
    repository.add_outbox(connection, PUBLISH_LIST, details, order.seconds)


def tell_carriers(
    connection: Connection, serials: Collection[str], order: Order, renewed: Collection[str] = ()
) -> None:
    """Note that carriers show something else now. Only passes that somebody carries have anyone to tell."""
    carried = select(credentials.c.serial).where(credentials.c.serial.in_(serials)).distinct()
    told = {serial: RENEWED if serial in renewed else "" for serial in connection.scalars(carried)}
    repository.add_outbox(connection, UPDATE_CARRIERS, told, order.seconds, order.campaign)
