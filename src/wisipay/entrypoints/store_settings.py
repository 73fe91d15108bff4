"""The settings of an instance or an operator's command, with an address for every store.

Decides that where no address is configured the embedded stores of the data folder are used, if they run. Must never
start a store: that is for `wisipay up`.
"""

from collections.abc import Collection, Mapping
from typing import Final

from wisipay.core.config import Settings, SettingsError, load_settings
from wisipay.core.embedded.records import running_urls

_STORES: Final = ("database_url", "redis_url", "mongodb_uri")


def settings_with_database(environ: Mapping[str, str] | None = None) -> Settings:
    """Do as `settings_with_stores` for a command that asks nothing but PostgreSQL, such as `wisipay migrate`."""
    return settings_with_stores(environ, needed=_STORES[:1])


def settings_with_stores(environ: Mapping[str, str] | None = None, *, needed: Collection[str] = _STORES) -> Settings:
    """Load the settings; an unset DATABASE_URL, REDIS_URL or MONGODB_URI is that of the running embedded store.

    On an embedded database private addresses are allowed, as `wisipay up` allows them.

    Raises `SettingsError` with a line for each store that is needed and has no address.
    """
    settings = load_settings(environ)
    found = running_urls(settings.data_dir)
    missing = [name for name in _STORES if not getattr(settings, name)]
    unknown = [name for name in missing if name in needed and name not in found]
    if unknown:
        raise SettingsError(
            [
                f"{name.upper()}: is not set and no embedded store runs in {settings.data_dir}; "
                "wants the address of a server, or a running `wisipay up` (DATA_DIR names its folder)"
                for name in unknown
            ]
        )
    update: dict[str, object] = {name: found[name] for name in missing if name in found}
    if "database_url" in missing:
        update["private_addresses_allowed"] = True  # as in `wisipay up`
    return settings.model_copy(update=update)
