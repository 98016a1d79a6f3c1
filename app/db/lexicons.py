"""Finding a caller's lexicons."""

from collections.abc import Sequence

from app.core.exceptions import LexiconNotFound
from app.core.ids import is_id
from app.db.base import AnyOf, Collection
from app.models.lexicon import Lexicon


async def find_lexicon(lexicons: Collection[Lexicon], owner: str, lexicon_id: str) -> Lexicon:
    """The lexicon of this owner with this id.

    Raises:
        LexiconNotFound: there is none with this id, or it is somebody else's.
    """
    lexicon = await lexicons.get(lexicon_id) if is_id(lexicon_id) else None
    if lexicon is None or lexicon.owner != owner:
        raise no_lexicon(lexicon_id)
    return lexicon


async def find_lexicons(
    lexicons: Collection[Lexicon], owner: str, lexicon_ids: Sequence[str]
) -> list[Lexicon]:
    """Several of them, in this order, by one query.

    Raises:
        LexiconNotFound: as `find_lexicon`.
    """
    if not lexicon_ids:
        return []
    wanted = {"owner": owner, "id": AnyOf(tuple(one for one in lexicon_ids if is_id(one)))}
    page = await lexicons.list(where=wanted, limit=500)
    found = {lexicon.id: lexicon for lexicon in page.items}
    for lexicon_id in lexicon_ids:
        if lexicon_id not in found:
            raise no_lexicon(lexicon_id)
    return [found[lexicon_id] for lexicon_id in lexicon_ids]


def no_lexicon(lexicon_id: str) -> LexiconNotFound:
    return LexiconNotFound(
        f"There is no lexicon {lexicon_id[:64]!r}.", "GET /api/v1/lexicons lists them."
    )
