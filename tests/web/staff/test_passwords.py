"""Passwords: what is too easy, how they are stored, and what a flood of sign-ins costs."""

from __future__ import annotations

import asyncio
import statistics
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.staff.errors import PasswordRefused, TooBusy
from web.staff.passwords import PasswordHasher, check_new_password, start_password


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "password_short"),
        ("elf Zeichen", "password_short"),
        ("a" * 129, "password_long"),
        ("aaaaaaaaaaaaaaaa", "password_easy"),
        ("123456789012", "password_easy"),
        ("Passwort2027!", "password_easy"),
        ("qwertzuiop123456", "password_easy"),
        ("karla.lange.2027", "password_easy"),
        ("K.LANGE Lange Karla", "password_easy"),
        ("Sommer2026Sommer2027", "password_easy"),
        ("Prüfstelle!2027", "password_easy"),
        ("abababababab", "password_easy"),
    ],
)
def test_easy_passwords_are_refused(password: str, code: str) -> None:
    with pytest.raises(PasswordRefused) as refused:
        check_new_password(password, "k.lange", "Karla Lange", "Prüfstelle")
    assert refused.value.code == code
    assert password not in refused.value.sentence or not password


@pytest.mark.parametrize(
    "password",
    ["vier Möwen kreischen laut", "x8#kQ2!mZr0v", "東京の朝は静かで美しい空です", start_password()],
    ids=("German", "mixed", "Japanese", "made by us"),
)
def test_other_passwords_of_any_alphabet_are_taken(password: str) -> None:
    check_new_password(password, "k.lange", "Karla Lange", "Prüfstelle")


@given(st.text(max_size=200), st.text(max_size=80))
def test_any_text_gets_an_answer(password: str, name: str) -> None:
    codes = {"password_short", "password_long", "password_easy", None}
    assert refusal(password, name) in codes
    if refusal(password, name) is None:
        assert len(password) >= 4  # compatibility characters count as what they stand for


def refusal(password: str, name: str) -> str | None:
    try:
        check_new_password(password, name)
    except PasswordRefused as refused:
        return refused.code
    return None


def test_start_passwords_have_99_random_bits() -> None:
    made = {start_password() for _ in range(50)}
    assert len(made) == 50 and {len(password) for password in made} == {23}


def test_the_hash_is_argon2id_of_the_promised_cost_and_knows_other_keyboards() -> None:
    hasher = PasswordHasher()
    stored = hasher.hash_now("vier Möwen kreischen laut")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.hash_now("vier Möwen kreischen laut") != stored
    decomposed = "vier Mo\u0308wen kreischen laut"
    assert asyncio.run(hasher.verify(decomposed, stored)) == (True, None)
    assert asyncio.run(hasher.verify("vier Moewen kreischen laut", stored)) == (False, None)


def test_a_hash_of_other_parameters_is_replaced_when_the_password_is_right() -> None:
    stored = PasswordHasher(memory_kib=64, passes=1).hash_now("vier Möwen kreischen laut")
    fits, fresh = asyncio.run(PasswordHasher(memory_kib=128, passes=1).verify("vier Möwen kreischen laut", stored))
    assert fits and fresh is not None and "m=128," in fresh
    assert asyncio.run(PasswordHasher(memory_kib=128, passes=1).verify("wrong", stored)) == (False, None)


def test_an_unknown_user_takes_as_long_as_a_known_one() -> None:
    hasher = PasswordHasher(threads=1)
    stored = hasher.hash_now("vier Möwen kreischen laut")

    def seconds(known: str | None) -> float:
        started = time.perf_counter()
        assert asyncio.run(hasher.verify("guess", known)) == (False, None)
        return time.perf_counter() - started

    pairs = [(seconds(stored), seconds(None)) for _ in range(9)]
    known, unknown = (statistics.median(times) for times in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2
    assert unknown > 0.005  # a shortcut would take microseconds


def test_a_flood_uses_two_threads_waits_in_a_short_queue_and_leaves_the_event_loop_free() -> None:
    hasher = PasswordHasher(threads=2, waiting=6)

    async def flood() -> tuple[list[object], float]:
        waiting = [asyncio.create_task(hasher.verify("guess", None)) for _ in range(100)]
        longest, last = 0.0, time.perf_counter()
        while not all(task.done() for task in waiting):
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
        return [*await asyncio.gather(*waiting, return_exceptions=True)], longest

    answers, longest = asyncio.run(flood())
    assert answers.count((False, None)) == 8
    assert sum(isinstance(answer, TooBusy) for answer in answers) == 92
    assert longest < 0.25
    assert sum(thread.name.startswith("passwords") for thread in threading.enumerate()) <= 2 * 8  # of all tests here
    assert asyncio.run(hasher.verify("guess", None)) == (False, None)  # all places are free again


def test_who_gives_up_waiting_frees_the_place() -> None:
    hasher = PasswordHasher(threads=1, waiting=2)

    async def give_up() -> None:
        tasks = [asyncio.create_task(hasher.verify("guess", None)) for _ in range(3)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    for _ in range(4):
        asyncio.run(give_up())
        time.sleep(0.2)
    assert asyncio.run(hasher.verify("guess", None)) == (False, None)
