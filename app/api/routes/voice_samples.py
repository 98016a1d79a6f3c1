"""Recordings of voices: add, list, hear, delete; compare one with a voice; hear the voice."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, File, Request, Response, UploadFile

from app.api import audio, rates
from app.api.access import GuardedRoute, access
from app.api.dependencies import Asker, Context, ManagedVoice, Samples, Synthesis
from app.api.errors import also, problems
from app.api.recordings import RECORDING, recording
from app.api.speech import SPEECH_PROBLEMS
from app.api.uploads import CONSENT_PROBLEMS, UPLOAD_PROBLEMS, sent, sent_all
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.history import SpeechSource
from app.models.speech import SpeechRequest
from app.models.voice_profile import (
    PreviewRequest,
    SampleDetails,
    SampleList,
    SamplesAdded,
    Verification,
)
from app.speaker.similarity import describe, verdict

router = APIRouter(prefix="/api/v1/voices/{voice_id}", tags=["voices"], route_class=GuardedRoute)

_SENTENCES: Final = {
    "en": "Hello! This is how I sound when I read a sentence to you.",
    "es": "¡Hola! Así sueno cuando leo una frase.",
    "fr": "Bonjour ! Voici ma voix quand je lis une phrase.",
    "hi": "नमस्ते! जब मैं एक वाक्य पढ़ता हूँ तो मेरी आवाज़ ऐसी लगती है।",
    "it": "Ciao! Ecco come suono quando leggo una frase.",
    "ja": "こんにちは。文を読むと、このような声になります。",
    "pt": "Olá! É assim que eu soo quando leio uma frase.",
    "zh": "你好！这就是我读句子时的声音。",
}


@router.get(
    "/samples",
    operation_id="list_voice_samples",
    responses=problems(err.VoiceNotFound, err.VoiceAccessMissing, err.DatabaseError),
)
@access(Permission.VOICES_READ)
async def list_voice_samples(samples: Samples, voice: ManagedVoice) -> SampleList:
    """The recordings of a voice, oldest first, with those that were refused and why."""
    found = await samples.list(voice)
    return SampleList(voice_id=voice.id, items=[SampleDetails.of(sample) for sample in found])


@router.post(
    "/samples",
    operation_id="add_voice_samples",
    responses=also(
        also(UPLOAD_PROBLEMS, CONSENT_PROBLEMS), problems(err.VoiceNotFound, err.VoiceAccessMissing)
    ),
)
@access(Permission.VOICES_WRITE, Rate.TRAINING)
async def add_voice_samples(
    samples: Samples,
    voice: ManagedVoice,
    files: Annotated[list[UploadFile], File(description="Recordings, or one zip file of them.")],
) -> SamplesAdded:
    """Add recordings of the speaker. The voice stays as it is; its next training learns from them
    as well. Each is told of: used, refused and why, or there already. An error if none is of use.
    """
    added = await samples.add(voice, sent_all(files))
    items = [SampleDetails.of(sample) for sample in added.samples]
    items += [SampleDetails.duplicate(*pair) for pair in added.duplicates]
    return SamplesAdded(voice_id=voice.id, items=items, ignored=added.ignored)


@router.get(
    "/samples/{sample_id}/audio",
    operation_id="get_voice_sample_audio",
    response_class=Response,
    responses=RECORDING
    | problems(
        err.VoiceNotFound,
        err.VoiceAccessMissing,
        err.SampleNotFound,
        err.AudioNotKept,
        err.StorageError,
        err.DatabaseError,
    ),
)
@access(Permission.VOICES_READ)
async def get_voice_sample_audio(samples: Samples, voice: ManagedVoice, sample_id: str) -> Response:
    """A recording of a voice, the very file that was sent."""
    sample, content = await samples.audio(voice, sample_id)
    return recording(content, sample.filename)


@router.delete(
    "/samples/{sample_id}",
    status_code=204,
    operation_id="delete_voice_sample",
    responses=problems(
        err.VoiceNotFound,
        err.VoiceAccessMissing,
        err.SampleNotFound,
        err.Conflict,
        err.VersionConflict,
        err.DatabaseError,
    ),
)
@access(Permission.VOICES_WRITE)
async def delete_voice_sample(samples: Samples, voice: ManagedVoice, sample_id: str) -> None:
    """Delete a recording, but not the last one that is used. What was learnt from it stays in the
    versions of the voice.
    """
    await samples.delete(voice, sample_id)


@router.post(
    "/verify",
    operation_id="verify_voice",
    responses=also(UPLOAD_PROBLEMS, problems(err.VoiceNotFound, err.VoiceAccessMissing)),
)
@access(Permission.VOICES_READ, Rate.TRAINING)
async def verify_voice(
    samples: Samples,
    voice: ManagedVoice,
    file: Annotated[UploadFile, File(description="A recording of somebody.")],
) -> Verification:
    """Is this recording of the speaker of the voice? It is compared with the recordings of the
    voice, and not kept.
    """
    found = await samples.verify(voice, sent(file))
    return Verification(
        voice_id=voice.id,
        score=found.similarity,
        verdict=verdict(found.similarity),
        likeness=describe(found.similarity),
        compared=found.compared,
        report=found.report,
    )


@router.post(
    "/preview",
    operation_id="preview_voice",
    response_class=Response,
    responses=audio.speech_responses("A sentence in the voice.") | SPEECH_PROBLEMS,
)
@access(Permission.SPEECH_SYNTHESIZE, Rate.SYNTHESIS)
async def preview_voice(
    synthesis: Synthesis,
    context: Context,
    by: Asker,
    voice_id: str,
    request: Request,
    body: PreviewRequest | None = None,
) -> Response:
    """How a voice sounds: it says a sentence of its language, or a short text."""
    voice = await context.reach.find(by, voice_id)
    asked = body or PreviewRequest()
    language = asked.language or voice.language or context.engine.info.languages[0]
    sentence = _SENTENCES.get(language[:2].lower(), _SENTENCES["en"])
    speech = await synthesis.speak(
        voice,
        SpeechRequest(
            text=sentence if asked.text is None else asked.text,
            voice=voice.id,
            language=asked.language,
            format=asked.format,
            sample_rate=asked.sample_rate,
        ),
        by=by,
        source=SpeechSource.PREVIEW,
        charge=partial(rates.spend, request, Rate.CHARACTERS),
    )
    return await audio.whole(speech, request)
