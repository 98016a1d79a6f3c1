"""What the services of lexicons work with."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from app.core.config import Settings
from app.core.exceptions import Conflict, LexiconExists, TooManyLexicons
from app.core.tasks import see_through
from app.db.audit import AuditTrail
from app.db.base import Collection
from app.lexicons.store import LexiconStore
from app.models.audit import Action
from app.models.lexicon import DEFAULT_NAME, MAX_ATTACHED, Lexicon
from app.models.voice import Voice

_FILES_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class LexiconLimits:
    """How much there may be.

    Attributes:
        entries: of a lexicon, and rows of a file.
        lexicons: of an owner.
        upload_bytes: of a file.
    """

    entries: int = 20_000
    lexicons: int = 100
    upload_bytes: int = 10 * 1024 * 1024

    @classmethod
    def of(cls, settings: Settings) -> "LexiconLimits":
        return cls(
            entries=settings.max_lexicon_entries,
            lexicons=settings.max_lexicons_per_owner,
            upload_bytes=settings.max_lexicon_upload_bytes,
        )


@dataclass(frozen=True)
class LexiconTools:
    """What the services of lexicons work with. `files`: each that is read may take some hundred
    megabytes for a moment; the others wait in line.
    """

    lexicons: Collection[Lexicon]
    voices: Collection[Voice]
    store: LexiconStore
    audit: AuditTrail
    limits: LexiconLimits = field(default_factory=LexiconLimits)
    files: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_FILES_AT_ONCE))

    async def named(self, owner: str, name: str) -> Lexicon | None:
        """The lexicon of this name."""
        page = await self.lexicons.list(where={"owner": owner, "name": name}, limit=1)
        return next(iter(page.items), None)

    async def counted(self, owner: str) -> tuple[int, int]:
        """How many lexicons an owner has, and how many of them hold by default."""
        tallies = await self.lexicons.tally(("is_default",), where={"owner": owner})
        total = sum(tally.count for tally in tallies)
        return total, sum(tally.count for tally in tallies if tally.values[0])

    async def add(self, lexicon: Lexicon) -> Lexicon:
        """Add an empty lexicon.

        Raises:
            LexiconExists: there is one of this name.
            TooManyLexicons: there are as many as there may be, or as many that hold by default.
        """
        total, defaults = await self.counted(lexicon.owner)
        if total >= self.limits.lexicons:
            raise TooManyLexicons(
                f"There are {total} lexicons; at most {self.limits.lexicons} are allowed.",
                "Delete one. The operator can raise MAX_LEXICONS_PER_OWNER.",
                limit=self.limits.lexicons,
            )
        if lexicon.is_default and defaults >= MAX_ATTACHED:
            raise too_many_defaults()
        return await see_through(self._add(lexicon))

    async def _add(self, lexicon: Lexicon) -> Lexicon:
        async with self.audit.recorded(Action.LEXICON_CREATED, lexicon):
            try:
                return await self.lexicons.add(lexicon)
            except Conflict as error:
                raise name_taken() from error

    async def named_or_new(
        self, owner: str, name: str, *, language: str | None = None
    ) -> tuple[Lexicon, bool]:
        """The lexicon of this name, and whether it was made: by whoever comes first. The one that
        is called `default` holds by default then, if one more may.

        Raises:
            TooManyLexicons: there is none, and there may be no more.
        """
        if (there := await self.named(owner, name)) is not None:
            return there, False
        _, defaults = await self.counted(owner)
        default = name == DEFAULT_NAME and defaults < MAX_ATTACHED
        new = Lexicon(owner=owner, name=name, language=language, is_default=default)
        try:
            return await self.add(new), True
        except LexiconExists:
            there = await self.named(owner, name)
            if there is None:
                raise  # deleted again at this very moment
            return there, False


def name_taken() -> LexiconExists:
    return LexiconExists(
        "There is a lexicon of this name.", "Choose another name, or change that lexicon."
    )


def too_many_defaults() -> TooManyLexicons:
    return TooManyLexicons(
        f"There are {MAX_ATTACHED} lexicons that hold by default; there may be no more.",
        "Change one of them: `is_default: false`.",
        limit=MAX_ATTACHED,
    )
