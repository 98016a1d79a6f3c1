"""Who does what a request asks for: the engine where it can, what is done to its sound else."""

from collections.abc import Sequence
from dataclasses import replace
from math import isinf
from typing import Final

from app.audio.finish import OUTPUT_LUFS, Finish
from app.engines.base import EngineInfo, SynthesisRequest, check_controls
from app.text.plan import Piece

AUDIO_CONTROLS: Final = frozenset({"pitch", "volume"})
"""What can be done to the sound of an engine that cannot do it."""


def check_pieces(info: EngineInfo, request: SynthesisRequest, pieces: Sequence[Piece]) -> None:
    """Refuse what neither the engine can do nor what is done to its sound.

    Raises:
        UnsupportedControl: naming what there is.
    """
    able = replace(info, controls=info.controls | AUDIO_CONTROLS)
    for speed in {piece.prosody.speed for piece in pieces}:
        check_controls(able, replace(request, speed=speed))


def shared_out(
    info: EngineInfo, request: SynthesisRequest, piece: Piece
) -> tuple[SynthesisRequest, Finish]:
    """What the engine does of a piece, and what is left to do to its sound."""
    prosody = piece.prosody
    pitched = "pitch" in info.controls
    levelled = "volume" in info.controls and not isinf(prosody.volume)
    asked = replace(
        request,
        text=piece.text,
        speed=prosody.speed,
        pitch_semitones=prosody.pitch if pitched else 0.0,
        volume_db=prosody.volume if levelled else 0.0,
    )
    return asked, Finish(
        lead_s=piece.lead_s,
        pause_s=piece.pause_s,
        pitch=0.0 if pitched else prosody.pitch,
        volume=0.0 if levelled else prosody.volume,
        # The engine's own level is evened out like all others: to what was asked for.
        loudness=OUTPUT_LUFS + (prosody.volume if levelled else 0.0),
    )
