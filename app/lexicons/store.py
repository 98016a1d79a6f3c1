"""The entries of lexicons: read, and changed as a whole.

Each change writes a new content and then lets the record of the lexicon point to it: that update,
checked by version, is what puts it into effect. So nothing is ever half written, and the contents
before it are its earlier versions.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Generic, TypeVar
from weakref import WeakValueDictionary

from app.core.clock import utc_now
from app.core.exceptions import (
    AppError,
    NotFound,
    RevisionNotFound,
    VersionConflict,
)
from app.core.logging import get_logger
from app.core.tasks import in_thread, see_through
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.db.lexicons import find_lexicon, no_lexicon
from app.lexicons.packing import pack, unpack
from app.models.audit import Action
from app.models.lexicon import Entry, Lexicon, LexiconContent, Revision

log = get_logger(__name__)

T = TypeVar("T")

KEPT_REVISIONS: Final = 50
_ATTEMPTS: Final = 12
_PAUSE_S: Final = 0.02
_CACHED_ENTRIES: Final = 50_000  # some 30 MB
_CACHED_LEXICONS: Final = 500
_AT_ONCE: Final = 500
_ORPHAN_AGE: Final = timedelta(hours=1)
_META: Final = ("id", "number", "previous_id", "entries", "comment", "created_at")


@dataclass(frozen=True, slots=True)
class Edited(Generic[T]):
    """What becomes of the entries of a lexicon.

    Attributes:
        entries: all that are in it from now on; None if nothing changes.
        comment: what was done, for the list of versions.
        result: is handed back.
    """

    entries: Sequence[Entry] | None
    comment: str
    result: T


class _OvertakenError(Exception):
    """Somebody else was faster."""


class LexiconStore:
    """Entries of all lexicons, those read last in memory. For one event loop."""

    def __init__(
        self,
        *,
        lexicons: Collection[Lexicon],
        contents: Collection[LexiconContent],
        audit: AuditTrail,
    ) -> None:
        self._lexicons = lexicons
        self._contents = contents
        self._audit = audit
        self._cached: OrderedDict[str, tuple[Entry, ...]] = OrderedDict()
        # Writers of one process stand in line: with the check of versions alone, most of many
        # would do their work again and again.
        self._lines: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def entries(self, lexicon: Lexicon) -> tuple[Entry, ...]:
        """The entries at the revision of this record, in the order in which they were added.

        Raises:
            RevisionNotFound: it is no longer kept, or the lexicon was deleted.
        """
        if lexicon.content_id is None:
            return ()
        return await self._read(lexicon.content_id)

    async def revisions(self, lexicon: Lexicon) -> list[Revision]:
        """The revisions that are kept, newest first, without their entries."""
        return _chain(await self._all(lexicon.id), lexicon.content_id)

    async def at(self, lexicon: Lexicon, number: int) -> tuple[Entry, ...]:
        """The entries at a revision.

        Raises:
            RevisionNotFound: there is none of this number, or it is no longer kept.
        """
        if number == lexicon.revision:
            return await self.entries(lexicon)
        for revision in await self.revisions(lexicon):
            if revision.number == number:
                return await self._read(revision.content_id)
        raise RevisionNotFound(
            f"The lexicon has no version {number}, or it is no longer kept.",
            f"GET /api/v1/lexicons/{lexicon.id}/versions lists them.",
        )

    async def change(
        self,
        owner: str,
        lexicon_id: str,
        edit: Callable[[Lexicon, tuple[Entry, ...]], Edited[T]],
    ) -> tuple[Lexicon, T]:
        """Change the entries: all that `edit` says, or nothing.

        Args:
            edit: runs in a thread, and again if somebody else was faster.

        Returns:
            The lexicon as it is then, and the result of `edit`.

        Raises:
            LexiconNotFound: there is none with this id, or it is somebody else's.
            VersionConflict: others change it all the time.
            AppError: what `edit` raises.
        """
        line = self._lines.setdefault(lexicon_id, asyncio.Lock())
        async with line:
            for attempt in range(_ATTEMPTS):
                lexicon = await find_lexicon(self._lexicons, owner, lexicon_id)
                with suppress(_OvertakenError):
                    return await self._change(lexicon, edit)
                # Two processes that take turns would else meet again and again.
                await asyncio.sleep(attempt * random.uniform(0, _PAUSE_S))  # noqa: S311
        raise VersionConflict("The lexicon is being changed all the time.", "Try again.")

    async def _change(
        self, lexicon: Lexicon, edit: Callable[[Lexicon, tuple[Entry, ...]], Edited[T]]
    ) -> tuple[Lexicon, T]:
        try:
            before = await self.entries(lexicon)
        except RevisionNotFound as error:
            raise _OvertakenError from error
        edited = await in_thread(None, edit, lexicon, before)
        if edited.entries is None:
            return lexicon, edited.result
        content = await in_thread(None, _content, lexicon, edited.entries, edited.comment)
        after = lexicon.model_copy(
            update={
                "revision": content.number,
                "entries": content.entries,
                "content_id": content.id,
                "next_number": _next(lexicon, edited.entries),
            }
        )
        # Cancelled in the middle, it is seen through: a driver's commit cannot be called back.
        changed = await see_through(self._commit(content, after))
        self._remember(content.id, tuple(edited.entries))
        return changed, edited.result

    async def _commit(self, content: LexiconContent, after: Lexicon) -> Lexicon:
        async with self._audit.recorded(Action.LEXICON_CHANGED, after):
            await self._contents.add(content)
            try:
                changed = await self._lexicons.update(after)
            except (VersionConflict, NotFound) as error:
                await self._contents.delete(content.id)
                if isinstance(error, VersionConflict):
                    raise _OvertakenError from error
                raise no_lexicon(after.id) from error
        await self._prune(changed)
        return changed

    async def delete(self, lexicon: Lexicon) -> bool:
        """Delete a lexicon with all its contents; False if somebody else has just done so."""

        async def delete() -> bool:
            async with self._audit.recorded(Action.LEXICON_DELETED, lexicon):
                there = await self._lexicons.delete(lexicon.id)
                await self._contents.delete_where({"lexicon_id": lexicon.id})
            return there

        return await see_through(delete())

    async def sweep(self) -> int:
        """Delete contents whose lexicon is gone: a deletion was killed in the middle. Says of how
        many lexicons there were some.
        """
        tallies = await self._contents.tally(("lexicon_id",), where={})
        ids = [str(tally.values[0]) for tally in tallies]
        gone = 0
        for start in range(0, len(ids), _AT_ONCE):
            some = ids[start : start + _AT_ONCE]
            there = await self._lexicons.existing(some)
            for lexicon_id in some:
                if lexicon_id not in there:
                    await self._contents.delete_where({"lexicon_id": lexicon_id})
                    gone += 1
        return gone

    async def _read(self, content_id: str) -> tuple[Entry, ...]:
        if content_id in self._cached:
            self._cached.move_to_end(content_id)
            return self._cached[content_id]
        content = await self._contents.get(content_id)
        if content is None:
            raise RevisionNotFound("The version of the lexicon is no longer kept.", "Try again.")
        entries = await in_thread(None, unpack, content.data)
        self._remember(content_id, entries)
        return entries

    def _remember(self, content_id: str, entries: tuple[Entry, ...]) -> None:
        self._cached[content_id] = entries
        self._cached.move_to_end(content_id)
        while len(self._cached) > 1 and (
            len(self._cached) > _CACHED_LEXICONS
            or sum(map(len, self._cached.values())) > _CACHED_ENTRIES
        ):
            self._cached.popitem(last=False)

    async def _all(self, lexicon_id: str) -> list[Revision]:
        """All contents, those that were never in effect among them."""
        # A list would read the data of all of them.
        rows = await self._contents.tally(_META, where={"lexicon_id": lexicon_id})
        return [Revision(*row.values) for row in rows]

    async def _prune(self, lexicon: Lexicon) -> None:
        """Delete revisions that are too old, and what a crash has left. Not done: the next change
        does it.
        """
        try:
            contents = await self._all(lexicon.id)
            chain = _chain(contents, lexicon.content_id)
            known = {revision.content_id for revision in chain}
            gone = [revision.content_id for revision in chain[KEPT_REVISIONS:]]
            # Young ones may be the work of somebody who is about to put it into effect.
            before = utc_now() - _ORPHAN_AGE
            gone += [
                one.content_id
                for one in contents
                if one.content_id not in known and one.created_at < before
            ]
            if gone:
                await self._contents.delete_all(gone[:_AT_ONCE])
        except AppError as error:
            log.warning("old versions stay", lexicon=lexicon.id, code=error.code)


def _chain(contents: Sequence[Revision], newest: str | None) -> list[Revision]:
    """Those that were in effect one after the other, newest first."""
    by_id = {one.content_id: one for one in contents}
    chain = []
    while newest is not None and (one := by_id.pop(newest, None)) is not None:
        chain.append(one)
        newest = one.previous_id
    return chain


def _content(lexicon: Lexicon, entries: Sequence[Entry], comment: str) -> LexiconContent:
    return LexiconContent(
        owner=lexicon.owner,
        lexicon_id=lexicon.id,
        number=lexicon.revision + 1,
        previous_id=lexicon.content_id,
        entries=len(entries),
        comment=comment[:200],
        data=pack(entries),
    )


def _next(lexicon: Lexicon, entries: Sequence[Entry]) -> int:
    """Numbers of entries that were deleted are not used again."""
    return max(lexicon.next_number, max((entry.number for entry in entries), default=0) + 1)
