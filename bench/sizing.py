"""How large an installation becomes: one town, one city, the whole country. `python -m bench.sizing` prints the tables
of docs/operations.md, which a test compares with it.

Everything follows from inputs that are stated with their source, from the product's own numbers, and from rates that
were measured. What is called assumed is ours to guess and yours to replace.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil

from issuers.print_batches import SIZE as LETTERS_IN_A_FILE
from issuers.set_times import DONE_KEPT
from issuers.settings import IssuerSettings
from issuers.tasks.carriers import CarriersTask
from verifiers.published import MAX_LISTS
from verifiers.settings import VerifierSettings
from walletpass.pass_types import load_catalogue
from walletpass.status import Status
from walletpass.status_list import StatusArray, compress

DAY, YEAR = 86400, 365  # seconds, days
YEARS = 5  # that are looked ahead
CONTACT_EVERY = 20  # seconds, as verifiers/inspector/app/contact.js has it

# Shares of residents that hold a pass of each type.
FAMILY_CARDS, CITY = 53_000, 650_000
SHARES = {
    "family_card": FAMILY_CARDS / CITY,
    "library_card": 0.07,
    "registration_certificate": 0.01,
    "resident_parking_permit": 0.05,
    "social_pass": 0.08,
    "volunteer_card": 0.005,
}
CARRIED = {"apple": 0.35, "google": 0.40, "paper": 0.45}  # credentials a pass has in each
PHONES = 1.2  # that registered for an Apple pass
WITHDRAWN, SUSPENDED, AMENDED = 0.02, 0.01, 0.03  # of all passes, a year
HOLDERS, WITH_MAIL = 1.3, 0.6
ENTRY_SCATTER = 1  # seed of the sample list
# Requests to Google: the object; and a message; and, of a pass that is renewed, its reminders are taken away before.
GOOGLE_CHANGE, GOOGLE_NOTICE, GOOGLE_RENEWAL = 1, 2, 3
RESIDENTS_PER_INSPECTOR, SHIFT_HOURS, SCANS_A_SHIFT = 5_000, 8, 150
CHECKS_A_YEAR, PEAK_HOUR = 12, 0.2  # by machines, of a pass; share of a day, and of a campaign's first day

INPUTS = (
    (
        "residents: city",
        "650,000",
        "residents' register of Düsseldorf, 31.12.2024: 658,245; rounded",
    ),
    ("residents: country", "84,000,000", "Destatis, 31.12.2024: 83.6 million; rounded"),
    ("residents: town", "20,000", "the least that is called a middle-sized town (BBSR)"),
    ("family cards, parking zones", "53,000, 41", "the city's own; elsewhere as many for each resident"),
    ("other passes a resident", "7 % library, 8 % social, 5 % parking, 1 % certificates, 0.5 % volunteers", "assumed"),
    ("carried a pass", "0.35 Apple on 1.2 phones, 0.40 Google, 0.45 paper", "assumed"),
    ("a year, of all passes", "2 % revoked, 1 % suspended, 3 % amended", "assumed; renewals as the types' periods say"),
    ("holders a pass; with an address", "1.3; 60 %", "assumed"),
    ("inspectors", "1 in 5,000 residents, 8 hours and 150 scans a day", "assumed"),
    ("checks by machines", "12 a pass and year, a fifth of a day's in one hour", "assumed"),
    ("installations, verifying services: country", "16, 130", "one a Land; a service for each 650,000 residents"),
)
# Rates a second of one busy core, and sizes: `python -m bench`, `python -m bench.row_sizes`.
MACHINE = "two shared, busy cores (Intel Xeon), Debian 12, Python 3.11, PostgreSQL 18, November 2026"
OFFERS, IMPORTED, CHECKS, LISTS_SIGNED, SCANS_STORED = 960, 2_200, 1_500, 590, 4_900
TOLD = 24  # passes of a campaign: push, Google, mail or letter, the servers of the test on the same core
PASS_ROW, HOLDER_ROW, CREDENTIAL_ROW, AUDIT_ROW, OUTBOX_ROW = 457, 180, 647, 138, 240  # bytes, indexes included
PROCESS_MEMORY = 175  # MB of an issuer, a verifier or a worker at work
PRESS_MEMORY = 960  # MB of the press beside a worker: a file of letters with card and windscreen sheet (ADR 0018)
TOKEN = 244  # bytes of a status list's CWT around its packed entries
BUSY, BLOAT = 0.5, 1.5  # share of a core that is planned for; free space in tables


@dataclass(frozen=True)
class Place:
    """One column of the tables."""

    name: str
    residents: int
    installations: int = 1
    verifying: int = 1
    """Verifying services."""

    settings = IssuerSettings()
    catalogue = load_catalogue(())

    @cached_property
    def held(self) -> dict[str, float]:
        return {name: self.residents * share for name, share in SHARES.items()}

    @property
    def passes(self) -> float:
        return sum(self.held.values())

    @property
    def family_cards(self) -> float:
        return self.held["family_card"]

    @property
    def zones(self) -> float:
        return max(1, self.residents / CITY * 41)

    @property
    def credentials(self) -> float:
        """That are valid at one time."""
        return self.passes * sum(CARRIED.values())

    @property
    def renewals(self) -> float:
        """A day."""
        return sum(count / self.catalogue.named(name).validity.period_days for name, count in self.held.items())

    @property
    def changes(self) -> float:
        """A day, that change a status list."""
        return self.passes * (WITHDRAWN + SUSPENDED + AMENDED) / YEAR

    @property
    def entries(self) -> float:
        """Of status lists that are given out in the years ahead: one for every credential, and never again."""
        again = (self.renewals * YEAR + self.passes * AMENDED) * YEARS
        return (self.passes + again) * sum(CARRIED.values())

    @property
    def lists(self) -> int:
        each = ceil(self.entries / self.installations / self.settings.status_list_size)
        return max(self.settings.status_lists_open, each) * self.installations

    @property
    def list_bytes(self) -> int:
        """Of one list in the last year, as CWT."""
        not_valid = self.passes * (WITHDRAWN + AMENDED) * YEARS * sum(CARRIED.values())
        return packed_list(self.settings.status_list_size, round(not_valid / self.lists, -2)) + TOKEN

    @property
    def fetched(self) -> float:
        """Bytes a day of a verifying service: each of its installation's lists whenever it was signed anew."""
        lists = self.lists / self.installations
        looks = DAY / VerifierSettings.model_fields["refresh_interval"].default
        touched = self.changes / self.installations * sum(CARRIED.values()) / lists
        return lists * min(looks, DAY / self.settings.resign_interval + touched) * self.list_bytes

    @property
    def jobs(self) -> float:
        """Rows of the outbox a day."""
        updates = 1 + CARRIED["apple"] + CARRIED["google"]
        told = self.notices * (1 + updates)
        return told + (self.changes * (updates + sum(CARRIED.values())))

    @property
    def reminders(self) -> float:
        """A day."""
        days = {t.name: len(t.look.reminder_days) for t in self.catalogue}
        return sum(
            count * days[name] / self.catalogue.named(name).validity.period_days for name, count in self.held.items()
        )

    @property
    def notices(self) -> float:
        """A day, by mail or letter: renewals and reminders."""
        return self.renewals + self.reminders

    @property
    def google_requests(self) -> float:
        """A day. Who renews has been reminded."""
        told = self.renewals * GOOGLE_RENEWAL + self.reminders * GOOGLE_NOTICE + self.changes * GOOGLE_CHANGE
        return told * CARRIED["google"]

    @property
    def google_campaign(self) -> float:
        """Requests when all family cards are renewed at once, each after a reminder."""
        return self.family_cards * CARRIED["google"] * GOOGLE_RENEWAL

    @property
    def inspectors(self) -> float:
        return ceil(self.residents / RESIDENTS_PER_INSPECTOR)

    @property
    def checks_at_peak(self) -> float:
        """A second, by machines."""
        return self.passes * CHECKS_A_YEAR / YEAR * PEAK_HOUR / 3600

    @property
    def contacts(self) -> float:
        """A second, of inspectors' devices."""
        return self.inspectors / CONTACT_EVERY

    @property
    def offers_at_peak(self) -> float:
        """A second, when all family cards were renewed at once and a fifth of their holders look within an hour."""
        return self.family_cards * PEAK_HOUR / 3600

    @property
    def stored(self) -> float:
        """Bytes of the database after the years ahead."""
        events = self.renewals * YEAR + self.passes * (WITHDRAWN + SUSPENDED + AMENDED)
        rows = self.passes * (PASS_ROW + HOLDERS * HOLDER_ROW + AUDIT_ROW) + events * YEARS * AUDIT_ROW
        return BLOAT * (rows + self.entries * CREDENTIAL_ROW + self.jobs * DONE_KEPT / DAY * OUTBOX_ROW)

    @property
    def memory(self) -> float:
        """Bytes of an installation's issuers and workers, while each worker prints."""
        each = (self.issuers + self.workers) * PROCESS_MEMORY + self.workers * PRESS_MEMORY
        return each / self.installations * 1e6

    @property
    def issuers(self) -> int:
        return self.processes(self.offers_at_peak, OFFERS, self.installations)

    @property
    def workers(self) -> int:
        return 2 * self.installations

    def processes(self, needed: float, rate: float, places: int) -> int:
        """Two in each place, so that one may fail; more where half a core is not enough for each."""
        return max(2, ceil(needed / places / (rate * BUSY))) * places


@lru_cache
def packed_list(size: int, not_valid: float) -> int:
    """Bytes of a list of `size` entries, so many of them scattered and INVALID."""
    array = StatusArray.empty(size)
    chosen = random.Random(ENTRY_SCATTER).sample(range(size), min(int(not_valid), size))
    array.update((index, Status.INVALID) for index in chosen)
    return len(compress(array.raw))


PLACES = (Place("town", 20_000), Place("city", CITY), Place("country", 84_000_000, installations=16, verifying=130))
Line = tuple[str, Callable[[Place], str]]


def number(value: float) -> str:
    """Two significant digits, as a forecast deserves; small ones whole."""
    if value < 10:
        return f"{value:.1f}".rstrip("0").rstrip(".") if value >= 0.1 else f"{value:.2f}".rstrip("0").rstrip(".")
    scale = 10 ** (len(str(int(value))) - 2)
    return f"{round(value / scale) * scale:,.0f}"


def size(value: float) -> str:
    """Bytes in decimal units."""
    for unit, width in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if value >= width:
            return f"{number(value / width)} {unit}"
    return f"{number(value / 1e3)} kB"


def span(seconds: float) -> str:
    for unit, width in (("days", DAY), ("h", 3600), ("min", 60)):
        if seconds >= 2 * width:
            return f"{number(seconds / width)} {unit}"
    return f"{number(seconds)} s"


HOLDINGS: tuple[Line, ...] = (
    ("residents", lambda p: f"{p.residents:,}"),
    ("installations (databases, public URLs)", lambda p: str(p.installations)),
    ("passes", lambda p: number(p.passes)),
    ("of these family cards; parking zones", lambda p: f"{number(p.family_cards)}; {number(p.zones)}"),
    ("valid credentials", lambda p: number(p.credentials)),
    (f"status entries used in {YEARS} years", lambda p: number(p.entries)),
    (f"status lists after {YEARS} years", lambda p: str(p.lists)),
    ("one list, as CWT", lambda p: size(p.list_bytes)),
    ("all lists of an installation", lambda p: size(p.list_bytes * p.lists / p.installations)),
    ("a verifying service fetches, a day", lambda p: size(p.fetched)),
    ("all verifying services, a day (the CDN)", lambda p: size(p.fetched * p.verifying)),
)
DAILY: tuple[Line, ...] = (
    ("renewals a day", lambda p: number(p.renewals)),
    ("revoked, suspended, amended a day", lambda p: number(p.changes)),
    ("rows of the outbox a day", lambda p: number(p.jobs)),
    ("rows of the outbox kept (30 days)", lambda p: number(p.jobs * DONE_KEPT / DAY)),
    ("APNs pushes a day", lambda p: number((p.notices + p.changes) * CARRIED["apple"] * PHONES)),
    ("requests to Google a day", lambda p: number(p.google_requests)),
    ("mails a day", lambda p: number(p.notices * WITH_MAIL)),
    ("letters a day", lambda p: number(p.notices * (1 - WITH_MAIL))),
    ("inspectors; scans a day", lambda p: f"{number(p.inspectors)}; {number(p.inspectors * SCANS_A_SHIFT)}"),
    ("contacts of devices a second", lambda p: number(p.contacts)),
    ("checks by machines a second, at peak", lambda p: number(p.checks_at_peak)),
)
CAMPAIGN: tuple[Line, ...] = (
    ("family cards renewed", lambda p: number(p.family_cards)),
    ("the list is imported in", lambda p: span(p.family_cards / p.installations / IMPORTED)),
    ("batches of `update-carriers`", lambda p: number(ceil(p.family_cards / CarriersTask.batch))),
    ("APNs pushes", lambda p: number(p.family_cards * CARRIED["apple"] * PHONES)),
    ("requests to Google", lambda p: number(p.google_campaign)),
    (
        f"at {Place.settings.google_requests_per_second} a second and installation they take",
        lambda p: span(p.google_campaign / p.installations / p.settings.google_requests_per_second),
    ),
    (
        "all through one issuer account",
        lambda p: span(p.google_campaign / p.settings.google_requests_per_second),
    ),
    ("mails", lambda p: number(p.family_cards * WITH_MAIL)),
    ("letters", lambda p: number(p.family_cards * (1 - WITH_MAIL))),
    (
        f"files of {LETTERS_IN_A_FILE} letters",
        lambda p: number(ceil(p.family_cards * (1 - WITH_MAIL) / LETTERS_IN_A_FILE)),
    ),
    ("the workers take for pushes, Google, mails and letters", lambda p: span(p.family_cards / p.workers / TOLD)),
    ("offers a second in the hour after", lambda p: number(p.offers_at_peak)),
)
MACHINES: tuple[Line, ...] = (
    (f"databases after {YEARS} years, together", lambda p: size(p.stored)),
    ("each of them", lambda p: size(p.stored / p.installations)),
    (f"lists an installation (a verifier takes {MAX_LISTS})", lambda p: number(p.lists / p.installations)),
    ("issuer processes", lambda p: str(p.issuers)),
    ("workers", lambda p: str(p.workers)),
    ("verifier processes", lambda p: str(p.processes(p.checks_at_peak + p.contacts, CHECKS, p.verifying))),
    ("memory of issuers and printing workers, an installation", lambda p: size(p.memory)),
)
MEASURED = (
    ("QR credentials made and stored", f"{OFFERS:,} a second"),
    ("rows of a list imported", f"{IMPORTED:,} a second"),
    ("passes of a campaign told by push, Google, mail or letter", f"{TOLD} a second"),
    ("checks over HTTP", f"{CHECKS:,} a second"),
    ("lists of a million entries signed after a change", f"{LISTS_SIGNED:,} a second"),
    ("scans stored", f"{SCANS_STORED:,} a second"),
    ("row with its indexes: pass, holder, credential", f"{PASS_ROW}, {HOLDER_ROW}, {CREDENTIAL_ROW} bytes"),
    ("row with its indexes: audit, outbox", f"{AUDIT_ROW}, {OUTBOX_ROW} bytes"),
    ("memory of a process at work", f"{PROCESS_MEMORY} MB"),
    (f"memory of the press, for {LETTERS_IN_A_FILE} letters of three pages", f"{PRESS_MEMORY} MB"),
)


def tables() -> str:
    """All tables, as they stand in docs/operations.md."""
    heads = ["", *(place.name for place in PLACES)]
    parts = [
        _titled("What is put in", _table(("", "value", "source"), INPUTS)),
        _titled(f"Measured on {MACHINE}", _table(("", "on one core"), MEASURED)),
    ]
    for title, lines in (
        ("Passes and lists", HOLDINGS),
        ("Day by day", DAILY),
        ("A campaign: all family cards at once", CAMPAIGN),
        ("Machines", MACHINES),
    ):
        rows = [(what, *(value(place) for place in PLACES)) for what, value in lines]
        parts.append(_titled(title, _table(heads, rows)))
    return "\n\n".join(parts)


def _titled(title: str, table: str) -> str:
    return f"**{title}**\n\n{table}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---", *("---:" if len(heads) == 4 else "---" for _ in heads[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(tables() + "\n")
