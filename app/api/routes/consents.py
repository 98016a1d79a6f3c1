"""Consents of speakers: what is to be read, the recordings of it, and their end."""

from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Query, Response, UploadFile

from app.api.access import GuardedRoute, access
from app.api.dependencies import Consents, Endings, Owner
from app.api.errors import also, problems
from app.api.recordings import RECORDING, recording
from app.api.uploads import UPLOAD_PROBLEMS, sent
from app.consents.listening import Named
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.base import LANGUAGE_FORM, MAX_LANGUAGE
from app.models.consent import (
    ConsentDecision,
    ConsentDetails,
    ConsentPage,
    ConsentStatus,
    ConsentVoice,
    ConsentVoiceBound,
    Statement,
)
from app.services.consents import ConsentOrder

router = APIRouter(prefix="/api/v1/consents", tags=["consents"], route_class=GuardedRoute)

Language = Annotated[
    str, Query(max_length=MAX_LANGUAGE, pattern=LANGUAGE_FORM, description="BCP-47 tag.")
]
Status = Literal["verified", "needs-review", "rejected", "revoked"]
Limit = Annotated[int, Query(ge=1, le=500)]
Cursor = Annotated[str | None, Query(description="From the page before.")]
_BINDING_PROBLEMS = problems(
    err.VoiceNotFound,
    err.VoiceSuspended,
    err.ConsentMismatch,
    err.Conflict,
    err.EngineBusy,
    err.EngineUnavailable,
    err.AssetError,
    err.StorageError,
    err.DatabaseError,
)
_AUDIO = RECORDING | problems(
    err.ConsentNotFound, err.AudioNotKept, err.StorageError, err.DatabaseError
)


@router.get(
    "/statement",
    operation_id="get_consent_statement",
    responses=problems(err.UnsupportedLanguage, err.DatabaseError),
)
@access(Permission.CONSENTS_WRITE)
async def get_consent_statement(
    consents: Consents,
    owner: Owner,
    response: Response,
    language: Language = "en",
    speaker: Annotated[str, Query(max_length=200, description="First and last name.")] = "",
    company: Annotated[str, Query(max_length=200, description="Who will use the voice.")] = "",
) -> Statement:
    """What the speaker is to read aloud, with a code that is good for some minutes and once: so an
    old recording cannot stand for a new agreement. A name that is left out is said all the same.
    """
    named = Named(speaker, company)
    asked, text = await consents.ask(owner, language, named)
    response.headers["Cache-Control"] = "no-store"
    return Statement(
        statement_id=asked.id,
        language=asked.language,
        text=text,
        code=asked.code,
        expires_at=asked.expires_at,
        provider_statement=consents.provider_statement(language, named),
    )


@router.post(
    "",
    status_code=201,
    operation_id="create_consent",
    responses=also(
        also(UPLOAD_PROBLEMS, _BINDING_PROBLEMS),
        problems(err.UnsupportedLanguage, err.StatementExpired, err.InvalidRequest),
    ),
)
@access(Permission.CONSENTS_WRITE, Rate.TRAINING)
async def create_consent(  # long: a line for each field
    consents: Consents,
    owner: Owner,
    speaker: Annotated[str, Form(max_length=200, description="First and last name.")],
    company: Annotated[str, Form(max_length=200, description="Who will use the voice.")],
    purpose: Annotated[str, Form(max_length=2000, description="What the voice is for.")],
    language: Annotated[str, Form(max_length=MAX_LANGUAGE, pattern=LANGUAGE_FORM)] = "en",
    statement_id: Annotated[
        str | None, Form(max_length=100, description="Of the statement that was read.")
    ] = None,
    signed_by: Annotated[
        str | None,
        Form(max_length=200, description="Without a recording: who states that they agree."),
    ] = None,
    voice_id: Annotated[
        list[str] | None, Form(description="Voices that get it at once, if it is verified.")
    ] = None,
    file: Annotated[
        UploadFile | None, File(description="The speaker, reading the statement aloud.")
    ] = None,
    provider_recording: Annotated[
        UploadFile | None,
        File(
            description="The speaker, reading `provider_statement` aloud: the engine's provider "
            "judges it when a voice is registered."
        ),
    ] = None,
) -> ConsentDetails:
    """Keep a speaker's agreement: their recording of the statement, which is checked, or your own
    statement that they agree. `status` is what came of it: one that is `rejected` is not used, one
    that `needs-review` waits for a decision.
    """
    came = None if file is None else sent(file)
    there = None if provider_recording is None else sent(provider_recording)
    order = ConsentOrder(
        speaker=speaker,
        company=company,
        language=language,
        purpose=purpose,
        statement_id=statement_id,
        read=came.read if came else None,
        size=came.size if came else 0,
        read_provider=there.read if there else None,
        provider_size=there.size if there else 0,
        signed_by=signed_by or None,
        voice_ids=[one for one in voice_id or () if one],
    )
    return ConsentDetails.of(await consents.create(owner, order))


@router.get("", operation_id="list_consents", responses=problems(err.DatabaseError))
@access(Permission.CONSENTS_READ)
async def list_consents(
    consents: Consents,
    owner: Owner,
    status: Annotated[Status | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ConsentPage:
    """The consents, newest first."""
    where = {"owner": owner} | ({} if status is None else {"status": ConsentStatus(status)})
    page = await consents.list(where, limit=limit, cursor=cursor or None)
    return ConsentPage.of(page.items, page.cursor)


@router.get("/reviews", operation_id="list_consent_reviews", responses=problems(err.DatabaseError))
@access(Permission.CONSENTS_REVIEW)
async def list_consent_reviews(
    consents: Consents, limit: Limit = 50, cursor: Cursor = None
) -> ConsentPage:
    """Consents of all owners that wait for a decision, newest first."""
    where = {"status": ConsentStatus.NEEDS_REVIEW}
    page = await consents.list(where, limit=limit, cursor=cursor or None)
    return ConsentPage.of(page.items, page.cursor)


@router.get(
    "/reviews/{consent_id}/audio",
    operation_id="get_consent_review_audio",
    response_class=Response,
    responses=_AUDIO,
)
@access(Permission.CONSENTS_REVIEW)
async def get_consent_review_audio(consents: Consents, consent_id: str) -> Response:
    """The recording of a consent of any owner, to decide by."""
    return recording(await consents.audio(None, consent_id), "statement")


@router.post(
    "/reviews/{consent_id}",
    operation_id="decide_consent",
    responses=problems(
        err.ConsentNotFound, err.ConsentUnusable, err.VersionConflict, err.DatabaseError
    ),
)
@access(Permission.CONSENTS_REVIEW)
async def decide_consent(
    consents: Consents, consent_id: str, body: ConsentDecision
) -> ConsentDetails:
    """Decide about a consent that needs a review. Who has decided is kept."""
    decided = await consents.decide(consent_id, verified=body.verified, note=body.note)
    return ConsentDetails.of(decided)


@router.get(
    "/{consent_id}",
    operation_id="get_consent",
    responses=problems(err.ConsentNotFound, err.DatabaseError),
)
@access(Permission.CONSENTS_READ)
async def get_consent(consents: Consents, owner: Owner, consent_id: str) -> ConsentDetails:
    """One consent."""
    return ConsentDetails.of(await consents.get(owner, consent_id))


@router.get(
    "/{consent_id}/audio",
    operation_id="get_consent_audio",
    response_class=Response,
    responses=_AUDIO,
)
@access(Permission.CONSENTS_READ)
async def get_consent_audio(consents: Consents, owner: Owner, consent_id: str) -> Response:
    """The recording of a consent, the very file that was sent."""
    return recording(await consents.audio(owner, consent_id), "statement")


@router.post(
    "/{consent_id}/voices",
    operation_id="bind_consent",
    responses=also(_BINDING_PROBLEMS, problems(err.ConsentNotFound, err.ConsentUnusable)),
)
@access(Permission.CONSENTS_WRITE, Rate.TRAINING)
async def bind_consent(
    consents: Consents, owner: Owner, consent_id: str, body: ConsentVoice
) -> ConsentVoiceBound:
    """Let a voice speak under a consent, whose speaker must be that of all its recordings."""
    voice = await consents.bind(owner, consent_id, body.voice_id)
    return ConsentVoiceBound(voice_id=voice.id, consent_id=consent_id)


@router.post(
    "/{consent_id}/revoke",
    operation_id="revoke_consent",
    responses=problems(err.ConsentNotFound, err.Conflict, err.DatabaseError),
)
@access(Permission.CONSENTS_WRITE)
async def revoke_consent(endings: Endings, owner: Owner, consent_id: str) -> ConsentDetails:
    """End a consent. Its voices fall silent at once, in all processes, in the middle of a stream
    as well, and are erased with it at `erase_at`. Revoking it again changes nothing.
    """
    return ConsentDetails.of(await endings.revoke(owner, consent_id))


@router.delete(
    "/{consent_id}",
    status_code=204,
    operation_id="delete_consent",
    responses=problems(err.ConsentNotFound, err.Conflict, err.StorageError, err.DatabaseError),
)
@access(Permission.CONSENTS_WRITE)
async def delete_consent(endings: Endings, owner: Owner, consent_id: str) -> None:
    """Revoke a consent, and erase it with its voices now."""
    await endings.delete(owner, consent_id)
