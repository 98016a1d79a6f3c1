"""Voices: register, list, show, delete, and speak in them."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, Response, UploadFile

from app.api import audio, rates
from app.api.access import GuardedRoute, access
from app.api.dependencies import Asker, Owner, OwnVoice, Reach, Synthesis, Training, Voices
from app.api.errors import also, problems
from app.api.speech import SPEECH_PROBLEMS
from app.api.uploads import CONSENT_PROBLEMS, ConsentId
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.history import SpeechSource
from app.models.speech import SpeakRequest
from app.models.voice import Erased, Voice, VoiceCreated, VoiceDetails, VoicePage
from app.services.voices import Upload
from app.speaker.similarity import describe

router = APIRouter(prefix="/voices", tags=["voices"], route_class=GuardedRoute)

_UPLOAD_PROBLEMS = problems(
    err.UnreadableAudio,
    err.RecordingTooShort,
    err.RecordingTooLong,
    err.RecordingSilent,
    err.RecordingClipped,
    err.RecordingNoisy,
    err.UploadTooLarge,
    err.SpeakerDenied,
    err.EngineBusy,
    err.EngineUnavailable,
    err.AssetError,
    err.StorageError,
    err.DatabaseError,
)


@router.post(
    "",
    status_code=201,
    operation_id="create_voice",
    responses=also(_UPLOAD_PROBLEMS, CONSENT_PROBLEMS),
)
@access(Permission.VOICES_WRITE, Rate.TRAINING)
async def create_voice(
    voices: Voices,
    training: Training,
    owner: Owner,
    file: Annotated[UploadFile, File(description="wav, mp3, m4a, ogg, webm or flac")],
    name: Annotated[str | None, Form(description="Default: the file's name.")] = None,
    description: Annotated[str | None, Form(description="Up to 2000 characters.")] = None,
    consent_id: ConsentId = None,
) -> VoiceCreated:
    """Register a voice: 10 to 20 seconds of one person speaking, with little noise, are best."""
    upload = Upload(
        await file.read(), file.filename or "", name, description, consent_id=consent_id or None
    )
    voice = await voices.register(owner, upload)
    training.refine_later(voice)
    return VoiceCreated(message="Voice registered successfully", **common(voice))


@router.get("", operation_id="list_voices", responses=problems(err.DatabaseError))
@access(Permission.VOICES_READ)
async def list_voices(
    voices: Voices,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(description="From the page before.")] = None,
) -> VoicePage:
    """The voices, newest first."""
    page = await voices.list(owner, limit=limit, cursor=cursor or None)
    return VoicePage(items=[_details(voice) for voice in page.items], cursor=page.cursor)


@router.get(
    "/{voice_id}",
    operation_id="get_voice",
    responses=problems(err.VoiceNotFound, err.DatabaseError),
)
@access(Permission.VOICES_READ)
async def get_voice(reach: Reach, by: Asker, voice_id: str) -> VoiceDetails:
    """One voice, with the report on its recording."""
    return _details(await reach.find(by, voice_id))


@router.delete(
    "/{voice_id}",
    operation_id="delete_voice",
    responses=problems(err.VoiceNotFound, err.VoiceAccessMissing, err.DatabaseError),
)
@access(Permission.VOICES_WRITE)
async def delete_voice(voices: Voices, voice: OwnVoice, voice_id: str) -> Erased:
    """Delete a voice, its recording, and all that was made of it; says what was erased."""
    return await voices.delete(voice.owner, voice_id)


@router.post(
    "/{voice_id}/synthesize",
    operation_id="synthesize",
    response_class=Response,
    responses=audio.speech_responses("The speech.") | SPEECH_PROBLEMS,
)
@access(Permission.SPEECH_SYNTHESIZE, Rate.SYNTHESIS)
async def synthesize(
    reach: Reach,
    synthesis: Synthesis,
    by: Asker,
    voice_id: str,
    body: SpeakRequest,
    request: Request,
) -> Response:
    """Speak a text in a voice. Whole by default; `stream: true` sends each sentence when it is
    ready.
    """
    voice = await reach.find(by, voice_id)
    charge = partial(rates.spend, request, Rate.CHARACTERS)
    speech = await synthesis.speak(
        voice,
        body.as_speech(voice.id),
        by=by,
        streaming=body.stream,
        flowing=body.stream,
        source=SpeechSource.LEGACY,
        charge=charge,
    )
    respond = audio.streamed if body.stream else audio.whole
    return await respond(speech, request)


def common(voice: Voice) -> dict[str, Any]:
    """What every answer about a voice has."""
    return {
        "voice_id": voice.id,
        "filename": voice.filename,
        "duration": voice.duration_s,
        "sample_rate": voice.sample_rate,
        "similarity": voice.similarity,
        "likeness": None if voice.similarity is None else describe(voice.similarity),
        "report": voice.report,
    }


def _details(voice: Voice) -> VoiceDetails:
    return VoiceDetails(
        created_at=voice.created_at,
        name=voice.name,
        description=voice.description,
        engine=voice.engine,
        adapted_at=voice.adapted_at,
        adapted_minutes=voice.adapted_minutes,
        **common(voice),
    )
