"""Speech as server-sent events, and what can go wrong with speech."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from starlette.types import Scope

from app.api.errors import problems, told_late
from app.api.events import KEEP_ALIVE_S, event
from app.core import exceptions as err
from app.models.speech import SpokenPiece
from app.models.speech_events import AudioEvent, DoneEvent, MarkEvent, RuleEvent, WordEvent
from app.services.synthesis import Speech

_KEEP_ALIVE = b": still speaking\n\n"

SPEECH_PROBLEMS: Final = problems(
    err.UnspeakableText,
    err.TextTooLong,
    err.TextBlocked,
    err.UnsupportedFormat,
    err.UnsupportedControl,
    err.UnsupportedLanguage,
    err.VoiceNotFound,
    err.ConsentRequired,
    err.VoiceSuspended,
    err.VoiceEngineMismatch,
    err.EngineFailed,
    err.TranslationUnavailable,
    err.TranslationFailed,
    err.PreparationUnavailable,
    err.PreparationFailed,
    err.EngineBusy,
    err.EngineUnavailable,
    err.AssetError,
    err.ProvenanceUnavailable,
    err.StorageError,
    err.DatabaseError,
    err.UploadTooLarge,
)
"""Of every route that speaks."""


async def events(
    speech: Speech, scope: Scope, *, keep_alive_s: float = KEEP_ALIVE_S
) -> AsyncGenerator[bytes, None]:
    """`audio` for each sentence, `mark` for each mark in it, then `done`; or `error` with a problem
    document, and nothing behind it. An error before the first sentence is raised.
    """
    async with aclosing(speech.pieces()) as pieces:
        begun = False
        upcoming = asyncio.ensure_future(anext(pieces, None))
        try:
            while True:
                await asyncio.wait([upcoming], timeout=keep_alive_s if begun else None)
                if not upcoming.done():
                    yield _KEEP_ALIVE
                    continue
                piece = upcoming.result()
                if piece is None:
                    break
                begun = True
                yield event("audio", _audio(piece))
                for mark in piece.marks:
                    time_s = round(mark.time_s, 4)
                    told = MarkEvent(name=mark.name, time_s=time_s, sentence=piece.index)
                    yield event("mark", told)
                upcoming = asyncio.ensure_future(anext(pieces, None))
        except Exception as error:
            if not begun:
                raise
            yield event("error", told_late(error, scope))
            return
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)
    yield event("done", _done(speech))


def _audio(piece: SpokenPiece) -> AudioEvent:
    return AudioEvent(
        audio=b64encode(piece.data).decode(),
        sentence=piece.index,
        text=piece.text,
        spoken=piece.spoken,
        language=piece.language,
        voice=piece.voice,
        start=piece.text_start,
        end=piece.text_end,
        start_s=round(piece.start_s, 4),
        end_s=round(piece.end_s, 4),
        words=[
            WordEvent(
                word=word.word,
                start_s=round(word.start_s, 4),
                end_s=round(word.end_s, 4),
                start=word.text_start,
                end=word.text_end,
            )
            for word in piece.words
        ],
        lexicon=[
            RuleEvent(
                entry_id=rule.entry_id,
                start=rule.start,
                end=rule.end,
                applied=rule.ignored is None,
                reason=rule.ignored,
            )
            for rule in piece.rules
        ],
    )


def _done(speech: Speech) -> DoneEvent:
    return DoneEvent(
        duration_s=round(speech.duration_s, 3),
        characters=speech.characters,
        first_audio_ms=round((speech.first_audio_s or 0.0) * 1000),
        total_ms=round(speech.total_s * 1000),
        history_id=speech.history_id,
        voice_version=speech.voice.active_version,
        engine=speech.engine,
        similarity=speech.voice.similarity,
        normalized=speech.plan.normalized,
        lexicon_applied=speech.lexicon.applied_places,
        lexicon_ignored=speech.lexicon.ignored_places,
        translation=speech.translation,
        prepared=speech.prepared,
        ssml_ignored=list(speech.plan.draft.script.ignored),
    )
