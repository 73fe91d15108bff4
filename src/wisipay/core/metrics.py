"""The metrics of a process: what is counted, and the port Prometheus reads them from.

Decides every metric name and label (all prefixed `wisipay_`). Must never take a label of unbounded cardinality: no
merchant, no transaction, no raw path.
"""

import threading
from dataclasses import dataclass
from typing import Final
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, start_http_server
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

REGISTRY: Final = CollectorRegistry()
"""The registry of this process; one process per container, so no multiprocess mode."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types for it
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
GCCollector(registry=REGISTRY)

_FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SLOW_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


def counter(name: str, documentation: str, labels: tuple[str, ...] = ()) -> Counter:
    """Register a counter as `wisipay_<name>`; Prometheus appends `_total` where it is missing."""
    return Counter(f"wisipay_{name}", documentation, labels, registry=REGISTRY)


def gauge(name: str, documentation: str, labels: tuple[str, ...] = ()) -> Gauge:
    """Register a gauge as `wisipay_<name>`."""
    return Gauge(f"wisipay_{name}", documentation, labels, registry=REGISTRY)


def histogram(
    name: str,
    documentation: str,
    labels: tuple[str, ...] = (),
    buckets: tuple[float, ...] = _FAST_SECONDS,
) -> Histogram:
    """Register a histogram as `wisipay_<name>`; the default buckets are seconds, from a millisecond to ten seconds."""
    return Histogram(f"wisipay_{name}", documentation, labels, buckets=buckets, registry=REGISTRY)


HTTP_REQUESTS: Final = counter("http_requests_total", "Requests answered", ("route", "method", "status"))
HTTP_REQUEST_SECONDS: Final = histogram("http_request_seconds", "From request to the end of its answer", ("route",))
BATCH_SIZE: Final = histogram("batch_size", "Commands in a batch", ("batch",), _SIZES)
BATCH_COMMIT_SECONDS: Final = histogram("batch_commit_seconds", "From flush to the end of its commit", ("batch",))
QUEUE_DEPTH: Final = gauge("queue_depth", "Rows or commands waiting", ("queue",))
QUEUE_AGE_SECONDS: Final = gauge("queue_age_seconds", "Age of the longest waiting row", ("queue",))
CLAIMED: Final = counter("claimed_total", "Rows claimed, by what became of them", ("queue", "outcome"))
PROVIDER_CALLS: Final = counter("provider_calls_total", "Calls to providers", ("provider", "operation", "outcome"))
PROVIDER_CALL_SECONDS: Final = histogram(
    "provider_call_seconds",
    "From call to a provider to its answer",
    ("provider", "operation"),
    _SLOW_SECONDS,
)
CALLBACK_DELIVERIES: Final = counter("callback_deliveries_total", "Attempts to deliver callbacks", ("outcome",))
CALLBACK_FAILURES: Final = counter("callback_failures_total", "Attempts that failed, by why", ("reason",))
CALLBACK_SWITCHED_OFF: Final = counter("callback_switched_off_total", "Endpoints switched off, by why", ("reason",))
CALLBACK_LAG_SECONDS: Final = histogram(
    "callback_lag_seconds",
    "From a payment's final status to the delivery of its callback",
    buckets=(*_SLOW_SECONDS, 60.0, 300.0, 3600.0),
)
TPS_REFUSED: Final = counter("tps_refused_total", "Requests refused by a rate limit", ("scope",))
PAYMENTS: Final = counter("payments_total", "Payments that reached a status", ("type", "status", "provider"))


@dataclass(frozen=True, slots=True)
class MetricsServer:
    """A running metrics port; `port` is the one taken, also where 0 was asked for."""

    port: int
    _server: WSGIServer
    _thread: threading.Thread

    def stop(self) -> None:
        """Close the port and end its thread."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def serve_metrics(port: int, host: str) -> MetricsServer:
    """Serve `/metrics` from a thread of its own, so that a busy event loop is still seen. Raises OSError if busy."""
    server, thread = start_http_server(port, addr=host, registry=REGISTRY)
    return MetricsServer(server.server_port, server, thread)
