"""How far a training is, stored so that another process can go on with it."""

import json
from dataclasses import asdict, dataclass
from typing import Final

from app.core.exceptions import StorageError
from app.core.logging import get_logger
from app.engines.base import VoiceState
from app.storage.base import BlobStore
from app.training.measuring import Measured

log = get_logger(__name__)

_MAGIC: Final = b"voice-cloning training checkpoint, version 1\n"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A training that has not ended.

    Attributes:
        spent_s: seconds that it has had, and may have had since.
        made_from: number of the version that it began with.
        before: how that version was.
        measuring_s: how long it took to find that out.
        state: the voice so far; None before the first is there.
    """

    spent_s: float
    made_from: int
    before: Measured
    measuring_s: float
    state: VoiceState | None = None

    def to_bytes(self) -> bytes:
        """A line that names the format, a line of JSON, the payload of the state."""
        header = {
            "spent_s": self.spent_s,
            "made_from": self.made_from,
            "before": asdict(self.before),
            "measuring_s": self.measuring_s,
            "state": None
            if self.state is None
            else {
                "engine": self.state.engine,
                "format": self.state.format,
                "similarity": self.state.similarity,
            },
        }
        payload = b"" if self.state is None else self.state.payload
        return _MAGIC + json.dumps(header).encode() + b"\n" + payload

    @classmethod
    def from_bytes(cls, content: bytes) -> "Checkpoint":
        """Raise `ValueError` if it is not one, or of another version."""
        if not content.startswith(_MAGIC):
            raise ValueError("no checkpoint of this version")
        line, _, payload = content[len(_MAGIC) :].partition(b"\n")
        header = json.loads(line)
        state = header.pop("state")
        before = Measured(**header.pop("before"))
        return cls(
            before=before,
            state=None if state is None else VoiceState(payload=payload, **state),
            **header,
        )


class Checkpoints:
    """Those of one job, one at a time: each takes the place of the one before."""

    def __init__(self, states: BlobStore, voice_id: str, job_id: str) -> None:
        self._states = states
        self._name = f"{voice_id}/checkpoint-{job_id}"

    async def load(self) -> Checkpoint | None:
        """What was saved last."""
        try:
            return Checkpoint.from_bytes(await self._states.get(self._name))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):
            log.warning("a checkpoint cannot be read: the training begins anew", file=self._name)
            return None

    async def save(self, checkpoint: Checkpoint) -> None:
        await self._states.put(self._name, checkpoint.to_bytes())

    async def delete(self) -> None:
        try:
            await self._states.delete(self._name)
        except StorageError:
            log.warning("a checkpoint stays until the next sweep", file=self._name)
