"""Registering, listing and deleting voices."""

import re
import time
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

from app.audio.ears import Ears
from app.core.admission import Admission
from app.core.exceptions import DatabaseError, InvalidRequest, StorageError
from app.core.logging import get_logger
from app.core.metrics import Metrics, Outcome, outcome_of
from app.core.tasks import see_through
from app.core.tracing import span
from app.db.audit import AuditTrail
from app.db.base import Collection, Page
from app.db.voices import find_voice
from app.engines.base import Engine, VoiceState
from app.models.audit import Action
from app.models.voice import Erased, ErasedFiles, Voice
from app.storage.base import Removed
from app.storage.stores import Stores

log = get_logger(__name__)

_LINE_ENDS = "\t\r\n"  # may stand in a description
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MAX_FILENAME = 255
_MAX_NAME = 200
_MAX_DESCRIPTION = 2000
_BUSY_RETRY_S = 10


@dataclass(frozen=True, slots=True)
class Upload:
    """What a caller sent to be cloned."""

    content: bytes
    filename: str
    name: str | None = None
    description: str | None = None


class VoiceService:
    """Voices of the callers.

    The recording is kept as it came, beside what the engine made of it.
    """

    def __init__(
        self,
        *,
        voices: Collection[Voice],
        stores: Stores,
        engine: Engine,
        ears: Ears,
        audit: AuditTrail,
        max_registrations: int,
        metrics: Metrics | None = None,
    ) -> None:
        self._voices = voices
        self._stores = stores
        self._engine = engine
        self._ears = ears
        self._audit = audit
        self._metrics = metrics or Metrics()
        # Each takes up to some hundred megabytes.
        self._admission = Admission(
            max_registrations,
            doing="recordings are being registered",
            retry_after_s=lambda: _BUSY_RETRY_S,
        )

    async def register(self, owner: str, upload: Upload) -> Voice:
        """Clone a voice from a recording, and count what came of it.

        Raises:
            InvalidRequest: the name or description cannot be used.
            UnreadableAudio, UnsuitableRecording, UploadTooLarge: nothing can be made of the file.
            EngineError, StorageError, DatabaseError: nothing was stored.
        """
        start = time.perf_counter()
        outcome: Outcome = "ok"
        try:
            return await self._register(owner, upload)
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._metrics.registration_ended(
                self._engine.info.name, outcome, duration_s=time.perf_counter() - start
            )

    async def _register(self, owner: str, upload: Upload) -> Voice:
        filename = _clean_filename(upload.filename)
        name = (upload.name or "").strip() or PurePosixPath(filename).stem[:_MAX_NAME]
        _check_text("name", name, limit=_MAX_NAME)
        description = upload.description or ""
        _check_text("description", description, limit=_MAX_DESCRIPTION, allowed=_LINE_ENDS)
        with self._admission.enter():
            recording, report = await self._ears.listen(upload.content)
            with span("enroll", **{"voice.audio_s": recording.duration_s}):
                state = await self._engine.enroll([recording])
        voice = Voice(
            owner=owner,
            name=name,
            description=description or None,
            filename=filename,
            duration_s=report.duration_s,
            sample_rate=report.sample_rate,
            engine=state.engine,
            state_format=state.format,
            similarity=state.similarity,
            report=report,
        )
        # Cancelled in the middle, it is seen through: a driver's commit cannot be called back.
        await see_through(self._store(voice, upload.content, state))
        return voice

    async def get(self, owner: str, voice_id: str) -> Voice:
        """One voice.

        Raises:
            VoiceNotFound: there is none with this id, or it is somebody else's.
        """
        return await find_voice(self._voices, owner, voice_id)

    async def list(self, owner: str, *, limit: int, cursor: str | None) -> Page[Voice]:
        """The owner's voices, newest first."""
        return await self._voices.list(where={"owner": owner}, limit=limit, cursor=cursor)

    async def delete(self, owner: str, voice_id: str) -> Erased:
        """Delete a voice and every file of it. The record goes first: files without it are swept.

        Raises:
            VoiceNotFound: there is none with this id, or it is somebody else's.
        """
        voice = await self.get(owner, voice_id)
        # Like a registration: half of it must not be all, and the trail must tell what was done.
        return await see_through(self._delete(voice))

    async def _delete(self, voice: Voice) -> Erased:
        async with self._audit.recorded(Action.VOICE_DELETED, voice):
            record = await self._voices.delete(voice.id)
        erased: dict[str, ErasedFiles] = {}
        left = []
        for kind, store in self._stores.each():
            try:
                removed = await store.delete_prefix(voice.id)
            except StorageError:
                log.warning("files stay until the next sweep", kind=kind, voice=voice.id)
                removed = Removed()
                left.append(kind)
            erased[kind] = ErasedFiles(files=removed.files, bytes=removed.bytes)
        return Erased(voice_id=voice.id, record=record, **erased, left=left)

    async def _store(self, voice: Voice, content: bytes, state: VoiceState) -> None:
        """Files first, then the record: a voice that can be seen has its files."""
        try:
            await self._stores.recordings.put(voice.recording_blob, content)
            await self._stores.states.put(voice.state_blob, state.payload)
        except BaseException:
            await self._remove_blobs(voice)
            raise
        try:
            async with self._audit.recorded(Action.VOICE_CREATED, voice):
                await self._voices.add(voice)
        except BaseException:
            await self._undo(voice)
            raise

    async def _undo(self, voice: Voice) -> None:
        """Take back a registration that failed. An insert that failed may have been committed all
        the same: the files go only when it is certain that there is no record.
        """
        try:
            await self._voices.delete(voice.id)
        except DatabaseError:
            log.warning("files stay until the next sweep", voice=voice.id)
        else:
            await self._remove_blobs(voice)

    async def _remove_blobs(self, voice: Voice) -> None:
        for store, name in (
            (self._stores.recordings, voice.recording_blob),
            (self._stores.states, voice.state_blob),
        ):
            try:
                await store.delete(name)
            except StorageError:
                log.warning("file stays until the next sweep", voice=voice.id)


def _clean_filename(filename: str) -> str:
    """The last part of whatever path the caller's system uses; only ever shown, never opened."""
    last = PureWindowsPath(PurePosixPath(filename).name).name
    return _CONTROL.sub("", last).strip()[-_MAX_FILENAME:] or "recording"


def _check_text(field: str, text: str, *, limit: int, allowed: str = "") -> None:
    """Refuse what is too long or has control characters other than the allowed ones."""
    if len(text) > limit:
        raise InvalidRequest(
            f"The {field} has {len(text)} characters; at most {limit} are allowed.",
            "Shorten it.",
            limit=limit,
        )
    if any(char not in allowed for char in _CONTROL.findall(text)):
        raise InvalidRequest(f"The {field} contains control characters.", "Send plain text.")
