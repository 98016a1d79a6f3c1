"""The history: what was spoken, its audio, export and deletion."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from app.api import audio
from app.api.access import GuardedRoute, access
from app.api.dependencies import History, LinkSeconds, Owner
from app.api.errors import problems
from app.api.routes.audit import Moment
from app.audio.encode import content_type, file_extension
from app.audio.types import AudioFormat
from app.core import exceptions as err
from app.core.csvtext import csv_rows
from app.db.base import Page
from app.models.access import Permission
from app.models.history import (
    HistoryDetails,
    HistoryEntry,
    HistoryErased,
    HistoryPage,
    SpeechSource,
    SpeechStatus,
)
from app.models.link import DownloadLink
from app.services.history import HistoryFilter, HistoryService

router = APIRouter(prefix="/api/v1/synthesis/history", tags=["history"], route_class=GuardedRoute)

_EXPORT_PAGE: Final = 500
_COLUMNS: Final = tuple(HistoryDetails.model_fields)
_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
_AUDIO: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The audio as it was sent.",
        "content": dict.fromkeys(audio.MEDIA_TYPES, _FILE),
    }
}
_TABLE: dict[int | str, dict[str, Any]] = {
    200: {"description": "One line for each entry.", "content": {"text/csv": _FILE}}
}


class _Filter(BaseModel):
    """Entries that fit every field that is given. Others are refused: what they would have left
    out might be deleted.
    """

    model_config = ConfigDict(extra="forbid")

    voice: str | None = Field(None, max_length=100, description="Id of a voice.")
    since: Moment | None = Field(None, description="The earliest moment.")
    until: Moment | None = Field(None, description="Ended before it.")
    status: SpeechStatus | None = None
    source: SpeechSource | None = Field(None, description="By which way it was asked for.")
    batch_id: str | None = Field(None, max_length=100)
    q: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="Stands in the text as it is; A to Z in either case. Only where the server "
        "keeps texts.",
    )

    def wanted(self) -> HistoryFilter:
        return HistoryFilter(
            voice_id=self.voice,
            since=self.since,
            until=self.until,
            status=self.status,
            source=self.source,
            batch_id=self.batch_id,
            text=self.q,
        )


class _Listed(_Filter):
    limit: int = Field(50, ge=1, le=500)
    cursor: str | None = Field(None, description="From the page before.")


class _Deleted(_Filter):
    all: bool = Field(False, description="Delete everything; instead of a filter.")


@router.get("", operation_id="list_history", responses=problems(err.DatabaseError))
@router.get("/", include_in_schema=False)
@access(Permission.HISTORY_READ)
async def list_history(
    history: History, owner: Owner, query: Annotated[_Listed, Query()]
) -> HistoryPage:
    """What was spoken, newest first, by whichever way it was asked for."""
    page = await history.list(owner, query.wanted(), limit=query.limit, cursor=query.cursor or None)
    return HistoryPage(items=[HistoryDetails.of(e) for e in page.items], cursor=page.cursor)


@router.delete("", operation_id="delete_history", responses=problems(err.DatabaseError))
@router.delete("/", include_in_schema=False)
@access(Permission.HISTORY_WRITE)
async def delete_history(
    history: History, owner: Owner, query: Annotated[_Deleted, Query()]
) -> HistoryErased:
    """Delete the entries that fit the filter, with their audio, or all of them. Usage stays."""
    wanted = query.wanted()
    if query.all == (wanted != HistoryFilter()):
        raise err.InvalidRequest(
            "Say which entries: by a filter, or all of them by `all=true`; not by both.",
            "DELETE /api/v1/synthesis/history?voice=…, or ?all=true",
        )
    return await history.delete_all(owner, wanted)


@router.get(
    "/export",
    operation_id="export_history",
    response_class=Response,
    responses=_TABLE | problems(err.DatabaseError),
)
@access(Permission.HISTORY_READ)
async def export_history(
    history: History, owner: Owner, query: Annotated[_Filter, Query()]
) -> Response:
    """The entries that fit, newest first, as a table by RFC 4180 in UTF-8. A text that a
    spreadsheet would take for a formula has an apostrophe before it.
    """
    first = await history.list(owner, query.wanted(), limit=_EXPORT_PAGE, cursor=None)
    return StreamingResponse(
        _table(history, owner, query.wanted(), first),
        media_type="text/csv; charset=utf-8; header=present",
        headers={"Content-Disposition": 'attachment; filename="history.csv"'},
    )


@router.get(
    "/{entry_id}",
    operation_id="get_history_entry",
    responses=problems(err.HistoryNotFound, err.DatabaseError),
)
@access(Permission.HISTORY_READ)
async def get_history_entry(history: History, owner: Owner, entry_id: str) -> HistoryDetails:
    """One synthesis."""
    return HistoryDetails.of(await history.get(owner, entry_id))


@router.get(
    "/{entry_id}/audio",
    operation_id="get_history_audio",
    response_class=Response,
    responses=_AUDIO
    | problems(err.HistoryNotFound, err.AudioNotKept, err.StorageError, err.DatabaseError),
)
@access(Permission.HISTORY_READ)
async def get_history_audio(history: History, owner: Owner, entry_id: str) -> Response:
    """What was sent, if it was kept and is there still."""
    entry = await history.get(owner, entry_id)
    content = await history.audio(entry)
    fmt = AudioFormat(entry.format)
    name = f"{entry.id}.{file_extension(fmt)}"
    return Response(
        content,
        media_type=content_type(fmt, entry.sample_rate),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.get(
    "/{entry_id}/link",
    operation_id="get_history_link",
    responses=problems(
        err.HistoryNotFound,
        err.AudioNotKept,
        err.LinksUnsupported,
        err.StorageError,
        err.DatabaseError,
    ),
)
@access(Permission.HISTORY_READ)
async def get_history_link(
    history: History, owner: Owner, entry_id: str, seconds: LinkSeconds = 3600
) -> DownloadLink:
    """A link to what was sent, straight to the store, for whoever has it. Where the files lie in a
    folder of the server there are no links.
    """
    return await history.link(await history.get(owner, entry_id), seconds)


@router.delete(
    "/{entry_id}",
    operation_id="delete_history_entry",
    responses=problems(err.HistoryNotFound, err.DatabaseError),
)
@access(Permission.HISTORY_WRITE)
async def delete_history_entry(history: History, owner: Owner, entry_id: str) -> HistoryErased:
    """Delete an entry and its audio. Usage stays."""
    return await history.delete(owner, entry_id)


async def _table(
    history: HistoryService, owner: str, wanted: HistoryFilter, page: Page[HistoryEntry]
) -> AsyncIterator[str]:
    """Page by page: however long it is, little of it is in memory."""
    yield csv_rows([_COLUMNS])
    while True:
        details = [HistoryDetails.of(entry).model_dump(mode="json") for entry in page.items]
        yield csv_rows([[_cell(line[name]) for name in _COLUMNS] for line in details])
        if page.cursor is None:
            return
        page = await history.list(owner, wanted, limit=_EXPORT_PAGE, cursor=page.cursor)


def _cell(value: Any) -> Any:
    """What is no single value is JSON."""
    return json.dumps(value, separators=(",", ":")) if isinstance(value, dict) else value
