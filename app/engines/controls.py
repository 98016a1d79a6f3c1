"""Who does what a request asks for: the engine where it can, what is done to its sound else."""

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from math import isinf
from typing import Final

from app.audio.finish import OUTPUT_LUFS, Finish
from app.audio.types import SpeechChunk
from app.core.exceptions import EngineFailed
from app.engines.base import (
    Engine,
    EngineInfo,
    Pronunciation,
    SynthesisRequest,
    VoiceState,
    check_controls,
)
from app.text.frontend import Part
from app.text.plan import Piece
from app.text.spoken import SpokenText
from app.text.ssml import Span

AUDIO_CONTROLS: Final = frozenset({"pitch", "volume"})
"""What can be done to the sound of an engine that cannot do it."""


def check_spans(info: EngineInfo, seed: int | None, spans: Iterable[Span]) -> None:
    """Refuse what neither the engine can do nor what is done to its sound.

    Raises:
        UnsupportedControl: naming what there is.
    """
    able = replace(info, controls=info.controls | AUDIO_CONTROLS)
    nobody = VoiceState(info.name, "", b"")
    for speed in {span.prosody.speed for span in spans}:
        check_controls(able, SynthesisRequest("", nobody, seed=seed, speed=speed))


def asked_of(
    info: EngineInfo, request: SynthesisRequest, piece: Piece, said: SpokenText, part: Part
) -> SynthesisRequest:
    """What the engine is asked to do of a part of a sentence."""
    prosody = piece.prosody
    return replace(
        request,
        text=said.text[part.start : part.end],
        speed=prosody.speed,
        pitch_semitones=prosody.pitch if "pitch" in info.controls else 0.0,
        volume_db=prosody.volume if _levelled(info, piece) else 0.0,
        pronunciations=pronounced(said, part),
    )


def left_to_do(info: EngineInfo, piece: Piece) -> Finish:
    """What is left to do to the sound of a whole sentence."""
    prosody, levelled = piece.prosody, _levelled(info, piece)
    return Finish(
        lead_s=piece.lead_s,
        pause_s=piece.pause_s,
        pitch=0.0 if "pitch" in info.controls else prosody.pitch,
        volume=0.0 if levelled else prosody.volume,
        # The engine's own level is evened out like all others: to what was asked for.
        loudness=OUTPUT_LUFS + (prosody.volume if levelled else 0.0),
    )


def _levelled(info: EngineInfo, piece: Piece) -> bool:
    return "volume" in info.controls and not isinf(piece.prosody.volume)


def pronounced(said: SpokenText, part: Part | None = None) -> tuple[Pronunciation, ...]:
    """Of the passages that are wholly in a part, default: in all of it. Of one that is cut, the
    respelling is read.
    """
    first, last = (part.start, part.end) if part else (0, len(said.text))
    return tuple(
        Pronunciation(passage.start - first, passage.end - first, passage.edit.phonemes)
        for passage in said.passages
        if passage.edit and passage.edit.phonemes and first <= passage.start < passage.end <= last
    )


async def all_of(engine: Engine, request: SynthesisRequest) -> list[SpeechChunk]:
    """What an engine makes of a text, when all of it is there.

    Raises:
        EngineFailed: there is no audio.
        as `Engine.synthesize`
    """
    async with aclosing(engine.synthesize(request)) as chunks:
        spoken = [chunk async for chunk in chunks]
    if not spoken:
        raise EngineFailed("The engine gave no audio for the text.")
    return spoken
