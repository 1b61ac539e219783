"""How keys follow one another: a new one beside the old, the old one withdrawn, and a warning before it is late.

A verifier that has not fetched the trust list since a key was made does not know it. So a new key is listed at once
but signs only after a lead; until then, and as a reserve for the overlap, the old one keeps its right to sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from keys.certificates import EXTENDED_KEY_USAGES
from keys.errors import KeyProblem
from keys.issuing import make_signer_certificate, new_ec_key
from keys.key_ring import KeyRing
from keys.ring_entries import KeyEntry
from keys.signer import Role

ISSUED_ROLES = tuple(EXTENDED_KEY_USAGES)
LEAD = timedelta(days=1)
OVERLAP = timedelta(days=7)

_STAGES = (
    (timedelta(0), "has ended"),
    (timedelta(days=7), "ends within a week"),
    (timedelta(days=30), "ends within 30 days"),
    (timedelta(days=60), "ends within 60 days"),
)


def new_key(
    ring: KeyRing,
    role: Role,
    now: datetime,
    *,
    lead: timedelta = timedelta(0),
    pass_types: frozenset[str] = frozenset(),
    previous_until: datetime | None = None,
    status_eku: str = "",
) -> KeyEntry:
    """A further key for `role` under the anchor; signs from `now + lead`. Other keys keep their windows.

    Raises `KeyProblem` for a role whose keys come from outside, `KeyNotFound` when the anchor's key is not here.
    """
    if role not in EXTENDED_KEY_USAGES:
        raise KeyProblem(f"A key for {role} cannot be made here; there are: {', '.join(ISSUED_ROLES)}.")
    key, anchor_key = new_ec_key(), ring.signer(Role.ANCHOR, now).private_key
    certificate = make_signer_certificate(key, role, ring.anchor_certificate, anchor_key, now, status_eku)
    return ring.add(role, key, (certificate,), now + lead, pass_types=pass_types, previous_until=previous_until)


def rotate(
    ring: KeyRing,
    role: Role,
    now: datetime,
    *,
    lead: timedelta = LEAD,
    overlap: timedelta = OVERLAP,
    status_eku: str = "",
) -> KeyEntry:
    """Replace the signing key of `role`: a new one from `now + lead`, the old ones until `now + overlap` at most.

    What the old one signed stays good until it is withdrawn. Publish the trust list within the lead.
    """
    if overlap < lead:
        raise KeyProblem("The overlap is shorter than the lead: for a while no key could sign.")
    with ring.changing():
        previous = ring.signer(role, now)
        types = next(entry.pass_types for entry in ring.entries() if entry.kid == previous.kid)
        ends = now + overlap
        return new_key(ring, role, now, lead=lead, pass_types=types, previous_until=ends, status_eku=status_eku)


def warnings(entries: Sequence[KeyEntry], now: datetime) -> list[str]:
    """One sentence for each key in use whose certificate ends within 60, 30 or 7 days, or has ended.

    A key that another one of its role outlives needs no warning.
    """
    current: dict[Role, KeyEntry] = {}
    for entry in entries:
        if entry.certificate_until is None or entry.is_withdrawn(now):
            continue
        known = current.get(entry.role)
        if known is None or known.certificate_until is None or known.certificate_until < entry.certificate_until:
            current[entry.role] = entry
    found = [_warning(entry, entry.certificate_until - now) for entry in current.values() if entry.certificate_until]
    return [sentence for sentence in found if sentence]


def _warning(entry: KeyEntry, left: timedelta) -> str:
    stage = next((words for limit, words in _STAGES if left <= limit), "")
    if not stage:
        return ""
    if entry.role is Role.ANCHOR:
        remedy = "plan a new anchor and its way to every verifier"
    elif entry.role in EXTENDED_KEY_USAGES:
        remedy = f"make a new key with: walletpass keys rotate {entry.role}"
    else:
        remedy = f"import the new one with: walletpass keys import {entry.role}"
    return f"The certificate of the {entry.role} key {stage} ({entry.certificate_until:%Y-%m-%d}); {remedy}"
