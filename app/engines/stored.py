"""Voice states as they are stored."""

from collections.abc import Iterable

from app.core.exceptions import EngineFailed, VoiceEngineMismatch
from app.db.base import Collection
from app.engines.base import EngineInfo, VoiceState
from app.models.voice import Voice
from app.storage.base import BlobStore


async def stored_state(
    voice: Voice, info: EngineInfo, *, voices: Collection[Voice], states: BlobStore
) -> VoiceState:
    """The state of a voice, for the engine that runs.

    Raises:
        VoiceEngineMismatch: another engine has made it.
        EngineFailed: its file is missing.
    """
    check_engine(voice, info)
    try:
        payload = await states.get(voice.state_blob)
    except FileNotFoundError as error:
        now = await voices.get(voice.id)
        now = now and now.held_by(info.name)
        if now is not None and now.state_blob != voice.state_blob:
            # Another version was activated since the record was read, and this one deleted.
            return await stored_state(now, info, voices=voices, states=states)
        raise EngineFailed(
            "The file of the voice is missing.", "Register the recording again."
        ) from error
    return VoiceState(voice.engine, voice.state_format, payload, voice.similarity)


async def stored_states(
    spoken: Iterable[Voice], info: EngineInfo, *, voices: Collection[Voice], states: BlobStore
) -> dict[str, VoiceState]:
    """Those of several voices, by their ids; raises as `stored_state`."""
    return {
        voice.id: await stored_state(voice, info, voices=voices, states=states) for voice in spoken
    }


def check_engine(voice: Voice, info: EngineInfo) -> None:
    """Raise `VoiceEngineMismatch` if another engine than the one that runs has made the voice."""
    if voice.engine != info.name:
        raise VoiceEngineMismatch(
            f"The voice was made by the engine {voice.engine!r}; {info.name!r} is running.",
            "Start the server with that engine, or register the recording again.",
        )
