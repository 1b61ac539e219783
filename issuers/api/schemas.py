"""The shapes that cross the API: request bodies, which refuse unknown members, and what is answered."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool, StrictInt, StrictStr, model_validator

from issuers.notices import Inform
from walletpass.claims import MAX_EMAIL

MAX_MEMBERS = 40
MAX_REASON = 200  # characters

Text = Annotated[StrictStr, Field(max_length=MAX_EMAIL)]
Name = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Value = (
    Text
    | StrictBool
    | Annotated[StrictInt, Field(ge=0, le=9999)]
    | Annotated[list[Annotated[StrictStr, Field(max_length=40)]], Field(max_length=10)]
)
ClaimsIn = Annotated[dict[Name, Value | None], Field(max_length=MAX_MEMBERS)]
StatusWord = Literal["valid", "suspended", "revoked", "expired", "not_yet_valid"]
Reason = Annotated[
    StrictStr, Field(max_length=MAX_REASON, description="Why; kept in the audit record. Name no person.")
]
Until = Annotated[
    Text | None, Field(description="The last valid day, included: 2027-03-31 or 31.03.2027.", examples=["2027-03-31"])
]

_PERMIT_CLAIMS: dict[str, JsonValue] = {"permit_number": "BP-2027-000123", "zone": "A12", "plates": ["D-AB 1234E"]}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HolderIn(_Body):
    """The person a pass is for. `null` means: not known."""

    given_name: Text | None = None
    family_name: Text | None = None
    date_of_birth: Text | None = Field(None, examples=["1980-02-29"])
    street: Text | None = None
    postcode: Text | None = None
    city: Text | None = None
    email: Text | None = None
    language: Literal["de", "en"] = "de"


class EntitlementIn(_Body):
    """What a department grants: the pass is made from it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "resident_parking_permit",
                    "valid_from": "2026-11-23",
                    "valid_until": "2027-11-22",
                    "claims": _PERMIT_CLAIMS,
                    "holder": {"given_name": "Jürgen", "family_name": "Müßig", "language": "de"},
                }
            ]
        }
    )

    type: Name = Field(description="The type of pass.")
    claims: ClaimsIn = Field(description="The type's claims by name; the one that holds the number is required.")
    holder: HolderIn = HolderIn()
    valid_from: Text | None = Field(None, description="The first valid day; today if absent.", examples=["2026-11-23"])
    valid_until: Text = Field(description="The last valid day, included.", examples=["2027-11-22"])
    reissue: StrictBool = Field(False, description="Make a new pass on purpose although the number's pass is revoked.")


class AmendmentIn(_Body):
    """What changes; members that are absent stay as they are, `null` removes a value (as in RFC 7396)."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"claims": {"plates": ["D-CD 56"]}, "reason": "new car"}]}
    )

    claims: ClaimsIn = Field(default_factory=dict)
    holder: HolderIn | None = None
    valid_until: Until = None
    reason: Reason = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.claims and not (self.holder and self.holder.model_fields_set) and not self.valid_until:
            raise ValueError("say what to change, with claims, holder or valid_until")
        return self


class RenewalIn(_Body):
    """How far to lengthen the pass."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"valid_until": "2028-11-22"}, {}]})

    valid_until: Until = None
    reason: Reason = ""


class ReasonIn(_Body):
    """Why the status changes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "moved away"}]})

    reason: Reason = ""


class WithdrawalIn(_Body):
    """Whose credentials end: those of one carrier."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"carrier": "apple", "reason": "phone lost"}]})

    carrier: Annotated[StrictStr, Field(max_length=20)] = Field(description="apple, google, page, paper or qr.")
    reason: Reason = ""


class OfferIn(_Body):
    """Which wallet, and in which form."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"wallet": "apple"}, {"wallet": "qr", "form": "svg"}, {"wallet": "google"}]}
    )

    wallet: Annotated[StrictStr, Field(max_length=20)] = Field(description="apple, google, paper or qr.")
    form: Annotated[StrictStr, Field(max_length=10)] = Field(
        "", description="pkpass; txt (the save link); pdf; txt, svg or png. Absent: the wallet's default."
    )


class LinkOut(BaseModel):
    """The address of a pass page. It is answered once: only its digest is kept."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"link": "https://wallet.example.org/p/3q2-7wAAQkWfJ0Yb1mXc9Q"}]},
    )

    link: str


class PassInList(BaseModel):
    """A pass. Dates are local days, both included."""

    serial: str
    type: str
    external_number: str
    status: StatusWord
    valid_from: date
    valid_until: date
    claims: dict[str, str | int | bool | list[str]]


class PassOut(PassInList):
    """A pass, and who carries it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "serial": "3f9c2d7a51e08b64c0aa",
                    "type": "resident_parking_permit",
                    "external_number": "BP-2027-000123",
                    "status": "valid",
                    "valid_from": "2026-11-23",
                    "valid_until": "2027-11-22",
                    "claims": _PERMIT_CLAIMS,
                    "carriers": ["apple"],
                }
            ]
        }
    )

    carriers: list[str] = Field(description="Who holds credentials that are neither withdrawn nor run out.")


class PassBrief(BaseModel):
    """What a token learns of a pass that it may change but not read."""

    model_config = ConfigDict(extra="forbid")

    serial: str
    type: str
    status: StatusWord


class ChangeOut(BaseModel):
    """An audit record. It names what changed, never a value."""

    at: int = Field(description="Seconds since 1970.")
    actor: str
    action: str
    reason: str
    detail: str


class PassWithHistory(PassOut):
    """A pass with all that was done to it, oldest first."""

    history: list[ChangeOut]


class PassPage(BaseModel):
    """Passes in the order of their serials."""

    passes: list[PassInList]
    next: str | None = Field(description="Where the next page is; null on the last one.")


class FailureOut(BaseModel):
    """A row that was not imported."""

    line: int
    column: str
    code: str
    sentence: str


class DoubtOut(BaseModel):
    """A value that was taken with a warning."""

    line: int
    sentence: str


class ReachOut(BaseModel):
    """Whom the changes of a list would reach."""

    passes: int = Field(description="That would be renewed or updated.")
    wallets: dict[str, int] = Field(description="How many of these passes each wallet carries.")
    apple_phones: int = Field(description="How many times a phone is registered for one of them.")
    mail: int = Field(description="Holders of renewed passes who would get a mail.")
    letter: int = Field(description="And a letter.")
    nobody: int = Field(description="And neither.")


class ProgressOut(BaseModel):
    """How many rows the list has, and how many are dealt with."""

    total: int
    done: int


class CampaignRows(ProgressOut):
    """And what became of those."""

    created: int
    renewed: int
    updated: int
    unchanged: int
    failed: int


class MessagesOut(BaseModel):
    """How many messages of a kind are sent, waiting, or failed for good; or not sent: cancelled, or true no longer."""

    done: int
    open: int
    failed: int
    cancelled: int
    outdated: int


class CampaignBrief(BaseModel):
    """A list that workers import, and how far they are."""

    id: int
    name: str
    type: str
    state: Literal["running", "paused", "cancelled", "done", "failed"]
    code: str | None = Field(description="Why it failed.")
    inform: Inform = Field(description="How holders of renewed passes are told.")
    actor: str
    created_at: int = Field(description="Seconds since 1970.")
    changed_at: int
    rows: ProgressOut


class CampaignOut(CampaignBrief):
    """The same with what became of its rows and what was told because of them."""

    rows: CampaignRows
    messages: dict[str, MessagesOut] = Field(description="By kind: update-apple, update-google, mail, letter, print.")


class CampaignsOut(BaseModel):
    """Campaigns, the newest first."""

    campaigns: list[CampaignBrief]


class ImportOut(BaseModel):
    """What the import did, or in a dry run would do."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "created": 118,
                    "updated": 0,
                    "unchanged": 1,
                    "renewed": 0,
                    "failed": 1,
                    "shortened": 0,
                    "missing": 0,
                    "warnings": 0,
                    "emptied": {"email": 2},
                    "doubts": [],
                    "refusals": [],
                    "unread_columns": ["notes"],
                    "failures": [
                        {"line": 7, "column": "zone", "code": "bad_zone", "sentence": "A zone has 1 to 4 letters…"}
                    ],
                    "failures_left_out": 0,
                    "reach": None,
                }
            ]
        }
    )

    created: int
    updated: int
    unchanged: int
    renewed: int
    failed: int
    shortened: int = Field(description="Those of the updated that end earlier than before.")
    missing: int
    warnings: int
    emptied: dict[str, int] = Field(description="How many values empty cells removed, by name.")
    doubts: list[DoubtOut]
    refusals: list[str] = Field(description="In a dry run: the codes that the import would need `force` for.")
    unread_columns: list[str] = Field(description="The list's columns that are ignored; the first 30.")
    failures: list[FailureOut] = Field(description="The first 1000.")
    failures_left_out: int = Field(description="How many failed rows are counted only.")
    reach: ReachOut | None = Field(description="In a dry run only.")
