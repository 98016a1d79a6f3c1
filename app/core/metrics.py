"""What is counted and measured: the series of `GET /metrics`.

Labels have few values, known beforehand: no id, no name, no text is ever one.
"""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from app.core.exceptions import AppError
from app.core.metrics_dead import bury_dead
from app.core.metrics_folder import FOLDER

NAMESPACE: Final = "voice_cloning"
OTHER: Final = "other"
"""Label value of what has none of its own: unknown paths, made-up methods."""

Outcome = Literal["ok", "refused", "failed", "cancelled"]
"""Refused: the caller's fault; failed: ours; cancelled: the caller went away."""
TrainingState = Literal["adapting", "refining"]

_JOB_KINDS: Final = ("training", "batch")
_JOB_ENDS: Final = ("succeeded", "partial", "failed", "cancelled")

METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})

# Upper edges, in seconds. Requests: from a health check to a book that is streamed.
_REQUEST_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
# What a listener waits for: under 0.3 s feels immediate, over 3 s broken.
_FIRST_AUDIO_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30)
# Seconds of work for a second of speech: over 1 a stream stutters.
_REAL_TIME_FACTOR = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.5, 2, 5)
_WAIT_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
# From the head of a stream to the whole answer of a chat model.
_OUTGOING_S = (0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 10, 30, 60)
_REGISTRATION_S = (0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 20, 60)


@dataclass(frozen=True, slots=True)
class Series:
    """What one of the series is. Prometheus adds `_bucket`, `_sum` and `_count` to histograms."""

    kind: Literal["counter", "gauge", "histogram"]
    text: str
    labels: tuple[str, ...]


class LimitCounts:
    """What the rate limits did."""

    def __init__(self, refusals: Counter, failures: Counter) -> None:
        self._refusals = refusals
        self._failures = failures

    def refused(self, rate: str) -> None:
        """A request was refused. `rate` is the class of the limit, never the caller."""
        self._refusals.labels(rate).inc()

    def failed(self) -> None:
        """The store of the limits did not answer: a request went through uncounted."""
        self._failures.inc()


class Metrics:
    """All series of a process, or of all processes that share `PROMETHEUS_MULTIPROC_DIR`.

    Methods may be called from any thread, and cost some microseconds.

    Attributes:
        series: by name, all that there are.
        limits: is told of every refusal.
    """

    def __init__(self, *, version: str = "", engine: str = "") -> None:
        self._shared = Path(os.environ[FOLDER]) if os.environ.get(FOLDER) else None
        if self._shared:
            self._shared.mkdir(parents=True, exist_ok=True)
        self._registry = CollectorRegistry()
        self.series: dict[str, Series] = {}
        self._make_http()
        self._make_speech()
        self._make_work()
        self._make_jobs()
        self._make_limits()
        build = self._gauge(
            "build_info", "Always 1.", "version", "python", "engine", mode="livemax"
        )
        build.labels(version, platform.python_version(), engine).set(1)
        if engine:
            self.engine_loaded(engine, loaded=False)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The series as text, and its content type.

        Args:
            accept: header of the one who asks, who may prefer OpenMetrics.
        """
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # of a version that is no number
            encode, content_type = choose_encoder("")
        registry = self._registry
        if self._shared:
            bury_dead(self._shared)
            registry = CollectorRegistry()
            MultiProcessCollector(registry, str(self._shared))  # type: ignore[no-untyped-call]
        return encode(registry), content_type

    def http_started(self) -> None:
        self._in_flight.inc()

    def http_ended(
        self,
        method: str,
        route: str | None,
        *,
        status: int,
        duration_s: float,
        first_byte_s: float | None,
        broken_by: Literal["client", "server"] | None,
    ) -> None:
        """An exchange is over.

        Args:
            route: template of the path, None if none fits.
            duration_s: until the last byte was sent, or the end of trying.
            first_byte_s: until the first byte of the body; None if there was none.
            broken_by: who ended the answer before its end.
        """
        method = method if method in METHODS else OTHER
        route = route or OTHER
        self._in_flight.dec()
        self._requests.labels(method, route, str(status)).inc()
        self._durations.labels(method, route).observe(duration_s)
        if first_byte_s is not None:
            self._first_bytes.labels(method, route).observe(first_byte_s)
        if broken_by:
            self._broken.labels(route, broken_by).inc()

    def error(self, code: str) -> None:
        """A problem document was sent. The codes are those of `core/exceptions.py`."""
        self._errors.labels(code).inc()

    def speech_ended(
        self,
        engine: str,
        fmt: str,
        outcome: Outcome,
        *,
        characters: int,
        first_audio_s: float | None,
        audio_s: float,
        working_s: float,
    ) -> None:
        """A synthesis is over.

        Args:
            first_audio_s: until the first piece of audio was there, None if it never was.
            working_s: that were spent waiting for audio, not for the client.
        """
        self._spoken.labels(engine, fmt, outcome).inc()
        self._characters.labels(engine, fmt).inc(characters)
        self._audio.labels(engine, fmt).inc(audio_s)
        if first_audio_s is not None:
            self._first_audio.labels(engine, fmt).observe(first_audio_s)
        if audio_s > 0:
            self._real_time.labels(engine, fmt).observe(working_s / audio_s)

    def manifest(self, outcome: Literal["signed", "failed"]) -> None:
        """A file was signed, or could not be."""
        self._manifests.labels(outcome).inc()

    def on_wait(self, seconds: float) -> None:
        """Somebody got a turn of the engine, after waiting so long."""
        self._queue_wait.observe(seconds)

    def on_depth(self, waiting: int) -> None:
        """So many wait for a turn of the engine now."""
        self._queue_depth.set(waiting)

    def engine_loaded(self, engine: str, *, loaded: bool = True) -> None:
        self._engine_loaded.labels(engine).set(int(loaded))

    def registration_ended(self, engine: str, outcome: Outcome, *, duration_s: float) -> None:
        self._registrations.labels(engine, outcome).inc()
        if outcome == "ok":
            self._registration_s.labels(engine).observe(duration_s)

    def training_entered(self, state: TrainingState) -> None:
        self._trainings.labels(state).inc()

    def training_left(self, state: TrainingState) -> None:
        self._trainings.labels(state).dec()

    def training_ended(self, state: TrainingState, outcome: Outcome) -> None:
        self._trainings_ended.labels(state, outcome).inc()

    @contextmanager
    def working(self, kind: str) -> Iterator[None]:
        """A part of a job is worked on meanwhile."""
        with self._jobs_running.labels(kind).track_inprogress():
            yield

    def job_ended(self, kind: str, status: str) -> None:
        """A job has ended, with one of the statuses that end one."""
        self._jobs_ended.labels(kind, status).inc()

    def jobs_wait(self, kind: str, count: int) -> None:
        """So many wait for a worker now."""
        self._jobs_waiting.labels(kind).set(count)

    def took_over(self) -> None:
        """A worker has taken over what a dead one was at."""
        self._take_overs.inc()

    def outgoing_ended(self, service: str, outcome: Outcome, *, duration_s: float) -> None:
        """A request to another service, one try of it, is over. See `app.core.outgoing`."""
        self._outgoing.labels(service, outcome).observe(duration_s)

    def abuse(self, kind: str) -> None:
        """Something was refused or flagged: a code of `core/exceptions.py`, or a kind of flag."""
        self._abuse.labels(kind).inc()

    def asset_fetched(self, size: int) -> None:
        """A model file of so many bytes was downloaded."""
        self._assets.labels("ok").inc()
        self._asset_bytes.inc(size)

    def assets_failed(self, count: int) -> None:
        """So many model files could not be downloaded."""
        self._assets.labels("failed").inc(count)

    def _make_http(self) -> None:
        self._requests = self._counter(
            "http_requests_total", "Requests that ended.", "method", "route", "status"
        )
        self._durations = self._histogram(
            "http_request_duration_seconds",
            "From the request to the last byte of its answer.",
            _REQUEST_S,
            "method",
            "route",
        )
        self._first_bytes = self._histogram(
            "http_first_byte_seconds",
            "From the request to the first byte of the body of its answer.",
            _REQUEST_S,
            "method",
            "route",
        )
        self._in_flight = self._gauge("http_requests_in_flight", "Requests under way.")
        self._broken = self._counter(
            "http_broken_answers_total", "Answers that ended before their end.", "route", "side"
        )
        self._errors = self._counter("errors_total", "Problem documents sent.", "code")

    def _make_speech(self) -> None:
        by = ("engine", "format")
        self._spoken = self._counter(
            "speech_requests_total", "Syntheses that ended.", *by, "outcome"
        )
        self._first_audio = self._histogram(
            "speech_first_audio_seconds",
            "From the start of a synthesis, its turn included, to its first audio.",
            _FIRST_AUDIO_S,
            *by,
        )
        self._real_time = self._histogram(
            "speech_real_time_factor",
            "Seconds of work for a second of audio.",
            _REAL_TIME_FACTOR,
            *by,
        )
        self._audio = self._counter("speech_audio_seconds_total", "Audio that was made.", *by)
        self._characters = self._counter(
            "speech_characters_total", "Characters of the texts of syntheses.", *by
        )
        self._manifests = self._counter("c2pa_files_total", "Files to be signed.", "outcome")
        for outcome in ("signed", "failed"):
            self._manifests.labels(outcome)

    def _make_work(self) -> None:
        self._queue_wait = self._histogram(
            "queue_wait_seconds", "Wait for a turn of the engine.", _WAIT_S
        )
        self._queue_depth = self._gauge("queue_depth", "Who wait for a turn of the engine.")
        self._engine_loaded = self._gauge(
            "engine_loaded", "Processes in which the engine is loaded.", "engine"
        )
        self._registrations = self._counter(
            "registrations_total", "Registrations of voices that ended.", "engine", "outcome"
        )
        self._registration_s = self._histogram(
            "registration_duration_seconds",
            "Time of the registrations that succeeded.",
            _REGISTRATION_S,
            "engine",
        )
        self._outgoing = self._histogram(
            "outgoing_seconds",
            "From a request to another service to its answer, or to the head of a stream.",
            _OUTGOING_S,
            "service",
            "outcome",
        )
        self._trainings = self._gauge("training_jobs", "Training jobs under way.", "state")
        self._trainings_ended = self._counter(
            "training_jobs_ended_total", "Training jobs that ended.", "state", "outcome"
        )
        # They begin at 0: what appears with its first failure has never grown, for an alert.
        for state in get_args(TrainingState):
            self._trainings.labels(state).set(0)
            for outcome in get_args(Outcome):
                self._trainings_ended.labels(state, outcome)

    def _make_jobs(self) -> None:
        self._jobs_waiting = self._gauge(
            "jobs_waiting", "Jobs that wait for a worker.", "kind", mode="livemax"
        )
        self._jobs_running = self._gauge(
            "jobs_running", "Parts of jobs that processes work on.", "kind"
        )
        self._jobs_ended = self._counter("jobs_ended_total", "Jobs that ended.", "kind", "status")
        self._take_overs = self._counter(
            "job_take_overs_total", "Dead workers whose jobs were taken over."
        )
        for kind in _JOB_KINDS:
            self._jobs_running.labels(kind).set(0)
            for status in _JOB_ENDS:
                self._jobs_ended.labels(kind, status)

    def _make_limits(self) -> None:
        self.limits = LimitCounts(
            self._counter(
                "rate_limit_refusals_total", "Requests refused by a rate limit.", "class"
            ),
            self._counter(
                "rate_limiter_failures_total", "Requests let through since no limit could be asked."
            ),
        )
        self._abuse = self._counter(
            "abuse_events_total", "Refusals and flags against misuse.", "kind"
        )
        self._assets = self._counter(
            "asset_downloads_total", "Model files fetched by servers.", "outcome"
        )
        self._asset_bytes = self._counter(
            "asset_download_bytes_total", "Bytes of the model files fetched."
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        self.series[f"{NAMESPACE}_{name}"] = Series("counter", text, labels)
        return Counter(name, text, labels, namespace=NAMESPACE, registry=self._registry)

    def _gauge(
        self, name: str, text: str, *labels: str, mode: Literal["livesum", "livemax"] = "livesum"
    ) -> Gauge:
        self.series[f"{NAMESPACE}_{name}"] = Series("gauge", text, labels)
        return Gauge(
            name,
            text,
            labels,
            namespace=NAMESPACE,
            registry=self._registry,
            multiprocess_mode=mode,
        )

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        self.series[f"{NAMESPACE}_{name}"] = Series("histogram", text, labels)
        return Histogram(
            name, text, labels, namespace=NAMESPACE, registry=self._registry, buckets=buckets
        )


def outcome_of(error: BaseException) -> Outcome:
    """What came of work that ended with an error."""
    if not isinstance(error, Exception):  # cancelled, or its generator closed
        return "cancelled"
    return "refused" if isinstance(error, AppError) and error.status < 500 else "failed"
