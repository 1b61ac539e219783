"""The durable engine: queues, their concurrency, and what happens at set times. Only this module knows DBOS.

The outbox stays the truth; the engine knows claims by name. A worker that is started again after a crash goes on with
the claims it had; what a worker holds that never comes back is taken over when its lease has ended.

Source: docs.dbos.dev, "Queues", "Scheduled workflows", "Configuration". DBOS has one instance in a process.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dbos import DBOS, DBOSConfig

APPLICATION, VERSION = "walletpass", "1"  # the version of what stands in the engine's tables: a kind and a claim
CITY_TIME = "Europe/Berlin"
KEPT = timedelta(days=1)  # how long the engine remembers what was performed
_POLL = 0.2  # seconds between two looks at a queue
_FORGOTTEN_AT_ONCE = 500


class Engine:
    """One worker's engine. `name` is this worker's own, the same after a restart, and that of its queue.

    One queue for all kinds of work, because each is looked at several times a second; it has room for all of them at
    once, so that none waits for another.
    `perform(kind, claim)` does what a claim holds and raises nothing. `times` are functions by name with the time they
    are called at: cron with five fields, or six with seconds first, in the city's time.
    """

    def __init__(
        self,
        database_url: str,
        name: str,
        kinds: Collection[str],
        perform: Callable[[str, str], None],
        times: Mapping[str, tuple[str, Callable[[], None]]],
    ) -> None:
        self._queue, self._at_once = name, 2 * len(kinds) or 1
        self._times = {**times, "forget_performed": ("47 3 * * *", self.forget)}
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": database_url,
            "executor_id": name,
            "application_version": VERSION,
            "log_level": "ERROR",
        }
        DBOS(config=config)

        @DBOS.step(name="perform")
        def perform_claim(kind: str, claim: str) -> None:
            perform(kind, claim)

        @DBOS.workflow(name="deliver")
        def deliver(kind: str, claim: str) -> None:
            perform_claim(kind, claim)

        @DBOS.step(name="call")
        def call(what: str) -> None:
            self._times[what][1]()

        @DBOS.workflow(name="at_set_time")
        def at_set_time(_: datetime, what: Any) -> None:
            call(str(what))

        self._deliver, self._at_set_time = deliver, at_set_time

    def start(self) -> None:
        """Open the engine's tables, take up what was interrupted, and begin."""
        DBOS.listen_queues([self._queue])
        DBOS.launch()
        DBOS.register_queue(
            self._queue, worker_concurrency=self._at_once, polling_interval_sec=_POLL, on_conflict="always_update"
        )
        known = {schedule["schedule_name"]: schedule["schedule"] for schedule in DBOS.list_schedules()}
        for what, (cron, _) in self._times.items():
            if known.get(what) == cron:
                continue
            if what in known:
                DBOS.delete_schedule(what)
            DBOS.create_schedule(
                schedule_name=what,
                workflow_fn=self._at_set_time,
                schedule=cron,
                context=what,
                cron_timezone=CITY_TIME,
            )

    def enqueue(self, kind: str, claim: str) -> None:
        """Have a claim performed, beside those that are performed already."""
        DBOS.enqueue_workflow(self._queue, self._deliver, kind, claim)

    def forget(self) -> None:
        """Delete what was performed long ago from the engine's tables."""
        before = (datetime.now(UTC) - KEPT).isoformat()
        while True:
            old = DBOS.list_workflows(
                completed_before=before, limit=_FORGOTTEN_AT_ONCE, load_input=False, load_output=False
            )
            if not old:
                return
            DBOS.delete_workflows([workflow.workflow_id for workflow in old])

    def stop(self) -> None:
        """End after what is being performed."""
        DBOS.destroy(workflow_completion_timeout_sec=10)
