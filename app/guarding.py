"""What stands against misuse, put together."""

from dataclasses import dataclass

from app.abuse.barred import Barred
from app.abuse.flags import Flags
from app.abuse.speakers import SpeakerWatch, WatchRules
from app.abuse.volume import VolumeRules, VolumeWatch
from app.audio.ears import Ears
from app.core.clock import Clock
from app.core.config import Settings
from app.core.metrics import Metrics
from app.db.audit import AuditTrail
from app.db.base import Database
from app.jobs.board import JobBoard
from app.models.api_key import ApiKey
from app.models.batch import BatchItem
from app.models.flag import Flag
from app.models.history import UsageDay
from app.models.speaker import DeniedSpeaker, VoiceSpeaker
from app.models.suspension import Suspension
from app.models.voice import Voice
from app.services.denied_speakers import DeniedSpeakerService
from app.services.flags import FlagService
from app.services.suspensions import SuspensionService, SuspensionTools


@dataclass(frozen=True, slots=True)
class Guards:
    """What stands against misuse.

    Attributes:
        barred: says who is suspended, with every request.
    """

    barred: Barred
    suspensions: SuspensionService
    denied_speakers: DeniedSpeakerService
    flags: FlagService
    watch: SpeakerWatch


@dataclass(frozen=True, slots=True)
class GuardParts:
    """What they are made of."""

    database: Database
    ears: Ears
    audit: AuditTrail
    metrics: Metrics
    barred: Barred
    rules: WatchRules = WatchRules()  # noqa: RUF009 - it does not change

    @property
    def flags(self) -> Flags:
        return Flags(self.database.collection(Flag), self.metrics)

    def volume(self, settings: Settings) -> VolumeWatch:
        days = self.database.collection(UsageDay)
        return VolumeWatch(days, self.flags, VolumeRules.of(settings))

    def watch(self) -> SpeakerWatch:
        return SpeakerWatch(
            denied=self.database.collection(DeniedSpeaker),
            speakers=self.database.collection(VoiceSpeaker),
            ears=self.ears,
            flags=self.flags,
            audit=self.audit,
            metrics=self.metrics,
            rules=self.rules,
        )


def barred_in(database: Database, clock: Clock) -> Barred:
    return Barred(database.collection(Suspension), clock=clock)


def guards_of(parts: GuardParts, *, jobs: JobBoard) -> Guards:
    database, audit, barred = parts.database, parts.audit, parts.barred
    tools = SuspensionTools(
        suspensions=database.collection(Suspension),
        voices=database.collection(Voice),
        keys=database.collection(ApiKey),
        items=database.collection(BatchItem),
        jobs=jobs,
        barred=barred,
        audit=audit,
    )
    watch = parts.watch()
    denied = DeniedSpeakerService(
        denied=database.collection(DeniedSpeaker),
        ears=parts.ears,
        watch=watch,
        audit=audit,
    )
    flags = FlagService(flags=database.collection(Flag), raised=parts.flags, audit=audit)
    return Guards(
        barred=barred,
        suspensions=SuspensionService(tools),
        denied_speakers=denied,
        flags=flags,
        watch=watch,
    )
