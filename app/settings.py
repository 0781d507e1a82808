"""All settings in one place, read once from the environment; `LUTHIER_HOME` decides where state
lives.
"""

from functools import lru_cache
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# How mail is handed over, and the port for it.
MAIL_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Every knob. Durations are seconds, sizes bytes; `wait_divisor` shortens all waits in tests,
    ratios kept, and `lease_divisor` the leases, less: a slow machine must not lose them.
    `crash_at` is a place where a process dies, in tests of that: `app/core/crash.py`.
    """

    # What is wrong may be a secret: no error repeats it.
    model_config = SettingsConfigDict(
        env_prefix="LUTHIER_", extra="ignore", hide_input_in_errors=True
    )

    home: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = Field(8000, validation_alias=AliasChoices("PORT", "LUTHIER_PORT"))
    public_url: str | None = None
    database_url_set: str | None = Field(
        None, validation_alias=AliasChoices("DATABASE_URL", "LUTHIER_DATABASE_URL")
    )
    redis_url_set: str | None = Field(
        None, validation_alias=AliasChoices("REDIS_URL", "LUTHIER_REDIS_URL")
    )
    secret: SecretStr | None = None
    old_secret: SecretStr | None = None
    owner_email: str | None = None
    owner_password: SecretStr | None = None
    allow_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    trainer_url: str | None = None
    trainer_key: SecretStr | None = None
    smtp_url: SecretStr | None = None
    mail_from: str | None = None
    debug: bool = False
    log_level: str = "INFO"
    log_format: Literal["json", "text"] = "json"
    slow_request_seconds: float = 1.0

    session_idle_seconds: int = 12 * 3600
    session_absolute_seconds: int = 14 * 86400
    # Told early below a tenth of the disk or 5 GB, whichever is less; refused below the reserve.
    disk_low: int = 5_000_000_000
    disk_low_share: float = 0.1
    disk_reserve: int = 256 * 2**20
    upload_limit: int = 64_000_000_000
    uploads_at_once: int = 3
    starts_per_hour: int = 60
    invitations_per_day: int = 50
    streams_per_person: int = 30
    line_limit: int = 160 * 2**20
    row_limit: int = 20_000_000
    structural_error_limit: int = 10_000
    slice_seconds: float = 5.0
    wait_divisor: float = 1.0
    lease_divisor: float = 1.0
    crash_at: str | None = None

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @field_validator("allow_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ip_network(proxy)  # raises ValueError with the text in it
        return proxies

    @field_validator("public_url")
    @classmethod
    def _safe_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        is_plain = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if not (parts.scheme == "https" or is_plain) or not parts.netloc or parts.path.strip("/"):
            raise ValueError(
                "LUTHIER_PUBLIC_URL is https://host[:port]; plain http is for loopback alone."
            )
        return url

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None:
            return None
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in MAIL_PORTS or not parts.hostname or parts.path.strip("/"):
            raise ValueError(
                "LUTHIER_SMTP_URL is smtp://user:password@host:587 (STARTTLS), smtps://…:465 (TLS "
                "from the start) or smtp+plain://host:25 (neither, for your own network)."
            )
        return url

    @model_validator(mode="after")
    def _mail_has_a_sender(self) -> Self:
        if self.smtp_url is not None and "@" not in (self.mail_from or ""):
            raise ValueError(
                "LUTHIER_MAIL_FROM is needed with LUTHIER_SMTP_URL: the address that mail comes "
                "from, like luthier@example.org."
            )
        return self

    @property
    def database_url(self) -> str:
        """SQLAlchemy's URL; SQLite under `home` unless DATABASE_URL says otherwise. Plain postgres
        URLs get psycopg 3.
        """
        if self.database_url_set is None:
            return f"sqlite:///{self.home / 'luthier.sqlite'}"
        scheme, _, rest = self.database_url_set.partition("://")
        return (
            f"postgresql+psycopg://{rest}"
            if scheme in {"postgres", "postgresql"}
            else self.database_url_set
        )

    @property
    def redis_url(self) -> str:
        """Where nudges and task messages go; without REDIS_URL the supervisor's own server says
        where it listens.
        """
        if self.redis_url_set is None:
            raise RuntimeError(
                "REDIS_URL is not set: use `make run`, or name a Redis or Valkey server."
            )
        return self.redis_url_set

    @property
    def base_url(self) -> str:
        """The address people use, without a trailing slash; links in messages are made from it
        alone.
        """
        return (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @property
    def is_https(self) -> bool:
        return urlsplit(self.base_url).scheme == "https"

    def wait(self, seconds: float) -> float:
        """A wait as configured: the nominal seconds, divided in tests."""
        return seconds / self.wait_divisor

    def lease(self, seconds: float) -> float:
        """How long a row is kept for whoever took it: shorter only where tests kill processes."""
        return seconds / self.lease_divisor


@lru_cache
def settings() -> Settings:
    """The settings of this process. Tests clear the cache after changing the environment."""
    return Settings()  # type: ignore[call-arg]
