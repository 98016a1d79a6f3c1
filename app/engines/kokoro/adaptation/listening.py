"""Which of the engine's languages is spoken."""

from app.audio.types import Recording
from app.core.exceptions import UnsuitableRecording
from app.speaker.recogniser import Recogniser


def spoken_language(
    recogniser: Recogniser, recording: Recording, languages: tuple[str, ...]
) -> str:
    """Which of the engine's languages is spoken, as its tag.

    Raises:
        UnsuitableRecording: none of them.
    """
    found = (recording.language or recogniser.language(recording)).partition("-")[0]
    for tag in languages:
        if tag.partition("-")[0] == found:
            return tag
    raise UnsuitableRecording(
        f"The recording seems to be in {found!r}, which this engine does not read.",
        f"It reads: {', '.join(languages)}.",
    )
