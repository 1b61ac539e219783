"""`walletpass demo`: a sample city, both services and a worker beside each other as processes until Ctrl-C.

They are started as anybody would start them, by their commands; this process only watches over them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import typer

from issuers import repository
from issuers.commands.console import ACTOR, open_office, say
from issuers.importing import Import
from issuers.installing import initialise
from issuers.office import Office
from issuers.plates.recipients import add_recipient, read_recipient
from issuers.residents import links
from issuers.sources.csv_file import SourceFile
from issuers.sources.entitlements import read_rows
from issuers.sources.sample import SAMPLES, write_sample
from keys.atomic_file import make_private_folder, write_private
from walletpass.errors import WalletPassError
from walletpass.pass_type import Category
from walletpass.passes import local_day
from web.database import read_transaction, write_transaction
from web.edge import require_free

RESIDENTS = 120  # of each type
_COMMAND = (sys.executable, "-m", "walletpass")
_SCOPES = {"issuer": "*:*", "verifier": "*:verify"}
_READY_WITHIN = 60.0  # seconds
_PAGE_LINK = "resident_parking_permit-page-link.txt"
_WORKER = "worker"  # listens on no port
_EXAMPLES = (("apple", "pkpass"), ("google", "txt"), ("paper", "pdf"), ("qr", "png"), ("qr", "txt"))


class ServiceFailed(WalletPassError):
    """A service or the worker did not start, or ended by itself."""

    code = "service_failed"


def demo() -> None:
    """Set up a sample city once, then serve it until Ctrl-C: issuing on port 8000, verifying on 8001."""
    office = open_office()
    folder = office.settings.home / "demo"
    tokens = folder / "tokens.txt"
    ports = {"issuer": office.settings.port, "verifier": int(os.environ.get("WALLETPASS_VERIFIER_PORT", "8001"))}
    for port in ports.values():
        require_free("127.0.0.1", port)
    if not tokens.exists():
        say("Setting up the sample city …")
        _set_up(office, folder)
        write_private(tokens, (_make_tokens() + _make_staff(ports["verifier"]) + _invite_device()).encode())
    services = {name: _start(name) for name in (*ports, _WORKER)}
    try:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        _wait_until_ready(services, ports)
        _greet(ports, tokens, folder)
        _watch(services)
    except KeyboardInterrupt:
        say("Stopping …")
    finally:
        _stop(services)


def _start(name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*_COMMAND, "serve", name], start_new_session=True)  # noqa: S603


def _set_up(office: Office, folder: Path) -> None:
    for warning in initialise(office):
        say(warning)
    make_private_folder(folder)
    today = local_day(office.now())
    for name, sample in SAMPLES.items():
        file = folder / f"{name}.csv"
        write_sample(file, sample, RESIDENTS, today)
        pass_type = office.catalogue.named(sample.pass_type)
        rows = read_rows(SourceFile(file), pass_type, today)
        Import(office.engine, pass_type, office.order("demo")).run(rows, lambda: None)
    _write_examples(office, folder)
    _hand_over_receiving_key(office)


def _hand_over_receiving_key(office: Office) -> None:
    """What an administrator carries from one service to the other, so that plates can be looked up."""
    made = subprocess.run([*_COMMAND, "plates", "receiver"], check=True, capture_output=True)  # noqa: S603
    recipient = read_recipient(made.stdout, "demo", int(office.seconds()))
    with write_transaction(office.engine) as connection:
        add_recipient(connection, recipient)
    office.plates.publish()


def _write_examples(office: Office, folder: Path) -> None:
    """One pass in every wallet, and the link to its page, to open and scan."""
    pass_type = next(t for t in office.catalogue if t.category is Category.PARKING)
    with read_transaction(office.engine) as connection:
        today = local_day(office.now())
        [pass_] = repository.page(connection, pass_type=pass_type.name, status="valid", today=today, limit=1)
    for wallet, form in _EXAMPLES:
        [offer] = office.offer([pass_.serial], wallet, form, office.order(ACTOR))
        name = f"{pass_type.name}-google-link" if wallet == "google" else pass_type.name
        write_private(folder / f"{name}.{form}", offer.body)
    with write_transaction(office.engine) as connection:
        secret = links.create(connection, pass_.serial, office.order(ACTOR))
    write_private(folder / _PAGE_LINK, f"{links.address(office.settings.public_url, secret)}\n".encode())


def _make_tokens() -> str:
    lines = ["# Demo tokens. Use one as: Authorization: Bearer TOKEN"]
    for service, scope in _SCOPES.items():
        words = ("tokens", "create", "demo", "--for", service, "--scope", scope, "--json")
        made = subprocess.run([*_COMMAND, *words], check=True, capture_output=True)  # noqa: S603
        lines.append(f"{service}: {json.loads(made.stdout)['secret']}")
    return "\n".join(lines) + "\n"


def _make_staff(port: int) -> str:
    """Who may sign in to the verifying desk. The start password has to be changed within a week."""
    create = ("staff", "create", "demo", "--name", "Demo", "--role", "lead", "--for", "verifier", "--json")
    made = subprocess.run([*_COMMAND, *create], check=False, capture_output=True)  # noqa: S603
    if made.returncode:  # an earlier set-up was interrupted before it could write the password down
        again = ("staff", "reset-second-factor", "demo", "--for", "verifier", "--json")
        made = subprocess.run([*_COMMAND, *again], check=True, capture_output=True)  # noqa: S603
    return (
        f"# Sign in at http://localhost:{port}/desk with this start password, good once, for a week.\n"
        "# After that: walletpass staff reset-password demo\n"
        f"desk: demo {json.loads(made.stdout)['start_password']}\n"
    )


def _invite_device() -> str:
    """An inspector's device that anybody may become: this browser, say."""
    made = subprocess.run([*_COMMAND, "devices", "create", "Demo"], check=True, capture_output=True)  # noqa: S603
    return (
        "# Open this link to make a browser an inspector's device; good once, for a day.\n"
        "# After that: walletpass devices create NAME\n"
        f"device: {made.stdout.decode().strip()}\n"
    )


def _wait_until_ready(services: dict[str, subprocess.Popen[bytes]], ports: dict[str, int]) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    for name, port in ports.items():
        while not _answers(port):
            if services[name].poll() is not None or time.monotonic() > deadline:
                raise ServiceFailed(f"The {name} did not start; its messages are above.")
            time.sleep(0.05)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _greet(ports: dict[str, int], tokens: Path, folder: Path) -> None:
    issuer, verifier = (f"http://localhost:{port}" for port in ports.values())
    link = folder / _PAGE_LINK  # absent where an older version set the demo up
    page = f"A pass page        {link.read_text().strip()}\n" if link.exists() else ""
    made = dict(line.split(": ", 1) for line in tokens.read_text().splitlines() if line[:1] not in ("", "#"))
    desk, device = made.get("desk"), made.get("device")
    sign_in = f"   (desk: {verifier}/desk, start password of {desk.replace(' ', ': ')}, good once)" if desk else ""
    typer.echo(
        f"\nIssuing service    {issuer}   (API: {issuer}/docs)\n"
        f"Verifying service  {verifier}{sign_in}\n"
        f"Inspector's app    {device or verifier + '/inspector/'}\n"
        f"                   (this link enrols one browser, within a day; then: walletpass devices create NAME)\n"
        f"Worker             tells phones, sends mail and letters; what waits: walletpass jobs list\n"
        f"Demo tokens        {tokens}\n"
        f"{page}"
        f"Try: open {verifier} and upload {folder / 'resident_parking_permit.png'}\n"
        "Ctrl-C stops all."
    )
    sys.stdout.flush()


def _watch(services: dict[str, subprocess.Popen[bytes]]) -> None:
    while True:
        for name, service in services.items():
            if service.poll() is not None:
                raise ServiceFailed(f"The {name} ended by itself; its messages are above.")
        time.sleep(0.2)


def _stop(services: dict[str, subprocess.Popen[bytes]]) -> None:
    for impatient in (signal.SIGINT, signal.SIGTERM):  # a second one would leave a service behind
        signal.signal(impatient, signal.SIG_IGN)
    for service in services.values():
        if service.poll() is None:
            service.terminate()
    for service in services.values():
        try:
            service.wait(10)
        except subprocess.TimeoutExpired:
            service.kill()
