"""Entries in Token Status Lists: reserving them, and reading which ones are not VALID.

An index must be random, unique and never reused (draft-ietf-oauth-status-list section 13.2). Each list has a secret
seed that orders its indexes once and for all; reserving is moving a counter, so a batch costs one short statement and
a deleted credential never frees its entry. The database's unique constraint watches over it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from functools import lru_cache

from sqlalchemy import Connection, func, insert, select, update

from issuers.errors import NoStatusIndex
from issuers.models import credentials, status_lists
from walletpass.status import Status
from walletpass.status_list import StatusArray, inflate

_ROUNDS = 4
MAX_LISTS = 999  # the settings check that a URI with three digits still fits the QR code


def permuted(seed: bytes, position: int, size: int) -> int:
    """The `position`-th index of a list of `size` entries: a Feistel network, walked until it lands inside."""
    half = max(1, (size - 1).bit_length() + 1 >> 1)
    mask = (1 << half) - 1
    index = position
    while True:
        left, right = index >> half, index & mask
        for turn in range(_ROUNDS):
            left, right = right, left ^ (_mixed(seed, turn, right) & mask)
        index = left << half | right
        if index < size:
            return index


@lru_cache(maxsize=1 << 14)  # a half of a million-entry list's index has 1024 values
def _mixed(seed: bytes, turn: int, half: int) -> int:
    mixed = hashlib.blake2b(half.to_bytes(4, "big") + bytes((turn,)), key=seed, digest_size=4)
    return int.from_bytes(mixed.digest(), "big")


def create_lists(connection: Connection, count: int, size: int) -> list[str]:
    """Add `count` empty lists of `size` entries; returns their ids."""
    first = (connection.scalar(select(func.count()).select_from(status_lists)) or 0) + 1
    ids = [str(number) for number in range(first, first + count)]
    if first + count - 1 > MAX_LISTS:
        raise NoStatusIndex("There are 999 status lists already; larger lists are needed.")
    connection.execute(
        insert(status_lists),
        [{"id": i, "size": size, "seed": secrets.token_bytes(16), "allocated": 0, "issued_at": 0} for i in ids],
    )
    return ids


def ensure_room(connection: Connection, entries: int, lists: int, size: int) -> list[str]:
    """Have at least `lists` lists that are not full, with room for `entries`; returns the ids of those added."""
    # One at a time, or two would find the same last entries and one of them would be refused.
    connection.execute(select(status_lists.c.id).order_by(status_lists.c.id).limit(1).with_for_update())
    room = status_lists.c.size - status_lists.c.allocated
    query = select(func.count(), func.coalesce(func.sum(room), 0)).where(room > 0)
    open_lists, free = connection.execute(query).one()
    missing = max(lists - open_lists, -(-(entries - free) // size), 0)
    return create_lists(connection, missing, size) if missing else []


def reserve(connection: Connection, count: int) -> list[tuple[str, int]]:
    """Reserve `count` entries, spread over the lists that have room; raises `NoStatusIndex`, then nothing is kept.

    The (list, index) pairs come in random order, so that two passes issued together do not stand together.
    """
    free = connection.execute(
        select(status_lists).where(status_lists.c.allocated < status_lists.c.size).with_for_update()
    ).all()
    order = secrets.SystemRandom()
    taken = {row.id: 0 for row in free}
    room = {row.id: row.size - row.allocated for row in free}
    if sum(room.values()) < count:
        raise NoStatusIndex("The status lists are full; nothing was issued.")
    for list_id in order.choices(list(taken), k=count) if free else ():
        if taken[list_id] == room[list_id]:
            list_id = next(other for other in taken if taken[other] < room[other])
        taken[list_id] += 1
    reserved: list[tuple[str, int]] = []
    for row in free:
        positions = range(row.allocated, row.allocated + taken[row.id])
        reserved.extend((row.id, permuted(row.seed, position, row.size)) for position in positions)
        if taken[row.id]:
            changed = update(status_lists).where(status_lists.c.id == row.id)
            connection.execute(changed.values(allocated=row.allocated + taken[row.id]))
    reserved.sort(key=lambda _: order.getrandbits(64))  # a shuffle at half the price
    return reserved


def not_valid(connection: Connection, list_id: str) -> Iterator[tuple[int, int]]:
    """The entries of a list that are not VALID, as (index, status value)."""
    query = select(credentials.c.status_index, credentials.c.effective_status).where(
        credentials.c.list_id == list_id, credentials.c.effective_status != int(Status.VALID)
    )
    for row in connection.execute(query):
        yield row.status_index, row.effective_status


def current_array(connection: Connection, list_id: str) -> StatusArray:
    """A list as it stands in the database."""
    columns = (status_lists.c.size, status_lists.c.kept)
    size, kept = connection.execute(select(*columns).where(status_lists.c.id == list_id)).one()
    array = StatusArray.empty(size) if kept is None else StatusArray(inflate(kept))
    array.update(not_valid(connection, list_id))
    return array


def changed_entries(details: Iterable[str]) -> Iterator[tuple[int, int]]:
    """The (index, status value) pairs of outbox rows, in their order."""
    for detail in details:
        for pair in detail.split():
            index, _, value = pair.partition("=")
            yield int(index), int(value)
