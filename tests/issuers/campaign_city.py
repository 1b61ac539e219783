"""What the tests of campaigns share: lists on disk, campaigns over them, and a worker that the test leads."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from issuers import campaigns
from issuers.campaign_results import document, result
from issuers.campaigns import Wish
from issuers.carrier_models import campaign_lists
from issuers.models import audit, outbox
from issuers.notices import Inform
from issuers.sources.csv_file import SourceFile
from issuers.task import Task
from issuers.tasks.campaign import CampaignTask
from issuers.tasks.carriers import CarriersTask
from tests.city import City
from walletpass.passes import Pass
from web.database import read_transaction, write_transaction

TYPE = "resident_parking_permit"
HEADER = (
    "permit_no;zone;plate1;changing_vehicles;valid_from;valid_until;given_name;family_name;email;street;postcode;city"
)
ANNA_CELLS = "Anna;Müller;anna@example.org;Bilker Allee 5;40215;Düsseldorf"


class Sent:
    """Does all rows of a kind at once."""

    batch, lease, alone = 500, 60, False

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def perform(self, errands: Sequence[Any], report: Any) -> None:
        report.done([errand.id for errand in errands])

    def close(self) -> None:
        pass


def row(city: City, number: str, *, until: date | None = None, zone: str = "MÜ", plate: str = "D-AB 1234E") -> str:
    """A row that says of a granted permit what it says already, or with another end."""
    days = city.today - timedelta(days=10), until or city.today + timedelta(days=200)
    return f"{number};{zone};{plate};ja;{days[0]:%d.%m.%Y};{days[1]:%d.%m.%Y};{ANNA_CELLS}"


def write(city: City, rows: Iterable[str], name: str = "list.csv", encoding: str = "cp1252") -> Path:
    path = city.settings.home / name
    path.write_bytes("".join(f"{each}\r\n" for each in (HEADER, *rows)).encode(encoding))
    return path


def permits(city: City, count: int) -> list[Pass]:
    return [city.grants(TYPE, number=f"BP-{number:05d}") for number in range(count)]


def renewals(city: City, passes: Iterable[Pass], days: int = 365) -> list[str]:
    return [row(city, each.external_number, until=city.today + timedelta(days=days)) for each in passes]


def starts(city: City, rows: Iterable[str], *, inform: Inform = Inform.NONE, path: Path | None = None) -> int:
    wish = Wish(TYPE, "Verlängerung", inform, "test")
    wanted = campaigns.counted(SourceFile(path or write(city, rows)))
    with write_transaction(city.office.engine) as connection:
        return campaigns.start(connection, wish, wanted, int(city.clock()))


def changes(city: City, what: Any, number: int) -> None:
    """`campaigns.pause`, `resume` or `cancel`."""
    with write_transaction(city.office.engine) as connection:
        what(connection, number, int(city.clock()))


def works(city: City, *tasks: Task, until_idle: bool = True) -> int:
    """A worker that does what is due of these tasks' kinds, and ends; how many claims there were."""
    outbox_, done = city.office.outbox, 0
    while True:
        claims = [(task, claim) for task in tasks if (claim := outbox_.claim(task.kind, task.batch, task.lease))]
        for task, claim in claims:
            task.perform(outbox_.held(claim), outbox_.report(claim, task.lease))
        done += len(claims)
        if not claims or not until_idle:
            return done


def reads(city: City) -> int:
    """A worker that only reads lists."""
    return works(city, CampaignTask(city.office))


def everything(city: City) -> int:
    """A worker that does all there is."""
    kinds = ("update-apple", "update-google", "mail", "letter", "print")
    told = CarriersTask({"apple", "google"})
    return works(city, CampaignTask(city.office), told, *(Sent(kind) for kind in kinds))


def shown(city: City, number: int) -> dict[str, Any]:
    with read_transaction(city.office.engine) as connection:
        return document(connection, campaigns.one(connection, number))


def exported(city: City, number: int) -> list[dict[str, str]]:
    text = b"".join(result(city.office.engine, number)).decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines(), delimiter=";"))


def noted(city: City, kind: str) -> list[Any]:
    with read_transaction(city.office.engine) as connection:
        return list(connection.execute(select(outbox).where(outbox.c.kind == kind).order_by(outbox.c.id)).all())


def renewed_serials(city: City) -> list[str]:
    with read_transaction(city.office.engine) as connection:
        return sorted(connection.scalars(select(audit.c.serial).where(audit.c.action == "renew")))


def stored_list(city: City) -> bytes:
    with read_transaction(city.office.engine) as connection:
        return b"".join(connection.scalars(select(campaign_lists.c.piece)))
