"""Looking for the watermark in sounds that somebody has sent."""

from collections.abc import Callable

from app.audio.ears import Ears
from app.core.admission import Admission
from app.core.tasks import in_thread
from app.models.watermark import Detection, Marked
from app.watermark.finding import PRESENT
from app.watermark.marking import Watermark


class WatermarkService:
    """Finds our own mark, whether what is spoken now is marked or not.

    Args:
        admission: each that is inside takes up to some hundred megabytes.
    """

    def __init__(self, ears: Ears, watermark: Watermark, admission: Admission) -> None:
        self._ears = ears
        self._watermark = watermark
        self._admission = admission

    async def detect(self, read: Callable[[], bytes]) -> Detection:
        """Whether a file of sound is marked, and where. It is not kept.

        Args:
            read: gives the file. Blocks.

        Raises:
            UnreadableAudio, RecordingTooLong, UploadTooLarge: it cannot be read, or is too much.
            AssetError, EngineUnavailable: the model is missing or damaged.
            EngineBusy: as many are being looked at as may be.
        """
        with self._admission.enter():
            content = await in_thread(None, read)
            sound = await self._ears.decode(content)
            found = await in_thread(None, self._watermark.find, sound.samples, sound.sample_rate)
        return Detection(
            present=found.present,
            score=round(found.score, 3),
            threshold=PRESENT,
            duration=round(sound.duration_s, 3),
            marked=[
                Marked(start_s=span.start_s, end_s=span.end_s, score=round(span.score, 3))
                for span in found.spans
            ],
        )
