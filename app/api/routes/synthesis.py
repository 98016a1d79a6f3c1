"""Speaking."""

from functools import partial

from fastapi import APIRouter, Request, Response

from app.api import audio, rates
from app.api.access import GuardedRoute, access
from app.api.dependencies import Asker, Reach, Synthesis
from app.api.errors import also, problems
from app.api.events import MEDIA_TYPE
from app.api.speech import SPEECH_PROBLEMS, events
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.history import SpeechSource
from app.models.speech import SpeechRequest, StreamFormat, StreamRequest

router = APIRouter(prefix="/api/v1/synthesis", tags=["synthesis"], route_class=GuardedRoute)

_PROBLEMS = also(SPEECH_PROBLEMS, problems(err.MarkupInvalid, err.LexiconNotFound))


@router.post(
    "/speak",
    operation_id="speak",
    response_class=Response,
    responses=audio.speech_responses("The speech, a whole file.") | _PROBLEMS,
)
@access(Permission.SPEECH_SYNTHESIZE, Rate.SYNTHESIS)
async def speak(
    reach: Reach, synthesis: Synthesis, by: Asker, body: SpeechRequest, request: Request
) -> Response:
    """Speak a text, or SSML, in a voice: the whole audio at once. For texts of more than some
    sentences `/speak/stream` begins sooner.
    """
    voice = await reach.find(by, body.voice)
    charge = partial(rates.spend, request, Rate.CHARACTERS)
    work = synthesis.speak(voice, body, by=by, charge=charge)
    speech = await audio.while_connected(request, work)  # another service may have part in it
    if speech is None:
        return Response(status_code=audio.CLIENT_GONE)
    return await audio.whole(speech, request)


@router.post(
    "/speak/stream",
    operation_id="speak_stream",
    response_class=Response,
    responses=audio.speech_responses(
        "The speech as it is made; or events `audio` for each sentence, then `done` or `error`.",
        events=True,
        whole=False,
    )
    | _PROBLEMS,
)
@access(Permission.SPEECH_SYNTHESIZE, Rate.SYNTHESIS)
async def speak_stream(
    reach: Reach, synthesis: Synthesis, by: Asker, body: StreamRequest, request: Request
) -> Response:
    """Speak a text, or SSML, in a voice: each sentence is sent as soon as it is spoken.

    The status is sent with the first one. What fails later breaks the connection or, with
    `stream_format: sse`, is the event `error`: an answer that ends well is complete.
    """
    voice = await reach.find(by, body.voice)
    charge = partial(rates.spend, request, Rate.CHARACTERS)
    work = synthesis.speak(
        voice,
        body,
        by=by,
        streaming=True,
        flowing=body.stream_format is StreamFormat.AUDIO,  # events are of whole sentences
        source=SpeechSource.STREAM,
        charge=charge,
    )
    speech = await audio.while_connected(request, work)
    if speech is None:
        return Response(status_code=audio.CLIENT_GONE)
    if body.stream_format is StreamFormat.AUDIO:
        return await audio.streamed(speech, request)
    return await audio.streamed(
        speech, request, events(speech, request.scope), media_type=MEDIA_TYPE
    )
