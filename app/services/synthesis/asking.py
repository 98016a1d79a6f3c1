"""What the engine is asked of a plan."""

from collections.abc import Mapping
from dataclasses import replace

from app.engines.base import SynthesisRequest, VoiceState
from app.engines.controls import asked_of
from app.models.voice import Voice
from app.planning.plan import Plan, Worded


def request_of(
    plan: Plan, one: Worded, states: Mapping[str, VoiceState], voice: Voice
) -> SynthesisRequest:
    """Of a sentence, but for its text and prosody.

    Args:
        states: of all voices of the plan.
        voice: speaks what has no other.
    """
    asked = plan.asked(states[one.piece.voice or voice.id])
    return replace(asked, language=one.language)


def requests_of(
    plan: Plan, states: Mapping[str, VoiceState], voice: Voice
) -> list[SynthesisRequest]:
    """All, in order: one for each part of a sentence."""
    return [
        asked_of(plan.info, request_of(plan, one, states, voice), one.piece, spoken, part)
        for one in plan.worded()
        for spoken in (one.wording.spoken,)
        for part in one.wording.parts
    ]
