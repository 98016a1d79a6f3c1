"""Voices under /api/v1: train, list, show, change, delete."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, File, Form, Query, Response, UploadFile

from app.api.access import GuardedRoute, access
from app.api.dependencies import (
    Asker,
    Cloning,
    IdempotencyKey,
    ManagedVoice,
    Owner,
    OwnVoice,
    Reach,
    Voices,
)
from app.api.errors import also, problems
from app.api.etags import ETAG, IfMatch, etag, version_of
from app.api.routes.voices import common
from app.api.uploads import CONSENT_PROBLEMS, UPLOAD_PROBLEMS, ConsentId, sent_all
from app.core import exceptions as err
from app.core.exceptions import InvalidRequest
from app.limits.base import Rate
from app.models.access import Party, Permission
from app.models.base import LANGUAGE_FORM
from app.models.job import JobDetails, JobStatus
from app.models.share import VoiceAccess
from app.models.voice import Erased, Voice
from app.models.voice_profile import (
    SampleCounts,
    SampleDetails,
    TrainingSummary,
    TrainRequest,
    VoiceChange,
    VoiceProfile,
    VoiceProfilePage,
    VoiceStatus,
    VoiceTraining,
)
from app.services.voices import Change, TrainAgain, TrainOrder

router = APIRouter(prefix="/api/v1/voices", tags=["voices"], route_class=GuardedRoute)

_TRAINING_PROBLEMS = problems(
    err.TrainingUnsupported,
    err.UnsupportedLanguage,
    err.WebhookRefused,
    err.VoiceNotFound,
    err.IdempotencyMismatch,
    err.TooManyJobs,
    err.DatabaseError,
)
_WEBHOOK = "Is told when the training has ended."

Sort = Literal["-created_at", "created_at", "name", "-name", "-updated_at", "updated_at"]


def _order(
    name: Annotated[str | None, Form(description="Default: the first file's name.")] = None,
    description: Annotated[str | None, Form(description="Up to 2000 characters.")] = None,
    language: Annotated[str | None, Form(description="BCP-47 tag, e.g. `en-US`.")] = None,
    engine: Annotated[str | None, Form(description="Must be the one that runs.")] = None,
    consent: Annotated[
        str | None, Form(description="Your reference to the speaker's agreement.")
    ] = None,
    consent_id: ConsentId = None,
    minutes: Annotated[
        float | None, Form(ge=0.1, allow_inf_nan=False, description="At most so long.")
    ] = None,
    seed: Annotated[int, Form(ge=0, le=2**32 - 1)] = 0,
    webhook_url: Annotated[str | None, Form(max_length=2000, description=_WEBHOOK)] = None,
) -> TrainOrder:
    return TrainOrder(
        minutes=minutes,
        seed=seed,
        webhook_url=webhook_url,
        name=name,
        description=description,
        language=language,
        engine=engine,
        consent=consent,
        consent_id=consent_id or None,
    )


@router.post(
    "/train",
    status_code=202,
    operation_id="train_voice",
    responses=also(also(UPLOAD_PROBLEMS, CONSENT_PROBLEMS), _TRAINING_PROBLEMS),
)
@access(Permission.VOICES_TRAIN, Rate.TRAINING)
async def train_voice(
    voices: Voices,
    cloning: Cloning,
    owner: Owner,
    order: Annotated[TrainOrder, Depends(_order)],
    files: Annotated[list[UploadFile], File(description="Recordings, or one zip file of them.")],
    key: IdempotencyKey = None,
) -> VoiceTraining:
    """Make a voice of recordings of one person. It can be spoken at once, as an instant clone; a
    job then trains it on all of them. `samples` tells of each recording whether it is used.

    Some minutes of clean speech in several recordings are best. With `Idempotency-Key` a repeated
    request gives the same voice and job.
    """
    order = replace(order, files=sent_all(files), idempotency_key=key)
    begun = await cloning.train(owner, order)
    samples = [SampleDetails.of(sample) for sample in begun.samples]
    samples += [SampleDetails.duplicate(*pair) for pair in begun.duplicates]
    return VoiceTraining(
        voice=await profile(voices, begun.voice),
        job=JobDetails.of(begun.job),
        samples=samples,
        ignored=begun.ignored,
    )


@router.post(
    "/{voice_id}/train",
    status_code=202,
    operation_id="train_voice_again",
    responses=also(
        _TRAINING_PROBLEMS,
        problems(
            err.RecordingTooShort,
            err.VoiceInTraining,
            err.VoiceSuspended,
            err.VoiceEngineMismatch,
        ),
    ),
)
@access(Permission.VOICES_TRAIN, Rate.TRAINING)
async def train_voice_again(
    cloning: Cloning,
    voice: ManagedVoice,
    by: Asker,
    voice_id: str,
    key: IdempotencyKey = None,
    body: TrainRequest | None = None,
) -> JobDetails:
    """Train a voice once more, on all the recordings that it has now. The voice stays as it is
    until there is a better version of it.
    """
    asked = body or TrainRequest()
    guest = None if by.owner == voice.owner else by.owner
    order = TrainAgain(asked.minutes, asked.seed, asked.webhook_url, key, asked_by=guest)
    _, job = await cloning.again(voice.owner, voice_id, order)
    return JobDetails.of(job)


@router.get("", operation_id="list_voice_profiles", responses=problems(err.DatabaseError))
@access(Permission.VOICES_READ)
async def list_voice_profiles(
    voices: Voices,
    reach: Reach,
    by: Asker,
    engine: Annotated[
        str | None,
        Query(pattern=r"^[A-Za-z0-9._-]{1,100}$", description="Those of this engine."),
    ] = None,
    language: Annotated[
        str | None,
        Query(max_length=35, pattern=LANGUAGE_FORM, description="Those with this language."),
    ] = None,
    sort: Annotated[Sort, Query(description="`-` before it: descending.")] = "-created_at",
    shared: Annotated[
        bool, Query(description="Others' voices that are shared with you, instead of yours.")
    ] = False,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(description="From the page before.")] = None,
) -> VoiceProfilePage:
    """Your voices, page by page. A cursor is for the same filter and order."""
    given = await reach.shared_with(by) if shared else {}
    asked = {"engine": engine, "language": language}
    where = {name: value for name, value in asked.items() if value is not None}
    part: dict[str, Any] = {"order": sort, "limit": limit, "cursor": cursor or None}
    if shared:
        page = await voices.among(list(given), where=where, **part)
    else:
        page = await voices.list(by.owner, where=where, **part)
    items = [await profile(voices, one, given.get(one.id, VoiceAccess.OWN)) for one in page.items]
    return VoiceProfilePage(items=items, cursor=page.cursor)


router.add_api_route(
    "/", list_voice_profiles, include_in_schema=False, operation_id="list_voice_profiles_slash"
)


@router.get(
    "/{voice_id}",
    operation_id="get_voice_profile",
    responses=ETAG | problems(err.VoiceNotFound, err.DatabaseError),
)
@access(Permission.VOICES_READ)
async def get_voice_profile(
    voices: Voices, reach: Reach, by: Asker, voice_id: str, response: Response
) -> VoiceProfile:
    """One voice: its recordings, its last training, and how the version that is spoken was
    measured.
    """
    voice, access = await reach.look_up(by, voice_id)
    response.headers["ETag"] = etag(voice.version)
    return await profile(voices, voice, access)


@router.put(
    "/{voice_id}",
    operation_id="change_voice",
    responses=ETAG
    | problems(
        err.UnsupportedLanguage,
        err.VoiceNotFound,
        err.VoiceAccessMissing,
        err.LexiconNotFound,
        err.VersionConflict,
        err.DatabaseError,
    ),
)
@access(Permission.VOICES_WRITE)
async def change_voice(
    voices: Voices,
    voice: ManagedVoice,
    by: Asker,
    voice_id: str,
    body: VoiceChange,
    response: Response,
    if_match: IfMatch = None,
) -> VoiceProfile:
    """Change the name, description, language, consent reference or lexicons. What is left out
    stays as it is; null clears it. Send the `version` that you have read, or its `ETag` as
    `If-Match`: if the voice was changed since, by a training for example, the answer is 409.
    """
    fields = {name: getattr(body, name) for name in body.model_fields_set - {"version"}}
    change = Change(_version(body.version, if_match), fields, by_owner=voice.owner == by.owner)
    changed = await voices.change(voice.owner, voice_id, change)
    response.headers["ETag"] = etag(changed.version)
    return await profile(voices, changed, _access(changed, by))


@router.delete(
    "/{voice_id}",
    operation_id="delete_voice_profile",
    responses=problems(err.VoiceNotFound, err.VoiceAccessMissing, err.DatabaseError),
)
@access(Permission.VOICES_WRITE)
async def delete_voice_profile(voices: Voices, voice: OwnVoice, voice_id: str) -> Erased:
    """Delete a voice, its recordings, its versions, and all that was made with it; its training is
    cancelled. Says what was erased.
    """
    return await voices.delete(voice.owner, voice_id)


async def profile(
    voices: Voices, voice: Voice, access: VoiceAccess = VoiceAccess.OWN
) -> VoiceProfile:
    """A voice as callers see it who may do so much with it."""
    standing = await voices.standing(voice)
    job, active = standing.job, standing.active
    training = job and TrainingSummary.of(job, standing.trained)
    ended = job is None or job.ended
    failed = job is not None and job.status is JobStatus.FAILED
    status: VoiceStatus = "failed" if failed else "ready"
    if not ended:
        status = "training"
    if standing.permitted != "permitted":
        status = standing.permitted
    shown = {
        "name", "description", "engine", "adapted_at", "adapted_minutes", "created_at",
        "updated_at", "version", "language", "consent", "consent_id", "active_version",
        "lexicon_ids",
    }  # fmt: skip
    if access is not VoiceAccess.OWN:  # whose agreement it is concerns its owner
        voice = voice.model_copy(update={"consent": None, "consent_id": None})
    return VoiceProfile(
        access=access,
        owner=voice.owner,
        status=status,
        samples=SampleCounts.of(standing.samples),
        metrics=active and active.metrics,
        other_engines=[held.engine for held in voice.other_states],
        training=training,
        **{name: getattr(voice, name) for name in shown},
        **common(voice),
    )


def _access(voice: Voice, by: Party) -> VoiceAccess:
    """Of somebody who has just managed it."""
    return VoiceAccess.OWN if voice.owner == by.owner else VoiceAccess.MANAGE


def _version(sent: int | None, if_match: str | None) -> int:
    """The version that the caller has read.

    Raises:
        InvalidRequest: it says none, or two.
    """
    version = version_of(sent, if_match)
    if version is None:
        raise InvalidRequest(
            "The request does not say which version of the voice it changes.",
            "Read the voice, then send its `version`, or its `ETag` as `If-Match`.",
        )
    return version
