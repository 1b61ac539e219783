"""A worker: finds what is due in the outbox, claims it, and has the engine perform it, until it is told to stop.

Any number of workers run beside each other. Each kind of work has a queue of its own, so that a dead mail server keeps
no phone waiting.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from issuers.engine import Engine
from issuers.office import Office
from issuers.task import Task
from keys.atomic_file import make_private_folder, write_private
from walletpass.errors import WalletPassError

WORKERS = "workers"  # folder of the engines' files and of the workers' names
_BUSY, _IDLE = 0.1, 0.5  # seconds between two looks at what is due
_AFTER_FAILURE = 2.0
_PUBLISHING = 1.0
_MOST_WORKERS = 64  # on one machine
_MARK = re.compile("[0-9a-f]{16}")
_LOG = structlog.get_logger("walletpass.worker")


class TooManyWorkers(WalletPassError):
    """More workers on one machine than anybody needs."""

    code = "too_many_workers"


class Worker:
    """One worker process. `name` is its own as long as it runs, and the same when it is started again."""

    def __init__(
        self,
        office: Office,
        name: str,
        tasks: Mapping[str, Task],
        times: Mapping[str, tuple[str, Callable[[], None]]],
    ) -> None:
        self._outbox, self._tasks, self._publication = office.outbox, tasks, office.publication
        # A claim that a crash left behind may be performed beside a new one of its kind: it waits its turn.
        self._turns = {kind: threading.Lock() for kind in tasks}
        self._queued: dict[str, str] = {}  # the claim of each kind that this process has taken and not performed
        self._performed: set[str] = set()  # claims, at this moment
        self._is_unsure = threading.Event()  # it may hold rows that it knows nothing of: what a failure left behind
        self._is_unsure.set()
        url = engine_url(office, name)
        self._mark = _mark(office.settings.issuer_home / WORKERS / f"{name}.mark")
        self.engine = Engine(url, name, tasks, self.perform, times)

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; a database that is gone for a while is waited for."""
        publishing = threading.Thread(target=self._publish, args=(stop,), name="publishing")
        publishing.start()
        with suppress(Exception):  # else as soon as the database is there
            self._give_back()
        self.engine.start()
        _LOG.info("worker_started", kinds=sorted(self._tasks))
        try:
            while not stop.is_set():
                stop.wait(self._look())
        finally:
            publishing.join()
            self.engine.stop()
            for task in self._tasks.values():
                task.close()

    def perform(self, kind: str, claim: str) -> None:
        """What a claim holds; a failure is told by its code, and the rows are due again later."""
        self._performed.add(claim)
        is_reported = False
        try:
            with self._turns[kind]:
                self._perform(self._tasks[kind], claim)
            is_reported = True
        except Exception as failure:  # the database is gone: the rows are given back when it is there again
            _LOG.error("work_not_reported", kind=kind, error=type(failure).__name__)
        finally:
            if self._queued.get(kind) == claim:
                del self._queued[kind]
            self._performed.discard(claim)
            if not is_reported:
                self._is_unsure.set()

    def _perform(self, task: Task, claim: str) -> None:
        report, code = self._outbox.report(claim, task.lease), "not_reported"
        if not report.keep():  # it may have waited for its turn, and another worker may have taken over
            return
        errands = self._outbox.held(claim)
        if not errands:
            return
        try:
            task.perform(errands, report)
        except WalletPassError as failure:
            code = failure.code
            _LOG.warning("work_failed", kind=task.kind, code=code)
        except Exception as failure:
            code = "internal_error"
            _LOG.error("work_failed", kind=task.kind, code=code, error=type(failure).__name__, exc_info=True)
        left = self._outbox.held(claim)
        if left:
            report.later(left, code)

    def _publish(self, stop: threading.Event) -> None:
        """Until `stop` is set: publish changes whose process died before it could. Apart from all that may wait."""
        while not stop.wait(_PUBLISHING):
            try:
                self._publication.publish_changes()
            except Exception as failure:
                code = failure.code if isinstance(failure, WalletPassError) else "internal_error"
                _LOG.warning("publishing_failed", code=code, error=type(failure).__name__)

    def _look(self) -> float:
        """Claim and enqueue what is due; how long to wait until the next look."""
        try:
            self._give_back()
            found = False
            for kind in sorted((self._outbox.due() & self._tasks.keys()) - self._queued.keys()):
                found = self._claim(kind) or found
            return _BUSY if found or self._queued else _IDLE
        except Exception as failure:
            code = failure.code if isinstance(failure, WalletPassError) else "internal_error"
            _LOG.warning("look_failed", code=code, error=type(failure).__name__)
            return _AFTER_FAILURE

    def _give_back(self) -> None:
        """What a predecessor of its name held, or a failure left behind, is due soon instead of after its lease."""
        if self._is_unsure.is_set():
            self._is_unsure.clear()
            try:
                self._outbox.release(self._mark, {*self._queued.values(), *self._performed})
            except Exception:
                self._is_unsure.set()
                raise

    def _claim(self, kind: str) -> bool:
        task = self._tasks[kind]
        try:
            claim = self._outbox.claim(kind, task.batch, task.lease, alone=task.alone, mark=self._mark)
        except Exception:
            self._is_unsure.set()  # it may have been written, and only the answer be lost
            raise
        if claim is None:
            return False
        self._queued[kind] = claim
        try:
            self.engine.enqueue(kind, claim)
        except BaseException:
            del self._queued[kind]
            self._is_unsure.set()
            raise
        return True


def engine_url(office: Office, name: str) -> str:
    """The file of this worker's engine, on its own machine whatever our database is.

    Its queue is the worker's alone. In a shared database two workers of one name would take each other's work for
    their own, and whoever can write there would have his pickles read by a process that can sign.
    """
    folder = office.settings.issuer_home / WORKERS
    make_private_folder(folder)
    return f"sqlite:///{folder / f'{name}.db'}"


def _mark(file: Path) -> str:
    """What the claims of a worker of this name begin with, whenever it runs. Random: machines may have one name."""
    mark = file.read_text() if file.exists() else ""
    if not _MARK.fullmatch(mark):
        mark = secrets.token_hex(8)
        write_private(file, mark.encode())
    return mark


@contextmanager
def worker_name(office: Office) -> Iterator[str]:
    """The first name on this machine that no running worker has; a crash frees it at once."""
    folder = office.settings.issuer_home / WORKERS
    make_private_folder(folder)
    for number in range(1, _MOST_WORKERS + 1):
        name = f"{socket.gethostname()[:24]}-{number}"
        descriptor = os.open(folder / f"{name}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            continue
        try:
            yield name
        finally:
            os.close(descriptor)
        return
    raise TooManyWorkers(f"{_MOST_WORKERS} workers run on this machine already; that is the most.")
