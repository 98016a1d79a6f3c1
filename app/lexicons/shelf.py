"""From where speech takes lexicons: found by id, made ready once, kept in memory."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakValueDictionary

from app.core.exceptions import InvalidRequest
from app.core.ids import is_id
from app.core.tasks import in_thread
from app.db.base import AnyOf, Collection
from app.db.lexicons import no_lexicon
from app.lexicons.rules import rules
from app.lexicons.store import LexiconStore
from app.models.lexicon import MAX_ATTACHED, Entry, Lexicon
from app.text.lexicon import Matcher

_CACHED_ENTRIES: Final = 60_000
_CACHED_MATCHERS: Final = 200
_PIN: Final = "@"
_MAX_REVISION: Final = 2**31

_Key = tuple[tuple[str, int, str | None], ...]
"""Id, revision and language of each lexicon: what its rules are made of."""


@dataclass(frozen=True, slots=True)
class Attached:
    """The lexicons that hold for something that is spoken.

    Attributes:
        lexicons: id and revision, by precedence.
    """

    matcher: Matcher
    lexicons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Ready:
    matcher: Matcher
    entries: int = field(default=0)


class LexiconShelf:
    """Finds lexicons and makes rules of them. A lexicon that did not change is not read again: a
    request costs one query. For one event loop.
    """

    def __init__(self, *, lexicons: Collection[Lexicon], store: LexiconStore) -> None:
        self._lexicons = lexicons
        self._store = store
        self._ready: OrderedDict[_Key, _Ready] = OrderedDict()
        self._making: WeakValueDictionary[_Key, asyncio.Lock] = WeakValueDictionary()
        self._none = Matcher(())

    async def matcher(
        self,
        owner: str,
        lexicon_ids: Sequence[str] | None,
        voice_lexicon_ids: Sequence[str],
        *,
        voice_owner: str | None = None,
    ) -> Attached:
        """The rules that hold for something that is spoken.

        Args:
            lexicon_ids: those that were asked for, and no others: `id`, or `id@revision` for an
                earlier version. None: those of the voice, then the owner's default ones, the
                oldest first, as many as may be.
            voice_lexicon_ids: those that were deleted meanwhile are passed over.
            voice_owner: whose those are; the owner's own if left out.

        Raises:
            LexiconNotFound: there is none of an id that was asked for, or it is somebody else's.
            RevisionNotFound: it has no such revision any more.
            InvalidRequest: too many were asked for, or one twice.
        """
        if lexicon_ids is None:
            of_voice = await self._found(voice_owner or owner, tuple(voice_lexicon_ids))
            chosen = await self._usual(owner, voice_lexicon_ids, of_voice)
        else:
            chosen = await self._asked(owner, lexicon_ids)
        if not chosen:
            return Attached(self._none)
        pairs = tuple((lexicon.id, number) for lexicon, number in chosen)
        return Attached(await self._matcher(chosen), pairs)

    async def _asked(self, owner: str, lexicon_ids: Sequence[str]) -> list[tuple[Lexicon, int]]:
        wanted = [_pinned(one) for one in lexicon_ids]
        ids = tuple(lexicon_id for lexicon_id, _ in wanted)
        if len(ids) > MAX_ATTACHED or len(set(ids)) < len(ids):
            raise InvalidRequest(
                f"At most {MAX_ATTACHED} lexicons hold at once, each once.", "Send fewer."
            )
        found = await self._found(owner, ids)
        chosen = []
        for lexicon_id, number in wanted:
            if lexicon_id not in found:
                raise no_lexicon(lexicon_id)
            lexicon = found[lexicon_id]
            chosen.append((lexicon, lexicon.revision if number is None else number))
        return chosen

    async def _usual(
        self, owner: str, voice_lexicon_ids: Sequence[str], found: Mapping[str, Lexicon]
    ) -> list[tuple[Lexicon, int]]:
        """A second query if the voice has lexicons, but fewer than there may be."""
        chosen = [found[lexicon_id] for lexicon_id in voice_lexicon_ids if lexicon_id in found]
        if len(chosen) < MAX_ATTACHED:
            # Nobody has more default ones than there may be; if somebody has, it is by accident.
            page = await self._lexicons.list(
                where={"owner": owner, "is_default": True},
                order="created_at",
                limit=2 * MAX_ATTACHED,
            )
            chosen += [lexicon for lexicon in page.items if lexicon.id not in found]
        return [(lexicon, lexicon.revision) for lexicon in chosen[:MAX_ATTACHED]]

    async def _found(self, owner: str, ids: tuple[str, ...]) -> dict[str, Lexicon]:
        if not ids:
            return {}
        page = await self._lexicons.list(where={"owner": owner, "id": AnyOf(ids)}, limit=100)
        return {lexicon.id: lexicon for lexicon in page.items}

    async def _matcher(self, chosen: Sequence[tuple[Lexicon, int]]) -> Matcher:
        key = tuple((lexicon.id, number, lexicon.language) for lexicon, number in chosen)
        if (ready := self._ready.get(key)) is not None:
            self._ready.move_to_end(key)
            return ready.matcher
        making = self._making.setdefault(key, asyncio.Lock())
        async with making:  # once, however many wait for it
            if (ready := self._ready.get(key)) is None:
                lexicons = [(lexicon, await self._store.at(lexicon, n)) for lexicon, n in chosen]
                matcher = await in_thread(None, _compiled, lexicons)
                ready = _Ready(matcher, sum(len(entries) for _, entries in lexicons))
                self._remember(key, ready)
        return ready.matcher

    def _remember(self, key: _Key, ready: _Ready) -> None:
        self._ready[key] = ready
        while len(self._ready) > 1 and (
            len(self._ready) > _CACHED_MATCHERS
            or sum(one.entries for one in self._ready.values()) > _CACHED_ENTRIES
        ):
            self._ready.popitem(last=False)


def _compiled(lexicons: Sequence[tuple[Lexicon, Sequence[Entry]]]) -> Matcher:
    return Matcher([rules(lexicon, entries) for lexicon, entries in lexicons])


def _pinned(lexicon_id: str) -> tuple[str, int | None]:
    """Id and revision.

    Raises:
        LexiconNotFound: it has not the form of one.
    """
    found, pin, number = lexicon_id.partition(_PIN)
    if not is_id(found) or (pin and not (number.isascii() and number.isdigit())):
        raise no_lexicon(lexicon_id)
    if not pin:
        return found, None
    if len(number) > len(str(_MAX_REVISION)):
        raise no_lexicon(lexicon_id)
    return found, int(number)
