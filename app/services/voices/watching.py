"""The one way by which recordings come to a voice: listened to, and their speaker looked at."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from app.abuse.speakers import Sighting
from app.services.voices.hearing import NOTHING, Heard, Known, hear, usable
from app.services.voices.tools import Incoming, VoiceTools
from app.speaker.similarity import centre


@dataclass(frozen=True, slots=True)
class Listened:
    """Recordings that came.

    Attributes:
        heard: all, in their order.
        good: those that can be used.
        sighting: of their speaker.
    """

    heard: Sequence[Heard]
    good: Sequence[Heard]
    sighting: Sighting


async def listened(
    tools: VoiceTools,
    owner: str,
    incoming: Collection[Incoming],
    *,
    known: Known = NOTHING,
    speech_s: float,
) -> Listened:
    """Listen to recordings, and refuse them if they are of somebody who may not be cloned: also
    those that nothing would be learnt from, since they would be kept.

    Raises:
        as `hear` and `usable`
        SpeakerDenied: at least one is of such a person.
        EngineUnavailable: there are such people, and nothing here that knows them.
    """
    heard = await hear(tools.ears, incoming, known=known, speech_s=speech_s)
    voices = [(one.recording, one.speaker) for one in heard if one.recording is not None]
    vectors = [one.speaker for one in heard if one.usable and one.speaker is not None]
    speaker = centre(np.stack(vectors)) if vectors else None
    sighting = await tools.watch.look(owner, voices, speaker) if voices else Sighting()
    return Listened(heard, usable(tools.ears, heard, known=known), sighting)
