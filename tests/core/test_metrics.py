"""Metrics: the names dashboards and alerts rely on, and the port they are read from."""

import urllib.request

from wisipay.core import metrics

NAMES = [
    *("wisipay_http_requests_total", "wisipay_http_request_seconds_bucket", "wisipay_batch_size_bucket"),
    *("wisipay_batch_commit_seconds_bucket", "wisipay_queue_depth", "wisipay_queue_age_seconds"),
    *("wisipay_claimed_total", "wisipay_provider_calls_total", "wisipay_provider_call_seconds_bucket"),
    *("wisipay_callback_deliveries_total", "wisipay_tps_refused_total", "wisipay_payments_total"),
    *("wisipay_callback_lag_seconds_bucket", "process_cpu_seconds_total"),
]


def test_every_metric_is_served_under_its_name_and_the_port_closes() -> None:
    metrics.HTTP_REQUESTS.labels("/x", "GET", "200").inc()
    metrics.HTTP_REQUEST_SECONDS.labels("/x").observe(0.01)
    metrics.BATCH_SIZE.labels("ledger").observe(3)
    metrics.BATCH_COMMIT_SECONDS.labels("ledger").observe(0.01)
    metrics.QUEUE_DEPTH.labels("callbacks").set(1)
    metrics.QUEUE_AGE_SECONDS.labels("callbacks").set(1)
    metrics.CLAIMED.labels("callbacks", "done").inc()
    metrics.PROVIDER_CALLS.labels("dummy", "payin", "accepted").inc()
    metrics.PROVIDER_CALL_SECONDS.labels("dummy", "payin").observe(0.2)
    metrics.CALLBACK_DELIVERIES.labels("delivered").inc()
    metrics.CALLBACK_LAG_SECONDS.observe(0.2)
    metrics.TPS_REFUSED.labels("merchant").inc()
    metrics.PAYMENTS.labels("PAYIN", "SUCCESS", "dummy").inc()
    server = metrics.serve_metrics(0, "127.0.0.1")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    finally:
        server.stop()
    missing = [name for name in NAMES if f"\n{name}" not in text]
    assert missing == []
    assert "_created" not in text
    again = metrics.serve_metrics(server.port, "127.0.0.1")
    again.stop()
