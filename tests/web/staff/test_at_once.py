"""Requests at the same moment, on both databases: what is good once is good once, and every guess counts."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import select

from tests.web.staff.visitor import NAME, Clock
from web.database import read_transaction, write_transaction
from web.staff.accounts import Account, Accounts
from web.staff.delays import ACCOUNT, ADDRESS, Delays
from web.staff.errors import FactorRefused, TooSoon
from web.staff.factors import Factors
from web.staff.passkeys import Challenges
from web.staff.passwords import PasswordHasher
from web.staff.sessions import Sessions, Stage
from web.staff.store import Caller, StaffStore
from web.staff.totp import code_at, new_key

AT_ONCE = 6


def outcomes(work: Callable[[], object], refusal: type[Exception]) -> list[bool]:
    """Whether each of several threads that start together succeeded."""
    start = Barrier(AT_ONCE)

    def run(_: int) -> bool:
        start.wait()
        try:
            work()
        except refusal:
            return False
        return True

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(run, range(AT_ONCE)))


def account(store: StaffStore, hasher: PasswordHasher) -> Account:
    return Accounts(store, hasher).create(NAME, "Karla Lange", set())[0]


def test_of_many_uses_of_one_code_only_one_succeeds(store_on: StaffStore, hasher: PasswordHasher, clock: Clock) -> None:
    factors, karla, key = Factors(store_on), account(store_on, hasher), new_key()
    with write_transaction(store_on.engine) as connection:
        factors.set_totp(connection, karla, factors.offered_totp(karla, key), code_at(key, store_on.now() // 30))
        codes = factors.replace_recovery_codes(connection, karla)
    clock.seconds += 60

    def use_code() -> None:
        with write_transaction(store_on.engine) as connection:
            factors.use_code(connection, karla, code_at(key, store_on.now() // 30))

    def use_recovery_code() -> None:
        with write_transaction(store_on.engine) as connection:
            factors.use_recovery_code(connection, karla, codes[0])

    assert sum(outcomes(use_code, FactorRefused)) == 1
    assert sum(outcomes(use_recovery_code, FactorRefused)) == 1
    assert factors.of(karla.id).recovery_codes == 9


def test_of_many_uses_of_one_challenge_only_one_succeeds(store_on: StaffStore) -> None:
    challenges = Challenges(store_on)
    challenge = challenges.make("cookie")
    assert sum(outcomes(lambda: challenges.use_up(challenge), FactorRefused)) == 1


def test_of_many_rotations_of_one_session_only_one_succeeds(store_on: StaffStore, hasher: PasswordHasher) -> None:
    sessions, karla = Sessions(store_on), account(store_on, hasher)
    with write_transaction(store_on.engine) as connection:
        secret = sessions.begin(connection, karla.id, Stage.FACTOR, Caller())
    session = sessions.find(secret)
    assert session is not None

    def rotate() -> None:
        with write_transaction(store_on.engine) as connection:
            if sessions.rotate(connection, session, Stage.OPEN) is None:
                raise FactorRefused("too late")

    assert sum(outcomes(rotate, FactorRefused)) == 1


def test_guesses_sent_at_the_same_time_all_count(store_on: StaffStore) -> None:
    delays = Delays(store_on)
    for _ in range(3):
        delays.begin((ACCOUNT, NAME), (ADDRESS, "192.0.2.7"))
    assert sum(outcomes(lambda: delays.begin((ADDRESS, "192.0.2.7"), (ACCOUNT, NAME)), TooSoon)) == 2
    with read_transaction(store_on.engine) as connection:
        failures = connection.scalars(select(store_on.tables.delays.c.failures)).all()
    assert list(failures) == [5, 5]


def test_a_day_without_failures_and_what_nobody_needs_is_forgotten(store_on: StaffStore, clock: Clock) -> None:
    delays = Delays(store_on)
    for _ in range(5):
        delays.begin((ACCOUNT, NAME))
    clock.seconds += 86401
    delays.begin((ACCOUNT, NAME))
    delays.begin((ACCOUNT, NAME))
    Challenges(store_on).use_up(Challenges(store_on).make("cookie"))
    clock.seconds += 181 * 86400
    store_on.tidy()
    with read_transaction(store_on.engine) as connection:
        for name in ("delays", "used_challenges", "events", "sessions"):
            assert connection.execute(select(getattr(store_on.tables, name))).all() == []
