"""Whose voice it is that somebody wants to clone, as far as embeddings tell."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import UUID, uuid5

import numpy as np
from numpy.typing import NDArray

from app.abuse.flags import Flags
from app.audio.ears import Ears, no_encoder
from app.audio.types import Recording
from app.core.config import Settings
from app.core.exceptions import Conflict, SpeakerDenied
from app.core.metrics import Metrics
from app.db.audit import AuditTrail
from app.db.base import Collection, pages
from app.models.audit import Action
from app.models.flag import FlagKind
from app.models.speaker import DeniedSpeaker, VoiceSpeaker
from app.models.voice import Voice
from app.speaker.similarity import LIKELY, VERY_LIKELY, Embedding, centre

_KnownT = TypeVar("_KnownT", DeniedSpeaker, VoiceSpeaker)

_NAMESPACE: Final = UUID("2c4d7a3e-6f0b-5b1c-8d2e-91f3a7c5e804")
_PAGE: Final = 500
_MOST_TOLD: Final = 10  # in one flag


@dataclass(frozen=True, slots=True)
class Likeness:
    """Somebody whom a speaker resembles. `similarity`: cosine."""

    id: str
    similarity: float


@dataclass(frozen=True, slots=True)
class WatchRules:
    """From which similarity on somebody counts as the same speaker; see `app.speaker.similarity`.

    Attributes:
        denied: as one who may not be cloned. From `LIKELY` on, administrators are told.
        duplicate: as the speaker of another owner's voice.
    """

    denied: float = VERY_LIKELY
    duplicate: float = VERY_LIKELY

    @classmethod
    def of(cls, settings: Settings) -> "WatchRules":
        return cls(settings.denied_speaker_similarity, settings.duplicate_speaker_similarity)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What recordings tell of their speaker.

    Attributes:
        speaker: None where there is no encoder.
        near: people who may not be cloned, likely but not very likely the same.
    """

    speaker: Embedding | None = None
    near: tuple[Likeness, ...] = ()


class SpeakerWatch:
    """Looks at the speaker of everything that a voice is made of."""

    def __init__(
        self,
        *,
        denied: Collection[DeniedSpeaker],
        speakers: Collection[VoiceSpeaker],
        ears: Ears,
        flags: Flags,
        audit: AuditTrail,
        metrics: Metrics,
        rules: WatchRules = WatchRules(),
    ) -> None:
        self._denied = denied
        self._speakers = speakers
        self._rules = rules
        self._ears = ears
        self._flags = flags
        self._audit = audit
        self._metrics = metrics

    async def look(
        self,
        owner: str,
        heard: Sequence[tuple[Recording, Embedding | None]],
        speaker: Embedding | None,
    ) -> Sighting:
        """Refuse the voice of somebody who may not be cloned.

        Args:
            owner: who would have the voice.
            heard: recordings, each with the embedding of its first minute.
            speaker: what those have in common that can be used.

        Raises:
            SpeakerDenied: at least one is of such a person. It is in the audit trail.
            EngineUnavailable: there are such people, and nothing here that tells speakers apart.
        """
        near: list[Likeness] = []
        probes: NDArray[np.float32] | None = None
        async for page in pages(lambda cursor: self._denied.list(limit=_PAGE, cursor=cursor)):
            if page and probes is None:
                probes = await self._probes(heard, speaker)
            for denied, similarity in _compared(page, probes):
                if similarity >= self._rules.denied:
                    await self._refuse(owner, denied)
                if similarity >= LIKELY:
                    near.append(Likeness(denied.id, similarity))
        return Sighting(speaker, _most_alike(near))

    async def keep(self, voice: Voice, sighting: Sighting) -> None:
        """Keep who speaks in a voice, unless that is known already. It goes with `forget`.

        Raises:
            DatabaseError: it is not kept.
        """
        if sighting.speaker is None:
            return
        speaker = VoiceSpeaker(id=voice.id, owner=voice.owner, embedding=packed(sighting.speaker))
        with suppress(Conflict):
            await self._speakers.add(speaker)

    async def forget(self, voice_id: str) -> None:
        """Erase who speaks in a voice.

        Raises:
            DatabaseError: it is still there.
        """
        await self._speakers.delete(voice_id)

    async def tell(self, voice: Voice, sighting: Sighting) -> None:
        """Raise flags about a voice that was stored: each once for a voice.

        Raises:
            DatabaseError: they were not raised.
        """
        if sighting.near:
            await self._tell_near(voice.owner, voice.id, sighting.near)
        if sighting.speaker is None:
            return
        found: list[tuple[VoiceSpeaker, float]] = []
        async for speaker, similarity in self._voices_like(sighting.speaker):
            if speaker.owner != voice.owner and similarity >= self._rules.duplicate:
                found.append((speaker, similarity))
        if not found:
            return
        found.sort(key=lambda one: one[1], reverse=True)
        voices = [
            {"voice_id": one.id, "owner": one.owner, "similarity": round(similarity, 4)}
            for one, similarity in found[:_MOST_TOLD]
        ]
        await self._flags.show(
            FlagKind.DUPLICATE_SPEAKER,
            owner=voice.owner,
            subject=voice.id,
            details={"voices": voices, "more": len(found) - len(voices)},
            flag_id=_once(FlagKind.DUPLICATE_SPEAKER, voice.id),
        )

    async def tell_of(self, denied: DeniedSpeaker) -> None:
        """Raise flags about voices that are there already, of one who may not be cloned from now
        on.

        Raises:
            DatabaseError: not all were raised.
        """
        probe = np.frombuffer(denied.embedding, "<f4")
        async for speaker, similarity in self._voices_like(probe):
            if similarity >= self._rules.denied:
                near = (Likeness(denied.id, similarity),)
                await self._tell_near(speaker.owner, speaker.id, near)

    async def sweep(self, voices: Collection[Voice], *, before: datetime) -> int:
        """Erase what is kept of voices that are gone, and was kept before this moment: a deletion
        that failed has left it.

        Raises:
            DatabaseError: some may be left.
        """
        gone = 0
        async for page in pages(lambda cursor: self._speakers.list(limit=_PAGE, cursor=cursor)):
            there = await voices.existing([one.id for one in page])
            lost = [one.id for one in page if one.id not in there and one.created_at <= before]
            gone += await self._speakers.delete_all(lost) if lost else 0
        return gone

    async def _voices_like(self, speaker: Embedding) -> AsyncIterator[tuple[VoiceSpeaker, float]]:
        """All voices, each with its cosine to a speaker; without those of another encoder."""
        async for page in pages(lambda cursor: self._speakers.list(limit=_PAGE, cursor=cursor)):
            alike = [one for one in page if len(one.embedding) == speaker.nbytes]
            for found in _compared(alike, speaker[None]):
                yield found

    async def _tell_near(self, owner: str, voice_id: str, near: Sequence[Likeness]) -> None:
        denied = [
            {"denied_speaker_id": one.id, "similarity": round(one.similarity, 4)} for one in near
        ]
        await self._flags.show(
            FlagKind.DENIED_SPEAKER_NEAR,
            owner=owner,
            subject=voice_id,
            details={"denied": denied},
            flag_id=_once(FlagKind.DENIED_SPEAKER_NEAR, voice_id, near[0].id),
        )

    async def identity(self, recording: Recording) -> Embedding:
        """Who speaks in a recording.

        Raises:
            EngineUnavailable: there is nothing here that tells.
        """
        return centre(np.stack([part async for part in self._parts(recording)]))

    async def _probes(
        self, heard: Sequence[tuple[Recording, Embedding | None]], speaker: Embedding | None
    ) -> NDArray[np.float32]:
        """(n, 256): each minute of each recording, and what all have in common. A voice is refused
        for any of them: else the speaker could hide behind another one's first minute.
        """
        probes = [] if speaker is None else [speaker]
        for recording, vector in heard:
            if vector is not None and recording.duration_s <= self._ears.embedded_s:
                probes.append(vector)
            else:
                probes += [part async for part in self._parts(recording)]
        if not probes:  # nothing was heard, so nothing is made of it
            raise no_encoder("There is nothing to tell the speaker by.")
        return np.stack(probes)

    async def _parts(self, recording: Recording) -> AsyncIterator[Embedding]:
        """The embeddings of its minutes, the rest with the last whole one."""
        rate, step_s = recording.sample_rate, self._ears.embedded_s
        count = max(1, int(recording.duration_s / step_s))
        for samples in np.array_split(recording.samples, count):
            vector = await self._ears.embed(Recording(samples, rate))
            if vector is None:
                raise no_encoder(
                    "There are people who may not be cloned here, and no speaker encoder that "
                    "would tell them from others."
                )
            yield vector

    async def _refuse(self, owner: str, denied: DeniedSpeaker) -> None:
        self._metrics.abuse(SpeakerDenied.code)
        await self._audit.record(
            Action.SPEAKER_DENIED,
            denied.model_copy(update={"owner": owner}),
            outcome=SpeakerDenied.code,
        )
        raise SpeakerDenied(
            "The recording is very likely of somebody whose voice may not be cloned here.",
            "If that is a mistake, report it with the request id: POST /api/v1/reports.",
        )


def packed(embedding: Embedding) -> bytes:
    """As it is stored: float32, little-endian."""
    return embedding.astype("<f4").tobytes()


def _once(kind: FlagKind, *ids: str) -> str:
    """Id of a flag that is raised once about these."""
    return str(uuid5(_NAMESPACE, " ".join((kind.value, *ids))))


def _compared(
    page: Sequence[_KnownT], probes: NDArray[np.float32] | None
) -> list[tuple[_KnownT, float]]:
    """Each with its highest cosine to any of the probes."""
    if not page or probes is None:
        return []
    known = np.stack([np.frombuffer(one.embedding, "<f4") for one in page])
    best = (known @ probes.T).max(axis=1)
    return [(one, float(score)) for one, score in zip(page, best, strict=True)]


def _most_alike(found: Sequence[Likeness]) -> tuple[Likeness, ...]:
    by_likeness = sorted(found, key=lambda one: one.similarity, reverse=True)
    return tuple(by_likeness[:_MOST_TOLD])
