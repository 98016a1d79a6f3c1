"""What a training learns from, and what it is judged by."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from app.audio.ears import Ears
from app.audio.types import Recording
from app.core.exceptions import (
    UnreadableAudio,
    UnsuitableRecording,
    UnsupportedFormat,
    UploadTooLarge,
)
from app.db.base import Collection, every
from app.models.voice import Voice, VoiceSample
from app.storage.base import BlobStore

_HOLD_OUT_FROM: Final = 3  # recordings
_HELD_OUT: Final = 0.2  # of the recordings
_LEAST_LEARNT: Final = 0.6  # of the speech
_LEAST_LEFT_S: Final = 30.0
"""Of speech: where there is less, what would be held out makes the voice better than the verdict.
The engine still holds out pieces of what it learns from.
"""
_LEAST_HELD_S: Final = 3.0
"""Of speech, in a recording that is held out: what is shorter says little of who speaks."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording that was listened to. `speech_s`: seconds in which somebody speaks."""

    sample_id: str
    recording: Recording
    speech_s: float


@dataclass(frozen=True, slots=True)
class Material:
    """Recordings of one speaker.

    Attributes:
        learnt: what the engine is given.
        held: what it never hears; none where there are too few.
        refused: id of a sample -> why it cannot be used.
    """

    learnt: Sequence[Heard]
    held: Sequence[Heard] = ()
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def judging(self) -> list[Recording]:
        """What the voice is compared with."""
        return [heard.recording for heard in self.held or self.learnt]

    @property
    def learning(self) -> list[Recording]:
        return [heard.recording for heard in self.learnt]


async def gather(
    voice: Voice, *, samples: Collection[VoiceSample], recordings: BlobStore, ears: Ears
) -> Material:
    """Listen to all recordings of a voice.

    Raises:
        UnsuitableRecording: none of them can be used.
        AssetError, EngineUnavailable, StorageError, DatabaseError: it cannot be told.
    """
    heard, refused = [], {}
    found = await samples_of(voice, samples)
    for sample in found:
        try:
            if sample.refused is not None:
                raise UnsuitableRecording(sample.refused)
            recording, report = await ears.listen(
                await recordings.get(sample.blob), alone=len(found) == 1
            )
        except FileNotFoundError:
            refused[sample.id] = "Its file is missing."
        except (UnreadableAudio, UnsuitableRecording, UnsupportedFormat, UploadTooLarge) as error:
            refused[sample.id] = error.detail
        else:
            heard.append(Heard(sample.id, recording, report.speech_s))
    if not heard:
        raise UnsuitableRecording(
            f"The voice has no recording that can be used: {next(iter(refused.values()))}",
            "Add a recording of one person speaking for at least five seconds.",
        )
    return Material(*split(heard), refused)


async def samples_of(voice: Voice, samples: Collection[VoiceSample]) -> list[VoiceSample]:
    """The recordings of a voice, oldest first. A voice without a list of them has one."""
    where = {"voice_id": voice.id}
    pages = every(
        lambda cursor: samples.list(where=where, order="created_at", limit=100, cursor=cursor)
    )
    return [sample async for sample in pages] or [
        VoiceSample(
            id=voice.id,
            owner=voice.owner,
            voice_id=voice.id,
            blob=voice.recording_blob,
            filename=voice.filename,
            duration_s=voice.duration_s,
            report=voice.report,
        )
    ]


def split(heard: Sequence[Heard]) -> tuple[list[Heard], list[Heard]]:
    """What is learnt and what is held out: one recording in five, the shortest that tell enough, as
    long as most of the speech is left. The same recordings are always split in the same way.
    """
    if len(heard) < _HOLD_OUT_FROM:
        return list(heard), []
    wanted = max(1, round(_HELD_OUT * len(heard)))
    all_s = left_s = sum(one.speech_s for one in heard)
    held: set[str] = set()
    telling = [one for one in heard if one.speech_s >= _LEAST_HELD_S]
    for one in sorted(telling, key=lambda one: (one.speech_s, one.sample_id))[:wanted]:
        if left_s - one.speech_s < max(_LEAST_LEARNT * all_s, _LEAST_LEFT_S):
            break
        left_s -= one.speech_s
        held.add(one.sample_id)
    return (
        [one for one in heard if one.sample_id not in held],
        [one for one in heard if one.sample_id in held],
    )
