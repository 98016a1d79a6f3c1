"""Entries of lexicons: add, list, show, replace, delete, and many of them from a file."""

from typing import Annotated, Final

from fastapi import APIRouter, Form, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from app.api.access import GuardedRoute, access
from app.api.dependencies import Entries, LexiconUploads, Owner
from app.api.errors import also, problems
from app.api.etags import ETAG, IfMatch, etag, version_of
from app.core import exceptions as err
from app.models.access import Permission
from app.models.base import MAX_LANGUAGE
from app.models.lexicon import MAX_GRAPHEME, MAX_NAME
from app.models.lexicon_details import (
    EntryCreated,
    EntryDetails,
    EntryFields,
    EntryPage,
    NewEntry,
)
from app.models.lexicon_upload import Duplicates, UploadMode, UploadReport
from app.services.lexicons import EntryFilter, Upload
from app.services.lexicons import Form as FileForm

router = APIRouter(prefix="/api/v1/lexicon", tags=["lexicons"], route_class=GuardedRoute)

_OF_ONE: Final = (err.EntryNotFound, err.DatabaseError)
_WRITING: Final = (err.EntryInvalid, err.EntryExists, err.VersionConflict)


@router.post(
    "/",
    status_code=201,
    operation_id="create_lexicon_entry",
    responses=problems(
        *_WRITING,
        err.LexiconNotFound,
        err.LexiconFull,
        err.TooManyLexicons,
        err.DatabaseError,
    ),
)
@router.post("", status_code=201, include_in_schema=False)
@access(Permission.LEXICONS_WRITE)
async def create_lexicon_entry(
    entries: Entries, owner: Owner, body: NewEntry, response: Response
) -> EntryCreated:
    """Add an entry. Without `lexicon_id` it goes to your lexicon `default`; where there is none, it
    is made, and holds from then on where a request and its voice name none.
    """
    fields = body.model_dump(exclude={"lexicon_id"})
    added = await entries.create(owner, body.lexicon_id, fields)
    created = EntryCreated.of(
        added.lexicon.id,
        added.entry,
        lexicon_name=added.lexicon.name,
        lexicon_created=added.made,
        lexicon_is_default=added.lexicon.is_default,
    )
    response.headers["Location"] = f"{router.prefix}/{created.id}"
    response.headers["ETag"] = etag(created.revision)
    return created


class _Listed(BaseModel):
    """Entries that fit every field that is given."""

    model_config = ConfigDict(extra="forbid")

    lexicon_id: str | None = Field(None, max_length=100, description="In this lexicon.")
    language: str | None = Field(
        None, max_length=MAX_LANGUAGE, description="For this language, as it is written."
    )
    prefix: str | None = Field(
        None, max_length=MAX_GRAPHEME, description="The grapheme begins with it, in any case."
    )
    q: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_GRAPHEME,
        description="Stands in grapheme, alias or note, in any case.",
    )
    limit: int = Field(50, ge=1, le=500)
    cursor: str | None = Field(None, description="From the page before.")


@router.get(
    "/",
    operation_id="list_lexicon_entries",
    responses=problems(err.LexiconNotFound, err.DatabaseError),
)
@router.get("", include_in_schema=False)
@access(Permission.LEXICONS_READ)
async def list_lexicon_entries(
    entries: Entries, owner: Owner, query: Annotated[_Listed, Query()]
) -> EntryPage:
    """The entries of your lexicons, the oldest lexicon first, in the order in which they were
    added. Ask until `cursor` is null: a page of a filtered list can be short before its end.
    """
    wanted = EntryFilter(query.lexicon_id, query.language or None, query.prefix, query.q)
    page = await entries.list(owner, wanted, limit=query.limit, cursor=query.cursor or None)
    items = [EntryDetails.of(lexicon.id, entry) for lexicon, entry in page.items]
    return EntryPage(items=items, cursor=page.cursor)


class UploadForm(BaseModel):
    """A file of entries, and what is to become of it."""

    model_config = ConfigDict(extra="forbid")

    file: UploadFile = Field(
        description="CSV (row 1 names the columns), JSON (a list of entries), or W3C PLS 1.0."
    )
    lexicon_id: str | None = Field(None, max_length=100, description="Where the entries go.")
    lexicon_name: str | None = Field(
        None,
        max_length=MAX_NAME,
        description="The same by name; made if there is none. Default: `default`.",
    )
    format: str = Field(
        "auto", pattern="^(auto|csv|json|pls)$", description="`auto`, `csv`, `json` or `pls`."
    )
    language: str | None = Field(
        None,
        max_length=MAX_LANGUAGE,
        description="BCP-47 tag of entries that say none, and of a lexicon that is made.",
    )
    dry_run: bool = Field(False, description="Change nothing; say what would happen.")
    mode: UploadMode = Field(
        UploadMode.ALL_OR_NOTHING, description="`all-or-nothing`, or `keep-good`."
    )
    duplicates: Duplicates = Field(
        Duplicates.REPORT,
        description="What becomes of rows whose entry is there: `report` them, `replace` it, or "
        "`skip` them.",
    )


@router.post(
    "/bulk-upload",
    operation_id="bulk_upload_lexicon",
    responses=also(
        problems(
            err.LexiconFileInvalid,
            err.LexiconUploadRefused,
            err.LexiconNotFound,
            err.VersionConflict,
            err.TooManyLexicons,
            err.DatabaseError,
        ),
        problems(err.UploadTooLarge),
    ),
)
@router.post("/bulk-upload/", include_in_schema=False)
@access(Permission.LEXICONS_WRITE)
async def bulk_upload_lexicon(
    uploads: LexiconUploads,
    owner: Owner,
    form: Annotated[UploadForm, Form(media_type="multipart/form-data")],
) -> UploadReport:
    """Take the entries of a file into a lexicon, at once. With `mode=all-or-nothing` a single row
    that cannot be used refuses the file: 400 with `report`. A dry run answers in the same way.
    """
    file = form.file
    return await uploads.upload(
        owner,
        Upload(
            filename=file.filename or "",
            size=file.size or 0,
            read=file.file.read,
            form=None if form.format == "auto" else FileForm(form.format),
            lexicon_id=form.lexicon_id or None,
            lexicon_name=form.lexicon_name or None,
            language=form.language or None,
            dry_run=form.dry_run,
            mode=form.mode,
            duplicates=form.duplicates,
        ),
    )


@router.get("/{entry_id}", operation_id="get_lexicon_entry", responses=ETAG | problems(*_OF_ONE))
@access(Permission.LEXICONS_READ)
async def get_lexicon_entry(
    entries: Entries, owner: Owner, entry_id: str, response: Response
) -> EntryDetails:
    """One entry."""
    lexicon, entry = await entries.get(owner, entry_id)
    response.headers["ETag"] = etag(entry.revision)
    return EntryDetails.of(lexicon.id, entry)


@router.put(
    "/{entry_id}",
    operation_id="replace_lexicon_entry",
    responses=ETAG | problems(*_WRITING, *_OF_ONE),
)
@access(Permission.LEXICONS_WRITE)
async def replace_lexicon_entry(
    entries: Entries,
    owner: Owner,
    entry_id: str,
    body: EntryFields,
    response: Response,
    if_match: IfMatch = None,
) -> EntryDetails:
    """Put another entry in its place: what is left out is as if it were new. With `If-Match` the
    answer is 409 if it was changed since it was read.
    """
    revision = version_of(None, if_match)
    lexicon, entry = await entries.replace(owner, entry_id, body.model_dump(), revision=revision)
    response.headers["ETag"] = etag(entry.revision)
    return EntryDetails.of(lexicon.id, entry)


@router.delete(
    "/{entry_id}",
    status_code=204,
    operation_id="delete_lexicon_entry",
    responses=problems(*_OF_ONE, err.VersionConflict),
)
@access(Permission.LEXICONS_WRITE)
async def delete_lexicon_entry(
    entries: Entries, owner: Owner, entry_id: str, if_match: IfMatch = None
) -> None:
    """Delete an entry. Restoring a version of its lexicon brings it back."""
    await entries.delete(owner, entry_id, revision=version_of(None, if_match))
