"""Status lists of a million entries, one in a hundred revoked: one change, and what a verifier has to fetch."""

from __future__ import annotations

import random
import sys
import time
import zlib
from itertools import cycle

from bench.installation import ENTRIES, city
from bench.measuring import Row, measure, rates, repeated
from keys.signer import Role
from walletpass.status import Status
from walletpass.status_list import StatusArray, compress
from walletpass.status_token import TokenTimes, TokenWriter

MILLION = 1_000_000
SMALL_ENOUGH = 40_000  # bytes


def _list(size: int, revoked: int) -> StatusArray:
    array = StatusArray.empty(size)
    array.update((index, Status.INVALID) for index in random.Random(1).sample(range(size), revoked))
    return array


def change() -> Row:
    """One entry set, the list compressed, the JWT and the CWT signed."""
    with city() as made:
        writer = made.office.publication.token_writer("1", made.office.signer(Role.STATUS_LIST))
        array, indexes = _list(MILLION, MILLION // 100), cycle(random.Random(2).sample(range(MILLION), 1000))
        times = TokenTimes(int(made.clock()), int(made.clock()) + 86400, 300)

        def once() -> None:
            array.set(next(indexes), Status.SUSPENDED)
            packed = compress(array.raw)
            writer.jwt(packed, times)
            writer.cwt(packed, times)

        rebuild = repeated(lambda: zlib.compress(array.raw, 9), 1)
        figure, limit, ratio = rates(repeated(once, 10), rebuild, rounds=5)
        return Row("one change in a million entries, both tokens", figure, "/s", "zlib-9 rebuilds", limit, ratio, 40)


def fetched() -> Row:
    """The bytes of all lists, as published: a million passes with 1 % revoked, spread over the open lists."""
    with city() as made:
        signer, now = made.office.signer(Role.STATUS_LIST), int(time.time())
        lists = made.settings.status_lists_open
        size = 0
        for number in range(1, lists + 1):
            packed = compress(_list(ENTRIES, MILLION // 100 // lists).raw)
            writer: TokenWriter = made.office.publication.token_writer(str(number), signer)
            size += len(writer.cwt(packed, TokenTimes(now, now + 86400, 300)))
        what = "to fetch, a million passes with 1 % revoked"
        return Row(what, size, "B", "size that is small enough", SMALL_ENOUGH, SMALL_ENOUGH / size, 1.0)


if __name__ == "__main__":
    measure({"change": change, "fetched": fetched}, sys.argv[1:])
