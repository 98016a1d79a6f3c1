"""What routes ask for, by name."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Header, Query, Request

from app.api.access import OWNER_HEADER, owner_of, party_of
from app.context import AppContext
from app.core.exceptions import VoiceNotFound
from app.core.ids import is_id
from app.db.voices import VoiceReach
from app.jobs.board import JobBoard
from app.models.access import Party, Principal
from app.models.job import JobKind
from app.models.link import LONGEST_S, SHORTEST_S
from app.models.share import VoiceAccess
from app.models.voice import Voice
from app.services.audit import AuditService
from app.services.batches import BatchService
from app.services.consents import ConsentEndings, ConsentService
from app.services.denied_speakers import DeniedSpeakerService
from app.services.flags import FlagService
from app.services.history import HistoryService
from app.services.identify import IdentifyService
from app.services.keys import KeyService
from app.services.lexicon_check import LexiconCheckService
from app.services.lexicons import EntryService, LexiconService, UploadService
from app.services.sharing import SharingService
from app.services.suspensions import SuspensionService
from app.services.synthesis import SynthesisService
from app.services.training import TrainingService
from app.services.translation import TranslationService
from app.services.usage import UsageService
from app.services.verify import VerifyService
from app.services.versions import VersionService
from app.services.voices import (
    BundleService,
    CloningService,
    OtherEngines,
    SampleService,
    VoiceService,
)
from app.services.watermark import WatermarkService


def _context(request: Request) -> AppContext:
    context: AppContext = request.app.state.context
    return context


def _voices(context: Annotated[AppContext, Depends(_context)]) -> VoiceService:
    return context.voices


def _cloning(context: Annotated[AppContext, Depends(_context)]) -> CloningService:
    return CloningService(context.voice_tools)


def _samples(context: Annotated[AppContext, Depends(_context)]) -> SampleService:
    return SampleService(context.voice_tools)


def _bundles(context: Annotated[AppContext, Depends(_context)]) -> BundleService:
    return BundleService(context.voice_tools)


def _others(context: Annotated[AppContext, Depends(_context)]) -> OtherEngines:
    return OtherEngines(context.voice_tools)


def _synthesis(context: Annotated[AppContext, Depends(_context)]) -> SynthesisService:
    return context.synthesis


def _translations(context: Annotated[AppContext, Depends(_context)]) -> TranslationService:
    return context.translations


def _lexicon_check(context: Annotated[AppContext, Depends(_context)]) -> LexiconCheckService:
    return context.lexicon_check


def _training(context: Annotated[AppContext, Depends(_context)]) -> TrainingService:
    return context.training


def _versions(context: Annotated[AppContext, Depends(_context)]) -> VersionService:
    return context.versions


def _batches(context: Annotated[AppContext, Depends(_context)]) -> BatchService:
    return context.batches


def _jobs(context: Annotated[AppContext, Depends(_context)]) -> JobBoard:
    return context.jobs


def _keys(context: Annotated[AppContext, Depends(_context)]) -> KeyService:
    return context.keys


def _audit(context: Annotated[AppContext, Depends(_context)]) -> AuditService:
    return context.audit


def _history(context: Annotated[AppContext, Depends(_context)]) -> HistoryService:
    return context.history


def _lexicons(context: Annotated[AppContext, Depends(_context)]) -> LexiconService:
    return LexiconService(context.lexicon_tools)


def _entries(context: Annotated[AppContext, Depends(_context)]) -> EntryService:
    return EntryService(context.lexicon_tools)


def _lexicon_uploads(context: Annotated[AppContext, Depends(_context)]) -> UploadService:
    return UploadService(context.lexicon_tools)


def _usage(context: Annotated[AppContext, Depends(_context)]) -> UsageService:
    return context.usage


def _marks(context: Annotated[AppContext, Depends(_context)]) -> WatermarkService:
    return context.marks


def _consents(context: Annotated[AppContext, Depends(_context)]) -> ConsentService:
    return ConsentService(context.consent_tools)


def _endings(context: Annotated[AppContext, Depends(_context)]) -> ConsentEndings:
    return ConsentEndings(context.consent_tools)


def _suspensions(context: Annotated[AppContext, Depends(_context)]) -> SuspensionService:
    return context.guards.suspensions


def _denied(context: Annotated[AppContext, Depends(_context)]) -> DeniedSpeakerService:
    return context.guards.denied_speakers


def _flags(context: Annotated[AppContext, Depends(_context)]) -> FlagService:
    return context.guards.flags


def _reach(context: Annotated[AppContext, Depends(_context)]) -> VoiceReach:
    return context.reach


def _sharing(context: Annotated[AppContext, Depends(_context)]) -> SharingService:
    return context.sharing


def _identify(context: Annotated[AppContext, Depends(_context)]) -> IdentifyService:
    return context.identify


def _verify(context: Annotated[AppContext, Depends(_context)]) -> VerifyService:
    return context.verify


def _caller(request: Request) -> Principal:
    principal: Principal = request.state.principal
    return principal


_OWNER = Header(alias=OWNER_HEADER, description="Act for this owner; needs `owners:any`.")


def _owner(request: Request, _: Annotated[str | None, _OWNER] = None) -> str:
    return owner_of(request)


def _party(request: Request, _: Annotated[str | None, _OWNER] = None) -> Party:
    return party_of(request)


def _reached(needed: VoiceAccess) -> Callable[..., Awaitable[Voice]]:
    async def voice(
        voice_id: str,
        party: Annotated[Party, Depends(_party)],
        context: Annotated[AppContext, Depends(_context)],
    ) -> Voice:
        return await context.reach.find(party, voice_id, needed)

    return voice


async def _job_keeper(
    job_id: str,
    party: Annotated[Party, Depends(_party)],
    context: Annotated[AppContext, Depends(_context)],
) -> str:
    job = await context.jobs.find(job_id) if is_id(job_id) else None
    if job is None or job.owner == party.owner or job.kind is not JobKind.TRAINING:
        return party.owner
    try:
        _, access = await context.reach.look_up(party, job.subject_id)
    except VoiceNotFound:
        return party.owner
    return job.owner if access.covers(VoiceAccess.MANAGE) else party.owner


Context = Annotated[AppContext, Depends(_context)]
Voices = Annotated[VoiceService, Depends(_voices)]
Cloning = Annotated[CloningService, Depends(_cloning)]
Samples = Annotated[SampleService, Depends(_samples)]
Bundles = Annotated[BundleService, Depends(_bundles)]
OtherEnginesHere = Annotated[OtherEngines, Depends(_others)]
Synthesis = Annotated[SynthesisService, Depends(_synthesis)]
Translations = Annotated[TranslationService, Depends(_translations)]
LexiconCheck = Annotated[LexiconCheckService, Depends(_lexicon_check)]
Training = Annotated[TrainingService, Depends(_training)]
Versions = Annotated[VersionService, Depends(_versions)]
Batches = Annotated[BatchService, Depends(_batches)]
Jobs = Annotated[JobBoard, Depends(_jobs)]
Keys = Annotated[KeyService, Depends(_keys)]
Audit = Annotated[AuditService, Depends(_audit)]
History = Annotated[HistoryService, Depends(_history)]
Lexicons = Annotated[LexiconService, Depends(_lexicons)]
Entries = Annotated[EntryService, Depends(_entries)]
LexiconUploads = Annotated[UploadService, Depends(_lexicon_uploads)]
Marks = Annotated[WatermarkService, Depends(_marks)]
Consents = Annotated[ConsentService, Depends(_consents)]
Endings = Annotated[ConsentEndings, Depends(_endings)]
Usage = Annotated[UsageService, Depends(_usage)]
Suspensions = Annotated[SuspensionService, Depends(_suspensions)]
DeniedSpeakers = Annotated[DeniedSpeakerService, Depends(_denied)]
FlagsShown = Annotated[FlagService, Depends(_flags)]
Reach = Annotated[VoiceReach, Depends(_reach)]
Sharing = Annotated[SharingService, Depends(_sharing)]
Identify = Annotated[IdentifyService, Depends(_identify)]
Verify = Annotated[VerifyService, Depends(_verify)]
Caller = Annotated[Principal, Depends(_caller)]
Owner = Annotated[str, Depends(_owner)]
Asker = Annotated[Party, Depends(_party)]
"""In whose name it is asked: their own voices are found, and those shared with them."""
ManagedVoice = Annotated[Voice, Depends(_reached(VoiceAccess.MANAGE))]
"""The voice in the path, which is the caller's, or which they may manage."""
OwnVoice = Annotated[Voice, Depends(_reached(VoiceAccess.OWN))]
"""The voice in the path, which is the caller's."""
JobKeeper = Annotated[str, Depends(_job_keeper)]
"""The owner of the job in the path, if the caller may manage the voice that it trains; else the
caller."""
LinkSeconds = Annotated[
    int, Query(ge=SHORTEST_S, le=LONGEST_S, description="For how long the link is good.")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="Chosen by you: a request that is repeated with it is done once.",
    ),
]
