"""What callers see of batches, from their records."""

from collections.abc import Sequence
from typing import Final

from app.models.batch import Batch, BatchItem, ItemStatus
from app.models.batch_details import BatchDetails, BatchLinks, Chapter, ItemDetails
from app.models.job import Job
from app.models.translation import SpokenTranslation
from app.services.batches.records import Standing, status_of

PATH: Final = "/api/v1/synthesis/batch"


def batch_details(
    batch: Batch, job: Job, stands: Standing, chapters: Sequence[Chapter] | None
) -> BatchDetails:
    """A batch, and how far it is."""
    path = f"{PATH}/{batch.id}"
    concatenate = bool(batch.options["concatenate"])
    return BatchDetails(
        batch_id=batch.id,
        job_id=job.id,
        counts=stands.counts,
        duration_s=round(stands.duration_s, 3),
        bytes=stands.bytes,
        concatenate=concatenate,
        concatenate_format=batch.options["concatenate_format"],
        chapters=None if chapters is None else [*chapters],
        links=BatchLinks(
            self=path,
            job=f"/api/v1/jobs/{job.id}",
            items=f"{path}/items",
            result=f"{path}/result",
            audio=f"{path}/audio" if concatenate else None,
        ),
        **batch.model_dump(include={"name", "total", "characters", "created_at", "expires_at"}),
        **job.model_dump(
            include={"status", "progress", "eta_s", "error", "started_at", "ended_at"}
        ),
    )


def item_details(item: BatchItem, job: Job) -> ItemDetails:
    """An item, and how far it is."""
    spoken = item.status is ItemStatus.SUCCEEDED
    return ItemDetails(
        position=item.position,
        custom_id=item.custom_id,
        voice=item.voice_id,
        format=item.request["format"],
        status=status_of(item, job),
        error=item.error,
        attempts=item.attempts,
        duration_s=item.duration_s,
        bytes=item.bytes,
        ended_at=item.ended_at,
        audio=f"{PATH}/{item.batch_id}/items/{item.position}/audio" if spoken else None,
        translation=_translation(item),
        prepared=item.prepared,
    )


def _translation(item: BatchItem) -> SpokenTranslation | None:
    """With the text that was translated, as long as that is kept."""
    made = item.translation
    return made and made.model_copy(update={"source_text": item.request.get("text")})
