"""Finding a caller's voice."""

from app.core.exceptions import NotFound, VoiceNotFound
from app.core.ids import is_id
from app.db.base import Collection
from app.models.voice import Voice


async def find_voice(voices: Collection[Voice], owner: str, voice_id: str) -> Voice:
    """The voice of this owner with this id.

    Raises:
        VoiceNotFound: there is none with this id, or it is somebody else's.
    """
    voice = await voices.get(voice_id) if is_id(voice_id) else None
    if voice is None or voice.owner != owner:
        raise VoiceNotFound(
            f"There is no voice {voice_id[:64]!r}.",
            "List the voices: GET /voices, or `voice-cloning voices list`.",
        )
    return voice


async def update_voice(voices: Collection[Voice], voice: Voice) -> Voice:
    """Replace the record of the same id and version.

    Raises:
        VoiceNotFound: it was deleted meanwhile.
        VersionConflict: it was changed meanwhile.
    """
    try:
        return await voices.update(voice)
    except NotFound as error:
        raise VoiceNotFound(f"The voice {voice.id!r} was deleted meanwhile.") from error
