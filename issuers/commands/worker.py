"""`walletpass serve worker`: what must happen after a commit, until it is interrupted."""

from __future__ import annotations

import signal
import threading

from issuers.commands.console import open_office
from issuers.installing import bring_up_to_date
from issuers.set_times import set_times
from issuers.tasks import load_tasks
from issuers.worker import Worker, worker_name
from web.logs import configure_logs


def serve_worker() -> None:
    """Tell phones, send mail, print letters, remind and renew. Any number of workers may run beside each other."""
    configure_logs()
    office = open_office()
    bring_up_to_date(office)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with worker_name(office) as name:
        Worker(office, name, load_tasks(office), set_times(office)).run(stop)
