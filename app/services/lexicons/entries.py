"""Entries of lexicons, one by one."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any, Final

from app.core.clock import utc_now
from app.core.exceptions import (
    EntryExists,
    EntryNotFound,
    InvalidRequest,
    LexiconFull,
    LexiconNotFound,
    RevisionNotFound,
    VersionConflict,
)
from app.core.tasks import in_thread
from app.db.lexicons import find_lexicon
from app.lexicons.checking import checked, folded, key_of
from app.lexicons.store import Edited
from app.models.lexicon import (
    DEFAULT_NAME,
    Entry,
    EntryDraft,
    Lexicon,
    entry_id,
)
from app.services.lexicons.tools import LexiconTools

_MAX_DIGITS: Final = 10
_LOOKED_THROUGH: Final = 100_000
"""Entries that one page looks through: more would let others wait too long."""


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries: those that fit every field that is given.

    Attributes:
        language: of the entry, or of its lexicon if it has none.
        prefix: the grapheme begins with it, in whatever case.
        text: stands in grapheme, alias or note, in whatever case.
    """

    lexicon_id: str | None = None
    language: str | None = None
    prefix: str | None = None
    text: str | None = None

    def fits(self, entry: Entry, lexicon: Lexicon) -> bool:
        language = entry.language or lexicon.language
        if self.language is not None and (language or "").lower() != self.language.lower():
            return False
        if self.prefix is None and self.text is None:
            return True
        grapheme = folded(entry.grapheme)
        if self.prefix is not None and not grapheme.startswith(folded(self.prefix)):
            return False
        if self.text is None:
            return True
        wanted = folded(self.text)
        others = (folded(part) for part in (entry.alias, entry.note) if part)
        return wanted in grapheme or any(wanted in part for part in others)


@dataclass(frozen=True, slots=True)
class Added:
    """A new entry, where it is, and whether that lexicon was made for it."""

    lexicon: Lexicon
    entry: Entry
    made: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """Part of a list."""

    items: Sequence[tuple[Lexicon, Entry]]
    cursor: str | None


class EntryService:
    """The entries in the callers' lexicons."""

    def __init__(self, tools: LexiconTools) -> None:
        self._tools = tools

    async def create(self, owner: str, lexicon_id: str | None, fields: Mapping[str, Any]) -> Added:
        """Add an entry.

        Args:
            lexicon_id: None for the lexicon of the name `default`, which is made if there is none
                and holds by default then, if one more may.

        Raises:
            LexiconNotFound: there is none with this id, or it is somebody else's.
            EntryInvalid: it cannot be used.
            EntryExists: there is one for the same grapheme, language and part of speech.
            LexiconFull, TooManyLexicons
        """
        draft = await in_thread(None, checked, fields)
        made = False
        if lexicon_id is None:
            lexicon, made = await self._tools.named_or_new(owner, DEFAULT_NAME)
            lexicon_id = lexicon.id
        limit = self._tools.limits.entries

        def add(lexicon: Lexicon, entries: tuple[Entry, ...]) -> Edited[Entry]:
            if len(entries) >= limit:
                raise LexiconFull(
                    f"The lexicon has {len(entries)} entries; at most {limit} are allowed.",
                    "Use another lexicon. The operator can raise MAX_LEXICON_ENTRIES.",
                    limit=limit,
                )
            _check_new(draft, lexicon, entries)
            entry = Entry.of(draft, number=lexicon.next_number, revision=lexicon.revision + 1)
            return Edited((*entries, entry), "entry created", entry)

        lexicon, entry = await self._tools.store.change(owner, lexicon_id, add)
        return Added(lexicon, entry, made)

    async def get(self, owner: str, wanted_id: str) -> tuple[Lexicon, Entry]:
        """One entry.

        Raises:
            EntryNotFound: there is none with this id, or it is somebody else's.
        """
        lexicon_id, number = _parsed(wanted_id)
        try:
            lexicon = await find_lexicon(self._tools.lexicons, owner, lexicon_id)
            entries = await self._tools.store.entries(lexicon)
        except (LexiconNotFound, RevisionNotFound) as error:
            raise _no_entry(wanted_id) from error
        return lexicon, entries[_place(entries, number, wanted_id)]

    async def replace(
        self, owner: str, wanted_id: str, fields: Mapping[str, Any], *, revision: int | None
    ) -> tuple[Lexicon, Entry]:
        """Put another entry in the place of one.

        Args:
            revision: of the entry that the caller has read; None if it does not matter.

        Raises:
            EntryNotFound, EntryInvalid, EntryExists
            VersionConflict: it was changed since the caller has read it.
        """
        draft = await in_thread(None, checked, fields)
        lexicon_id, number = _parsed(wanted_id)

        def put(lexicon: Lexicon, entries: tuple[Entry, ...]) -> Edited[Entry]:
            at = _place(entries, number, wanted_id)
            before = entries[at]
            _check_unchanged(before, revision)
            others = (*entries[:at], *entries[at + 1 :])
            _check_new(draft, lexicon, others)
            entry = Entry.of(
                draft,
                number=number,
                revision=lexicon.revision + 1,
                created_at=before.created_at,
                updated_at=utc_now(),
            )
            return Edited((*entries[:at], entry, *entries[at + 1 :]), "entry changed", entry)

        return await self._change(owner, wanted_id, lexicon_id, put)

    async def delete(self, owner: str, wanted_id: str, *, revision: int | None) -> None:
        """Delete an entry.

        Raises:
            EntryNotFound: there is none with this id, or it is somebody else's.
            VersionConflict: it was changed since the caller has read it.
        """
        lexicon_id, number = _parsed(wanted_id)

        def drop(_: Lexicon, entries: tuple[Entry, ...]) -> Edited[Entry]:
            at = _place(entries, number, wanted_id)
            _check_unchanged(entries[at], revision)
            return Edited((*entries[:at], *entries[at + 1 :]), "entry deleted", entries[at])

        await self._change(owner, wanted_id, lexicon_id, drop)

    async def list(
        self, owner: str, wanted: EntryFilter, *, limit: int, cursor: str | None
    ) -> Listed:
        """The entries that fit: lexicon by lexicon, the oldest first, in the order in which they
        were added. A page can be short, or empty, before the end.

        Raises:
            LexiconNotFound: the filter names one that there is not, or that is somebody else's.
            InvalidRequest: the cursor is malformed, or of another list.
        """
        mark = _Cursor.read(cursor, wanted) if cursor else _Cursor()
        found: list[tuple[Lexicon, Entry]] = []
        looked = 0
        for lexicon in await self._lexicons(owner, wanted, mark):
            if looked >= _LOOKED_THROUGH:
                return Listed(found, _Cursor(*_key(lexicon)).text(wanted))
            after = mark.number if lexicon.id == mark.lexicon_id else 0
            try:
                entries = await self._tools.store.entries(lexicon)
            except RevisionNotFound:
                continue  # deleted at this moment
            looked += len(entries)
            some = entries[bisect_left(entries, after + 1, key=lambda entry: entry.number) :]
            more = limit - len(found) + 1
            fitting = await in_thread(None, _first, some, lexicon, wanted, more)
            found += [(lexicon, entry) for entry in fitting]
            if len(found) > limit:
                where, last = found[limit - 1]
                return Listed(found[:limit], _Cursor(*_key(where), last.number).text(wanted))
        return Listed(found, None)

    async def _lexicons(
        self, owner: str, wanted: EntryFilter, mark: "_Cursor"
    ) -> Sequence[Lexicon]:
        """Those from the mark on."""
        if wanted.lexicon_id is not None:
            return [await find_lexicon(self._tools.lexicons, owner, wanted.lexicon_id)]
        page = await self._tools.lexicons.list(
            where={"owner": owner}, order="created_at", limit=500
        )
        return [
            lexicon for lexicon in page.items if _key(lexicon) >= (mark.created, mark.lexicon_id)
        ]

    async def _change(
        self, owner: str, wanted_id: str, lexicon_id: str, edit: Any
    ) -> tuple[Lexicon, Entry]:
        try:
            changed: tuple[Lexicon, Entry] = await self._tools.store.change(owner, lexicon_id, edit)
        except LexiconNotFound as error:
            raise _no_entry(wanted_id) from error
        return changed


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Behind an entry.

    Attributes:
        created: moment at which its lexicon was made, as text; lexicons are in this order.
        number: of the entry.
    """

    created: str = ""
    lexicon_id: str = ""
    number: int = 0

    def text(self, wanted: EntryFilter) -> str:
        content = json.dumps([self.created, self.lexicon_id, self.number, _digest(wanted)])
        return urlsafe_b64encode(content.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, wanted: EntryFilter) -> "_Cursor":
        advice = "Use the cursor of the page before, with the same filter, or none."
        try:
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            created, lexicon_id, number, digest = json.loads(urlsafe_b64decode(padded))
            well = isinstance(created, str) and isinstance(lexicon_id, str) and type(number) is int
        except (ValueError, TypeError, RecursionError) as error:
            raise InvalidRequest("The cursor is malformed.", advice) from error
        if not well or digest != _digest(wanted):
            raise InvalidRequest("The cursor belongs to another list.", advice)
        return cls(created, lexicon_id, number)


def _digest(wanted: EntryFilter) -> str:
    return sha256(json.dumps(asdict(wanted), sort_keys=True).encode()).hexdigest()[:16]


def _key(lexicon: Lexicon) -> tuple[str, str]:
    return lexicon.created_at.isoformat(timespec="microseconds"), lexicon.id


def _first(
    entries: Iterable[Entry], lexicon: Lexicon, wanted: EntryFilter, count: int
) -> list[Entry]:
    found = []
    for entry in entries:
        if wanted.fits(entry, lexicon):
            found.append(entry)
            if len(found) == count:
                break
    return found


def _parsed(wanted_id: str) -> tuple[str, int]:
    lexicon_id, _, number = wanted_id.partition(".")
    if not (number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS):
        raise _no_entry(wanted_id)
    return lexicon_id, int(number)


def _place(entries: Sequence[Entry], number: int, wanted_id: str) -> int:
    """Where the entry with this number is; they are in order."""
    at = bisect_left(entries, number, key=lambda entry: entry.number)
    if at == len(entries) or entries[at].number != number:
        raise _no_entry(wanted_id)
    return at


def _check_new(draft: EntryDraft, lexicon: Lexicon, entries: Iterable[Entry]) -> None:
    key = key_of(draft, lexicon.language)
    for entry in entries:
        if key_of(entry, lexicon.language) == key:
            there = entry_id(lexicon.id, entry.number)
            raise EntryExists(
                "The lexicon has an entry for this grapheme, language and part of speech.",
                f"Change it: PUT /api/v1/lexicon/{there}. Or delete it first.",
                entry_id=there,
            )


def _check_unchanged(entry: Entry, revision: int | None) -> None:
    if revision not in (None, entry.revision):
        raise VersionConflict(
            f"The entry is of revision {entry.revision}, not {revision}: it was changed since it "
            "was read.",
            "Read it again, then repeat the change.",
            version=entry.revision,
        )


def _no_entry(wanted_id: str) -> EntryNotFound:
    return EntryNotFound(
        f"There is no entry {wanted_id[:64]!r}.", "GET /api/v1/lexicon/ lists them."
    )
