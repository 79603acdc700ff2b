"""Trace context in message headers: ``traceparent`` of W3C Trace Context, and nothing else.

aio-pika is not instrumented. A delivery is handled under the trace of its headers; what the
handling leaves in the outbox carries that trace on, since the relay publishes it later and under
none. Without an SDK this costs a few microseconds and exports nothing. ``tracestate`` and
``baggage`` stay behind: they are free text of whoever published, and could hold a patient.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

HEADER: Final = "traceparent"

_tracer = trace.get_tracer("gateway.adapters")
_propagator = TraceContextTextMapPropagator()


def trace_headers() -> dict[str, str]:
    """Headers that carry the current trace; empty when there is none."""
    headers: dict[str, str] = {}
    _propagator.inject(headers)
    return {HEADER: headers[HEADER]} if HEADER in headers else {}


@contextmanager
def handling_span(queue: str, headers: Mapping[str, object]) -> Iterator[None]:
    """Run the block in a span that continues the trace of a delivery's headers.

    A ``traceparent`` that is not one begins a trace of our own.
    """
    parent = headers.get(HEADER)
    carried = _propagator.extract({HEADER: parent} if isinstance(parent, str) else {})
    token = context.attach(carried)
    try:
        # Texts and stacks of exceptions are for our own log only, so a span just says "error".
        with _tracer.start_as_current_span(
            f"handle {queue}",
            kind=trace.SpanKind.CONSUMER,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except Exception:
                span.set_status(trace.StatusCode.ERROR)
                raise
    finally:
        context.detach(token)
