"""Batches: many texts spoken as one job."""

from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Path, Query, Request, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.api import audio, rates
from app.api.access import GuardedRoute, access
from app.api.dependencies import Asker, Batches, IdempotencyKey, LinkSeconds, Owner
from app.api.errors import also, problems
from app.api.speech import SPEECH_PROBLEMS
from app.audio.types import AudioFormat
from app.core import exceptions as err
from app.core.tasks import in_thread
from app.limits.base import Rate
from app.models.access import Party, Permission
from app.models.batch import ItemStatus
from app.models.batch_details import BatchCreated, BatchDetails, BatchPage, ItemPage
from app.models.batch_request import BatchRequest, JoinedFormat
from app.models.job import JobDetails
from app.models.link import DownloadLink
from app.services.batches import BatchService, Place, read_items, wrong_items

router = APIRouter(prefix="/api/v1/synthesis/batch", tags=["batches"], route_class=GuardedRoute)

_BEGIN_PROBLEMS: Final = also(
    SPEECH_PROBLEMS,
    problems(
        err.WebhookRefused, err.IdempotencyMismatch, err.TooManyJobs, err.BatchNotFound,
        err.DatabaseError,
    ),
)  # fmt: skip
_OF_ONE: Final = problems(err.BatchNotFound, err.DatabaseError)
_BYTES: Final = {"schema": {"type": "string", "format": "binary"}}
_MAX_POSITION: Final = 2**31 - 1


def _file(description: str, *types: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": description, "content": dict.fromkeys(types, _BYTES)}}


Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(description="From the page before.")]


@router.post("", status_code=202, operation_id="create_batch", responses=_BEGIN_PROBLEMS)
@router.post("/", status_code=202, include_in_schema=False)
@access(Permission.SPEECH_SYNTHESIZE, Rate.SYNTHESIS)
async def create_batch(
    batches: Batches,
    by: Asker,
    body: BatchRequest,
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> BatchCreated:
    """Speak many texts as one job. All items are checked before anything is begun: if one cannot be
    spoken, none is, and `errors` names those that cannot.
    """
    return await _begun(batches, by, body, request, response, key=idempotency_key, places=None)


class BatchForm(BaseModel):
    """A file of items, and what holds for all of them, as in the body of `create_batch`."""

    model_config = ConfigDict(extra="forbid")

    file: UploadFile = Field(
        description="Called *.json (an array of items), *.jsonl (an item in each line) or *.csv "
        "(row 1 names the fields). UTF-8."
    )
    voice: str | None = Field(None, description="Id of the voice of items without one.")
    name: str | None = None
    language: str | None = None
    translate_to: str | None = None
    source_language: str | None = None
    format: str | None = Field(None, description=f"One of: {', '.join(AudioFormat)}.")
    sample_rate: int | None = None
    speed: float | None = None
    pitch: float | None = None
    volume: float | None = None
    seed: int | None = None
    lexicon_ids: list[str] | None = None
    normalize: str | None = None
    fallback: bool | None = None
    concatenate: bool | None = None
    concatenate_format: JoinedFormat | None = None
    pause_s: float | None = None
    store: bool | None = None
    ttl_hours: float | None = None
    webhook_url: str | None = None


@router.post("/upload", status_code=202, operation_id="upload_batch", responses=_BEGIN_PROBLEMS)
@access(Permission.SPEECH_SYNTHESIZE, Rate.SYNTHESIS)
async def upload_batch(
    batches: Batches,
    by: Asker,
    form: Annotated[BatchForm, Form(media_type="multipart/form-data")],
    request: Request,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> BatchCreated:
    """The same, with the items in a file. Mistakes are told with the row."""
    content = await form.file.read()
    defaults = form.model_dump(exclude={"file"}, exclude_none=True)
    body, places = await in_thread(None, _read, content, form.file.filename or "", defaults)
    return await _begun(batches, by, body, request, response, key=idempotency_key, places=places)


@router.get("", operation_id="list_batches", responses=problems(err.DatabaseError))
@router.get("/", include_in_schema=False)
@access(Permission.JOBS_READ)
async def list_batches(
    batches: Batches, owner: Owner, limit: Limit = 50, cursor: Cursor = None
) -> BatchPage:
    """Your batches, newest first."""
    return await batches.list(owner, limit=limit, cursor=cursor or None)


@router.get("/{batch_id}", operation_id="get_batch", responses=_OF_ONE)
@access(Permission.JOBS_READ)
async def get_batch(batches: Batches, owner: Owner, batch_id: str) -> BatchDetails:
    """A batch, and how far it is."""
    return await batches.get(owner, batch_id)


@router.delete(
    "/{batch_id}",
    status_code=204,
    operation_id="delete_batch",
    responses=also(_OF_ONE, problems(err.StorageError)),
)
@access(Permission.JOBS_WRITE)
async def delete_batch(batches: Batches, owner: Owner, batch_id: str) -> None:
    """Delete a batch with its texts and all that it made. What is being spoken is stopped."""
    await batches.delete(owner, batch_id)


@router.get("/{batch_id}/items", operation_id="list_batch_items", responses=_OF_ONE)
@access(Permission.JOBS_READ)
async def list_batch_items(
    batches: Batches,
    owner: Owner,
    batch_id: str,
    status: ItemStatus | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Cursor = None,
) -> ItemPage:
    """Items in their order, and what came of each. Those that are done can be fetched at once."""
    return await batches.items(owner, batch_id, status=status, limit=limit, cursor=cursor or None)


@router.get(
    "/{batch_id}/items/{position}/audio",
    operation_id="get_batch_item_audio",
    response_class=Response,
    responses=_file("The audio of the item.", *audio.MEDIA_TYPES)
    | also(_OF_ONE, problems(err.NotFound, err.AudioNotKept, err.StorageError)),
)
@access(Permission.JOBS_READ)
async def get_batch_item_audio(
    batches: Batches,
    owner: Owner,
    batch_id: str,
    position: Annotated[int, Path(ge=0, le=_MAX_POSITION, description="Of the item, from 0.")],
) -> Response:
    """The audio of an item, as soon as it is done."""
    item, content = await batches.item_audio(owner, batch_id, position)
    headers = {audio.DURATION: f"{item.duration_s or 0.0:.3f}"}
    return Response(content, media_type=item.content_type, headers=headers)


@router.get(
    "/{batch_id}/items/{position}/link",
    operation_id="get_batch_item_link",
    responses=also(
        _OF_ONE, problems(err.NotFound, err.AudioNotKept, err.LinksUnsupported, err.StorageError)
    ),
)
@access(Permission.JOBS_READ)
async def get_batch_item_link(
    batches: Batches,
    owner: Owner,
    batch_id: str,
    position: Annotated[int, Path(ge=0, le=_MAX_POSITION, description="Of the item, from 0.")],
    seconds: LinkSeconds = 3600,
) -> DownloadLink:
    """A link to the audio of an item, straight to the store, for whoever has it. Where the files
    lie in a folder of the server there are no links.
    """
    return await batches.item_link(owner, batch_id, position, seconds)


@router.get(
    "/{batch_id}/result",
    operation_id="get_batch_result",
    response_class=Response,
    responses=_file("A zip.", "application/zip") | also(_OF_ONE, problems(err.StorageError)),
)
@access(Permission.JOBS_READ)
async def get_batch_result(
    batches: Batches, owner: Owner, batch_id: str, request: Request
) -> Response:
    """A zip of the audio of all items that are done by now, and `manifest.json`, which tells of all
    items; `partial` in it is true while the batch is worked on.
    """
    made = await batches.result(owner, batch_id)
    return await audio.download(
        made.body, request, media_type=made.media_type, filename=made.filename
    )


@router.get(
    "/{batch_id}/audio",
    operation_id="get_batch_audio",
    response_class=Response,
    responses=_file("The audio.", "audio/mpeg", "audio/ogg", "audio/flac", "audio/wav")
    | also(
        _OF_ONE,
        problems(err.AudioNotKept, err.JobRunning, err.StorageError, err.ProvenanceUnavailable),
    ),
)
@access(Permission.JOBS_READ)
async def get_batch_audio(
    batches: Batches, owner: Owner, batch_id: str, request: Request
) -> Response:
    """One file of all items that were spoken, in their order, with chapter marks: where
    `concatenate` was asked for, when the batch is done.
    """
    made = await batches.audio(owner, batch_id)
    return await audio.download(
        made.body, request, media_type=made.media_type, filename=made.filename
    )


@router.post(
    "/{batch_id}/cancel",
    operation_id="cancel_batch",
    responses=also(_OF_ONE, problems(err.JobEnded)),
)
@access(Permission.JOBS_WRITE)
async def cancel_batch(batches: Batches, owner: Owner, batch_id: str) -> BatchDetails:
    """Cancel a batch: it stops within a sentence. What was done is kept."""
    return await batches.cancel(owner, batch_id)


@router.post(
    "/{batch_id}/retry",
    status_code=202,
    operation_id="retry_batch",
    responses=also(_OF_ONE, problems(err.JobEnded, err.JobRunning, err.TooManyJobs)),
)
@access(Permission.JOBS_WRITE)
async def retry_batch(batches: Batches, by: Asker, batch_id: str) -> BatchDetails:
    """Speak the items that failed, or were cancelled, once more. The others are kept."""
    return await batches.retry(by, batch_id)


async def _begun(
    batches: BatchService,
    by: Party,
    body: BatchRequest,
    request: Request,
    response: Response,
    *,
    key: str | None,
    places: list[Place] | None,
) -> BatchCreated:
    charge = partial(rates.spend_up_to_all, request, Rate.CHARACTERS)
    batch, job = await batches.submit(by, body, key=key, places=places, charge=charge)
    response.headers["Location"] = batch.links.self
    return BatchCreated(batch=batch, job=JobDetails.of(job))


def _read(
    content: bytes, filename: str, defaults: dict[str, Any]
) -> tuple[BatchRequest, list[Place]]:
    """What a form asks for.

    Raises:
        InvalidRequest: telling rows and fields.
    """
    items = read_items(content, filename)
    places = [place for place, _ in items]
    try:
        return BatchRequest.model_validate({**defaults, "items": [it for _, it in items]}), places
    except ValidationError as error:
        found = [
            {"loc": _place(tuple(item["loc"]), places), "msg": item["msg"], "type": item["type"]}
            for item in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise wrong_items(found, len(items)) from error


def _place(loc: Place, places: list[Place]) -> list[str | int]:
    if loc[0] == "items" and len(loc) > 1 and isinstance(loc[1], int):
        return [*places[loc[1]], *loc[2:]]
    return ["body", *loc]
