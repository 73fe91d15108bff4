"""What production refuses: the defaults that make development easy.

Decides nothing by itself about a value's form, only whether it may meet real money. Must never show a secret.
"""

from typing import TYPE_CHECKING

from wisipay.core.config_types import parse_keys

if TYPE_CHECKING:
    from wisipay.core.config import Settings

_GUESSED = frozenset({"", "postgres", "password", "wisipay", "secret", "changeme", "admin", "redis", "root", "test"})
_DISTINCT_CHARACTERS_MINIMUM = 10


def production_faults(settings: "Settings") -> list[str]:
    """Return one line per setting that must not be used in production; empty elsewhere."""
    if not settings.is_production:
        return []
    refused = [
        *_store_faults(settings),
        *_key_faults(settings),
        *_mail_faults(settings),
        (settings.webhook_debug_enabled, "WEBHOOK_DEBUG_ENABLED: got 'true', wants false in production"),
        (settings.simulator_url, "SIMULATOR_URL: is set, wants to be unset in production"),
        (settings.private_addresses_allowed, "PRIVATE_ADDRESSES_ALLOWED: got 'true', wants false in production"),
        (
            not settings.app_base_url.startswith("https://"),
            f"APP_BASE_URL: got {settings.app_base_url!r}, wants an https:// address in production",
        ),
        (
            not settings.frontend_url.startswith("https://"),
            f"FRONTEND_URL: got {settings.frontend_url!r}, wants an https:// address in production",
        ),
    ]
    return [line for is_refused, line in refused if is_refused]


def _store_faults(settings: "Settings") -> list[tuple[bool, str]]:
    missing = "is not set, wants the address of a server in production; embedded stores are for development"
    stores = (
        ("DATABASE_URL", settings.database_url),
        ("REDIS_URL", settings.redis_url),
        ("MONGODB_URI", settings.mongodb_uri),
    )
    return [
        *((not url, f"{name}: {missing}") for name, url in stores),
        *(
            (
                bool(url) and _password(url) in _GUESSED,
                f"{name}: got a password anyone would guess, wants one of its own",
            )
            for name, url in stores
        ),
    ]


def _password(url: str) -> str:
    credentials = url.partition("://")[2].rpartition("@")[0]
    return credentials.partition(":")[2].lower()


def _key_faults(settings: "Settings") -> list[tuple[bool, str]]:
    faults = [
        (not settings.jwt_secret, "JWT_SECRET: is not set, wants a secret of at least 32 characters in production")
    ]
    own_key = settings.api_secret_enc_key if settings.api_secret_enc_key != settings.jwt_secret else ""
    for name, text in (("JWT_SECRET", settings.jwt_secret), ("API_SECRET_ENC_KEY", own_key)):
        weak = bool(text) and any(len(set(key)) < _DISTINCT_CHARACTERS_MINIMUM for key in parse_keys(text).values())
        faults.append((weak, f"{name}: got a secret that repeats a few characters, wants a random one"))
    return faults


def _mail_faults(settings: "Settings") -> list[tuple[bool, str]]:
    needed = {
        "smtp": ("SMTP_HOST", settings.smtp_host),
        "zeptomail": ("ZEPTOMAIL_TOKEN", settings.zeptomail_token),
        "maileroo": ("MAILEROO_API_KEY", settings.maileroo_api_key),
    }
    name, value = needed.get(settings.mail_provider, ("", "-"))
    return [
        (
            settings.mail_provider == "console",
            "MAIL_PROVIDER: got 'console', wants smtp, zeptomail or maileroo in production",
        ),
        (not value, f"{name}: is not set, wants a value because MAIL_PROVIDER is {settings.mail_provider}"),
    ]
