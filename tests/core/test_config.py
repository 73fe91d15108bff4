"""The settings: what a process is told, and what it says when it was told wrongly."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from wisipay.core.config import Settings, SettingsError, load_settings
from wisipay.core.config_docs import documentation
from wisipay.core.config_types import parse_keys
from wisipay.core.development_secret import development_secret

KEY = "k3y-with-enough-different-characters-0123"
CRON = "a cron expression of six fields, seconds first, Indian time, such as 0 */5 * * * *"
NETWORKS = "addresses or CIDR ranges, IPv4 or IPv6, separated by commas"
PRODUCTION = {
    "WISIPAY_ENV": "production",
    "DATABASE_URL": "postgresql://wisipay:Zq81-long@db:5432/wisipay",
    "REDIS_URL": "redis://:Zq82-long@redis:6379/0",
    "MONGODB_URI": "mongodb://wisipay:Zq83-long@mongo:27017/",
    "JWT_SECRET": KEY,
    "MAIL_PROVIDER": "smtp",
    "SMTP_HOST": "mail.example.com",
    "APP_BASE_URL": "https://pay.example.com",
    "FRONTEND_URL": "https://panel.example.com",
}


def lines_of(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    assert str(caught.value) == "\n".join(caught.value.lines)
    return caught.value.lines


def test_nothing_set_gives_development_defaults(tmp_path: Path) -> None:
    settings = load_settings({"DATA_DIR": str(tmp_path)})
    assert (settings.wisipay_env, settings.api_port, settings.payment_port) == ("development", 4000, 4001)
    assert (settings.payin_auto_expire_minutes, settings.amount_unit, settings.system_tps) == (30, "RUPEES", 100)
    assert (settings.api_metrics_port, settings.payment_metrics_port, settings.worker_metrics_port) == (
        9464,
        9465,
        9466,
    )
    assert settings.report_storage_dir == tmp_path / "reports"
    assert settings.private_addresses_allowed is False
    assert settings.is_production is False


def test_texts_become_typed_values(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "DATA_DIR": str(tmp_path),
            "PAYMENT_PORT": "5001",
            "LOG_LEVEL": "DEBUG",
            "APP_BRAND_PREFIX": "acme",
            "TRUSTED_PROXIES": "10.0.0.1, 2001:db8::/32 ,192.168.7.9/24,",
            "SUPER_ADMIN_PANEL_IP_WHITELIST_ENABLED": "true",
            "AMOUNT_UNIT": "PAISE",
            "SMTP_HOST": "",
            "REPORT_STORAGE_DIR": "/srv/reports",
        },
    )
    assert (settings.payment_port, settings.log_level, settings.app_brand_prefix) == (5001, "debug", "ACME")
    assert settings.trusted_proxies == ("10.0.0.1/32", "2001:db8::/32", "192.168.7.0/24")
    assert settings.super_admin_panel_ip_whitelist_enabled is True
    assert (settings.amount_unit, settings.report_storage_dir) == ("PAISE", Path("/srv/reports"))


def test_the_database_url_is_put_together_from_its_parts() -> None:
    environ = {"JWT_SECRET": KEY, "POSTGRES_HOST": "db", "POSTGRES_PASSWORD": "p@ss/word", "POSTGRES_PORT": "6543"}
    assert load_settings(environ).database_url == "postgresql://wisipay:p%40ss%2Fword@db:6543/wisipay"
    del environ["POSTGRES_PASSWORD"]
    assert load_settings(environ).database_url == "postgresql://wisipay@db:6543/wisipay"
    environ["DATABASE_URL"] = "postgresql://a:b@c/d"
    assert load_settings(environ).database_url == "postgresql://a:b@c/d"


def test_every_wrong_variable_is_named_with_what_it_got_and_what_it_wants(tmp_path: Path) -> None:
    assert lines_of(
        {
            "DATA_DIR": str(tmp_path),
            "API_PORT": "70000",
            "WISIPAY_ENV": "prod",
            "CRON_LEDGER_EOD": "* * *",
            "TRUSTED_PROXIES": "10.0.0.0/8,example.com",
            "AMOUNT_UNIT": "rupees",
            "METRICS_ENABLED": "perhaps",
            "APP_BASE_URL": "pay.example.com",
            "MAIL_FROM_EMAIL": "nobody",
            "PAYIN_AUTO_EXPIRE_MINUTES": "0",
        },
    ) == (
        "WISIPAY_ENV: got 'prod', wants one of development, test, production",
        "API_PORT: got '70000', wants a TCP port, 1 to 65535",
        "METRICS_ENABLED: got 'perhaps', wants true or false",
        f"TRUSTED_PROXIES: got '10.0.0.0/8,example.com', wants {NETWORKS}",
        f"CRON_LEDGER_EOD: got '* * *', wants {CRON}",
        "PAYIN_AUTO_EXPIRE_MINUTES: got '0', wants whole minutes, 1 to 10080 (a week)",
        "AMOUNT_UNIT: got 'rupees', wants one of RUPEES, PAISE",
        "APP_BASE_URL: got 'pay.example.com', wants an http:// or https:// address",
        "MAIL_FROM_EMAIL: got 'nobody', wants an e-mail address",
    )


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "MONGODB_URI", "JWT_SECRET", "API_SECRET_ENC_KEY"])
def test_a_wrong_secret_is_named_but_not_shown(name: str, tmp_path: Path) -> None:
    (line,) = lines_of({"DATA_DIR": str(tmp_path), name: "hunter2"})
    assert line.startswith(f"{name}: got a secret that is not shown, wants ")


def test_secrets_are_not_in_the_text_of_the_settings() -> None:
    text = repr(load_settings(PRODUCTION))
    assert KEY not in text
    assert "Zq8" not in text


def test_the_settings_do_not_change_and_know_no_other_names() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.api_port = 1
    with pytest.raises(ValidationError):
        Settings(api_prot=1)  # type: ignore[call-arg]  # the point of the test


def test_settings_built_directly_ignore_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_PORT", "4999")
    assert Settings().api_port == 4000
    assert load_settings({**os.environ, "JWT_SECRET": KEY}).api_port == 4999


def test_production_takes_a_proper_configuration() -> None:
    settings = load_settings(PRODUCTION)
    assert settings.is_production
    assert settings.api_secret_enc_key == KEY


def test_production_refuses_what_development_generates() -> None:
    lines = lines_of({"WISIPAY_ENV": "production"})
    assert [line.partition(":")[0] for line in lines] == [
        *("DATABASE_URL", "REDIS_URL", "MONGODB_URI", "JWT_SECRET", "MAIL_PROVIDER", "APP_BASE_URL", "FRONTEND_URL"),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://wisipay:postgres@db/wisipay"),
        ("DATABASE_URL", "postgresql://wisipay@db/wisipay"),
        ("REDIS_URL", "redis://redis:6379"),
        ("MONGODB_URI", "mongodb://root:password@mongo/"),
        ("JWT_SECRET", "a" * 64),
        ("API_SECRET_ENC_KEY", f"new:{KEY},old:{'ab' * 20}"),
        ("MAIL_PROVIDER", "console"),
        ("MAIL_PROVIDER", "zeptomail"),
        ("MAIL_PROVIDER", "maileroo"),
        ("SMTP_HOST", ""),
        ("WEBHOOK_DEBUG_ENABLED", "true"),
        ("SIMULATOR_URL", "http://127.0.0.1:4010"),
        ("PRIVATE_ADDRESSES_ALLOWED", "true"),
        ("APP_BASE_URL", "http://pay.example.com"),
        ("FRONTEND_URL", "http://panel.example.com"),
    ],
)
def test_production_refuses_each_development_default(name: str, value: str) -> None:
    lines = lines_of({**PRODUCTION, name: value})
    assert len(lines) == 1
    assert "wants" in lines[0]
    assert value not in lines[0] or name.endswith("URL") or name == "MAIL_PROVIDER" or value in {"", "true"}


def test_the_development_secret_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    first = load_settings({"DATA_DIR": str(data_dir)}).jwt_secret
    assert load_settings({"DATA_DIR": str(data_dir)}).jwt_secret == first
    (file,) = data_dir.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_processes_that_race_for_the_development_secret_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        secrets = set(threads.map(development_secret, [tmp_path] * 32))
    assert len(secrets) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_data_folder_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (line,) = lines_of({"DATA_DIR": str(tmp_path / "file" / "data")})
    assert line.startswith(f"DATA_DIR: got '{tmp_path}/file/data' (Not a directory), wants a folder")


def test_keys_are_read_newest_first() -> None:
    assert parse_keys("x" * 32) == {"default": b"x" * 32}
    assert list(parse_keys(f"b:{'y' * 32}, a:{'x' * 32}")) == ["b", "a"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: "x" * 31,
        lambda: f"a:{'x' * 31}",
        lambda: f"a:{'x' * 32},a:{'y' * 32}",
        lambda: f"a:{'x' * 32},{'y' * 32}",
        lambda: ",".join(f"k{number}:{'x' * 32}" for number in range(9)),
        lambda: "x" * 31 + " ",
        lambda: "",
    ],
)
def test_keys_of_another_form_are_refused(make: Callable[[], str]) -> None:
    with pytest.raises(ValueError, match="key"):
        parse_keys(make())


def test_the_configuration_page_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    assert page.read_text() == documentation(), "run: python -m wisipay.core.config_docs > docs/configuration.md"
