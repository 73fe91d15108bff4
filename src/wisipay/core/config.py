"""The settings: every environment variable, its type, its default and what it is for.

Decides what can be configured, and stops a process that was configured wrongly with one line per variable. It is read
once at start and passed on; nothing else may read the environment. Must never show a secret, not even a wrong one.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from pydantic import Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from wisipay.core.config_production import production_faults
from wisipay.core.config_types import (
    Count,
    Cron,
    Days,
    Hosts,
    HttpUrl,
    Keys,
    Lower,
    MailAddress,
    Minutes,
    MongoUrl,
    Networks,
    Paise,
    Percent,
    Port,
    PostgresUrl,
    Prefix,
    RedisUrl,
    Seconds,
    SigningKey,
    Switch,
    Text,
    Wants,
)
from wisipay.core.development_secret import development_secret

Environment = Annotated[Literal["development", "test", "production"], Lower]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], Lower]
AmountUnit = Literal["RUPEES", "PAISE"]
Validation = Annotated[Literal["off", "record", "refuse"], Lower]
MailProvider = Annotated[Literal["console", "smtp", "zeptomail", "maileroo"], Lower]
Directory = Annotated[Path, Wants("a folder this process can write to")]
Readable = Annotated[Path, Wants("a file this process can read")]

_SHOWN_VALUE_LENGTH: Final = 80


def _variable(default: Any, description: str, *, secret: bool = False) -> Any:  # noqa: ANN401 - like pydantic's Field
    return Field(default, description=description, repr=not secret, json_schema_extra={"secret": secret})


class SettingsError(Exception):
    """The process was configured wrongly. The text has one line per variable: name, what it got, what it wants."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = tuple(lines)
        super().__init__("\n".join(lines))


class Settings(BaseSettings):
    """Every setting, by the lower-case name of its variable; immutable.

    Built from the environment by `load_settings`; built directly, it reads no environment at all.
    An empty store address means "embedded": `wisipay up` starts the store and passes the address on.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=False)

    wisipay_env: Environment = _variable("development", "production refuses development defaults")
    bind_host: Text = _variable("127.0.0.1", "address the instances listen on")
    api_port: Port = _variable(4000, "panel API")
    payment_port: Port = _variable(4001, "merchant API and provider webhooks")
    api_metrics_port: Port = _variable(9464, "Prometheus metrics of the api instance")
    payment_metrics_port: Port = _variable(9465, "Prometheus metrics of the payment instance")
    worker_metrics_port: Port = _variable(9466, "Prometheus metrics of the worker instance")
    metrics_enabled: Switch = _variable(default=True, description="whether the metrics ports are served")
    data_dir: Directory = _variable(Path(".data"), "embedded stores, reports and generated development secrets")

    log_level: LogLevel = _variable("info", "least severity that is logged")
    service_name: Text = _variable("", "name in logs and traces; by default the name of the instance")
    otlp_http_url: HttpUrl | None = _variable(
        None, "OpenTelemetry collector (OTLP over HTTP); none switches traces off"
    )

    database_url: PostgresUrl = _variable(
        "", "PostgreSQL; empty: put together from POSTGRES_*, else embedded", secret=True
    )
    postgres_host: Text = _variable("", "host of PostgreSQL, where DATABASE_URL is not set")
    postgres_port: Port = _variable(5432, "port of PostgreSQL")
    postgres_user: Text = _variable("wisipay", "user of PostgreSQL")
    postgres_password: Text = _variable("", "password of PostgreSQL", secret=True)
    postgres_db: Text = _variable("wisipay", "database of PostgreSQL")
    postgres_pool_max: Count = _variable(20, "most connections to PostgreSQL per process")
    redis_url: RedisUrl = _variable("", "Redis; empty: embedded", secret=True)
    mongodb_uri: MongoUrl = _variable("", "MongoDB, for archived documents; empty: embedded", secret=True)
    mongo_db_name: Text = _variable("wisipay", "database of MongoDB")

    jwt_secret: Keys = _variable("", "signs panel sessions; in development generated once into DATA_DIR", secret=True)
    api_secret_enc_key: Keys = _variable("", "encrypts secrets in the database; empty: JWT_SECRET is used", secret=True)
    super_admin_ips: Networks = _variable((), "addresses from which super admins may log in")
    super_admin_panel_ip_whitelist_enabled: Switch = _variable(
        default=False, description="whether SUPER_ADMIN_IPS is enforced"
    )
    trusted_proxies: Networks = _variable((), "peers whose x-forwarded-for is believed")
    private_addresses_allowed: Switch = _variable(
        default=False,
        description="callbacks and providers may be at private addresses; for development and tests",
    )

    rate_limit_max: Count = _variable(100, "panel: requests per window and client")
    rate_limit_window: Seconds = _variable(60, "panel: length of the window in seconds")
    system_tps: Count = _variable(100, "merchant API: requests per window over all merchants")
    system_tps_window: Seconds = _variable(1, "merchant API: length of the window in seconds")
    admission_target_milliseconds: Count = _variable(
        100, "merchant API: requests may take so long on average, providers' answers apart; more are refused"
    )

    cron_ledger_sealer: Cron = _variable("*/5 * * * * *", "seals new ledger entries into the hash chain")
    cron_ledger_snapshot: Cron = _variable("0 0 * * * *", "takes balance snapshots")
    cron_ledger_integrity: Cron = _variable("0 0 */6 * * *", "checks the ledger against its own rules")
    cron_ledger_optimize: Cron = _variable("0 0 0 * * *", "maintains the ledger tables")
    cron_ledger_eod: Cron = _variable("0 30 23 * * *", "closes the day")
    ledger_heads_dir: Directory | None = _variable(
        None, "signed heads of the ledger's chain, where those who can write to the database can't; none: not published"
    )
    ledger_archive_dir: Directory | None = _variable(
        None, "files of the ledger's archived months, which verification reads; none: `--archives` says where they are"
    )
    ledger_signing_key: SigningKey = _variable("", "signs the heads (Ed25519); empty: none is published", secret=True)
    ledger_public_key: SigningKey = _variable(
        "", "checks the heads; by default the one that belongs to LEDGER_SIGNING_KEY"
    )
    cron_provider_fee_settlement: Cron = _variable("0 0 1 * * *", "settles provider fees")
    cron_settlement_verification: Cron = _variable("0 0 2 * * *", "verifies settled provider fees")
    cron_payin_expiry_sweep: Cron = _variable("0 */5 * * * *", "finds open payins that are past their time")
    callback_switch_off_hours: Count = _variable(
        72, "an endpoint that takes nothing for so many hours is switched off, and its merchant mailed"
    )
    payin_auto_expire_minutes: Minutes = _variable(30, "a payin still open after this long expires")
    provider_timeout_seconds: Seconds = _variable(10, "longest wait for a provider's answer")
    provider_proxy_hosts: Hosts = _variable(
        (), "`wisipay provider proxy` may speak to these beyond the adapters' own hosts"
    )
    bank_directory_file: Readable | None = _variable(
        None,
        "bank branches and rails as CSV (IFSC, BANK, BRANCH, IMPS, NEFT, RTGS, UPI), before those that are built in",
    )

    api_log_days: Days = _variable(
        30, "days for which merchants' requests are kept, redacted, for their developers to look at; 0: none is"
    )
    beneficiary_validation: Validation = _variable(
        "off", "banks are asked about payouts' beneficiaries: not, to note the answer, or to refuse by a definite no"
    )
    beneficiary_validation_channel: Text = _variable("", "the channel whose provider is asked about beneficiaries")
    beneficiary_validation_merchants: Text = _variable("", "merchants whose payouts are asked about; none: all")
    beneficiary_validation_from: Count = _variable(1, "smallest payout that is asked about, in rupees")
    beneficiary_validation_name_score: Percent = _variable(
        0, "a lower agreement of the beneficiary's names refuses; 0: none does"
    )
    beneficiary_validation_wait: Seconds = _variable(3, "how long a payout waits for its beneficiary's bank")
    beneficiary_validation_required: Switch = _variable(
        default=False, description="refuses payouts whose beneficiary's bank gave no answer"
    )
    beneficiary_validation_cost: Paise = _variable(0, "what the provider takes for one question, in paise; counted")
    beneficiary_validation_days: Days = _variable(90, "how long a bank's yes is gone by")
    float_low: Count = _variable(100_000, "alert when a provider holds less than this for payouts, in rupees")
    cron_float_balances: Cron = _variable("20 * * * * *", "asks providers what they hold for payouts")

    amount_unit: AmountUnit = _variable("RUPEES", "unit of amounts in the merchant API; storage is always paise")
    app_brand_name: Text = _variable("Wisipay", "name shown to people")
    app_brand_prefix: Prefix = _variable("WP", "starts transaction ids")
    app_base_url: HttpUrl = _variable("http://127.0.0.1:4001", "where providers reach the payment instance")
    frontend_url: HttpUrl = _variable("http://127.0.0.1:5173", "where people reach the panel")
    webhook_debug_enabled: Switch = _variable(
        default=False, description="serves POST /webhook/debug; not in production"
    )
    simulator_url: HttpUrl | None = _variable(None, "the provider simulator; not in production")

    mail_provider: MailProvider = _variable("console", "how mail leaves; console prints it")
    mail_from_email: MailAddress = _variable("no-reply@wisipay.invalid", "sender of mail")
    mail_from_name: Text = _variable("Wisipay", "sender's name")
    smtp_host: Text = _variable("", "mail server")
    smtp_port: Port = _variable(587, "port of the mail server")
    smtp_secure: Switch = _variable(default=False, description="TLS from the first byte (465); otherwise STARTTLS")
    smtp_user: Text = _variable("", "user of the mail server")
    smtp_pass: Text = _variable("", "password of the mail server", secret=True)
    zeptomail_url: HttpUrl = _variable("https://api.zeptomail.in/v1.1/email", "ZeptoMail's address")
    zeptomail_token: Text = _variable("", "ZeptoMail's send token", secret=True)
    maileroo_url: HttpUrl = _variable("https://smtp.maileroo.com/api/v2/emails", "Maileroo's address")
    maileroo_api_key: Text = _variable("", "Maileroo's sending key", secret=True)

    report_storage_dir: Directory | None = _variable(None, "finished reports; by default DATA_DIR/reports")
    report_email_transactions_enabled: Switch = _variable(default=False, description="mails transaction reports")
    report_email_statement_enabled: Switch = _variable(default=True, description="mails statements")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values only from the caller, so that a test is never at the mercy of the machine's environment."""
        return (init_settings,)

    @model_validator(mode="after")
    def _derive(self) -> "Settings":
        if not self.database_url and self.postgres_host:
            user, password = quote(self.postgres_user, safe=""), quote(self.postgres_password, safe="")
            credentials = f"{user}:{password}" if password else user
            place = f"{self.postgres_host}:{self.postgres_port}/{quote(self.postgres_db, safe='')}"
            object.__setattr__(self, "database_url", f"postgresql://{credentials}@{place}")
        if not self.api_secret_enc_key:
            object.__setattr__(self, "api_secret_enc_key", self.jwt_secret)
        if self.report_storage_dir is None:
            object.__setattr__(self, "report_storage_dir", self.data_dir / "reports")
        return self

    @property
    def is_production(self) -> bool:
        """Whether real money is about."""
        return self.wisipay_env == "production"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment (this process's own by default); an empty variable counts as not set.

    Raises SettingsError naming every wrong variable at once.
    """
    environ = os.environ if environ is None else environ
    given = {name: environ[name.upper()] for name in Settings.model_fields if environ.get(name.upper())}
    try:
        settings = Settings(**given)  # type: ignore[arg-type] # texts; pydantic turns them into the fields' types
        if not settings.jwt_secret and not settings.is_production:
            settings = Settings(**given, jwt_secret=_generated_secret(settings.data_dir))  # type: ignore[arg-type] # as above
    except ValidationError as error:
        lines = [_line(str(fault["loc"][0]), given.get(str(fault["loc"][0]), "")) for fault in error.errors()]
        raise SettingsError(list(dict.fromkeys(lines))) from None
    faults = production_faults(settings)
    if faults:
        raise SettingsError(faults)
    return settings


def _generated_secret(data_dir: Path) -> str:
    try:
        return development_secret(data_dir)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError([f"DATA_DIR: got {str(data_dir)!r} ({reason}), wants a folder to write to"]) from error


def is_secret(field: FieldInfo) -> bool:
    """Tell whether a setting must never be shown."""
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("secret"))


def wanted(field: FieldInfo) -> str:
    """Return in words what a setting accepts."""
    for note in _annotations(field.annotation, *field.metadata):
        if isinstance(note, Wants):
            return note.text
        choices = getattr(note, "__args__", ())
        if getattr(note, "__origin__", None) is Literal:
            return "one of " + ", ".join(str(choice) for choice in choices)
    return "a text"


def _annotations(*found: Any) -> list[Any]:  # noqa: ANN401 - annotations are of any type
    inside = [part for note in found for part in (*getattr(note, "__metadata__", ()), *getattr(note, "__args__", ()))]
    return [*found, *(_annotations(*inside) if inside else ())]


def _line(name: str, value: str) -> str:
    field = Settings.model_fields[name]
    shown = "a secret that is not shown" if is_secret(field) else repr(value[:_SHOWN_VALUE_LENGTH])
    return f"{name.upper()}: got {shown}, wants {wanted(field)}"
