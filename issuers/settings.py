"""The issuing service's settings: environment variables `WALLETPASS_…`, read once, frozen, handed down.

docs/settings.md is the table of all of them; a test compares it with this class.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from issuers.mail_address import mail_address
from issuers.notices import Inform
from issuers.symbology import Symbology
from walletpass.formats.cwt import MAX_ISSUER_AND_STATUS_URI

SMTP_OVER_TLS = 465  # RFC 8314, section 3.3
TypeName = Annotated[str, Field(max_length=40)]
ReminderDays = Annotated[tuple[Annotated[int, Field(ge=1, le=365)], ...], Field(max_length=8)]


class IssuerSettings(BaseSettings):
    """One frozen object per process. Durations are seconds unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="WALLETPASS_", frozen=True, extra="ignore")

    home: Path = Field(Path("var"), description="Folder that holds issuer/, published/, anchor.pem and verifier/.")
    public_url: str = Field("http://localhost:8000", description="Signed into credentials; fixed at the first start.")
    city_name: str = Field("Landeshauptstadt Düsseldorf", description="The issuer's name on passes and letters.")
    city_address: str = Field("Marktplatz 2, 40213 Düsseldorf", description="Sender line on letters.")
    city_contact: str = Field("buergerservice@example.org", description="Contact on the back of passes.")
    database_url: str = Field("", description="SQLAlchemy URL; empty: SQLite in issuer/issuer.db.")
    key_passphrase: SecretStr | None = Field(None, description="Opens the keys; unset: a random one in a file.")
    pass_types: tuple[str, ...] = Field((), description="Switched-on types as a JSON list; empty: all.")
    parking_zones: tuple[str, ...] = Field((), description="Closed list of zones as a JSON list; empty: any.")
    library_symbology: Symbology = Field(Symbology.CODABAR, description="code39, codabar, itf or code128.")
    status_list_size: int = Field(1 << 20, ge=1024, le=1 << 24, description="Entries per status list.")
    status_lists_open: int = Field(2, ge=1, le=64, description="Lists that new credentials are spread over.")
    status_list_ttl: int = Field(300, ge=10, description="Verifiers fetch a list again after this time.")
    status_list_lifetime: int = Field(8 * 86400, ge=3600, description="A list's exp, after it was signed.")
    trust_list_lifetime: int = Field(30 * 86400, ge=3600, description="The trust list's exp, after it was signed.")
    resign_interval: int = Field(3600, ge=60, description="How often the service signs all lists anew.")
    plate_list_interval: int = Field(300, ge=10, description="Changed permits reach the plate list after this time.")
    plate_list_lifetime: int = Field(86400, ge=3600, description="A plate list's exp, after it was signed.")
    plate_list_iterations: int = Field(5000, ge=1000, le=200_000, description="PBKDF2 rounds for each plate.")
    apple_pass_type_identifier: str = Field("pass.de.example.walletpass", description="As registered with Apple.")
    apple_team_identifier: str = Field("DEMOTEAM01", description="As given by Apple, ten characters.")
    apple_push_url: str = Field(
        "https://api.push.apple.com",
        description="Where pushes go; empty: none are sent. Apple is sent none without a certificate of Apple's.",
    )
    apple_push_ca: str = Field("", description="CA file (PEM) that vouches for that address; empty: the system's.")
    apple_push_type: str = Field("background", pattern="^[a-z]{1,20}$", description="The header apns-push-type.")
    apple_push_priority: int = Field(5, ge=1, le=10, description="The header apns-priority.")
    apple_requests_per_minute: int = Field(
        6000, ge=1, description="Requests of iPhones a minute for each address; many share one in mobile networks."
    )
    google_issuer_id: str = Field("3388000000000000000", description="Issuer id of the Google Wallet console.")
    google_origins: tuple[str, ...] = Field((), description="Web origins with the save button, as a JSON list.")
    google_api_url: str = Field("", description="Google's interface; empty: nothing is asked of Google.")
    google_token_url: str = Field("https://oauth2.googleapis.com/token", description="Gives Google's access tokens.")
    google_requests_per_second: int = Field(20, ge=1, description="Requests to Google, as it allows an issuer.")
    google_callback_keys_url: str = Field(
        "https://pay.google.com/gp/m/issuer/keys", description="Keys that sign Google's word on what is saved."
    )
    reminder_days: dict[TypeName, ReminderDays] = Field(
        {}, description="Days before the end, by type of pass, as a JSON object; []: none. Others: as the type says."
    )
    reminders_inform: Inform = Field(Inform.MAIL_OR_LETTER, description="mail_or_letter, mail, letter or none.")
    smtp_host: str = Field("", description="The mail server; empty: no mail is sent, and letters take its place.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port; 465 is encrypted from the first byte.")
    smtp_starttls: bool = Field(True, description="Whether the connection must be encrypted (STARTTLS).")
    smtp_user: str = Field("", description="Who signs in to the mail server; empty: nobody.")
    smtp_password: SecretStr | None = Field(None, description="The mail server's password.")
    smtp_ca: Path | None = Field(None, description="The mail server's authority (PEM file); unset: the system's.")
    smtp_timeout: int = Field(20, ge=1, le=50, description="The mail server answers a command within this time.")
    mail_from: str = Field("", description="The sender's address; the name beside it is the city's.")
    print_after: int = Field(900, ge=0, le=86400, description="A letter waits so long for others at most.")
    print_kept_days: int = Field(30, ge=1, le=365, description="Printed files are deleted after this time.")
    status_signing_eku: str = Field("", description="OID of the status signers' key usage; empty: our own.")
    host: str = Field("127.0.0.1", description="Address the issuing service listens on.")
    port: int = Field(8000, description="Port the issuing service listens on.")
    pass_pages_per_minute: int = Field(120, ge=1, description="Pass page requests a minute for each address.")
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Addresses or networks of own proxies whose X-Forwarded-For counts, as a JSON list."
    )

    @field_validator("public_url")
    @classmethod
    def _plain_url(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")) or value.endswith("/") or "?" in value or "#" in value:
            raise ValueError("WALLETPASS_PUBLIC_URL is a http(s) URL without a slash at its end, query or fragment")
        return value

    @field_validator("google_api_url", "google_token_url", "google_callback_keys_url")
    @classmethod
    def _safe_url(cls, value: str, field: ValidationInfo) -> str:
        """Tokens go there, or keys come from there: only over TLS, and in tests on this machine."""
        if (value or field.field_name != "google_api_url") and not value.startswith(
            ("https://", "http://127.0.0.1:", "http://localhost:")
        ):
            raise ValueError(f"WALLETPASS_{str(field.field_name).upper()} is an https address")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _can_send_mail(self) -> IssuerSettings:
        if self.smtp_host and mail_address(self.mail_from) is None:
            raise ValueError("WALLETPASS_SMTP_HOST needs a sender: set WALLETPASS_MAIL_FROM to one address")
        if self.smtp_user and not (self.smtp_starttls or self.smtp_port == SMTP_OVER_TLS):
            raise ValueError("WALLETPASS_SMTP_USER would sign in unencrypted; leave WALLETPASS_SMTP_STARTTLS on")
        return self

    @field_validator("apple_push_url")
    @classmethod
    def _origin_only(cls, value: str) -> str:
        if value and not re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?", value):
            raise ValueError("WALLETPASS_APPLE_PUSH_URL is https://host or https://host:port, without a path; or empty")
        return value

    @model_validator(mode="after")
    def _fits_the_qr_code(self) -> IssuerSettings:
        length = len(self.public_url) + len(self.status_uri("999"))
        if length > MAX_ISSUER_AND_STATUS_URI:
            raise ValueError(
                f"WALLETPASS_PUBLIC_URL is too long: issuer and status URI have {length} characters together, "
                f"at most {MAX_ISSUER_AND_STATUS_URI} fit the QR code"
            )
        return self

    @property
    def issuer_home(self) -> Path:
        return self.home / "issuer"

    @property
    def published(self) -> Path:
        return self.home / "published"

    @property
    def anchor(self) -> Path:
        return self.home / "anchor.pem"

    @property
    def sends_mail(self) -> bool:
        """Whether holders can be told by mail."""
        return bool(self.smtp_host)

    def status_uri(self, list_id: str) -> str:
        """The URI of a status list: signed into credentials, and the list's own `sub`."""
        return f"{self.public_url}/status/{list_id}"
