"""Translating."""

from functools import partial
from typing import Final

from fastapi import APIRouter, Request

from app.api import rates
from app.api.access import GuardedRoute, access
from app.api.dependencies import Owner, Translations
from app.api.errors import also, problems
from app.core import exceptions as err
from app.limits.base import Rate
from app.models.access import Permission
from app.models.translation import (
    DetectRequest,
    DetectResponse,
    TranslateRequest,
    TranslateResponse,
    TranslationLanguages,
)

router = APIRouter(prefix="/api/v1/translation", tags=["translation"], route_class=GuardedRoute)

_PROBLEMS: Final = problems(err.TranslationUnavailable, err.TranslationFailed)
_OF_TEXTS: Final = also(_PROBLEMS, problems(err.TextTooLong, err.UploadTooLarge))


@router.post(
    "/translate",
    operation_id="translate",
    responses=also(_OF_TEXTS, problems(err.UnsupportedLanguage)),
)
@access(Permission.SPEECH_SYNTHESIZE, Rate.SYNTHESIS)
async def translate(
    translations: Translations, owner: Owner, body: TranslateRequest, request: Request
) -> TranslateResponse:
    """Translate texts. To speak a translation, send `translate_to` where you speak."""
    charge = partial(rates.spend, request, Rate.CHARACTERS)
    return await translations.translate(owner, body, charge=charge)


@router.post("/detect", operation_id="detect_language", responses=_OF_TEXTS)
@access(Permission.SPEECH_SYNTHESIZE, Rate.SYNTHESIS)
async def detect(
    translations: Translations, _: Owner, body: DetectRequest, request: Request
) -> DetectResponse:
    """What languages texts are in, as the translator tells them apart."""
    charge = partial(rates.spend, request, Rate.CHARACTERS)
    return await translations.detect(body, charge=charge)


@router.get("/languages", operation_id="list_translation_languages", responses=_PROBLEMS)
@access(Permission.ENGINES_READ)
async def languages(translations: Translations) -> TranslationLanguages:
    """The languages of the translator, and whether the engine speaks them."""
    return await translations.languages()
