"""Whether speech is marked, which the operator decides and no request."""

from collections.abc import Callable
from typing import Protocol

from app.audio.types import Samples
from app.core.tasks import in_thread


class Mark(Protocol):
    """Adds a mark that is not heard. Blocks; thread safe."""

    def mark(self, samples: Samples, sample_rate: int) -> Samples: ...


class Watermark:
    """Marks all that is spoken, or nothing. Never silently nothing: what cannot be marked is not
    spoken.

    Args:
        load: gives what marks, the same at each call, since it loads a model; None if nothing is
            to be marked.
    """

    def __init__(self, load: Callable[[], Mark] | None) -> None:
        self._load = load

    @property
    def marks(self) -> bool:
        return self._load is not None

    async def warm_up(self) -> None:
        """Load the model now.

        Raises:
            AssetError, EngineUnavailable: it is missing or damaged.
        """
        if self._load is not None:
            await in_thread(None, self._load)

    def mark(self, samples: Samples, sample_rate: int) -> Samples:
        """float32 (n,) as it may leave the house. Blocks.

        Raises:
            AssetError, EngineUnavailable: as `warm_up`
            EngineFailed: the model failed.
        """
        return samples if self._load is None else self._load().mark(samples, sample_rate)
