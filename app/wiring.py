"""How the services are made of their parts; who needs what."""

from dataclasses import dataclass
from datetime import timedelta

from app import machine
from app.abuse.refusals import Refusals
from app.abuse.speakers import WatchRules
from app.assets.store import AssetStore
from app.audio.ears import Ears
from app.consents.desk import ConsentDesk
from app.consents.listening import ConsentListener
from app.consents.permit import Permit
from app.core.admission import Admission
from app.core.clock import Clock
from app.core.config import Settings
from app.core.metrics import Metrics
from app.core.turns import Turns
from app.db.audit import AuditTrail
from app.db.base import Collection, Database
from app.db.usage import UsageCounters
from app.db.voices import VoiceReach
from app.engines.base import AgreementBound, Engine
from app.guarding import GuardParts, barred_in
from app.identity.tokens import TokenVerifier
from app.jobs.board import JobBoard
from app.jobs.dbos import DbosQueue
from app.jobs.webhooks import Webhooks
from app.lexicons.shelf import LexiconShelf
from app.lexicons.store import LexiconStore
from app.limits.create import create_limiter
from app.limits.limiter import RateLimiter
from app.models.api_key import ApiKey
from app.models.audit import AuditEvent
from app.models.batch import Batch, BatchItem
from app.models.consent import Consent, ConsentChallenge
from app.models.history import HistoryEntry, UsageDay
from app.models.job import Job
from app.models.lexicon import Lexicon, LexiconContent
from app.models.share import VoiceShare
from app.models.voice import Voice, VoiceSample, VoiceVersion
from app.planning.draft import Drafting
from app.preparing.preparer import Preparer
from app.provenance.opening import Provenance, open_provenance
from app.services.access import AccessService
from app.services.audit import AuditService
from app.services.batches import AheadBench, BatchOptions, BatchService, Bench
from app.services.consents import ConsentTools
from app.services.history import HistoryService
from app.services.identify import IdentifyService
from app.services.lexicon_check import LexiconCheckService
from app.services.lexicons import LexiconLimits, LexiconTools
from app.services.output_log import OutputLog
from app.services.retention import Keepers, RetentionService
from app.services.speech_log import HistoryLog, HistoryRules
from app.services.synthesis import Rewording, SynthesisService
from app.services.training import TrainingService
from app.services.verify import VerifyService
from app.services.voices import VoiceLimits, VoiceService, VoiceTools, admission_of
from app.speaking import preparer, standby, translating, turns
from app.storage.stores import StorageOptions, Stores, open_stores
from app.training.measuring import Measuring
from app.training.session import Workshop
from app.training.versions import Versions
from app.translators.desk import TranslationDesk
from app.watermark.marking import Watermark


@dataclass(frozen=True)
class Parts:
    """What the services are made of."""

    settings: Settings
    clock: Clock
    assets: AssetStore
    database: Database
    metrics: Metrics
    stores: Stores
    engine: Engine
    standbys: tuple[Engine, ...]
    ears: Ears
    watermark: Watermark
    provenance: Provenance
    queue: DbosQueue
    turns: Turns
    voices: Collection[Voice]
    reach: VoiceReach
    lexicons: LexiconStore
    shelf: LexiconShelf
    drafting: Drafting
    trail: AuditTrail
    permit: Permit
    desk: ConsentDesk
    guarding: GuardParts
    translating: TranslationDesk
    preparer: Preparer


def parts_of(  # long: every part by its name
    settings: Settings,
    clock: Clock,
    *,
    assets: AssetStore,
    database: Database,
    engine: Engine,
    standbys: tuple[Engine, ...],
    ears: Ears,
    watermark: Watermark,
    queue: DbosQueue,
) -> Parts:
    """The parts, of what was opened."""
    metrics = Metrics(version=settings.app_version, engine=engine.info.name)
    trail = AuditTrail(database.collection(AuditEvent))
    lexicons, contents = database.collection(Lexicon), database.collection(LexiconContent)
    voices, shares = database.collection(Voice), database.collection(VoiceShare)
    barred = barred_in(database, clock)
    store = LexiconStore(lexicons=lexicons, contents=contents, audit=trail)
    return Parts(
        settings=settings,
        clock=clock,
        assets=assets,
        database=database,
        metrics=metrics,
        stores=open_stores(StorageOptions.of(settings)),
        engine=engine,
        standbys=standbys,
        ears=ears,
        watermark=watermark,
        provenance=open_provenance(settings, test_engine=engine.info.test_double, metrics=metrics),
        queue=queue,
        turns=turns(settings, engine, clock, metrics),
        voices=voices,
        reach=VoiceReach(voices, shares, barred=lambda owner: barred.has(owner=owner)),
        lexicons=store,
        shelf=LexiconShelf(lexicons=lexicons, store=store),
        drafting=Drafting.of(settings, engine.info),
        trail=trail,
        permit=Permit(settings.consents, settings.operator_attests),
        desk=ConsentDesk(database.collection(Consent)),
        guarding=GuardParts(database, ears, trail, metrics, barred, WatchRules.of(settings)),
        translating=translating(settings, clock),
        preparer=preparer(settings, clock),
    )


def voice_tools(parts: Parts, jobs: JobBoard) -> VoiceTools:
    settings = parts.settings
    return VoiceTools(
        voices=parts.voices,
        samples=parts.database.collection(VoiceSample),
        versions=parts.database.collection(VoiceVersion),
        shares=parts.database.collection(VoiceShare),
        lexicons=parts.database.collection(Lexicon),
        stores=parts.stores,
        engine=parts.engine,
        ears=parts.ears,
        watch=parts.guarding.watch(),
        audit=parts.trail,
        desk=parts.desk,
        permit=parts.permit,
        jobs=jobs,
        limits=VoiceLimits(
            samples=settings.max_samples_per_voice,
            file_bytes=settings.max_upload_bytes,
            total_bytes=settings.max_voice_upload_bytes,
            speech_s=settings.max_voice_s,
            minutes=settings.training_minutes,
            max_minutes=settings.max_training_minutes,
        ),
        admission=admission_of(settings.max_concurrent_uploads),
        metrics=parts.metrics,
        standbys=parts.standbys,
    )


def consent_tools(parts: Parts, voices: VoiceTools) -> ConsentTools:
    settings, database = parts.settings, parts.database
    engines = (parts.engine, *parts.standbys)
    hear = machine.consent_recogniser(parts.engine.info, parts.assets)
    return ConsentTools(
        consents=database.collection(Consent),
        challenges=database.collection(ConsentChallenge),
        voices=parts.voices,
        samples=database.collection(VoiceSample),
        recordings=parts.stores.recordings,
        ears=parts.ears,
        desk=parts.desk,
        listener=ConsentListener(parts.ears, parts.watermark, hear),
        jobs=voices.jobs,
        audit=parts.trail,
        admission=voices.admission,
        erase=VoiceService(voices).delete,
        bound=next((one for one in engines if isinstance(one, AgreementBound)), None),
        code_for=timedelta(minutes=settings.consent_code_minutes),
        erase_after=timedelta(days=settings.consent_erasure_days),
    )


def lexicon_tools(parts: Parts) -> LexiconTools:
    return LexiconTools(
        lexicons=parts.database.collection(Lexicon),
        voices=parts.voices,
        store=parts.lexicons,
        audit=parts.trail,
        limits=LexiconLimits.of(parts.settings),
    )


def synthesis(parts: Parts, log: HistoryLog, outputs: OutputLog) -> SynthesisService:
    settings, clock, metrics = parts.settings, parts.clock, parts.metrics
    return SynthesisService(
        voices=parts.voices,
        reach=parts.reach,
        states=parts.stores.states,
        engine=parts.engine,
        turns=parts.turns,
        audit=parts.trail,
        lexicons=parts.shelf,
        drafting=parts.drafting,
        watermark=parts.watermark,
        permit=parts.permit,
        credentials=parts.provenance.credentials,
        rewording=Rewording(parts.translating, parts.preparer),
        log=log,
        tracer=outputs if parts.settings.remembers_outputs else None,
        metrics=parts.metrics,
        standbys=[
            standby(settings, one, clock, metrics, first=parts.engine) for one in parts.standbys
        ],
        falls_back=settings.fallback == "always",
    )


def identify(parts: Parts, outputs: OutputLog, admission: Admission) -> IdentifyService:
    return IdentifyService(
        parts.database.outputs(),
        voices=parts.voices,
        max_bytes=parts.settings.max_upload_bytes,
        admission=admission,
        settle=outputs.settle,
        keep_days=parts.settings.fingerprint_retention_days,
    )


def verify(parts: Parts, admission: Admission) -> VerifyService:
    return VerifyService(
        parts.provenance,
        reach=parts.reach,
        admission=admission,
        max_bytes=parts.settings.max_upload_bytes,
    )


def lexicon_check(parts: Parts) -> LexiconCheckService:
    return LexiconCheckService(
        voices=parts.voices,
        reach=parts.reach,
        states=parts.stores.states,
        lexicons=parts.shelf,
        engine=parts.engine,
        turns=parts.turns,
        drafting=parts.drafting,
        watermark=parts.watermark,
        permit=parts.permit,
        recogniser=machine.recognise(parts.engine.info, parts.assets),
        refusals=Refusals(parts.trail, parts.metrics),
    )


def training(parts: Parts, shop: Workshop) -> TrainingService:
    return TrainingService(shop, refines=parts.settings.enrolment_refinement, metrics=parts.metrics)


def workshop(parts: Parts) -> Workshop:
    database = parts.database
    versions = database.collection(VoiceVersion)
    judge = machine.judge(parts.engine.info, parts.assets)
    return Workshop(
        voices=parts.voices,
        samples=database.collection(VoiceSample),
        versions=Versions(voices=parts.voices, versions=versions, states=parts.stores.states),
        recordings=parts.stores.recordings,
        states=parts.stores.states,
        engine=parts.engine,
        ears=parts.ears,
        measuring=Measuring(parts.engine, parts.turns, judge),
        audit=parts.trail,
        desk=parts.desk,
        clock=parts.clock,
    )


def batches(parts: Parts, speaker: SynthesisService, board: JobBoard) -> BatchService:
    database, settings, info = parts.database, parts.settings, parts.engine.info
    items = database.collection(BatchItem)
    return BatchService(
        batches=database.collection(Batch),
        board=board,
        bench=Bench(
            items=items,
            voices=parts.voices,
            reach=parts.reach,
            outputs=parts.stores.outputs,
            speaker=speaker,
            # One is encoded and stored while the others are spoken.
            at_once=settings.batch_items_at_once or (info.background_concurrency or 1) + 1,
            clock=parts.clock,
            ahead=AheadBench.of(parts.engine, speaker, items, parts.reach),
        ),
        options=BatchOptions(
            max_items=settings.max_batch_items,
            ttl_hours=settings.batch_ttl_hours,
            sample_rate=info.sample_rate,
        ),
        credentials=parts.provenance.credentials,
    )


def board(parts: Parts) -> JobBoard:
    return JobBoard(
        parts.database.collection(Job),
        parts.queue,
        webhooks=Webhooks.of(parts.settings),
        max_per_owner=parts.settings.max_jobs_per_owner,
        metrics=parts.metrics,
    )


def history_log(parts: Parts) -> HistoryLog:
    settings, database = parts.settings, parts.database
    return HistoryLog(
        entries=database.collection(HistoryEntry),
        voices=database.collection(Voice),
        outputs=parts.stores.outputs,
        usage=UsageCounters(
            database.collection(UsageDay), added=parts.guarding.volume(settings).added
        ),
        rules=HistoryRules(
            enabled=settings.history_enabled,
            keep_text=settings.history_keep_text,
            keep_audio=settings.history_keep_audio,
        ),
    )


def audit(parts: Parts) -> AuditService:
    return AuditService(
        parts.database.collection(AuditEvent),
        ledger=parts.database.audit_ledger(),
        trail=parts.trail,
        keep_days=parts.settings.audit_retention_days,
    )


def history(parts: Parts, log: HistoryLog) -> HistoryService:
    settings, database = parts.settings, parts.database
    return HistoryService(
        entries=database.collection(HistoryEntry),
        outputs=parts.stores.outputs,
        searchable=settings.history_enabled and settings.history_keep_text,
        keep_days=settings.history_retention_days,
        settle=log.settle,
    )


def retention(parts: Parts) -> RetentionService:
    return RetentionService(
        keepers=Keepers.of(parts.database),
        stores=parts.stores,
        keep_outputs_hours=parts.settings.output_retention_hours,
    )


def access(parts: Parts) -> AccessService:
    settings, database = parts.settings, parts.database
    return AccessService(
        keys=database.collection(ApiKey) if "api_key" in settings.auth_mode else None,
        tokens=TokenVerifier.of(settings) if "entra" in settings.auth_mode else None,
    )


def limiter(parts: Parts) -> RateLimiter | None:
    return create_limiter(
        parts.settings, parts.turns, clock=parts.clock, observer=parts.metrics.limits
    )
