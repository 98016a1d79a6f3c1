"""Lets an engine be written as plain synchronous code."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor

from app.audio.types import Recording, SpeechChunk
from app.core.exceptions import EngineFailed
from app.core.tasks import in_thread
from app.engines.base import EngineInfo, SynthesisRequest, VoiceState


class BlockingEngine(ABC):
    """Runs the synchronous methods of a subclass in threads of its own, `info.concurrency` at a
    time.

    The next chunk is made when it is asked for, so a consumer that stops asking stops the work.
    Looking ahead is left to the consumer. A thread cannot be interrupted: a cancelled synthesis
    keeps its slot until its chunk is done.
    """

    def __init__(self, info: EngineInfo) -> None:
        self._info = info
        self._slots = asyncio.Semaphore(info.concurrency)
        self._enrolling = asyncio.Lock()
        self._threads = ThreadPoolExecutor(info.concurrency + 1, thread_name_prefix=info.name)
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

    async def open(self) -> None:
        async with self._opening:
            if not self._is_open:
                await in_thread(self._threads, self._load_once)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def enroll(self, recordings: Sequence[Recording]) -> VoiceState:
        await self.open()
        # One at a time, beside the speaking: seconds of enrolment must not stop every stream.
        async with self._enrolling:
            return await in_thread(self._threads, self.make_voice, recordings)

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        await self.open()
        async with self._slots:
            chunks = self.speak(request)
            spoken = False
            try:
                while (chunk := await in_thread(self._threads, next, chunks, None)) is not None:
                    spoken = True
                    yield chunk
            finally:
                chunks.close()
            if not spoken:
                raise EngineFailed("The engine gave no audio for the text.")

    def _load_once(self) -> None:
        self.load()
        self._is_open = True  # here, so that a cancelled `open` does not load again
