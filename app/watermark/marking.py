"""Whether speech is marked, which the operator decides and no request; and whether it was."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.audio.types import Samples
from app.core.exceptions import EngineUnavailable
from app.core.tasks import in_thread
from app.watermark.finding import Found, Score, find


class Mark(Protocol):
    """Adds a mark that is not heard. Blocks; thread safe."""

    def mark(self, samples: Samples, sample_rate: int) -> Samples: ...


@dataclass(frozen=True, slots=True)
class Watermark:
    """Marks all that is spoken, or nothing. Never silently nothing: what cannot be marked is not
    spoken.

    Attributes:
        marker: gives what marks, the same at each call, since it loads a model; None if nothing is
            to be marked.
        detector: gives what finds the mark, in the same way; None if nothing here can.
    """

    marker: Callable[[], Mark] | None = None
    detector: Callable[[], Score] | None = None

    @property
    def marks(self) -> bool:
        return self.marker is not None

    async def warm_up(self) -> None:
        """Load what marks now.

        Raises:
            AssetError, EngineUnavailable: it is missing or damaged.
        """
        if self.marker is not None:
            await in_thread(None, self.marker)

    def mark(self, samples: Samples, sample_rate: int) -> Samples:
        """float32 (n,) as it may leave the house. Blocks.

        Raises:
            AssetError, EngineUnavailable: as `warm_up`
            EngineFailed: the model failed.
        """
        return samples if self.marker is None else self.marker().mark(samples, sample_rate)

    def find(self, samples: Samples, sample_rate: int) -> Found:
        """Where a sound, float32 (n,), is marked. Blocks: some 2 % of the time that it takes.

        Raises:
            AssetError, EngineUnavailable: the model is missing or damaged.
            EngineFailed: the model failed.
        """
        if self.detector is None:
            raise EngineUnavailable(
                "Nothing here finds the watermark.",
                "It comes with the real engine; `voice-cloning doctor` says what is missing.",
            )
        return find(self.detector(), samples, sample_rate)
