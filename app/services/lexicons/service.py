"""Lexicons: made, listed, changed, deleted, brought back, written to files."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from app.core.exceptions import Conflict as AnyConflict
from app.core.exceptions import InvalidRequest, NotFound, VersionConflict, VoiceNotFound
from app.core.tasks import in_thread, see_through
from app.db.base import Page, every
from app.db.lexicons import find_lexicon, no_lexicon
from app.db.voices import update_voice
from app.lexicons.checking import checked_description, checked_language, checked_name
from app.lexicons.formats import Form, write_azure, write_objects, write_pls, write_table
from app.lexicons.store import Edited
from app.models.audit import Action
from app.models.lexicon import MAX_ATTACHED, Entry, Lexicon, Revision
from app.models.lexicon_details import NewLexicon
from app.models.voice import Voice
from app.services.lexicons.tools import LexiconTools, name_taken, too_many_defaults

_ATTEMPTS: Final = 6
_PAGE: Final = 500
_MEDIA_TYPES: Final = {
    Form.CSV: "text/csv; charset=utf-8; header=present",
    Form.JSON: "application/json",
    Form.PLS: "application/pls+xml",
}


@dataclass(frozen=True, slots=True)
class LexiconExport:
    """What is asked for.

    Attributes:
        version: number of the revision, None for the current one.
        azure: by Azure's rules.
        part: from 1.
        language: of entries for any language.
    """

    form: Form
    version: int | None = None
    azure: bool = False
    part: int = 1
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Exported:
    """A file of entries.

    Attributes:
        parts: how many files there are; this is one of them.
        left_out: entries that the form cannot hold.
    """

    content: str
    media_type: str
    filename: str
    parts: int
    left_out: int


class LexiconService:
    """The lexicons of the callers."""

    def __init__(self, tools: LexiconTools) -> None:
        self._tools = tools

    async def create(self, owner: str, wanted: NewLexicon) -> Lexicon:
        """Make an empty lexicon.

        Raises:
            InvalidRequest: the name or the language cannot be used.
            LexiconExists: there is one of this name.
            TooManyLexicons: there are as many as there may be, or as many that hold by default.
        """
        return await self._tools.add(
            Lexicon(
                owner=owner,
                name=checked_name(wanted.name),
                description=checked_description(wanted.description),
                language=checked_language(wanted.language),
                is_default=wanted.is_default,
            )
        )

    async def list(self, owner: str, *, limit: int, cursor: str | None) -> Page[Lexicon]:
        """The owner's lexicons, newest first."""
        return await self._tools.lexicons.list(where={"owner": owner}, limit=limit, cursor=cursor)

    async def get(self, owner: str, lexicon_id: str) -> Lexicon:
        """One lexicon.

        Raises:
            LexiconNotFound: there is none with this id, or it is somebody else's.
        """
        return await find_lexicon(self._tools.lexicons, owner, lexicon_id)

    async def change(
        self, owner: str, lexicon_id: str, fields: Mapping[str, Any], *, version: int | None
    ) -> Lexicon:
        """Change what is written about a lexicon.

        Args:
            fields: those that change, by name.
            version: that the caller has read; None if it does not matter.

        Raises:
            LexiconNotFound, InvalidRequest, LexiconExists, TooManyLexicons
            VersionConflict: it was changed since the caller has read it.
        """
        checked = _checked(fields)
        for _ in range(_ATTEMPTS):
            lexicon = await self.get(owner, lexicon_id)
            if version not in (None, lexicon.version):
                raise VersionConflict(
                    f"The lexicon has version {lexicon.version}, not {version}: it was changed "
                    "since it was read.",
                    "Read it again, then repeat the change.",
                    version=lexicon.version,
                )
            if checked.get("is_default") and not lexicon.is_default:
                _, defaults = await self._tools.counted(owner)
                if defaults >= MAX_ATTACHED:
                    raise too_many_defaults()
            with suppress(VersionConflict):  # entries were added meanwhile
                return await see_through(self._update(lexicon.model_copy(update=checked)))
        raise VersionConflict("The lexicon is being changed all the time.", "Try again.")

    async def _update(self, lexicon: Lexicon) -> Lexicon:
        async with self._tools.audit.recorded(Action.LEXICON_CHANGED, lexicon):
            try:
                return await self._tools.lexicons.update(lexicon)
            except VersionConflict:
                raise
            except AnyConflict as error:
                raise name_taken() from error
            except NotFound as error:
                raise no_lexicon(lexicon.id) from error

    async def delete(self, owner: str, lexicon_id: str) -> tuple[Lexicon, int]:
        """Delete a lexicon with all its versions, and take it from the voices that have it.

        Returns:
            The lexicon as it was, and how many voices had it.

        Raises:
            LexiconNotFound: there is none with this id, or it is somebody else's.
        """
        lexicon = await self.get(owner, lexicon_id)
        if not await self._tools.store.delete(lexicon):
            raise no_lexicon(lexicon_id)
        return lexicon, await see_through(self._detach(lexicon))

    async def _detach(self, lexicon: Lexicon) -> int:
        """Speech passes over ids of lexicons that are gone, so what a crash leaves does no harm."""
        voices, count = self._tools.voices, 0
        where = {"owner": lexicon.owner}
        pages = every(lambda cursor: voices.list(where=where, limit=_PAGE, cursor=cursor))
        having = [voice.id async for voice in pages if lexicon.id in voice.lexicon_ids]
        for voice_id in having:
            for _ in range(_ATTEMPTS):
                voice = await voices.get(voice_id)
                if voice is None or lexicon.id not in voice.lexicon_ids:
                    break
                with suppress(VersionConflict, VoiceNotFound):
                    await update_voice(voices, _without(voice, lexicon.id))
                    count += 1
                    break
        return count

    async def revisions(self, owner: str, lexicon_id: str) -> tuple[Lexicon, Sequence[Revision]]:
        """A lexicon, and its revisions that are kept, newest first.

        Raises:
            LexiconNotFound: there is none with this id, or it is somebody else's.
        """
        lexicon = await self.get(owner, lexicon_id)
        return lexicon, await self._tools.store.revisions(lexicon)

    async def restore(self, owner: str, lexicon_id: str, number: int) -> Lexicon:
        """Make the entries what they were at a revision: as a new revision.

        Raises:
            LexiconNotFound, RevisionNotFound
            VersionConflict: others change it all the time.
        """
        lexicon = await self.get(owner, lexicon_id)
        entries = await self._tools.store.at(lexicon, number)

        def back(_: Lexicon, __: tuple[Entry, ...]) -> Edited[None]:
            return Edited(entries, f"version {number} restored", None)

        return (await self._tools.store.change(owner, lexicon_id, back))[0]

    async def export(self, owner: str, lexicon_id: str, wanted: LexiconExport) -> Exported:
        """The entries as a file.

        Raises:
            LexiconNotFound, RevisionNotFound
            InvalidRequest: there is no such part, or Azure would need a language.
        """
        lexicon = await self.get(owner, lexicon_id)
        number = lexicon.revision if wanted.version is None else wanted.version
        entries = await self._tools.store.at(lexicon, number)
        asked = lexicon.model_copy(update={"revision": number})
        return await in_thread(None, _exported, asked, entries, wanted)


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    checked = dict(fields)
    if "name" in fields:
        checked["name"] = checked_name(fields["name"])
    if "description" in fields:
        checked["description"] = checked_description(fields["description"])
    if "language" in fields:
        checked["language"] = checked_language(fields["language"])
    return checked


def _without(voice: Voice, lexicon_id: str) -> Voice:
    left = tuple(one for one in voice.lexicon_ids if one != lexicon_id)
    return voice.model_copy(update={"lexicon_ids": left})


def _exported(lexicon: Lexicon, entries: tuple[Entry, ...], wanted: LexiconExport) -> Exported:
    language = lexicon.language or checked_language(wanted.language)
    left_out = 0
    if wanted.form is Form.CSV:
        documents = [write_table(entries)]
    elif wanted.form is Form.JSON:
        documents = [write_objects(lexicon, entries)]
    elif wanted.azure:
        files = write_azure(entries, language)
        documents, left_out = files.documents, files.left_out
    else:
        documents = write_pls(entries, language)
    if wanted.part > len(documents):
        raise InvalidRequest(
            f"There is no part {wanted.part}: there are {len(documents)}.",
            "`X-Parts` of the first part says how many there are.",
            parts=len(documents),
        )
    part = f"-{wanted.part}" if len(documents) > 1 else ""
    return Exported(
        documents[wanted.part - 1],
        _MEDIA_TYPES[wanted.form],
        f"lexicon-{lexicon.revision}{part}.{wanted.form.value}",
        len(documents),
        left_out,
    )
