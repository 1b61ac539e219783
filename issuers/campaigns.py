"""Campaigns: a list that workers import, and all that is told because of it; paused, resumed and cancelled as a whole.

Every change locks the campaign's row first. What follows from a campaign are rows of the outbox with its id; a campaign
is done when its list is read and none of them is open. Functions work in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection, case, delete, insert, select, update

from issuers import repository
from issuers.carrier_models import COLUMN_NAME, campaign_lists, campaign_rows, campaigns
from issuers.import_report import Outcome
from issuers.models import outbox
from issuers.notices import LETTER, MAIL, Inform
from issuers.outbox import IS_PARKED, PARKED, is_held
from issuers.print_batches import PRINT
from issuers.sources.csv_file import SourceFile
from issuers.sources.errors import RowFailure
from issuers.uploads import LIMIT
from walletpass.errors import WalletPassError
from web.many_rows import insert_many

CAMPAIGN = "campaign"  # kind of an outbox row; subject: a campaign's id
MESSAGES = (MAIL, LETTER, PRINT)  # what a cancelled campaign no longer sends
CANCELLED_CODE = "cancelled"
FAILED_ROW, WARNING = "failed", "warning"
HAND_OVER = 60  # seconds until workers look at what others held when a campaign was cancelled
LONGEST_NAME = 80  # characters
_PIECE = 1 << 20  # bytes


class UnknownCampaign(WalletPassError):
    """No campaign has this number."""

    code = "unknown_campaign"


class CampaignOver(WalletPassError):
    """The campaign is done, cancelled or failed: there is nothing left to pause, resume or cancel."""

    code = "campaign_over"


class ListTooLarge(WalletPassError):
    """The list is larger than a campaign keeps."""

    code = "list_too_large"
    wrong_usage = True


class State(StrEnum):
    """How a campaign stands. `done` is never stored: it follows from what is left to do."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new campaign is to do. `actor` names a role or token."""

    pass_type: str
    name: str
    inform: Inform
    actor: str
    reissue: bool = False


@dataclass(frozen=True, slots=True)
class Campaign:
    """`position` of `total` rows are dealt with; times are NumericDates; `code` says why it failed."""

    id: int
    name: str
    type: str
    state: State
    actor: str
    inform: Inform
    reissue: bool
    total: int
    position: int
    created_at: int
    changed_at: int
    code: str | None


class CountedList(NamedTuple):
    """A list that was read through: how many rows it has."""

    source: SourceFile
    rows: int


def counted(source: SourceFile) -> CountedList:
    """Read a list through, before a transaction: that takes seconds, in which nobody else could write.

    Raises `SourceRefused`, `ListTooLarge`.
    """
    if source.total_bytes > LIMIT:
        raise ListTooLarge(f"The list has more than {LIMIT >> 20} MB; divide it.")
    return CountedList(source, sum(1 for _ in source.rows()))


def start(connection: Connection, wish: Wish, wanted: CountedList, now: int) -> int:
    """A new campaign over a list, which is stored; its id."""
    row = {
        "name": wish.name[:LONGEST_NAME],
        "type": wish.pass_type,
        "state": State.RUNNING.value,
        "actor": wish.actor,
        "inform": wish.inform.value,
        "options": json.dumps({"reissue": wish.reissue}),
        "total": wanted.rows,
        "position": 0,
        "created_at": now,
        "changed_at": now,
    }
    made = connection.execute(insert(campaigns).values(row).returning(campaigns.c.id)).scalar_one()
    with wanted.source.path.open("rb") as raw:
        for number, piece in enumerate(iter(lambda: raw.read(_PIECE), b"")):
            connection.execute(insert(campaign_lists).values(campaign_id=made, number=number, piece=piece))
    repository.add_outbox(connection, CAMPAIGN, [str(made)], now)
    return int(made)


def one(connection: Connection, number: int, *, lock: bool = False) -> Campaign:
    """The campaign; raises `UnknownCampaign`. `lock` keeps its list and state as they are until the commit."""
    query = select(campaigns).where(campaigns.c.id == number)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise UnknownCampaign("There is no campaign of this number.")
    return _campaign(connection, row)


def newest(connection: Connection, types: Collection[str], limit: int) -> list[Campaign]:
    """The last campaigns of these types, the newest first."""
    query = select(campaigns).where(campaigns.c.type.in_(types)).order_by(campaigns.c.id.desc()).limit(limit)
    return [_campaign(connection, row) for row in connection.execute(query).all()]


def _campaign(connection: Connection, row: Any) -> Campaign:
    stored = row._asdict()
    state, options = State(stored.pop("state")), json.loads(stored.pop("options"))
    if state is State.RUNNING and not _has_list(connection, row.id) and not _has_open_rows(connection, row.id):
        state = State.DONE
    return Campaign(**stored | {"state": state, "inform": Inform(row.inform), "reissue": options["reissue"]})


def _has_list(connection: Connection, number: int) -> bool:
    pieces = select(campaign_lists.c.number).where(campaign_lists.c.campaign_id == number)
    return connection.execute(pieces.limit(1)).first() is not None


def _has_open_rows(connection: Connection, number: int) -> bool:
    return connection.execute(select(outbox.c.id).where(_open(number)).limit(1)).first() is not None


def _open(number: int) -> ColumnElement[bool]:
    return (outbox.c.campaign == number) & outbox.c.done_at.is_(None) & outbox.c.failed_at.is_(None)


def pause(connection: Connection, number: int, now: int) -> bool:
    """Import no further rows and tell nobody more, until it is resumed; False when it was paused already.

    Raises `CampaignOver`, as `resume` and `cancel` do.
    """
    found = one(connection, number, lock=True)
    if found.state is State.PAUSED:
        return False
    _require(found, State.RUNNING)
    _set(connection, number, now, state=State.PAUSED.value)
    undone = (outbox.c.campaign == number) & outbox.c.done_at.is_(None) & ~IS_PARKED
    connection.execute(update(outbox).where(undone).values(due_at=outbox.c.due_at + PARKED))
    return True


def resume(connection: Connection, number: int, now: int) -> bool:
    """Go on where it was paused; False when it was not."""
    found = one(connection, number, lock=True)
    if found.state is State.RUNNING:
        return False
    _require(found, State.PAUSED)
    _set(connection, number, now, state=State.RUNNING.value)
    _unpark(connection, outbox.c.campaign == number, now)
    if _has_list(connection, number):
        _call_worker(connection, number, now)
    return True


def cancel(connection: Connection, number: int, now: int) -> bool:
    """Import no further rows and send no more messages; False when it was cancelled before.

    Wallets still hear of what has changed: that is true.
    """
    found = one(connection, number, lock=True)
    if found.state is State.CANCELLED:
        return False
    _require(found, State.RUNNING, State.PAUSED, State.FAILED)
    _set(connection, number, now, state=State.CANCELLED.value)
    drop_list(connection, number)
    _unpark(connection, (outbox.c.campaign == number) & outbox.c.kind.not_in(MESSAGES), now)
    if settle_messages(connection, number, now):
        _call_worker(connection, number, now + HAND_OVER)
    return True


def settle_messages(connection: Connection, number: int, now: int) -> bool:
    """Of a cancelled campaign: what is not sent will not be. Whether some are in a worker's hands at this moment.

    Those stay parked: when the worker has sent one it is done, and otherwise nobody takes it up again. What failed for
    good stays so, with its code, but leaves the quarantine: nobody can have it tried again.
    """
    of_messages = (outbox.c.campaign == number) & outbox.c.kind.in_(MESSAGES)
    failed = of_messages & outbox.c.done_at.is_(None) & outbox.c.failed_at.is_not(None)
    connection.execute(update(outbox).where(failed).values(done_at=now))
    unsent = _open(number) & outbox.c.kind.in_(MESSAGES)
    free = ~is_held(now)
    given_up = {"done_at": now, "code": CANCELLED_CODE, "claim": None}
    connection.execute(update(outbox).where(unsent, free).values(given_up))
    held = connection.execute(update(outbox).where(unsent, ~IS_PARKED).values(due_at=outbox.c.due_at + PARKED))
    return held.rowcount > 0 or connection.execute(select(outbox.c.id).where(unsent).limit(1)).first() is not None


def _require(found: Campaign, *states: State) -> None:
    if found.state not in states:
        raise CampaignOver(f"The campaign is {found.state}; nothing was changed.")


def _set(connection: Connection, number: int, now: int, **values: Any) -> None:
    connection.execute(update(campaigns).where(campaigns.c.id == number).values(changed_at=now, **values))


def _unpark(connection: Connection, which: ColumnElement[bool], now: int) -> None:
    """What nobody has tried yet begins anew: a mail's date is the day on which it is sent.

    What was tried keeps its time, which a mail's Message-ID is made of.
    """
    parked = which & outbox.c.done_at.is_(None) & IS_PARKED
    begun = case((outbox.c.attempts == 0, now), else_=outbox.c.created_at)
    connection.execute(update(outbox).where(parked).values(due_at=outbox.c.due_at - PARKED, created_at=begun))


def _call_worker(connection: Connection, number: int, due: int) -> None:
    """Have the list read on, or what is left settled; one row at a time calls for it."""
    waits = (outbox.c.kind == CAMPAIGN) & (outbox.c.subject == str(number)) & outbox.c.done_at.is_(None)
    if connection.execute(select(outbox.c.id).where(waits, outbox.c.failed_at.is_(None)).limit(1)).first() is None:
        repository.add_outbox(connection, CAMPAIGN, [str(number)], due)


class Change(Protocol):
    """`pause`, `resume` and `cancel`: whether that changed anything."""

    def __call__(self, connection: Connection, number: int, now: int) -> bool: ...


CHANGES: Mapping[str, Change] = {"pause": pause, "resume": resume, "cancel": cancel}


# What the workers do


def goes_on(connection: Connection, number: int, position: int) -> bool:
    """Whether the row at `position` is the next to import; locks the campaign, so that it stays so until the commit."""
    found = one(connection, number, lock=True)
    return found.state is State.RUNNING and found.position == position


def copy_list(connection: Connection, number: int, file: IO[bytes]) -> None:
    """Write the stored list to `file`, piece by piece; nothing when it is gone."""
    pieces = select(campaign_lists.c.piece).where(campaign_lists.c.campaign_id == number)
    numbers = select(campaign_lists.c.number).where(campaign_lists.c.campaign_id == number)
    for at in connection.scalars(numbers.order_by(campaign_lists.c.number)).all():
        file.write(connection.scalars(pieces.where(campaign_lists.c.number == at)).one())
    file.flush()


def note_rows(
    connection: Connection, number: int, outcomes: Iterable[Outcome], doubtful: Collection[int], position: int, now: int
) -> None:
    """Keep what became of rows, and that those before `position` are dealt with. `doubtful`: lines with a warning."""
    rows = []
    for each in outcomes:
        if isinstance(each.change, RowFailure):
            code, column, listed = each.change.code, each.change.column[:COLUMN_NAME], each.change.number
            became = {"outcome": FAILED_ROW, "code": code, "list_column": column, "list_number": listed}
        else:
            code = WARNING if each.line in doubtful else ""
            became = {"outcome": each.change.value, "code": code, "list_column": "", "list_number": ""}
        rows.append({"campaign_id": number, "line": each.line, "serial": each.serial, **became})
    insert_many(connection, campaign_rows, rows)
    _set(connection, number, now, position=position)


def all_read(connection: Connection, number: int, position: int, now: int) -> None:
    """The list is read; it is kept no longer."""
    drop_list(connection, number)
    _set(connection, number, now, position=position, total=position)


def fail(connection: Connection, number: int, code: str, now: int) -> None:
    """The list cannot be read to its end; what was imported stays, and is told."""
    drop_list(connection, number)
    _set(connection, number, now, state=State.FAILED.value, code=code)


def drop_list(connection: Connection, number: int) -> None:
    connection.execute(delete(campaign_lists).where(campaign_lists.c.campaign_id == number))


def forget(connection: Connection, before: int, now: int) -> int:
    """Delete campaigns that began before that second, with their rows; how many.

    What a pause still holds back then is no news to anybody: no message is sent, and wallets are told as things stand.
    """
    of_old = select(campaigns.c.id).where(campaigns.c.created_at < before)
    old = list(connection.scalars(of_old.with_for_update()))
    if old:
        parked = outbox.c.campaign.in_(old) & outbox.c.done_at.is_(None) & IS_PARKED
        given_up = {"done_at": now, "code": CANCELLED_CODE, "claim": None}
        connection.execute(update(outbox).where(parked, outbox.c.kind.in_(MESSAGES)).values(given_up))
        _unpark(connection, outbox.c.campaign.in_(old), now)
        connection.execute(delete(outbox).where(outbox.c.campaign.in_(old), outbox.c.done_at.is_not(None)))
        connection.execute(update(outbox).where(outbox.c.campaign.in_(old)).values(campaign=None))
        connection.execute(delete(campaigns).where(campaigns.c.id.in_(old)))
    return len(old)
