"""Lexicons: make, list, change, delete, bring back, write to a file."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Response

from app.api.access import GuardedRoute, access
from app.api.dependencies import Lexicons, Owner
from app.api.errors import problems
from app.api.etags import ETAG, IfMatch, etag, version_of
from app.core import exceptions as err
from app.models.access import Permission
from app.models.lexicon_details import (
    LexiconChange,
    LexiconDetails,
    LexiconErased,
    LexiconPage,
    LexiconVersion,
    LexiconVersions,
    NewLexicon,
)
from app.services.lexicons import Form, LexiconExport

router = APIRouter(prefix="/api/v1/lexicons", tags=["lexicons"], route_class=GuardedRoute)

PARTS: Final = "X-Parts"
LEFT_OUT: Final = "X-Entries-Left-Out"
_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
_COUNT: Final = {"schema": {"type": "integer"}}
_EXPORT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {
            "text/csv": _FILE,
            "application/json": {"schema": {"type": "object"}},
            "application/pls+xml": _FILE,
        },
        "headers": {
            PARTS: {"description": "How many files there are: `part` asks for each.", **_COUNT},
            LEFT_OUT: {"description": "Entries that Azure has no form for.", **_COUNT},
        },
    }
}
_OF_ONE: Final = (err.LexiconNotFound, err.DatabaseError)
_Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Of the version.")]


@router.post(
    "",
    status_code=201,
    operation_id="create_lexicon",
    responses=problems(err.LexiconExists, err.TooManyLexicons, err.DatabaseError),
)
@router.post("/", status_code=201, include_in_schema=False)
@access(Permission.LEXICONS_WRITE)
async def create_lexicon(
    lexicons: Lexicons, owner: Owner, body: NewLexicon, response: Response
) -> LexiconDetails:
    """Make an empty lexicon."""
    lexicon = await lexicons.create(owner, body)
    response.headers["Location"] = f"{router.prefix}/{lexicon.id}"
    return LexiconDetails.of(lexicon)


@router.get("", operation_id="list_lexicons", responses=problems(err.DatabaseError))
@router.get("/", include_in_schema=False)
@access(Permission.LEXICONS_READ)
async def list_lexicons(
    lexicons: Lexicons,
    owner: Owner,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(description="From the page before.")] = None,
) -> LexiconPage:
    """Your lexicons, newest first."""
    page = await lexicons.list(owner, limit=limit, cursor=cursor or None)
    return LexiconPage(items=[LexiconDetails.of(one) for one in page.items], cursor=page.cursor)


@router.get("/{lexicon_id}", operation_id="get_lexicon", responses=ETAG | problems(*_OF_ONE))
@access(Permission.LEXICONS_READ)
async def get_lexicon(
    lexicons: Lexicons, owner: Owner, lexicon_id: str, response: Response
) -> LexiconDetails:
    """One lexicon. `GET /api/v1/lexicon/?lexicon_id=…` lists its entries."""
    lexicon = await lexicons.get(owner, lexicon_id)
    response.headers["ETag"] = etag(lexicon.version)
    return LexiconDetails.of(lexicon)


@router.put(
    "/{lexicon_id}",
    operation_id="change_lexicon",
    responses=ETAG
    | problems(*_OF_ONE, err.LexiconExists, err.TooManyLexicons, err.VersionConflict),
)
@access(Permission.LEXICONS_WRITE)
async def change_lexicon(
    lexicons: Lexicons,
    owner: Owner,
    lexicon_id: str,
    body: LexiconChange,
    response: Response,
    if_match: IfMatch = None,
) -> LexiconDetails:
    """Change the name, description or language, or whether it holds by default. What is left out
    stays as it is; null clears it. With the `version` that you have read, or its `ETag` as
    `If-Match`, the answer is 409 if the lexicon or its entries were changed since.
    """
    fields = {name: getattr(body, name) for name in body.model_fields_set - {"version"}}
    version = version_of(body.version, if_match)
    lexicon = await lexicons.change(owner, lexicon_id, fields, version=version)
    response.headers["ETag"] = etag(lexicon.version)
    return LexiconDetails.of(lexicon)


@router.delete("/{lexicon_id}", operation_id="delete_lexicon", responses=problems(*_OF_ONE))
@access(Permission.LEXICONS_WRITE)
async def delete_lexicon(lexicons: Lexicons, owner: Owner, lexicon_id: str) -> LexiconErased:
    """Delete a lexicon with its entries and all its versions, and take it from the voices that have
    it. It does not come back.
    """
    lexicon, voices = await lexicons.delete(owner, lexicon_id)
    return LexiconErased(lexicon_id=lexicon.id, entries=lexicon.entries, voices=voices)


@router.get(
    "/{lexicon_id}/versions", operation_id="list_lexicon_versions", responses=problems(*_OF_ONE)
)
@access(Permission.LEXICONS_READ)
async def list_lexicon_versions(
    lexicons: Lexicons, owner: Owner, lexicon_id: str
) -> LexiconVersions:
    """The last 50 versions of the entries, newest first. Each change makes one."""
    lexicon, revisions = await lexicons.revisions(owner, lexicon_id)
    items = [LexiconVersion.of(revision, lexicon) for revision in revisions]
    return LexiconVersions(lexicon_id=lexicon.id, items=items)


@router.post(
    "/{lexicon_id}/versions/{number}/restore",
    operation_id="restore_lexicon_version",
    responses=problems(*_OF_ONE, err.RevisionNotFound, err.VersionConflict),
)
@access(Permission.LEXICONS_WRITE)
async def restore_lexicon_version(
    lexicons: Lexicons, owner: Owner, lexicon_id: str, number: _Number
) -> LexiconDetails:
    """Make the entries what they were: as a new version."""
    return LexiconDetails.of(await lexicons.restore(owner, lexicon_id, number))


@router.get(
    "/{lexicon_id}/export",
    operation_id="export_lexicon",
    response_class=Response,
    responses=_EXPORT | problems(*_OF_ONE, err.RevisionNotFound),
)
@access(Permission.LEXICONS_READ)
async def export_lexicon(  # long: each parameter with its meaning
    lexicons: Lexicons,
    owner: Owner,
    lexicon_id: str,
    format: Annotated[Form, Query(description="`csv`, `json`, or `pls`: W3C PLS 1.0.")] = Form.CSV,
    version: Annotated[
        int | None, Query(ge=0, le=2**31 - 1, description="Default: the current one.")
    ] = None,
    target: Annotated[
        Literal["w3c", "azure"], Query(description="`azure`: PLS by the rules of Azure.")
    ] = "w3c",
    part: Annotated[
        int, Query(ge=1, le=10_000, description="PLS has a file for each language.")
    ] = 1,
    language: Annotated[
        str | None,
        Query(max_length=35, description="In PLS, of entries for any language. BCP-47."),
    ] = None,
) -> Response:
    """The entries as a file, which a bulk upload takes again."""
    wanted = LexiconExport(format, version, target == "azure", part, language)
    file = await lexicons.export(owner, lexicon_id, wanted)
    headers = {
        "Content-Disposition": f'attachment; filename="{file.filename}"',
        PARTS: str(file.parts),
        LEFT_OUT: str(file.left_out),
    }
    return Response(file.content, media_type=file.media_type, headers=headers)
