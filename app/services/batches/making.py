"""The records that a batch begins with."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from app.core.logging import actor, request_id
from app.models.access import Party
from app.models.batch import Batch, BatchItem
from app.models.batch_request import BatchRequest
from app.models.job import Job, JobKind
from app.services.batches.check import Ordered
from app.services.batches.records import job_options

_MAX_PARTS: Final = 4
_ITEMS_A_PART: Final = 25


def fingerprint_of(request: BatchRequest) -> str:
    """The same for the same request, and for no other."""
    text = json.dumps(request.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def batch_and_job(
    by: Party,
    request: BatchRequest,
    *,
    now: datetime,
    ttl_hours: float,
    key: str | None,
    ahead: bool = False,
) -> tuple[Batch, Job]:
    """A batch and the job that works on it, in parts that workers can share.

    Args:
        ahead: it is spoken in one go, as one part: else each would be waited for by itself.
    """
    batch = Batch(
        owner=by.owner,
        created_at=now,
        updated_at=now,
        name=request.name,
        job_id="",
        options=request.model_dump(mode="json", exclude={"items", "webhook_url"}),
        total=len(request.items),
        characters=sum(len(item.content) for item in request.items),
        expires_at=now + timedelta(hours=request.ttl_hours or ttl_hours),
    )
    job = Job(
        owner=by.owner,
        kind=JobKind.BATCH,
        subject_id=batch.id,
        options=job_options(by),
        parts=min(1 if ahead else _MAX_PARTS, ceil(batch.total / _ITEMS_A_PART)),
        idempotency_key=key,
        fingerprint=fingerprint_of(request),
        webhook_url=request.webhook_url,
        actor=actor.get(),
        request_id=request_id.get(),
    )
    return batch.model_copy(update={"job_id": job.id}), job


def items_of(
    batch: Batch, job: Job, request: BatchRequest, orders: Sequence[Ordered]
) -> list[BatchItem]:
    """What the batch is to speak, shared out among the parts of the job."""
    return [
        BatchItem(
            owner=batch.owner,
            created_at=batch.created_at,
            updated_at=batch.created_at,
            batch_id=batch.id,
            position=position,
            custom_id=item.custom_id,
            voice_id=voice.id,
            request=asked.model_dump(mode="json"),
            part=position % job.parts,
        )
        for position, (item, (voice, asked)) in enumerate(zip(request.items, orders, strict=True))
    ]
