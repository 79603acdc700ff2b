"""Traces: only where asked for, and a missing extra is told and no fault."""

import pytest
from structlog.testing import capture_logs

from gateway.ops import tracing as tracing_module
from gateway.ops.tracing import ENDPOINTS, tracing


def test_nothing_is_exported_unless_an_endpoint_is_named() -> None:
    with capture_logs() as logs, tracing({}) as exported:
        assert not exported

    assert logs == []


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_missing_extra_is_named_and_no_fault(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(module: str) -> object:
        raise ModuleNotFoundError(f"No module named {module!r}", name=module)

    monkeypatch.setattr(tracing_module, "import_module", absent)
    with capture_logs() as logs, tracing({name: "http://127.0.0.1:4318"}) as exported:
        assert not exported

    assert [(line["event"], line["install"]) for line in logs] == [
        ("tracing_unavailable", "dialog-gateway[otel]")
    ]
