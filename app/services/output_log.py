"""Remembering how outputs sound, so that a clip finds its request.

Whoever waits for speech waits for none of it: sentences are listened to one after the other in a
thread, and written some time after their output has ended. A server that is stopped writes what
waits; one that is killed loses what was not written.
"""

import asyncio
from collections import deque
from contextvars import Context
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from app.audio.types import Samples
from app.core.exceptions import Conflict, DatabaseError, InvalidRequest
from app.core.logging import get_logger
from app.core.tasks import in_thread, see_through
from app.db.base import Heard, OutputStore
from app.fingerprint.landmarks import FRAME_S, Landmarks, landmarks, merged
from app.models.output import Output, OutputTrace, OutputVoice

log = get_logger(__name__)

_LINGER_S: Final = 1.0
_PATIENCE_S: Final = 2.0
_GROUP: Final = 50  # outputs of one transaction


@dataclass(frozen=True, slots=True)
class LogLimits:
    """What may wait in memory.

    Attributes:
        bytes: of samples that nobody has listened to yet. What comes beyond is not remembered: so
            it is where the machine is too busy to keep up, which takes hundreds of streams.
        outputs: that could not be written yet, as the database is away.
    """

    bytes: int = 256 * 2**20
    outputs: int = 5000


@dataclass(slots=True)
class _Trace:
    """One output so far. See `OutputTrace`."""

    log: "OutputLog"
    output: Output
    voices: list[OutputVoice] = field(default_factory=list)
    parts: list[Landmarks] = field(default_factory=list)
    duration_s: float = 0.0

    def hear(self, samples: Samples, sample_rate: int, voice: OutputVoice | None) -> None:
        if voice is not None:
            if voice not in self.voices:
                self.voices.append(voice)
            self.log.take(_Sentence(self, samples, sample_rate, self.duration_s))
        self.duration_s += len(samples) / sample_rate

    def end(self) -> None:
        if self.voices:
            self.log.take(self)

    def heard(self) -> Heard:
        end = {"voices": self.voices, "duration_s": round(self.duration_s, 3)}
        return Heard(self.output.model_copy(update=end), merged(self.parts))


@dataclass(frozen=True, slots=True)
class _Sentence:
    trace: _Trace
    samples: Samples
    sample_rate: int
    start_s: float

    def listen(self) -> None:
        """Blocks, 3 ms for each second of sound."""
        found = landmarks(self.samples, self.sample_rate)
        at = np.int32(round(self.start_s / FRAME_S))
        self.trace.parts.append(Landmarks(found.keys, found.frames + at))


class OutputLog:
    """Is told of every output (`OutputTracer`)."""

    def __init__(self, store: OutputStore, limits: LogLimits | None = None) -> None:
        self._store = store
        self._limits = limits or LogLimits()
        self._waiting: deque[_Sentence | _Trace] = deque()
        self._waiting_bytes = 0
        self._ended: list[Heard] = []
        self._writing = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._flushes: set[asyncio.Task[None]] = set()

    def begin(self, output: Output) -> OutputTrace:
        return _Trace(self, output)

    def take(self, what: _Sentence | _Trace) -> None:
        """Listen to a sentence, or write an output, when there is time."""
        if isinstance(what, _Sentence):
            if self._waiting_bytes + what.samples.nbytes > self._limits.bytes:
                log.error("fingerprint lost", output=what.trace.output.id, detail="Too busy.")
                return
            self._waiting_bytes += what.samples.nbytes
        self._waiting.append(what)
        if self._keeper is None or self._keeper.done():
            # A context of its own: what it logs is not of this request.
            self._keeper = asyncio.create_task(self._keep(), context=Context())

    async def close(self) -> None:
        """Write all that waits."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        await self.flush()
        if self._ended:
            log.error("fingerprints lost", outputs=len(self._ended))

    async def settle(self) -> None:
        """Have what was spoken before in the store, unless that takes long."""
        if self._waiting or self._ended:
            flush = asyncio.create_task(self.flush(), context=Context())
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)
            await asyncio.wait([flush], timeout=_PATIENCE_S)

    async def flush(self) -> None:
        """Listen to what waits, and write it. What cannot be written stays for the next time."""
        async with self._writing:
            await see_through(self._work())

    async def _keep(self) -> None:
        """Work now and then, until nothing waits."""
        while self._waiting or self._ended:
            await self._listened()
            await asyncio.sleep(_LINGER_S)
            await self.flush()

    async def _listened(self) -> None:
        """Samples take memory: they do not wait for the end of their output."""
        async with self._writing:
            await see_through(self._listen())

    async def _listen(self) -> None:
        while self._waiting:
            one = self._waiting.popleft()
            if isinstance(one, _Sentence):
                self._waiting_bytes -= one.samples.nbytes
                await in_thread(None, one.listen)
            elif len(self._ended) < self._limits.outputs:
                self._ended.append(one.heard())
            else:
                log.error("fingerprint lost", output=one.output.id, detail="The database is away.")

    async def _work(self) -> None:
        await self._listen()
        try:
            while group := self._ended[:_GROUP]:
                await self._write(group)
                del self._ended[: len(group)]
        except DatabaseError as error:
            log.warning("fingerprints not written yet", detail=error.detail)

    async def _write(self, group: list[Heard]) -> None:
        try:
            await self._store.add(group)
        except (Conflict, InvalidRequest):  # one of them spoils all
            for one in group:
                await self._write_alone(one)

    async def _write_alone(self, one: Heard) -> None:
        try:
            await self._store.add([one])
        except Conflict:  # it is there: an earlier try did succeed
            return
        except InvalidRequest as error:
            log.warning("fingerprint lost", output=one.output.id, detail=error.detail)
