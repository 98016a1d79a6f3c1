"""Voices that are taken elsewhere: a zip file with all that belongs to one, out and in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from tempfile import SpooledTemporaryFile
from typing import IO, Final
from zipfile import ZIP_STORED, ZipFile

from app.audio.types import Recording
from app.core.exceptions import ArchiveInvalid, ConsentRequired, EngineFailed, StorageError
from app.core.tasks import in_thread, see_through
from app.db.voices import find_voice
from app.engines.base import AgreementBound
from app.models.audit import Action
from app.models.bundle import (
    MANIFEST,
    RECORDINGS,
    STATES,
    BundledRecording,
    BundledVersion,
    BundledVoice,
    BundleManifest,
)
from app.models.voice import VersionMetrics, Voice, VoiceSample, VoiceVersion
from app.services.voices.archive import Packed, open_archive
from app.services.voices.hearing import Heard
from app.services.voices.manifest import read_manifest
from app.services.voices.others import OtherEngines
from app.services.voices.receiving import Sent
from app.services.voices.shelf import Kept, NewVoice, Shelf, first_version, new_state_name
from app.services.voices.tools import Incoming, VoiceTools
from app.services.voices.watching import listened
from app.services.voices.words import (
    clean_filename,
    consent_of,
    description_of,
    language_of,
    name_of,
)
from app.storage.base import BlobStore

_IN_MEMORY: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Imported:
    """A voice that came in a bundle.

    Attributes:
        enrolled_again: its states are of another engine: the recordings were cloned anew.
    """

    voice: Voice
    enrolled_again: bool


class BundleService:
    """Gives out the callers' voices, and takes them in."""

    def __init__(self, tools: VoiceTools) -> None:
        self._tools = tools
        self._shelf = Shelf(tools)

    async def export(self, voice: Voice) -> IO[bytes]:
        """A voice as a bundle: a file, at its beginning. Close it.

        Raises:
            VoiceNotFound: it was deleted meanwhile.
            VoiceSuspended: somebody has stopped it.
            EngineFailed: a file of it is missing.
            StorageError, DatabaseError
        """
        self._tools.permit.check_not_suspended(voice)
        file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller closes it
        try:
            async with self._tools.audit.recorded(Action.VOICE_EXPORTED, voice):
                await self._write(voice, file)
            file.seek(0)
        except OSError as error:
            file.close()
            raise StorageError(
                "There is no room for the bundle in the folder for temporary files.",
                "Free some space, or set TMPDIR to a folder that has some.",
            ) from error
        except BaseException:
            file.close()
            raise
        return file

    async def _write(self, voice: Voice, file: IO[bytes]) -> None:
        stores = self._tools.stores
        recordings: list[BundledRecording] = []
        versions: list[BundledVersion] = []
        with ZipFile(file, "w", ZIP_STORED) as bundle:
            for sample in await self._shelf.samples(voice):
                content = await self._content(stores.recordings, sample.blob, voice)
                recordings.append(_bundled_recording(len(recordings) + 1, sample, content))
                await in_thread(None, bundle.writestr, recordings[-1].file, content)
            for version in await self._shelf.versions(voice):
                content = await self._content(stores.states, version.state_blob, voice)
                versions.append(_bundled_version(version, content))
                await in_thread(None, bundle.writestr, versions[-1].file, content)
            manifest = BundleManifest(
                voice=BundledVoice(**voice.model_dump()), recordings=recordings, versions=versions
            )
            bundle.writestr(MANIFEST, manifest.model_dump_json(indent=2))

    async def _content(self, store: BlobStore, name: str, voice: Voice) -> bytes:
        try:
            return await store.get(name)
        except FileNotFoundError as error:
            await find_voice(self._tools.voices, voice.owner, voice.id)  # or it was deleted
            raise EngineFailed(
                "A file of the voice is missing.",
                "Delete the recording or the version that it belongs to, or try again if the "
                "voice has just been trained.",
            ) from error

    async def take_in(self, owner: str, sent: Sent) -> Imported:
        """Make a new voice of a bundle, with ids of its own.

        Raises:
            ConsentRequired: the engine makes voices only before its provider.
            ArchiveInvalid: it is no bundle, is damaged, or of a newer version of this program.
            InvalidRequest, UnsupportedLanguage: what is written about the voice cannot be kept.
            UnreadableAudio, UnsuitableRecording: no recording can be used.
            SpeakerDenied: the speaker may not be cloned.
            EngineBusy, EngineError, AssetError, StorageError, DatabaseError: it failed. Nothing is
                left of it.
        """
        tools = self._tools
        if isinstance(tools.engine, AgreementBound):  # its states name voices of other people too
            raise ConsentRequired(
                f"Voices of the engine {tools.engine.info.name!r} cannot be imported.",
                "Register a recording with the speaker's consent.",
            )
        with tools.counted(), tools.admission.enter():
            packed = await in_thread(None, open_archive, sent.file, tools.limits.archive)
            files = {one.path: one for one in packed}
            manifest = await in_thread(None, read_manifest, files, tools.limits)
            incoming = [_incoming(one, files) for one in manifest.recordings]
            room_s = tools.limits.speech_s
            found = await listened(tools, owner, incoming, speech_s=room_s)
            heard, good = found.heard, found.good
            voice = self._voice(owner, manifest, good[0])
            ids = _new_ids(voice, heard, manifest)
            versions = await in_thread(None, _states, voice, manifest, files, ids)
            again = voice.active_version not in [version.number for version, _ in versions]
            if again:
                recordings = [one.recording for one in good if one.recording is not None]
                voice, versions = await self._enrolled(voice, recordings)
            voice = _speaking(voice, versions)
        new = NewVoice(voice, _kept(voice, heard, ids), versions, found.sighting)
        await see_through(self._shelf.add(new))
        return Imported(await OtherEngines(tools).hold_all(voice), again)

    def _voice(self, owner: str, manifest: BundleManifest, first: Heard) -> Voice:
        was, report = manifest.voice, first.report
        assert report is not None  # noqa: S101 - it is usable
        return Voice(
            owner=owner,
            name=name_of(was.name, "voice"),
            description=description_of(was.description),
            language=language_of(was.language, self._tools.engine),
            consent=consent_of(was.consent),
            filename=clean_filename(first.incoming.filename),
            duration_s=report.duration_s,
            sample_rate=report.sample_rate,
            report=report,
            engine=self._tools.engine.info.name,
            state_format="",
            similarity=None,
            active_version=was.active_version,
            adapted_at=was.adapted_at,
            adapted_minutes=was.adapted_minutes,
        )

    async def _enrolled(
        self, voice: Voice, recordings: Sequence[Recording]
    ) -> tuple[Voice, list[tuple[VoiceVersion, bytes]]]:
        state = await self._tools.engine.enroll(recordings)
        voice = voice.model_copy(
            update={"active_version": 1, "adapted_at": None, "adapted_minutes": None}
        )
        return voice, [first_version(voice, state)]


def _bundled_recording(number: int, sample: VoiceSample, content: bytes) -> BundledRecording:
    ending = PurePosixPath(sample.filename).suffix.lower()
    usual = ending[1:].isascii() and ending[1:].isalnum() and len(ending) <= 5
    return BundledRecording(
        file=f"{RECORDINGS}{number:03}{ending if usual else ''}",
        sha256=sha256(content).hexdigest(),
        bytes=len(content),
        **sample.model_dump(include={"id", "filename", "report", "refused"}),
    )


def _bundled_version(version: VoiceVersion, content: bytes) -> BundledVersion:
    fields = {
        "number", "method", "engine", "state_format", "similarity", "metrics", "compared_with",
        "created_at",
    }  # fmt: skip
    return BundledVersion(
        file=f"{STATES}{version.number}",
        sha256=sha256(content).hexdigest(),
        bytes=len(content),
        **version.model_dump(include=fields),
    )


def _incoming(one: BundledRecording, files: Mapping[str, Packed]) -> Incoming:
    packed = files[one.file]
    return Incoming(
        clean_filename(one.filename), packed.size, lambda: _checked(packed.read(), one.sha256)
    )


def _checked(content: bytes, digest: str) -> bytes:
    if sha256(content).hexdigest() != digest:
        raise ArchiveInvalid(
            "A file of the bundle is not the one that its manifest tells of.", "Export it again."
        )
    return content


def _new_ids(voice: Voice, heard: Sequence[Heard], manifest: BundleManifest) -> dict[str, str]:
    """Old id of each recording -> its new one. The first that can be used has the voice's."""
    ids: dict[str, str] = {}
    owned = False
    for one, was in zip(heard, manifest.recordings, strict=True):
        first = one.usable and not owned
        owned = owned or first
        ids[was.id] = voice.id if first else one.sample(voice.owner, voice.id).id
    return ids


def _kept(voice: Voice, heard: Sequence[Heard], ids: Mapping[str, str]) -> list[Kept]:
    kept = []
    for one, sample_id in zip(heard, ids.values(), strict=True):
        if one.duplicate_of is not None:
            continue
        blob = f"{voice.id}/sample-{sample_id}" if sample_id != voice.id else voice.recording_blob
        sample = one.sample(voice.owner, voice.id)
        sample = sample.model_copy(update={"id": sample_id, "blob": blob})
        kept.append(Kept(sample, one.incoming.read))
    return kept


def _states(
    voice: Voice, manifest: BundleManifest, files: Mapping[str, Packed], ids: Mapping[str, str]
) -> list[tuple[VoiceVersion, bytes]]:
    """Those versions that the engine that runs has made."""
    versions = []
    for was in manifest.versions:
        content = _checked(files[was.file].read(), was.sha256)
        if was.engine != voice.engine:
            continue
        fields = {"number", "method", "engine", "state_format", "similarity", "compared_with"}
        version = VoiceVersion(
            owner=voice.owner,
            voice_id=voice.id,
            state_name=new_state_name(),
            metrics=was.metrics and _renamed(was.metrics, ids),
            **was.model_dump(include=fields),
        )
        versions.append((version, content))
    return versions


def _renamed(metrics: VersionMetrics, ids: Mapping[str, str]) -> VersionMetrics:
    return metrics.model_copy(
        update={
            "held_out": [ids[one] for one in metrics.held_out if one in ids],
            "used": [ids[one] for one in metrics.used if one in ids],
            "refused": {ids[one]: why for one, why in metrics.refused.items() if one in ids},
        }
    )


def _speaking(voice: Voice, versions: Sequence[tuple[VoiceVersion, bytes]]) -> Voice:
    """The voice, with the state of its active version."""
    active = next(version for version, _ in versions if version.number == voice.active_version)
    return voice.model_copy(
        update={
            "state_name": active.state_name,
            "state_format": active.state_format,
            "similarity": active.similarity,
        }
    )
