"""Traces by OpenTelemetry, when its SDK is installed (extra ``otel``) and an endpoint is named.

Everything is configured by OpenTelemetry's own environment variables, first of all
``OTEL_EXPORTER_OTLP_ENDPOINT``. Spans carry queue names and no ids of messages.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

import structlog
from opentelemetry import trace

from gateway import PRODUCT, VERSION

log = structlog.get_logger(__name__)

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


@contextmanager
def tracing(environment: Mapping[str, str] = os.environ) -> Iterator[bool]:
    """Export traces for the length of the block; gives whether any are.

    To be left last: what is still in memory is exported then.
    """
    if not any(environment.get(name) for name in ENDPOINTS):
        yield False
        return
    try:
        provider = _provider()
    except ModuleNotFoundError as error:
        log.warning("tracing_unavailable", missing=error.name, install="dialog-gateway[otel]")
        yield False
        return
    trace.set_tracer_provider(provider)
    log.info("tracing_started")
    try:
        yield True
    finally:
        provider.shutdown()


def _provider() -> Any:
    # Imported by name: the packages are an extra, and types of what may be absent help nobody.
    sdk = import_module("opentelemetry.sdk.trace")
    export = import_module("opentelemetry.sdk.trace.export")
    resources = import_module("opentelemetry.sdk.resources")
    otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    named = {"service.name": PRODUCT, "service.version": VERSION}
    provider = sdk.TracerProvider(resource=resources.Resource.create(named))
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    return provider
