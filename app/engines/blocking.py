"""Lets an engine be written as plain synchronous code."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from app.audio.types import Recording, SpeechChunk
from app.core.exceptions import EngineFailed
from app.core.tasks import in_thread, see_through
from app.engines.base import (
    EngineInfo,
    SynthesisRequest,
    TrainingEvent,
    TrainingOptions,
    VoiceState,
    trainer,
)


class BlockingEngine(ABC):
    """Runs the synchronous methods of a subclass in threads of its own, `info.concurrency` at a
    time.

    The next chunk is made when it is asked for, so a consumer that stops asking stops the work.
    Looking ahead is left to the consumer. A thread cannot be interrupted from outside: a cancelled
    synthesis keeps its slot until its chunk is done, or `interrupt` has ended it.
    """

    def __init__(self, info: EngineInfo) -> None:
        self._info = info
        background = info.background_concurrency or info.concurrency
        self._slots = asyncio.Semaphore(info.concurrency)
        self._background_slots = asyncio.Semaphore(background)
        self._enrolling = asyncio.Lock()
        self._training = asyncio.Lock()
        self._threads = ThreadPoolExecutor(
            info.concurrency + background + 1, thread_name_prefix=info.name
        )
        # One thread for all steps of a training: PyTorch keeps modes such as `no_grad` by thread.
        self._trainer = ThreadPoolExecutor(1, thread_name_prefix=f"{info.name}-train")
        self._at_work = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._opening = asyncio.Lock()
        self._is_open = False

    @property
    def info(self) -> EngineInfo:
        return self._info

    @abstractmethod
    def load(self) -> None:
        """Load the weights; raises `EngineUnavailable`."""

    @abstractmethod
    def make_voice(self, recordings: Sequence[Recording]) -> VoiceState:
        """Do the work of `Engine.enroll`."""

    @abstractmethod
    def sample_voice(self) -> VoiceState:
        """See `Engine.sample_voice`."""

    @abstractmethod
    def check(self, text: str, language: str | None) -> None:
        """See `Engine.check`. Called on the event loop, after `load`."""

    @abstractmethod
    def speak(self, request: SynthesisRequest) -> Generator[SpeechChunk, None, None]:
        """Do the work of `Engine.synthesize`."""

    def interrupt(self, request: SynthesisRequest) -> None:  # noqa: B027 - need not be done
        """The chunk that is being made for this very request is not wanted any more: have its
        thread end soon, with any error. Called on the event loop.
        """

    def train_blocking(
        self, recordings: Sequence[Recording], start: VoiceState | None, options: TrainingOptions
    ) -> Generator[TrainingEvent, None, None]:
        """Do the work of `Trainable.train`, for an engine whose `info.trainable` is true.

        Between two events it cannot be stopped.
        """
        raise NotImplementedError

    def refine_blocking(
        self, recordings: Sequence[Recording], start: VoiceState
    ) -> Generator[VoiceState | None, None, None]:
        """Do the work of `Refinable.refine`: yields None after each short step, and at the end the
        better voice if there is one.
        """
        yield from ()

    async def open(self) -> None:
        async with self._opening:
            if not self._is_open:
                await in_thread(self._threads, self._load_once)

    async def close(self) -> None:
        for pool in (self._threads, self._trainer):
            pool.shutdown(wait=False, cancel_futures=True)

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        await self.open()
        # One at a time, beside the speaking: seconds of enrolment must not stop every stream.
        with self._working():
            async with self._enrolling:
                return await in_thread(self._threads, self.make_voice, recordings)

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        await self.open()
        with self._working():
            async with self._background_slots if request.background else self._slots:
                chunks = self.speak(request)
                spoken = False
                try:
                    while (chunk := await self._next(chunks, request)) is not None:
                        spoken = True
                        yield chunk
                finally:
                    chunks.close()
            if not spoken:
                raise EngineFailed("The engine gave no audio for the text.")

    async def train(
        self,
        recordings: Sequence[Recording],
        start: VoiceState | None,
        *,
        options: TrainingOptions,
    ) -> AsyncGenerator[TrainingEvent, None]:
        trainer(self)
        await self.open()
        # One at a time, beside the speaking and enrolling.
        with self._working():
            async with self._training:
                events = self.train_blocking(recordings, start, options)
                try:
                    while (event := await in_thread(self._trainer, next, events, None)) is not None:
                        yield event
                finally:
                    await in_thread(self._trainer, events.close)

    async def refine(self, recordings: Sequence[Recording], start: VoiceState) -> VoiceState | None:
        await self.open()
        steps = self.refine_blocking(recordings, start)
        done = object()
        try:
            while True:
                while self._at_work:
                    await self._quiet.wait()
                    await asyncio.sleep(0)  # who has waited for a turn begins now, and goes first
                step = await in_thread(self._trainer, next, steps, done)
                if step is done or step is not None:
                    return step if isinstance(step, VoiceState) else None
        finally:
            await in_thread(self._trainer, steps.close)

    async def _next(
        self, chunks: Generator[SpeechChunk, None, None], request: SynthesisRequest
    ) -> SpeechChunk | None:
        making = asyncio.ensure_future(in_thread(self._threads, next, chunks, None))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            self.interrupt(request)
            with suppress(asyncio.CancelledError):  # told already
                await see_through(asyncio.wait([making]))
            making.exception()  # seen: it was interrupted
            raise

    @contextmanager
    def _working(self) -> Iterator[None]:
        """While somebody waits for what is done in here, refining waits."""
        self._at_work += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._quiet.set()

    def _load_once(self) -> None:
        self.load()
        self._is_open = True  # here, so that a cancelled `open` does not load again
