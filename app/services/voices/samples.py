"""The recordings of a voice: add, list, hear, delete, and compare another one with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.abuse.speakers import Sighting
from app.audio.ears import no_encoder
from app.audio.types import RecordingReport
from app.core.exceptions import (
    AudioNotKept,
    Conflict,
    DatabaseError,
    InvalidRequest,
    SampleNotFound,
    UnsuitableRecording,
    VersionConflict,
    VoiceNotFound,
)
from app.core.ids import is_id
from app.core.logging import get_logger
from app.core.tasks import in_thread, see_through
from app.db.voices import find_voice, update_voice
from app.models.audit import Action
from app.models.voice import Voice, VoiceSample
from app.services.voices.hearing import Known, duplicates_of
from app.services.voices.receiving import Sent, received
from app.services.voices.shelf import Kept, Shelf
from app.services.voices.tools import VoiceTools
from app.services.voices.watching import listened
from app.speaker.similarity import centre

log = get_logger(__name__)

_COMPARED: Final = 5  # recordings of a voice: more take longer and tell little more
_TRIES: Final = 20  # when others change the same voice


@dataclass(frozen=True, slots=True)
class Added:
    """What became of recordings that came to a voice; see `Begun`."""

    samples: list[VoiceSample]
    duplicates: list[tuple[str, str]]
    ignored: list[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A recording beside a voice.

    Attributes:
        similarity: cosine to the recordings of the voice.
        compared: how many of these.
    """

    similarity: float
    compared: int
    report: RecordingReport


class SampleService:
    """Recordings of the callers' voices."""

    def __init__(self, tools: VoiceTools) -> None:
        self._tools = tools
        self._shelf = Shelf(tools)

    async def list(self, voice: Voice) -> list[VoiceSample]:
        """The recordings of a voice, oldest first."""
        return await self._shelf.samples(voice)

    async def add(self, voice: Voice, files: Sequence[Sent]) -> Added:
        """Add recordings to a voice: its next training learns from them as well.

        Raises:
            VoiceNotFound: there is none with this id, or it is somebody else's.
            InvalidRequest, ArchiveInvalid, UploadTooLarge, UnreadableAudio, UnsuitableRecording:
                none of them can be used.
            ConsentMismatch, ConsentUnusable: the speaker of one is not who has agreed, or that
                was revoked.
            SpeakerDenied: the speaker may not be cloned.
            EngineBusy, AssetError, EngineUnavailable, StorageError, DatabaseError: it failed.
                Nothing is left of it.
        """
        tools, owner = self._tools, voice.owner
        there = await self._shelf.samples(voice)
        with tools.admission.enter():
            came = await in_thread(None, received, files, tools.limits)
            self._check_room(len(there) + len(came.recordings))
            known = await self._known(there)
            room_s = tools.limits.speech_s
            found = await listened(tools, owner, came.recordings, known=known, speech_s=room_s)
            if voice.consent_id is not None:
                consent = await tools.desk.usable(owner, voice.consent_id)
                tools.desk.check_speaker(consent, [one.speaker for one in found.good])
        new = [
            Kept(one.sample(owner, voice.id), one.incoming.read)
            for one in found.heard
            if one.duplicate_of is None
        ]
        if new:
            await see_through(self._store(voice, new, found.sighting))
        return Added([kept.sample for kept in new], duplicates_of(found.heard), came.ignored)

    async def audio(self, voice: Voice, sample_id: str) -> tuple[VoiceSample, bytes]:
        """A recording, as it was sent.

        Raises:
            SampleNotFound
            AudioNotKept: its file is missing.
        """
        sample = await self._sample(voice, sample_id)
        try:
            return sample, await self._tools.stores.recordings.get(sample.blob)
        except FileNotFoundError as error:
            raise AudioNotKept("The file of the recording is missing.", "Add it again.") from error

    async def delete(self, voice: Voice, sample_id: str) -> None:
        """Delete a recording. What was learnt from it stays in the versions of the voice.

        Raises:
            VoiceNotFound: it was deleted meanwhile.
            SampleNotFound
            Conflict: it is the last one that can be used.
            VersionConflict: the voice is changed by too many at once.
        """
        sample = await self._sample(voice, sample_id)
        await see_through(self._delete(voice, sample))

    async def verify(self, voice: Voice, sent: Sent) -> Comparison:
        """Compare a recording with those of a voice.

        Raises:
            UploadTooLarge, UnreadableAudio, UnsuitableRecording: nothing can be told from the file.
            EngineUnavailable: there is nothing here that tells speakers apart.
        """
        there = await self._shelf.samples(voice)
        with self._tools.admission.enter():
            content = await in_thread(None, sent.read)
            recording, report = await self._tools.ears.listen(content)
            heard = await self._tools.ears.embed(recording)
            if heard is None:
                raise no_encoder("There is no speaker encoder here: recordings cannot be compared.")
            speaker = await self._speaker(there)
        if not speaker:
            raise UnsuitableRecording(
                "The voice has no recording to compare with.", "Add a recording to it."
            )
        similarity = float(heard @ centre(np.stack(speaker)))
        return Comparison(round(similarity, 4), len(speaker), report)

    async def _sample(self, voice: Voice, sample_id: str) -> VoiceSample:
        sample = await self._tools.samples.get(sample_id) if is_id(sample_id) else None
        if sample is None or sample.voice_id != voice.id:
            raise SampleNotFound(
                f"The voice has no recording {sample_id[:64]!r}.",
                "GET /api/v1/voices/{voice_id}/samples lists them.",
            )
        return sample

    def _check_room(self, count: int) -> None:
        limit = self._tools.limits.samples
        if count > limit:
            raise InvalidRequest(
                f"The voice would have {count} recordings; at most {limit} are kept.",
                "Delete some first, refused ones for example.",
                limit=limit,
            )

    async def _known(self, there: Sequence[VoiceSample]) -> Known:
        digests: dict[str, str] = {}
        speech_s = 0.0
        for sample in there:
            if sample.digest is not None:
                digests[sample.digest] = sample.id
            if sample.refused is None and sample.report is not None:
                speech_s += sample.report.speech_s
        return Known(digests, speech_s, await self._speaker(there))

    async def _speaker(self, there: Sequence[VoiceSample]) -> Sequence[NDArray[np.float32]]:
        """Who speaks in the recordings of a voice; none where nothing can tell."""
        vectors = []
        for sample in [sample for sample in there if sample.refused is None][:_COMPARED]:
            try:
                content = await self._tools.stores.recordings.get(sample.blob)
                recording, _ = await self._tools.ears.listen(content, alone=False)
            except (FileNotFoundError, UnsuitableRecording):
                continue
            vector = await self._tools.ears.embed(recording)
            if vector is None:
                return []
            vectors.append(vector)
        return vectors

    async def _store(self, voice: Voice, new: Sequence[Kept], sighting: Sighting) -> None:
        """Files first, then the records; if the voice was deleted meanwhile, neither."""
        tools, recordings = self._tools, self._tools.stores.recordings
        try:
            for kept in new:
                await recordings.put(kept.sample.blob, await in_thread(None, kept.read))
            async with tools.audit.recorded(Action.VOICE_CHANGED, voice):
                await tools.samples.add_all([kept.sample for kept in new])
                if await tools.voices.get(voice.id) is None:
                    raise VoiceNotFound(f"The voice {voice.id!r} was deleted meanwhile.")
                await tools.watch.keep(voice, sighting)
                await tools.watch.tell(voice, sighting)
        except BaseException:
            await self._undo(voice, new)
            raise

    async def _undo(self, voice: Voice, new: Sequence[Kept]) -> None:
        """The files go only when it is certain that there are no records."""
        try:
            for kept in new:
                await self._tools.samples.delete(kept.sample.id)
        except DatabaseError:
            log.warning("files stay until the next sweep", voice=voice.id)
            return
        for kept in new:
            await self._shelf.remove(self._tools.stores.recordings, kept.sample.blob, voice)

    async def _delete(self, voice: Voice, sample: VoiceSample) -> None:
        for _ in range(_TRIES):
            rest = [one for one in await self._shelf.samples(voice) if one.id != sample.id]
            good = [one for one in rest if one.refused is None]
            if not good and sample.refused is None:
                raise Conflict(
                    "It is the last recording of the voice that can be used.",
                    "Add another one first, or delete the voice.",
                )
            try:
                # Of two at once, one finds the voice changed and looks again at what is left.
                async with self._tools.audit.recorded(Action.VOICE_CHANGED, voice):
                    await update_voice(self._tools.voices, _described_by(voice, good[:1]))
            except VersionConflict:
                voice = await find_voice(self._tools.voices, voice.owner, voice.id)
                continue
            await self._tools.samples.delete(sample.id)
            await self._shelf.remove(self._tools.stores.recordings, sample.blob, voice)
            return
        raise VersionConflict("The voice is changed by too many at once.", "Try again.")


def _described_by(voice: Voice, first: Sequence[VoiceSample]) -> Voice:
    """The voice, with the figures of its oldest recording that can be used."""
    changes: dict[str, Any] = {}
    for sample in first:
        if sample.report is not None:
            changes = {
                "filename": sample.filename,
                "duration_s": sample.report.duration_s,
                "sample_rate": sample.report.sample_rate,
                "report": sample.report,
            }
    return voice.model_copy(update=changes)
