"""Which languages are spoken, and how they are read."""

from fastapi import APIRouter

from app.api.access import GuardedRoute, access
from app.api.dependencies import Context
from app.core.tasks import in_thread
from app.engines.base import EngineInfo
from app.models.access import Permission
from app.models.language import LanguageDetails, LanguageList, UnavailableLanguage
from app.text.languages import detectable, scripts
from app.text.normalization import coverage

router = APIRouter(prefix="/api/v1/languages", tags=["engines"], route_class=GuardedRoute)


@router.get("", operation_id="list_languages")
@access(Permission.ENGINES_READ)
async def list_languages(context: Context) -> LanguageList:
    """The languages that the engine speaks: what reads them, whether lexicons can say phonemes, and
    what is put into words.
    """
    return await in_thread(None, _listed, context.engine.info)  # loads large tables


def _listed(info: EngineInfo) -> LanguageList:
    return LanguageList(
        engine=info.name,
        items=[_details(info, tag) for tag in info.languages],
        unavailable=[
            UnavailableLanguage(tag=tag, name=_names(tag)[0], suggestion=suggestion)
            for tag, suggestion in info.unavailable.items()
        ],
    )


def _details(info: EngineInfo, tag: str) -> LanguageDetails:
    name, own_name = _names(tag)
    kinds = sorted(coverage(tag))
    return LanguageDetails(
        tag=tag,
        name=name,
        own_name=own_name,
        scripts=sorted(scripts(tag)),
        reader=info.readers.get(tag),
        phonemes="pronunciations" in info.controls,
        normalized=bool(kinds),
        normalization=kinds,
        default=tag == info.languages[0],
        detectable=detectable(tag),
    )


def _names(tag: str) -> tuple[str, str]:
    """In English, and in the language itself; the tag where the CLDR does not have it."""
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return tag, tag
    return locale.get_display_name("en") or tag, locale.get_display_name() or tag
