"""Passwords: what may be one, and how they are hashed without letting a crowd exhaust memory or the event loop.

Argon2id with 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet) through the `passlib` API.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from passlib.context import CryptContext

from web.staff.errors import PasswordRefused, TooBusy

SHORTEST, LONGEST = 12, 128  # characters; ASVS 2.1.1, 2.1.2
_REMAINING = 8  # characters that must be left without what anybody would try first
_DISTINCT = 6
_TRIED_FIRST = re.compile(
    "pass(wort|word|wd|w0rd)|kennwort|geheim|secret|letmein|willkommen|welcome|hallo|hello|login|admin|"
    "wallet|ausweis|inspekt\\w*|kontrolle|parken|stadt|duesseldorf|düsseldorf|rathaus|bürger|fortuna|"
    "schatz|liebe|love|sommer|winter|herbst|frühling|summer|spring|autumn|monat|montag|januar|dragon|master|monkey|"
    "qwert[zy](uiop)?|asdf(gh(jkl)?)?|yxcvb|zxcvb|1q2w3e4r|abc(def(gh)?)?|(19|20)\\d\\d|\\d{4,}|(.)\\1{2,}"
)
_START_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks alike on paper
_Answer = TypeVar("_Answer")


def normal(password: str) -> str:
    """One form for what different keyboards send (NIST SP 800-63B section 5.1.1.2: NFKC)."""
    return unicodedata.normalize("NFKC", password)


def check_new_password(password: str, *names: str) -> None:
    """Raise `PasswordRefused` for a password that is short, long, or little more than a name or a common pattern."""
    text = normal(password)
    if len(text) < SHORTEST:
        raise PasswordRefused("password_short", f"The password needs at least {SHORTEST} characters.")
    if len(text) > LONGEST:
        raise PasswordRefused("password_long", f"The password may have at most {LONGEST} characters.")
    left = text.casefold()
    for word in {word for name in names for word in re.split(r"[\W_]+", normal(name).casefold()) if len(word) > 2}:
        left = left.replace(word, "")
    left = _TRIED_FIRST.sub("", left)
    if len(left) < _REMAINING or len(set(left)) < _DISTINCT:
        raise PasswordRefused("password_easy", "The password is too easy to guess from the name or common words.")


def start_password() -> str:
    """A random password of 99 bits in groups of five, for the first sign-in only."""
    return "-".join("".join(secrets.choice(_START_ALPHABET) for _ in range(5)) for _ in range(4))


class PasswordHasher:
    """Hashes in few threads with a short queue: 19 MiB per thread at most, whatever arrives; more is `TooBusy`."""

    def __init__(
        self, threads: int = 2, waiting: int = 30, memory_kib: int = 19456, passes: int = 2, lanes: int = 1
    ) -> None:
        cost = {"type": "ID", "memory_cost": memory_kib, "time_cost": passes, "parallelism": lanes}
        self._context = CryptContext(["argon2"], **{f"argon2__{name}": value for name, value in cost.items()})
        self._pool = ThreadPoolExecutor(threads, "passwords")
        self._places = threading.BoundedSemaphore(threads + waiting)
        self._nobody = self._context.hash(secrets.token_hex())

    def hash_now(self, password: str) -> str:
        """The hash, made in this thread: for the command line."""
        return str(self._context.hash(normal(password)))

    async def hash(self, password: str) -> str:
        """The hash; raises `TooBusy`."""
        return await self._bounded(lambda: self.hash_now(password))

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether it fits, and a new hash when the parameters have changed. No `stored`: just as slow, never fits.

        Threat: telling existing accounts by the time an answer takes (ASVS 2.2.1, CWE-208). Raises `TooBusy`.
        """
        text = normal(password)
        if len(text) > LONGEST:
            text, stored = "", None
        known = self._nobody if stored is None else stored
        fits, fresh = await self._bounded(lambda: self._context.verify_and_update(text, known))
        return (False, None) if stored is None else (bool(fits), fresh)

    async def _bounded(self, work: Callable[[], _Answer]) -> _Answer:
        if not self._places.acquire(blocking=False):
            raise TooBusy("Too many people sign in at this moment; try again in a few seconds.")
        future: Future[_Answer] = self._pool.submit(work)
        # Released when the work is done, not when its caller goes away: else giving up early would free a place.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)
