"""Telling which request made a piece of audio."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final

from app.audio.decode import DecodedAudio, DecodeLimits, decode
from app.core.admission import Admission
from app.core.clock import WallClock, utc_now
from app.core.logging import get_logger
from app.core.tasks import in_thread
from app.db.base import AnyOf, Collection, OutputStore
from app.fingerprint.landmarks import FRAME_S, Landmarks, clip_landmarks
from app.fingerprint.matching import Match, matches
from app.models.output import Identification, Output, OutputMatch
from app.models.voice import Voice

log = get_logger(__name__)

MAX_CLIP_S: Final = 60.0

_MOST: Final = 20  # matches of an answer
_LOOKED_UP: Final = 20_000  # matches, of all owners
_AT_ONCE: Final = 500
_SLACK: Final = timedelta(days=1)


class IdentifyService:
    """Searches among the outputs of all owners.

    Args:
        max_bytes: of a clip.
        admission: each clip that is inside takes up to some ten megabytes.
        keep_days: how long outputs are remembered; 0 for ever.
        settle: is awaited before a search, and has written what waits to be.
    """

    def __init__(
        self,
        store: OutputStore,
        *,
        voices: Collection[Voice],
        max_bytes: int,
        admission: Admission,
        settle: Callable[[], Awaitable[None]],
        keep_days: float = 0.0,
        clock: WallClock = utc_now,
    ) -> None:
        self._store = store
        self._voices = voices
        self._limits = DecodeLimits(max_bytes=max_bytes, max_seconds=MAX_CLIP_S)
        self._admission = admission
        self._settle = settle
        self._keep_days = keep_days
        self._clock = clock

    async def identify(self, read: Callable[[], bytes], *, owner: str | None) -> Identification:
        """The outputs that a clip has pieces of, the surest first.

        Args:
            read: gives the file. Blocks.
            owner: whose outputs are told of; None for everybody's.

        Raises:
            UploadTooLarge, RecordingTooLong, UnreadableAudio: nothing can be told from the file.
            EngineBusy: there are as many clips as may be.
            DatabaseError: it cannot be searched now.
        """
        with self._admission.enter():
            audio, clip = await in_thread(None, self._heard, read)
        await self._settle()
        return Identification(
            matches=await self._of(matches(await self._store.hits(clip))[:_LOOKED_UP], owner),
            clip_s=round(audio.duration_s, 3),
            landmarks=len(clip.keys),
        )

    async def _of(self, found: Sequence[Match], owner: str | None) -> list[OutputMatch]:
        """The surest matches among the outputs of an owner."""
        told: list[tuple[Match, Output]] = []
        for start in range(0, len(found), _AT_ONCE):
            some = found[start : start + _AT_ONCE]
            outputs = await self._store.get([match.number for match in some], owner=owner)
            told += [(match, outputs[match.number]) for match in some if match.number in outputs]
            if len(told) >= _MOST:
                break
        told = told[:_MOST]
        own = None if owner is None else await self._own(owner, [output for _, output in told])
        return [_told(match, output, own) for match, output in told]

    async def _own(self, owner: str, outputs: Sequence[Output]) -> set[str]:
        """Ids of the voices in these outputs that are the owner's."""
        ids = tuple({voice.voice_id for output in outputs for voice in output.voices})
        if not ids:
            return set()
        page = await self._voices.list(where={"owner": owner, "id": AnyOf(ids)}, limit=500)
        return {voice.id for voice in page.items}

    async def expire(self) -> int:
        """Forget outputs that were remembered long enough; says how many.

        They are forgotten a day's worth at a time, as each time takes a walk through the index.

        Raises:
            DatabaseError: a part was forgotten; the rest stays for the next time.
        """
        if not self._keep_days:
            return 0
        before = self._clock() - timedelta(days=self._keep_days)
        oldest = await self._store.oldest()
        if oldest is None or oldest > before - min(_SLACK, timedelta(days=self._keep_days) / 10):
            return 0
        count = await self._store.expire(before)
        log.info("forgot outputs that were remembered long enough", outputs=count)
        return count

    def _heard(self, read: Callable[[], bytes]) -> tuple[DecodedAudio, Landmarks]:
        audio = decode(read(), self._limits)
        return audio, clip_landmarks(audio.samples, audio.sample_rate)


def _told(match: Match, output: Output, own: set[str] | None) -> OutputMatch:
    """What is told of a match. The consents of others' voices are told to administrators, to whom
    `own` is None.
    """
    start, end = match.first * FRAME_S, match.last * FRAME_S
    shift = match.offset * FRAME_S
    return OutputMatch(
        output_id=output.id,
        request_id=output.request_id,
        created_at=output.created_at,
        owner=output.owner,
        actor=output.actor,
        source=output.source,
        batch_id=output.batch_id,
        voices=[
            voice
            if own is None or voice.voice_id in own
            else voice.model_copy(update={"consent_id": None})
            for voice in output.voices
        ],
        duration_s=output.duration_s,
        clip_start_s=round(start, 2),
        clip_end_s=round(end, 2),
        output_start_s=round(max(0.0, start + shift), 2),
        output_end_s=round(max(0.0, end + shift), 2),
        votes=match.votes,
        confidence=match.confidence,
    )
