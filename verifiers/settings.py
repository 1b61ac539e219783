"""The verifying service's settings: environment variables `WALLETPASS_…`, read once, frozen, handed down.

docs/settings.md is the table of all of them; a test compares it with this class. Nothing here opens what belongs to
the issuing service: the verifying one has its own folder, the published documents and the trust anchor.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, IPvAnyNetwork, StringConstraints, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from keys.errors import WalletPassError
from web.settings_problem import no_json, what_does_not_fit


class SettingsInvalid(WalletPassError):
    """An environment variable has a value that does not fit."""

    code = "settings_invalid"
    wrong_usage = True


TypeName = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9_]{1,64})$")]
Days = Annotated[int, Field(ge=1, le=3650)]


class VerifierSettings(BaseSettings):
    """One frozen object per process. Durations are seconds."""

    model_config = SettingsConfigDict(env_prefix="WALLETPASS_", frozen=True, extra="ignore")

    home: Path = Field(
        default=Path("var"), description="Folder that holds issuer/, published/, anchor.pem and verifier/."
    )
    published: str = Field(
        default="", description="Folder or http(s) address of the published documents; empty: published/."
    )
    anchor: str = Field(default="", description="The trust anchor (PEM), given out of band; empty: anchor.pem.")
    status_signing_eku: str = Field(default="", description="OID of the status signers' key usage; empty: our own.")
    refresh_interval: float = Field(
        default=20, ge=0.05, description="How often a web address is asked; a folder: every second."
    )
    verifier_host: str = Field(default="127.0.0.1", description="Address the verifying service listens on.")
    verifier_port: int = Field(default=8001, description="Port the verifying service listens on.")
    verifier_checks_per_minute: int = Field(default=600, ge=1, description="Verifications a minute for each token.")
    verifier_page_per_minute: int = Field(default=60, ge=1, description="Page requests a minute for each address.")
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="Addresses or networks of own proxies whose X-Forwarded-For counts, as a JSON list."
    )

    double_use_minutes: int = Field(
        default=15, ge=1, le=720, description="One permit at two places within this time is told to the inspector."
    )
    scan_retention_days: dict[TypeName, Days] = Field(
        default={"*": 30}, description="How long scans are kept, by type of pass, as a JSON object; * is any other."
    )
    case_retention_days: int = Field(default=180, ge=1, le=3650, description="How long contested cases are kept.")

    verifier_url: str = Field(
        default="", description="Where the verifying service is reached, https:// beyond localhost; empty: localhost."
    )
    verifier_database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in verifier/verifier.db.")
    device_lock_days: int = Field(
        default=7, ge=1, le=90, description="A device without contact for so many days locks itself."
    )
    device_lookups_per_hour: int = Field(default=120, ge=1, description="Plates an hour that a device looks up.")

    webhook_private_networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="Private networks that webhooks may lead to, as a JSON list."
    )

    @field_validator("scan_retention_days")
    @classmethod
    def _for_every_type(cls, days: dict[str, int]) -> dict[str, int]:
        if "*" not in days:
            raise ValueError('say it for all other types too, such as {"*": 30}')
        return days

    @property
    def verifier_home(self) -> Path:
        return self.home / "verifier"

    @property
    def database_url(self) -> str:
        return self.verifier_database_url or f"sqlite:///{self.verifier_home / 'verifier.db'}"

    @property
    def seal_path(self) -> Path:
        """The key that a copied database lacks (`web.staff.sealing`)."""
        return self.verifier_home / "staff.key"

    @property
    def published_place(self) -> str:
        return self.published or str(self.home / "published")

    @property
    def desk_origin(self) -> str:
        """Scheme, host and port that browsers see: for cookies, passkeys and where forms may come from."""
        return self.verifier_url.rstrip("/") or f"http://localhost:{self.verifier_port}"

    @property
    def anchor_path(self) -> Path:
        return Path(self.anchor) if self.anchor else self.home / "anchor.pem"


def read_settings() -> VerifierSettings:
    """The settings from the environment; raises `SettingsInvalid`."""
    try:
        return VerifierSettings()
    except ValidationError as wrong:
        raise SettingsInvalid(". ".join(what_does_not_fit(wrong))) from None
    except SettingsError as wrong:
        raise SettingsInvalid(no_json(wrong)) from None
