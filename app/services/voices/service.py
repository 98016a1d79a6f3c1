"""Registering, listing, changing and deleting voices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.consents.desk import agreed, consent_for
from app.consents.permit import Standing
from app.core.exceptions import InvalidRequest, VersionConflict, VoiceAccessMissing
from app.core.tasks import see_through
from app.db.base import AnyOf, Page
from app.db.lexicons import find_lexicons
from app.db.voices import find_voice, update_voice
from app.models.audit import Action
from app.models.job import Job
from app.models.voice import Erased, Voice, VoiceSample, VoiceVersion
from app.services.voices.enrolling import agreement_for, enrolled
from app.services.voices.others import OtherEngines
from app.services.voices.shelf import NewVoice, Shelf, cast_of, first_version
from app.services.voices.tools import VoiceTools, incoming_bytes
from app.services.voices.watching import listened
from app.services.voices.words import (
    clean_filename,
    consent_of,
    description_of,
    language_of,
    name_of,
)

SORTS: Final = ("-created_at", "created_at", "name", "-name", "-updated_at", "updated_at")
"""Orders of a list."""


@dataclass(frozen=True, slots=True)
class Upload:
    """What a caller sent to be cloned."""

    content: bytes
    filename: str
    name: str | None = None
    description: str | None = None
    consent_id: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be changed of a voice.

    Attributes:
        version: of the record that the caller has read.
        fields: those that change, by name: `name`, `description`, `language`, `consent`,
            `lexicon_ids`.
        by_owner: else somebody who may manage the voice: the speaker's agreement is not theirs to
            write about, nor are the owner's other lexicons.
    """

    version: int
    fields: Mapping[str, Any]
    by_owner: bool = True


@dataclass(frozen=True, slots=True)
class VoiceStanding:
    """A voice, and how things stand with it.

    Attributes:
        permitted: whether it may speak, and why not.
        job: its last training.
        active: the version that is spoken.
        trained: the version that the last training made.
    """

    voice: Voice
    permitted: Standing
    samples: list[VoiceSample]
    job: Job | None
    active: VoiceVersion | None
    trained: VoiceVersion | None


class VoiceService:
    """Voices of the callers.

    The recordings are kept as they came, beside what the engine made of them.
    """

    def __init__(self, tools: VoiceTools) -> None:
        self._tools = tools
        self._shelf = Shelf(tools)

    async def register(self, owner: str, upload: Upload) -> Voice:
        """Clone a voice from a recording, and count what came of it.

        Raises:
            InvalidRequest: the name or description cannot be used.
            UnreadableAudio, UnsuitableRecording, UploadTooLarge: nothing can be made of the file.
            ConsentRequired, ConsentNotFound, ConsentUnusable, ConsentMismatch: not with this
                consent.
            SpeakerDenied: its speaker may not be cloned.
            EngineError, StorageError, DatabaseError: nothing was stored.
        """
        with self._tools.counted():
            return await self._register(owner, upload)

    async def _register(self, owner: str, upload: Upload) -> Voice:
        tools = self._tools
        filename = clean_filename(upload.filename)
        name = name_of(upload.name, filename)
        description = description_of(upload.description)
        consent = await consent_for(tools.desk, owner, upload.consent_id)
        with tools.admission.enter():
            agreement = await agreement_for(tools, consent, tools.engine)
            incoming = [incoming_bytes(filename, upload.content)]
            came = await listened(tools, owner, incoming, speech_s=float("inf"))
            (good,) = came.good
            recording, report = good.recording, good.report
            assert recording is not None  # noqa: S101 - it is usable
            assert report is not None  # noqa: S101 - it is usable
            if consent is not None:
                tools.desk.check_speaker(consent, [good.speaker])
            state = await enrolled(tools.engine, [recording], agreement)
        voice = Voice(
            owner=owner,
            name=name,
            description=description,
            filename=filename,
            duration_s=report.duration_s,
            sample_rate=report.sample_rate,
            engine=state.engine,
            state_format=state.format,
            similarity=state.similarity,
            report=report,
            **agreed(consent),
        )
        kept = cast_of(came.heard, voice)
        new = NewVoice(voice, kept, [first_version(voice, state)], came.sighting)
        # Cancelled in the middle, it is seen through: a driver's commit cannot be called back.
        await see_through(self._shelf.add(new))
        return await OtherEngines(tools).hold_all(voice)

    async def get(self, owner: str, voice_id: str) -> Voice:
        """One voice.

        Raises:
            VoiceNotFound: there is none with this id, or it is somebody else's.
        """
        return await find_voice(self._tools.voices, owner, voice_id)

    async def standing(self, voice: Voice) -> VoiceStanding:
        """A voice with its recordings, its last training, and how its versions were measured."""
        tools = self._tools
        job_id = voice.training_job_id
        return VoiceStanding(
            voice,
            tools.permit.standing(voice),
            await self._shelf.samples(voice),
            job=None if job_id is None else await tools.jobs.find(job_id),
            active=await self._version(voice, number=voice.active_version),
            trained=None if job_id is None else await self._version(voice, job_id=job_id),
        )

    async def _version(self, voice: Voice, **where: Any) -> VoiceVersion | None:
        found = await self._tools.versions.list(where={"voice_id": voice.id, **where}, limit=1)
        return next(iter(found.items), None)

    async def list(
        self,
        owner: str,
        *,
        where: Mapping[str, str] | None = None,
        order: str = "-created_at",
        limit: int,
        cursor: str | None,
    ) -> Page[Voice]:
        """The owner's voices.

        Args:
            where: field -> value.
            order: one of `SORTS`.
        """
        return await self._tools.voices.list(
            where={"owner": owner, **(where or {})}, order=order, limit=limit, cursor=cursor
        )

    async def among(
        self,
        voice_ids: Sequence[str],
        *,
        where: Mapping[str, str],
        order: str,
        limit: int,
        cursor: str | None,
    ) -> Page[Voice]:
        """Those of some voices, as `list`."""
        return await self._tools.voices.list(
            where={"id": AnyOf(tuple(voice_ids)), **where}, order=order, limit=limit, cursor=cursor
        )

    async def change(self, owner: str, voice_id: str, change: Change) -> Voice:
        """Change what is written about a voice.

        Raises:
            VoiceNotFound: there is none with this id, or it is somebody else's.
            InvalidRequest, UnsupportedLanguage, LexiconNotFound: it cannot be changed so.
            VersionConflict: it was changed since the caller has read it.
            VoiceAccessMissing: only its owner changes that.
        """
        voice = await self.get(owner, voice_id)
        if voice.version != change.version:
            raise VersionConflict(
                f"The voice has version {voice.version}, not {change.version}: it was changed "
                "since it was read.",
                "Read it again, then repeat the change.",
                version=voice.version,
            )
        fields = self._checked(change.fields)
        if not change.by_owner:
            _check_managed(voice, fields)
        if "lexicon_ids" in fields:
            fields["lexicon_ids"] = await self._lexicons(owner, fields["lexicon_ids"] or ())
        return await see_through(self._change(voice.model_copy(update=fields)))

    async def _lexicons(self, owner: str, lexicon_ids: Sequence[str]) -> tuple[str, ...]:
        if len(set(lexicon_ids)) < len(lexicon_ids):
            raise InvalidRequest("A lexicon is named twice.", "Name each once.")
        found = await find_lexicons(self._tools.lexicons, owner, lexicon_ids)
        return tuple(lexicon.id for lexicon in found)

    def _checked(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        checked = dict(fields)
        if "name" in fields:
            if not (fields["name"] or "").strip():
                raise InvalidRequest("The name is empty.", "Leave it out to keep it.")
            checked["name"] = name_of(fields["name"], "")
        if "description" in fields:
            checked["description"] = description_of(fields["description"])
        if "language" in fields:
            checked["language"] = language_of(fields["language"], self._tools.engine)
        if "consent" in fields:
            checked["consent"] = consent_of(fields["consent"])
        return checked

    async def _change(self, voice: Voice) -> Voice:
        async with self._tools.audit.recorded(Action.VOICE_CHANGED, voice):
            return await update_voice(self._tools.voices, voice)

    async def delete(self, owner: str, voice_id: str) -> Erased:
        """Delete a voice, every file of it, and its training.

        Raises:
            VoiceNotFound: there is none with this id, or it is somebody else's.
        """
        voice = await self.get(owner, voice_id)
        # Like a registration: half of it must not be all, and the trail must tell what was done.
        return await see_through(self._shelf.delete(voice))


def _check_managed(voice: Voice, fields: Mapping[str, Any]) -> None:
    """Refuse what only the owner of a voice changes."""
    if "consent" in fields:
        raise VoiceAccessMissing(
            "Only the owner of the voice writes about its consent.", "Leave `consent` out."
        )
    if set(fields.get("lexicon_ids") or ()) - set(voice.lexicon_ids):
        raise VoiceAccessMissing(
            "Only the owner of the voice gives it more lexicons.",
            "Leave some out, or change their order.",
        )
