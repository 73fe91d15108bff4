"""Embedded stores for development, demo and tests: PostgreSQL, Valkey and the MongoDB protocol from PyPI packages.

Decides how their servers are started, found again, reused and stopped; the rest of the product sees only their URLs.
Must never be needed in production, where stores are given by URL. One data folder holds one server of each kind:
`await postgres.start(data_dir, port)` gives a `Running` with its `url`; `await postgres.stop(running)` ends it.
"""

from wisipay.core.embedded.errors import EmbeddedStoreError
from wisipay.core.embedded.postgres_install import program as postgres_program
from wisipay.core.embedded.records import running_urls
from wisipay.core.embedded.server import Running

__all__ = ["EmbeddedStoreError", "Running", "postgres_program", "running_urls"]
