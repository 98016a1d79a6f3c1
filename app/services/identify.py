"""Telling which request made a piece of audio."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from app.audio.decode import DecodedAudio, DecodeLimits, decode
from app.core.admission import Admission
from app.core.clock import WallClock, utc_now
from app.core.logging import get_logger
from app.core.tasks import in_thread
from app.db.base import OutputStore
from app.fingerprint.landmarks import FRAME_S, Landmarks, clip_landmarks
from app.fingerprint.matching import Match, matches
from app.models.output import Identification, Output, OutputMatch

log = get_logger(__name__)

MAX_CLIP_S: Final = 60.0

_MOST: Final = 20  # matches of an answer
_LOOKED_UP: Final = 500  # matches, of all owners
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
        max_bytes: int,
        admission: Admission,
        settle: Callable[[], Awaitable[None]],
        keep_days: float = 0.0,
        clock: WallClock = utc_now,
    ) -> None:
        self._store = store
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
        found = matches(await self._store.hits(clip))[:_LOOKED_UP]
        outputs = await self._store.get([match.number for match in found], owner=owner)
        return Identification(
            matches=[
                _told(match, outputs[match.number]) for match in found if match.number in outputs
            ][:_MOST],
            clip_s=round(audio.duration_s, 3),
            landmarks=len(clip.keys),
        )

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


def _told(match: Match, output: Output) -> OutputMatch:
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
        voices=list(output.voices),
        duration_s=output.duration_s,
        clip_start_s=round(start, 2),
        clip_end_s=round(end, 2),
        output_start_s=round(max(0.0, start + shift), 2),
        output_end_s=round(max(0.0, end + shift), 2),
        votes=match.votes,
        confidence=match.confidence,
    )
