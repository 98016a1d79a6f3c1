"""Listening to many recordings of one voice: which can be used, and why the others cannot."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.audio.ears import Ears
from app.audio.types import Recording, RecordingReport
from app.core.exceptions import (
    AppError,
    RecordingTooLong,
    UnreadableAudio,
    UnsuitableRecording,
    UnsupportedFormat,
    UploadTooLarge,
)
from app.core.tasks import in_thread
from app.models.voice import VoiceSample
from app.services.voices.tools import Incoming
from app.services.voices.words import clean_filename
from app.speaker.similarity import LIKELY, UNCERTAIN, Embedding, centre, to_the_majority

_UNUSABLE: Final = (UnreadableAudio, UnsuitableRecording, UnsupportedFormat, UploadTooLarge)
_MAYBE_ANOTHER: Final = "Another speaker than in most recordings? Listen to it again."


@dataclass(frozen=True, slots=True)
class Heard:
    """A recording that was listened to.

    Attributes:
        digest: SHA-256, hexadecimal.
        recording: what an engine can use of it; None if nothing.
        problem: why it is not used.
        speaker: who speaks in it; None if it cannot be used, or nothing here can tell.
        duplicate_of: id of the sample, or else name of the file, that is the same recording.
    """

    incoming: Incoming
    digest: str
    recording: Recording | None = None
    report: RecordingReport | None = None
    problem: AppError | None = None
    speaker: Embedding | None = None
    duplicate_of: str | None = None

    @property
    def usable(self) -> bool:
        return self.recording is not None and self.problem is None and self.duplicate_of is None

    def sample(self, owner: str, voice_id: str) -> VoiceSample:
        """The record of it, with a new id and name."""
        sample = VoiceSample(
            owner=owner,
            voice_id=voice_id,
            blob="",
            filename=clean_filename(self.incoming.filename),
            digest=self.digest,
            duration_s=self.report.duration_s if self.report else 0.0,
            report=self.report,
            refused=self.problem.detail if self.problem else None,
        )
        return sample.model_copy(update={"blob": f"{voice_id}/sample-{sample.id}"})


@dataclass(frozen=True, slots=True)
class Known:
    """What a voice has already. `digests`: SHA-256 -> id of the sample."""

    digests: Mapping[str, str]
    speech_s: float = 0.0
    speaker: Sequence[NDArray[np.float32]] = ()


NOTHING: Final = Known({})


async def hear(
    ears: Ears, incoming: Collection[Incoming], *, known: Known = NOTHING, speech_s: float
) -> list[Heard]:
    """Listen to recordings, in their order.

    Args:
        known: of the voice that they come to.
        speech_s: more than that together is not used.

    Raises:
        AssetError, EngineUnavailable: what listens is not there.
    """
    alone = len(incoming) == 1 and known is NOTHING
    digests = dict(known.digests)
    heard: list[Heard] = []
    room_s = speech_s - known.speech_s
    for one in incoming:
        listened = await _hear(ears, one, digests, alone=alone)
        if listened.recording is not None:
            listened, room_s = _within(listened, room_s)
        heard.append(listened)
    return await _of_one_speaker(ears, heard, known.speaker)


def usable(ears: Ears, heard: Sequence[Heard], *, known: Known = NOTHING) -> list[Heard]:
    """Those that can be used.

    Raises:
        UnreadableAudio, UnsuitableRecording, UploadTooLarge: none; the first one's reason.
        RecordingTooShort: too little speech together.
    """
    good = [one for one in heard if one.usable]
    for one in heard:
        if not good and one.problem is not None:
            raise one.problem
    if good and known is NOTHING:
        ears.check_together([one.report for one in good if one.report])
    return good


def duplicates_of(heard: Sequence[Heard]) -> list[tuple[str, str]]:
    """Names of files that were there already, and of what they are the same as."""
    return [(one.incoming.filename, one.duplicate_of) for one in heard if one.duplicate_of]


async def _hear(ears: Ears, one: Incoming, digests: dict[str, str], *, alone: bool) -> Heard:
    content = await in_thread(None, one.read)
    digest = (await in_thread(None, sha256, content)).hexdigest()
    if digest in digests:
        return Heard(one, digest, duplicate_of=digests[digest])
    digests[digest] = clean_filename(one.filename)
    try:
        recording, report = await ears.listen(content, alone=alone)
    except _UNUSABLE as error:
        return Heard(one, digest, problem=error)
    return Heard(one, digest, recording, report)


def _within(one: Heard, room_s: float) -> tuple[Heard, float]:
    """The recording, refused if there is no room for it, and the room that is left."""
    assert one.recording is not None  # noqa: S101 - looked at before
    if one.recording.duration_s <= room_s:
        return one, room_s - one.recording.duration_s
    problem = RecordingTooLong(
        "With it the recordings of the voice are too long together.",
        "A few minutes of clean speech are enough: leave out others to use this one.",
        measured=round(one.recording.duration_s, 3),
        limit=round(max(0.0, room_s), 3),
    )
    return replace(one, recording=None, problem=problem), room_s


async def _of_one_speaker(
    ears: Ears, heard: list[Heard], speaker: Sequence[NDArray[np.float32]]
) -> list[Heard]:
    """Those of another speaker refused: than the voice's or, if it is new, than most."""
    places = [place for place, one in enumerate(heard) if one.usable]
    vectors: list[Embedding] = []
    for place in places:
        recording = heard[place].recording
        vector = await ears.embed(recording) if recording is not None else None
        if vector is None:  # there is no encoder
            return heard
        vectors.append(vector)
        heard[place] = replace(heard[place], speaker=vector)
    if len(places) + bool(speaker) < 2:
        return heard
    here = np.stack(vectors)
    scores = here @ centre(np.stack(speaker)) if speaker else to_the_majority(here)
    for place, score in zip(places, scores, strict=True):
        heard[place] = _judged(heard[place], float(score))
    return heard


def _judged(one: Heard, similarity: float) -> Heard:
    if similarity < UNCERTAIN:
        problem = UnsuitableRecording(
            f"It sounds like another speaker (similarity {similarity:.2f}).",
            "A voice is made of recordings of one person: register the other one by itself.",
            measured=round(similarity, 4),
            limit=UNCERTAIN,
        )
        return replace(one, problem=problem)
    if similarity < LIKELY and one.report is not None:
        warnings = [*one.report.warnings, _MAYBE_ANOTHER]
        return replace(one, report=one.report.model_copy(update={"warnings": warnings}))
    return one
