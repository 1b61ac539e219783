"""Pushes to iPhones by the task, from the outbox to its report, against a bare client that sends the same requests.

The push server is a process of its own: HTTP/2 over TLS with client certificates, on this machine.
"""

from __future__ import annotations

import asyncio
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

from bench.databases import database
from bench.installation import city, permits
from bench.measuring import ROUNDS, Row, measure, medians, rate
from issuers import repository
from issuers.copies import live
from issuers.wallets.apple import registrations
from issuers.wallets.apple.pushes import Pushes, client_context
from issuers.wallets.apple.updates import AppleUpdates
from keys.signer import Role
from tests.city import City
from web.database import write_transaction

PHONES, AT_ONCE, WANTED = 500, 100, 0.50


class BareClient:
    """One connection, no database, no answers that could go wrong."""

    def __init__(self, made: City, url: str, ca: str) -> None:
        context = client_context(made.office.signer(Role.APPLE_PASS), ca)
        headers = {"apns-topic": made.settings.apple_pass_type_identifier}
        headers |= {"apns-push-type": "background", "apns-priority": "5", "apns-expiration": "1900000000"}
        self._client = httpx2.AsyncClient(base_url=url, verify=context, http1=False, http2=True, headers=headers)

    async def sends(self, tokens: Sequence[str]) -> int:
        waiting, sent = iter(tokens), 0

        async def work() -> None:
            nonlocal sent
            for token in waiting:
                answer = await self._client.post(f"/3/device/{token}", content=b"{}")
                sent += answer.status_code == 200

        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        return sent


def sent(kind: str) -> Row:
    """On the database of that kind: 500 permits, each in one phone, all of them changed."""
    with tempfile.TemporaryDirectory() as folder, database(kind) as url, city(url) as made:
        [chain] = made.settings.issuer_home.rglob("apple-pass-*.chain.pem")
        with push_server(chain, Path(folder)) as (address, ca), asyncio.Runner() as runner:
            serials, tokens = phones(made)
            settings = made.settings.model_copy(update={"apple_push_url": address, "apple_push_ca": ca})
            task = AppleUpdates(made.office, Pushes(settings, made.office.signer, made.clock))
            bare = BareClient(made, address, ca)

            def pushed() -> int:
                with write_transaction(made.office.engine) as connection:
                    repository.add_outbox(connection, task.kind, serials, int(made.clock()))
                claim = made.office.outbox.claim(task.kind, task.batch, task.lease) or ""
                task.perform(made.office.outbox.held(claim), made.office.outbox.report(claim, task.lease))
                assert made.office.outbox.held(claim) == []
                return len(tokens)

            measured = [(rate(pushed), rate(lambda: runner.run(bare.sends(tokens)))) for _ in range(ROUNDS + 1)]
            task.close()
            figure, limit, ratio = medians(measured[1:])
            return Row(f"pushes to iPhones from {kind}", figure, "/s", "bare httpx2 client", limit, ratio, WANTED)


def phones(made: City) -> tuple[list[str], list[str]]:
    """The serials of permits, each in a phone of its own, and the phones' push tokens."""
    serials = [pass_.serial for pass_ in permits(made, PHONES)]
    tokens = [secrets.token_hex(32) for _ in serials]
    made.office.carry(serials, registrations.CARRIER, made.order())
    with write_transaction(made.office.engine) as connection:
        held = live(connection, serials, registrations.CARRIER)
        for serial, token in zip(serials, tokens, strict=True):
            registrations.register(connection, held[serial], secrets.token_hex(16), token, made.clock())
    return serials, tokens


@contextmanager
def push_server(chain: Path, folder: Path) -> Iterator[tuple[str, str]]:
    command = [sys.executable, "-m", "tests.issuers.wallets.push_server", "--ca", str(chain), "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, _, ca = process.stdout.readline().split()
        yield url, ca
        process.terminate()


if __name__ == "__main__":
    measure({"sent": sent}, sys.argv[1:])
