"""The published set a running service verifies with: swapped whole, refreshed in the background."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

import structlog

from verifiers.documents import Folder, open_source
from verifiers.mirror import Mirrored, mirrored
from verifiers.plate_documents import PlateDocuments
from verifiers.plates import PlateLookup
from verifiers.published import PublishedDocuments, PublishedSet, read_anchor
from verifiers.receiving import ReceivingKey
from verifiers.seen import SeenDocuments
from verifiers.settings import VerifierSettings

FOLDER_INTERVAL = 1.0  # seconds; looking whether files changed costs next to nothing
_LOG = structlog.get_logger(__name__)


class Known:
    """Holds the newest `PublishedSet` and `PlateLookup`, and the bytes they were read from, by path, in `mirror`.

    Reading them needs no lock: immutable, replaced whole.
    """

    def __init__(self, settings: VerifierSettings) -> None:
        seen = SeenDocuments(settings.verifier_home / "cache")
        source = open_source(settings.published_place)
        anchor = read_anchor(settings.anchor_path)
        self._documents = PublishedDocuments(source, anchor, seen, settings.status_signing_eku)
        cheap = isinstance(source, Folder)
        self._interval = min(settings.refresh_interval, FOLDER_INTERVAL) if cheap else settings.refresh_interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep_fresh, name="published-documents", daemon=True)
        receiver = ReceivingKey.open(settings.verifier_home)
        self._plates = PlateDocuments(source, receiver, seen)
        now = int(time.time())
        self.current: PublishedSet = self._documents.recall(now)
        self.plates: PlateLookup = self._plates.recall(self.current.trust_list, now)
        self.mirror: Mapping[str, Mirrored] = self._mirrored({})
        self._told = self._lists()

    def start(self, changed: Callable[[Mapping[str, object]], object] = lambda _: None) -> None:
        """Read the source now and then every interval, in a thread of its own: a slow network delays nothing.

        `changed` is told the lists when there are others than before; when it fails, it is told again.
        """
        self._changed = changed
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a read that hangs is left to its timeouts."""
        self._stopped.set()
        self._thread.join(timeout=2)

    def missing(self) -> list[str]:
        """What is missing to verify anything, as codes."""
        trust = self.current.trust_list
        return ["trust_list"] if trust is None or time.time() >= trust.expires_at else []

    def type_names(self) -> frozenset[str]:
        """The types of pass that are published."""
        return frozenset(found.name for found in self.current.known_types.values())

    def _mirrored(self, before: Mapping[str, Mirrored]) -> Mapping[str, Mirrored]:
        return mirrored(self._documents.taken() | self._plates.taken(), before)

    def _lists(self) -> dict[str, object]:
        """The version of the trust list and when each status list was signed: what `lists.updated` says."""
        trust, lists = self.current.trust_list, self.current.status_lists
        return {
            "trust_list_version": None if trust is None else trust.version,
            "status_lists": {uri: lists[uri].issued_at for uri in sorted(lists)},
        }

    def _tell(self) -> None:
        lists = self._lists()
        if lists != self._told:
            self._changed(lists)
            self._told = lists

    def _keep_fresh(self) -> None:
        while not self._stopped.is_set():
            try:
                self.current = self._documents.refresh(int(time.time()))
                self.plates = self._plates.refresh(self.current.trust_list, int(time.time()))
                self.mirror = self._mirrored(self.mirror)
                self._tell()
            except Exception:
                # Whatever went wrong, the last good set serves, and the next round tries again.
                _LOG.exception("refresh_failed")
            self._stopped.wait(self._interval)
