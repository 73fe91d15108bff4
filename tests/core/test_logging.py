"""Log lines as the operations handbook describes them."""

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from support.waiting import until
from wisipay.core.config import Settings
from wisipay.core.log_lines import HELD_LINES_MAX
from wisipay.core.logging import bind_request, bound, bound_fields, configure_logging, get_logger, lines_held


@pytest.fixture
def output() -> Iterator[io.BytesIO]:
    before, handlers, level = structlog.get_config(), logging.root.handlers[:], logging.root.level
    stream = io.BytesIO()
    configure_logging(Settings(log_level="info"), "payment", stream=stream)
    yield stream
    structlog.configure(**before)
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def lines(output: io.BytesIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_line_has_the_fields_of_the_handbook(output: io.BytesIO) -> None:
    with bound(request_id="R-1", merchant_id="MER-1"):
        get_logger("wisipay.payments.polling").info(
            "payment.workflow.polled", order_id="ORD-1", job_attempt=2, utr=None
        )
    (line,) = lines(output)
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "level": "info",
        "event": "payment.workflow.polled",
        "service": "payment",
        "source": "payments.polling",
        "component": "payments",
        "requestId": "R-1",
        "merchantId": "MER-1",
        "orderId": "ORD-1",
        "jobAttempt": 2,
    }


def test_fields_end_with_their_block(output: io.BytesIO) -> None:
    with bound(request_id="R-1"):
        bind_request(merchant_id="MER-1")
        assert dict(bound_fields()) == {"request_id": "R-1", "merchant_id": "MER-1"}
    get_logger("x").info("after")
    assert "requestId" not in lines(output)[0]
    assert "merchantId" not in lines(output)[0]


def test_secrets_do_not_reach_the_line(output: io.BytesIO) -> None:
    error = ValueError("beneficiary ravi@okhdfc, account 50100123456789")
    get_logger("x").error("boom", body={"apiKey": "Qsecret"}, url="https://u:Qpass@h/?token=Qtoken", exc_info=error)
    text = output.getvalue().decode()
    for secret in ("Qsecret", "Qpass", "Qtoken", "ravi@okhdfc", "50100123456789"):
        assert secret not in text
    (line,) = lines(output)
    assert line["error"].startswith("ValueError: beneficiary [redacted]")


def test_an_exception_brings_its_stack(output: io.BytesIO) -> None:
    try:
        int("x")
    except ValueError:
        get_logger("x").exception("boom")
    (line,) = lines(output)
    assert line["level"] == "error"
    assert line["error"] == "ValueError: invalid literal for int() with base 10: 'x'"
    assert "test_logging.py" in line["stack"]


def test_lines_below_the_level_are_left_out(output: io.BytesIO) -> None:
    get_logger("x").debug("quiet")
    assert lines(output) == []


def test_libraries_speak_in_the_same_form(output: io.BytesIO) -> None:
    logging.getLogger("some.library").warning("call %s back", "9876543210")
    logging.getLogger("some.library").info("chatter")
    (line,) = lines(output)
    assert (line["event"], line["component"], line["message"]) == ("library.message", "library", "call [redacted] back")


def test_a_broken_call_of_a_library_breaks_nothing(output: io.BytesIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logging.getLogger("some.library").warning("%d", "no number")
    assert lines(output) == []


def test_the_trace_is_named(output: io.BytesIO) -> None:
    context = SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False, trace_flags=TraceFlags(1))
    with trace.use_span(NonRecordingSpan(context)):
        get_logger("x").info("traced")
    (line,) = lines(output)
    assert (line["traceId"], line["spanId"]) == (f"{0xABC:032x}", f"{0xDEF:016x}")


def test_values_json_does_not_know_are_written_as_text(output: io.BytesIO) -> None:
    get_logger("x").info("odd", value=object, where=ValueError("x"))
    assert lines(output)[0]["where"] == "x"


def test_a_closed_output_breaks_nothing() -> None:
    before = structlog.get_config()
    stream = io.BytesIO()
    configure_logging(Settings(service_name="other"), "payment", stream=stream)
    stream.close()
    get_logger("x").info("lost")
    structlog.configure(**before)
    logging.root.handlers.clear()


def test_before_it_is_configured_a_process_logs_to_standard_error() -> None:
    code = "from wisipay.core.logging import get_logger; get_logger('wisipay.a.b').warning('early')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=30)  # noqa: S603 - our own code
    assert json.loads(result.stderr)["event"] == "early"
    assert result.stdout == b""


async def test_held_lines_come_out_in_order_within_a_moment(output: io.BytesIO) -> None:
    log = get_logger("x")
    with lines_held():
        for number in range(3):
            log.info("held", number=number)
        assert lines(output) == []
        await until(lambda: len(lines(output)) == 3)
        assert [line["number"] for line in lines(output)] == [0, 1, 2]
        log.info("last")
    assert [line["event"] for line in lines(output)] == ["held", "held", "held", "last"]
    log.info("after")
    assert len(lines(output)) == 5


async def test_an_error_holds_nothing_back(output: io.BytesIO) -> None:
    with lines_held():
        get_logger("x").info("before")
        get_logger("x").error("boom")
        assert [line["event"] for line in lines(output)] == ["before", "boom"]


async def test_held_lines_are_bounded(output: io.BytesIO) -> None:
    with lines_held():
        for _ in range(HELD_LINES_MAX):
            get_logger("x").info("held")
        assert len(lines(output)) == HELD_LINES_MAX


async def test_another_thread_writes_at_once(output: io.BytesIO) -> None:
    with lines_held():
        await asyncio.to_thread(get_logger("x").info, "elsewhere")
        await asyncio.to_thread(get_logger("x").error, "elsewhere")
        assert len(lines(output)) == 2


async def test_lines_are_out_when_an_exception_ends_the_process(output: io.BytesIO) -> None:
    def work() -> None:
        get_logger("x").info("last words")
        raise RuntimeError

    with pytest.raises(RuntimeError), lines_held():
        work()
    assert [line["event"] for line in lines(output)] == ["last words"]
