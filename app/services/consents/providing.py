"""Recordings of the statement that an engine's provider wants to hear."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.consents.desk import SAME_SPEAKER
from app.consents.listening import LONGEST_S
from app.core.exceptions import ConsentMismatch, RecordingTooLong
from app.core.tasks import in_thread
from app.services.consents.tools import ConsentOrder, ConsentTools

BLOB: Final = "provider-statement"
"""Name in the folder of a consent."""


@dataclass(frozen=True, slots=True)
class ProviderRecording:
    """One that can be used. What is said in it is for the provider to judge.

    Attributes:
        speaker: embedding of length 1; None where nothing tells speakers apart.
    """

    content: bytes = field(repr=False)
    speaker: NDArray[np.float32] | None

    def check_speaker(self, agreed: tuple[float, ...] | None) -> None:
        """Refuse it if somebody else speaks than in the recording of our own statement.

        Raises:
            ConsentMismatch
        """
        if self.speaker is None or agreed is None:
            return
        similarity = float(np.array(agreed, np.float32) @ self.speaker)
        if similarity < SAME_SPEAKER:
            raise ConsentMismatch(
                "The provider's statement is read by somebody else than ours "
                f"(similarity {similarity:.2f}).",
                "Both must be read by the person whose voice it is.",
                similarity=round(similarity, 4),
                limit=SAME_SPEAKER,
            )


async def provided(tools: ConsentTools, order: ConsentOrder) -> ProviderRecording | None:
    """The recording that an order has, if it has one.

    Raises:
        EngineBusy: too many recordings are being listened to.
        UnreadableAudio, UnsuitableRecording: nothing can be told from it.
        AssetError, EngineUnavailable: a model is missing.
    """
    if order.read_provider is None:
        return None
    with tools.admission.enter():
        content = await in_thread(None, order.read_provider)
        sound = await tools.ears.decode(content)
        if sound.duration_s > LONGEST_S:
            raise RecordingTooLong(
                f"The recording of the provider's statement takes {sound.duration_s:.0f} s.",
                "Read the statement, and nothing else.",
                measured=round(sound.duration_s, 3),
                limit=LONGEST_S,
            )
        recording, _ = await tools.ears.judge(sound)
        return ProviderRecording(content, await tools.ears.embed(recording))
