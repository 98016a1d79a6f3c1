"""Traces: what a request spends its time on, by OpenTelemetry.

Spans carry sizes and kinds. Never a text, a name, an address or a token: errors are told by their
class alone, since a message may quote anything.
"""

import logging
import os
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import wraps
from importlib.util import find_spec
from threading import Thread
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from app.core.config import Settings
from app.core.exceptions import ConfigurationError, code_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.sampling import Sampler

P = ParamSpec("P")
T = TypeVar("T")
Attribute = str | int | float | bool

_TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
_PARENT = "traceparent"
_FLUSH_S = 5.0
# What the Azure library does besides: it reports on itself to its maker, asks there for
# instructions, and sends figures of its own and the resource as records of yours.
_AZURE_SWITCHES = (
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_SDKSTATS_DISABLED",
    "APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED",
)

# Set while a traced request is served or a job is worked on; tasks and threads that it starts
# inherit it.
_tracer: ContextVar[Tracer | None] = ContextVar("tracer", default=None)


class Tracing:
    """Sends the spans of this process somewhere. Made after the process was forked."""

    def __init__(self, settings: Settings, *exporters: "SpanExporter") -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create(
            {
                "service.name": settings.otel_service_name,
                "service.version": settings.app_version,
                "deployment.environment.name": settings.environment,
            }
        )
        # Not closed by the interpreter's exit, which would wait for a dead collector.
        self._provider = TracerProvider(
            _sampler(settings.traces_sample_ratio), resource=resource, shutdown_on_exit=False
        )
        for exporter in exporters:
            # Its queue is bounded and full it drops: a dead collector slows nobody.
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer: Tracer = self._provider.get_tracer("voice-cloning")

    def close(self) -> None:
        """Send what is left, within some seconds. Blocks."""
        closing = Thread(target=self._provider.shutdown, name="traces", daemon=True)
        closing.start()
        closing.join(_FLUSH_S)


def check_extras(settings: Settings) -> None:
    """Raise `ConfigurationError` if traces are wanted and what sends them is not installed."""
    wanted = {
        "otel": (_otlp_wanted(settings), "opentelemetry.exporter.otlp.proto.http"),
        "azure-monitor": (
            settings.applicationinsights_connection_string is not None,
            "azure.monitor.opentelemetry.exporter",
        ),
    }
    for extra, (asked, module) in wanted.items():
        if asked and not _installed(module):
            variable = (
                "OTEL_EXPORTER_OTLP_ENDPOINT"
                if extra == "otel"
                else "APPLICATIONINSIGHTS_CONNECTION_STRING"
            )
            raise ConfigurationError(
                f"{variable} is set, but what sends traces is not installed: "
                f'pip install "voice-cloning-api[{extra}]".',
                f"Install it, or unset {variable}.",
            )


def open_tracing(settings: Settings) -> Tracing | None:
    """What the settings ask for; None if they ask for nothing.

    Raises:
        ConfigurationError: an extra is missing, or a setting has no meaning.
    """
    check_extras(settings)
    exporters = []
    try:
        if _otlp_wanted(settings):
            exporters.append(_otlp(settings))
        if settings.applicationinsights_connection_string:
            exporters.append(
                _azure(settings.applicationinsights_connection_string.get_secret_value())
            )
    except ValueError as error:
        raise ConfigurationError(
            "APPLICATIONINSIGHTS_CONNECTION_STRING or an OTEL_ variable cannot be used.",
            "Copy the connection string from the overview page of the resource.",
        ) from error
    return Tracing(settings, *exporters) if exporters else None


def request_span(
    tracer: Tracer | None, name: str, headers: Mapping[str, str], **attributes: Attribute
) -> AbstractContextManager[Span]:
    """The span of a request, below the one that `traceparent` names. What runs in here is
    traced: `span` finds the tracer.
    """
    return _top(tracer, name, _parent(headers), kind=SpanKind.SERVER, attributes=attributes)


def job_span(
    tracer: Tracer | None, name: str, **attributes: Attribute
) -> AbstractContextManager[Span]:
    """The same of what a worker does: it begins a trace."""
    return _top(tracer, name, Context(), kind=SpanKind.CONSUMER, attributes=attributes)


@contextmanager
def _top(
    tracer: Tracer | None,
    name: str,
    parent: Context,
    *,
    kind: SpanKind,
    attributes: Mapping[str, Attribute],
) -> Iterator[Span]:
    if tracer is None:
        yield INVALID_SPAN
        return
    token = _tracer.set(tracer)
    try:
        with tracer.start_as_current_span(
            name,
            context=parent,
            kind=kind,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as current:
            yield current
    finally:
        _tracer.reset(token)


def _parent(headers: Mapping[str, str]) -> Context:
    """The span that `traceparent` names. No other header is looked at: the library logs what it
    finds wrong in them, and anything can stand there.
    """
    given = headers.get(_PARENT)
    return TraceContextTextMapPropagator().extract({_PARENT: given} if given else {})


@contextmanager
def span(name: str, **attributes: Attribute) -> Iterator[Span]:
    """A part of the request that is being served; nothing where nothing is traced.

    Not around a `yield` of an asynchronous generator, whose parts may run in different tasks:
    that is what `start_span` is for.
    """
    tracer = _tracer.get()
    if tracer is None:
        yield INVALID_SPAN
        return
    with tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            mark_failed(current, error)
            raise


def start_span(name: str, **attributes: Attribute) -> Span:
    """The same for the caller to end. It does not become the parent of others."""
    return _started(name, SpanKind.INTERNAL, attributes)


def client_span(name: str, **attributes: Attribute) -> Span:
    """The same around a request to another service: see `app.core.outgoing`."""
    return _started(name, SpanKind.CLIENT, attributes)


def _started(name: str, kind: SpanKind, attributes: Mapping[str, Attribute]) -> Span:
    tracer = _tracer.get()
    if tracer is None:
        return INVALID_SPAN
    return tracer.start_span(name, kind=kind, attributes=attributes)


def carried(current: Span) -> dict[str, str]:
    """The header that tells another service the span that calls it: `traceparent`, or nothing.
    What callers have sent besides is not passed on.
    """
    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers, set_span_in_context(current))
    return {name: value for name, value in headers.items() if name == _PARENT}


def mark_failed(current: Span, error: BaseException) -> None:
    """Tell what kind of error it was, not what it says."""
    current.set_attribute("error.type", code_of(error))
    current.set_status(StatusCode.ERROR)


def traced(
    name: str,
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, Coroutine[Any, Any, T]]]:
    """A span around each call of a coroutine function."""

    def decorate(
        function: Callable[P, Coroutine[Any, Any, T]],
    ) -> Callable[P, Coroutine[Any, Any, T]]:
        @wraps(function)
        async def call(*args: P.args, **kwargs: P.kwargs) -> T:
            with span(name):
                return await function(*args, **kwargs)

        return call

    return decorate


def _sampler(ratio: float) -> "Sampler | None":
    """None leaves it to OTEL_TRACES_SAMPLER, whose default is to record all."""
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    return ParentBasedTraceIdRatio(ratio) if ratio < 1 else None


def _otlp_wanted(settings: Settings) -> bool:
    return bool(settings.otel_exporter_otlp_endpoint or os.environ.get(_TRACES_ENDPOINT))


def _otlp(settings: Settings) -> "SpanExporter":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    if os.environ.get(_TRACES_ENDPOINT):
        return OTLPSpanExporter()
    # The setting may come from a file, which the library does not read.
    base = (settings.otel_exporter_otlp_endpoint or "").rstrip("/")
    return OTLPSpanExporter(endpoint=f"{base}/v1/traces")


def _azure(connection_string: str) -> "SpanExporter":
    for switch in _AZURE_SWITCHES:  # the library takes no arguments for them
        os.environ.setdefault(switch, "true")
    from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

    # Else it would log every request of its own, with all headers.
    logging.getLogger("azure.core.pipeline.policies.http_logging_policy").setLevel("WARNING")

    return AzureMonitorTraceExporter(
        connection_string=connection_string,
        disable_offline_storage=True,  # nothing of requests is left on the disk
    )


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it
        return False
