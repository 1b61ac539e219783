"""A campaign with two workers, until every phone is pushed, Google asked, each mail sent and each letter printed."""

from __future__ import annotations

import re
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import func, select

from bench.databases import database
from bench.installation import city
from bench.measuring import Row, measure
from issuers.importing import Import
from issuers.models import outbox
from issuers.sources.csv_file import SourceFile
from issuers.sources.entitlements import read_rows
from tests.flow.stage import TYPE, Stage, until
from web.database import read_transaction

PASSES = 2000
ALLOWED = 300  # MB of a worker


def renewed(kind: str) -> Row:
    """Passes a second, beside what a bare import renews; Google's rate is set to a thousand a second."""
    rate, alone, peak = _measured(kind)
    return Row(
        f"campaign with two workers, {kind}", rate, "/s", "importing the list alone", alone, rate / alone, None, peak
    )


def memory(kind: str) -> Row:
    """The most memory that a worker takes during a campaign."""
    peak = _measured(kind)[2]
    return Row(f"memory of a worker, {kind}", peak, "MB", "what is allowed", ALLOWED, ALLOWED / peak, 1.0, peak)


def _measured(kind: str) -> tuple[float, float, int]:
    """Passes a second of the campaign and of the import, and a worker's memory in MB."""
    with ExitStack() as running:
        url = running.enter_context(database(kind))
        home = Path(running.enter_context(TemporaryDirectory(prefix="walletpass-bench-")))
        keys = running.enter_context(city(start=datetime.now(UTC))).settings.issuer_home
        stage = Stage(home / "home", keys, url, running)
        stage.starts("issuer", "serve", "issuer")
        passes = stage.grants(PASSES)
        stage.phones(passes)
        stage.office.offer([each.serial for each in passes], "google", "", stage.office.order("bench"))
        for name in ("worker-a", "worker-b"):
            stage.starts(name, "serve", "worker")
        until(lambda: _open(stage) == 0, "what was offered is not at Google")
        path = stage.renewals(PASSES, stage.today + timedelta(days=300))
        begun = time.perf_counter()
        stage.starts_campaign(path)
        until(lambda: _open(stage) == 0, "the campaign does not end")
        took = time.perf_counter() - begun
        peak = max(_peak(stage.processes[name].pid) for name in ("worker-a", "worker-b"))
        for name in ("worker-a", "worker-b"):
            stage.kills(name)
        alone = _imports(stage, stage.renewals(PASSES, stage.today + timedelta(days=301)))
    return PASSES / took, PASSES / alone, peak


def _imports(stage: Stage, path: Path) -> float:
    office, source = stage.office, SourceFile(path)
    pass_type = office.catalogue.named(TYPE)
    begun = time.perf_counter()
    report = Import(office.engine, pass_type, office.order("bench")).run(
        read_rows(source, pass_type, stage.today), lambda: None
    )
    assert report.renewed == PASSES
    return time.perf_counter() - begun


def _open(stage: Stage) -> int:
    with read_transaction(stage.office.engine) as connection:
        is_open = outbox.c.done_at.is_(None) & (outbox.c.kind != "publish-list")
        return connection.scalar(select(func.count()).select_from(outbox).where(is_open)) or 0


def _peak(pid: int) -> int:
    found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) >> 10 if found else 0


if __name__ == "__main__":
    measure({"renewed": renewed, "memory": memory}, sys.argv[1:])
