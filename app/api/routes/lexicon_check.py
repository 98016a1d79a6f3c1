"""Finding out how a text would be said."""

from functools import partial

from fastapi import APIRouter, Request

from app.api import rates
from app.api.access import GuardedRoute, access
from app.api.dependencies import Asker, LexiconCheck
from app.api.errors import also, problems
from app.api.speech import SPEECH_PROBLEMS
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.lexicon_check import ValidateRequest, ValidateResponse

router = APIRouter(prefix="/api/v1/lexicon", tags=["lexicons"], route_class=GuardedRoute)


@router.post(
    "/validate",
    operation_id="validate_text",
    responses=also(SPEECH_PROBLEMS, problems(err.LexiconNotFound, err.InvalidRequest)),
)
@access(Permission.SPEECH_SYNTHESIZE, Rate.SYNTHESIS)
async def validate_text(
    lexicons: LexiconCheck, by: Asker, body: ValidateRequest, request: Request
) -> ValidateResponse:
    """How a text would be said: as words, with what changes each and why; the entries of lexicons
    that fit and are not applied; the words that no source knows; the phonemes of each word. With
    `audio`, samples of the words that lexicons change, before and after; with `verify`, whether
    each entry changes what is heard. Nothing is kept.
    """
    charge = partial(rates.spend, request, Rate.CHARACTERS)
    return await lexicons.check(by, body, charge=charge)
