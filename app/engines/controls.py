"""Who does what a request asks for: the engine where it can, what is done to its sound else."""

from collections.abc import Iterable
from dataclasses import replace
from math import isinf
from typing import Final

from app.audio.finish import OUTPUT_LUFS, Finish
from app.engines.base import (
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
        pronunciations=tuple(_pronunciations(said, part)),
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


def _pronunciations(said: SpokenText, part: Part) -> Iterable[Pronunciation]:
    """Those of passages that are wholly in a part; of one that is cut, the respelling is read."""
    for passage in said.passages:
        phonemes = passage.edit.phonemes if passage.edit else None
        if phonemes and part.start <= passage.start < passage.end <= part.end:
            start, end = passage.start - part.start, passage.end - part.start
            yield Pronunciation(start, end, phonemes)
