"""What the services of voices work with, and what comes in."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from app.abuse.speakers import SpeakerWatch
from app.audio.ears import Ears
from app.consents.desk import ConsentDesk
from app.consents.permit import Permit
from app.core.admission import Admission
from app.core.metrics import Metrics, Outcome, outcome_of
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.engines.base import Engine
from app.jobs.board import JobBoard
from app.models.lexicon import Lexicon
from app.models.share import VoiceShare
from app.models.voice import Voice, VoiceSample, VoiceVersion
from app.services.voices.archive import ArchiveLimits
from app.storage.stores import Stores

_BUSY_RETRY_S: Final = 10


@dataclass(frozen=True, slots=True)
class VoiceLimits:
    """How much a voice may be made of, and how long it may be trained.

    Attributes:
        samples: recordings, refused ones among them.
        file_bytes: of one recording.
        total_bytes: of all that comes in at once.
        speech_s: that a voice is made of.
        minutes: of a training that does not say.
        max_minutes: of any training.
    """

    samples: int = 50
    file_bytes: int = 50 * 1024 * 1024
    total_bytes: int = 200 * 1024 * 1024
    speech_s: float = 1800.0
    minutes: float = 5.0
    max_minutes: float = 60.0

    @property
    def archive(self) -> ArchiveLimits:
        return ArchiveLimits(self.file_bytes, self.total_bytes)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A recording that somebody has sent.

    Attributes:
        size: in bytes.
        read: gives them, again and again: it is kept when it has been listened to. Blocks.
    """

    filename: str
    size: int
    read: Callable[[], bytes] = field(repr=False)


def incoming_bytes(filename: str, content: bytes) -> Incoming:
    """A recording that is in memory."""
    return Incoming(filename, len(content), lambda: content)


@dataclass(frozen=True)
class VoiceTools:
    """What the services of voices work with.

    Attributes:
        admission: each that is inside takes up to some hundred megabytes.
        standbys: engines that may speak where `engine` cannot, in this order.
    """

    voices: Collection[Voice]
    samples: Collection[VoiceSample]
    versions: Collection[VoiceVersion]
    shares: Collection[VoiceShare]
    lexicons: Collection[Lexicon]
    stores: Stores
    engine: Engine
    ears: Ears
    watch: SpeakerWatch
    audit: AuditTrail
    desk: ConsentDesk
    permit: Permit
    jobs: JobBoard
    limits: VoiceLimits
    admission: Admission
    metrics: Metrics = field(default_factory=Metrics)
    standbys: tuple[Engine, ...] = ()

    def engine_of(self, name: str) -> Engine | None:
        """The engine of that name, if it runs here."""
        engines = (self.engine, *self.standbys)
        return next((one for one in engines if one.info.name == name), None)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a registration, and what came of it."""
        start = time.perf_counter()
        outcome: Outcome = "ok"
        try:
            yield
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            duration_s = time.perf_counter() - start
            self.metrics.registration_ended(self.engine.info.name, outcome, duration_s=duration_s)


def admission_of(at_once: int) -> Admission:
    """Lets so many listen to recordings at once."""
    return Admission(
        at_once, doing="recordings are being registered", retry_after_s=lambda: _BUSY_RETRY_S
    )
