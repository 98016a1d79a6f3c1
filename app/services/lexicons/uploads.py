"""Files of entries, taken into a lexicon."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from app.core.clock import utc_now
from app.core.exceptions import (
    EntryInvalid,
    InvalidRequest,
    LexiconFileInvalid,
    LexiconUploadRefused,
    UploadTooLarge,
)
from app.core.tasks import in_thread
from app.db.lexicons import find_lexicon
from app.lexicons.checking import (
    canonical_language,
    checked,
    checked_language,
    checked_name,
    key_of,
)
from app.lexicons.formats import Form, Row, guessed, read_file
from app.lexicons.store import Edited
from app.models.lexicon import (
    DEFAULT_NAME,
    MAX_GRAPHEME,
    Entry,
    EntryDraft,
    Lexicon,
    entry_id,
)
from app.models.lexicon_upload import (
    MAX_RESULTS,
    Duplicates,
    RowCounts,
    RowResult,
    RowStatus,
    UploadMode,
    UploadReport,
)
from app.services.lexicons.tools import LexiconTools

_PROBLEMS: Final = ("invalid", "duplicate")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of entries, and what is to become of it.

    Attributes:
        size: in bytes.
        read: gives them. Blocks.
        form: None to find out.
        lexicon_id: where the entries go; or
        lexicon_name: that lexicon, which is made if there is none; without both `default`.
        language: of entries that say none, and of a lexicon that is made.
        dry_run: change nothing, only say what would happen.
    """

    filename: str
    size: int
    read: Callable[[], bytes]
    form: Form | None = None
    lexicon_id: str | None = None
    lexicon_name: str | None = None
    language: str | None = None
    dry_run: bool = False
    mode: UploadMode = UploadMode.ALL_OR_NOTHING
    duplicates: Duplicates = Duplicates.REPORT


@dataclass(frozen=True, slots=True)
class _Checked:
    """A row of a file, and what it is: an entry, or why not."""

    row: Row
    draft: EntryDraft | EntryInvalid


@dataclass(frozen=True, slots=True)
class _File:
    form: Form
    language: str | None
    rows: list[_Checked]


@dataclass(frozen=True, slots=True)
class _Merged:
    """What a file makes of a lexicon."""

    entries: list[Entry]
    results: list[RowResult]
    counts: RowCounts
    refused: bool

    @property
    def changes(self) -> bool:
        return not self.refused and self.counts.created + self.counts.replaced > 0


class UploadService:
    """Takes files of entries."""

    def __init__(self, tools: LexiconTools) -> None:
        self._tools = tools

    async def upload(self, owner: str, upload: Upload) -> UploadReport:
        """Take the entries of a file into a lexicon: all that can be used at once, or none.

        Raises:
            UploadTooLarge, LexiconFileInvalid: the file cannot be read.
            LexiconUploadRefused: some rows cannot be used, and it was to be all or nothing. A dry
                run says so as well.
            LexiconNotFound, InvalidRequest, TooManyLexicons
            VersionConflict: others change the lexicon all the time.
        """
        limits = self._tools.limits
        if upload.size > limits.upload_bytes:
            raise UploadTooLarge(
                f"The file is larger than {limits.upload_bytes} bytes.",
                "Send it in parts. The operator can raise MAX_LEXICON_UPLOAD_BYTES.",
                limit=limits.upload_bytes,
            )
        upload = replace(upload, language=checked_language(upload.language))
        lexicon = await self._target(owner, upload)
        async with self._tools.files:
            file = await in_thread(None, _read, upload, limits.entries)
        if lexicon is not None and not upload.dry_run:
            return await self._apply(owner, upload, file, lexicon, made=False)
        if lexicon is not None:
            entries = await self._tools.store.entries(lexicon)
            merged = await in_thread(None, self._merge, upload, file, lexicon, entries)
            return _told(lexicon, upload, file, merged)
        name, language = _name(upload), upload.language or file.language
        new = Lexicon(id="", owner=owner, name=name, language=language)
        merged = await in_thread(None, self._merge, upload, file, new, ())
        if upload.dry_run or not merged.changes:
            return _told(new, upload, file, merged)
        lexicon, made = await self._tools.named_or_new(owner, name, language=language)
        return await self._apply(owner, upload, file, lexicon, made=made)

    async def _target(self, owner: str, upload: Upload) -> Lexicon | None:
        """The lexicon that the entries go to; None if it is to be made."""
        if upload.lexicon_id is None:
            return await self._tools.named(owner, _name(upload))
        if upload.lexicon_name is not None:
            raise InvalidRequest(
                "Both `lexicon_id` and `lexicon_name` are there.", "Leave one of them out."
            )
        return await find_lexicon(self._tools.lexicons, owner, upload.lexicon_id)

    async def _apply(
        self, owner: str, upload: Upload, file: _File, lexicon: Lexicon, *, made: bool
    ) -> UploadReport:
        def take(lexicon: Lexicon, entries: tuple[Entry, ...]) -> Edited[_Merged]:
            merged = self._merge(upload, file, lexicon, entries)
            counts = merged.counts
            comment = f"bulk upload: {counts.created} created, {counts.replaced} replaced"
            return Edited(merged.entries if merged.changes else None, comment, merged)

        changed, merged = await self._tools.store.change(owner, lexicon.id, take)
        return _told(changed, upload, file, merged, made=made, applied=merged.changes)

    def _merge(
        self, upload: Upload, file: _File, lexicon: Lexicon, entries: Sequence[Entry]
    ) -> _Merged:
        merging = _Merging(lexicon, entries, upload, limit=self._tools.limits.entries)
        language = upload.language or file.language
        for one in file.rows:
            merging.take(one, language)
        return merging.done()


class _Merging:
    """Puts rows into a lexicon, one after the other."""

    def __init__(
        self, lexicon: Lexicon, entries: Sequence[Entry], upload: Upload, *, limit: int
    ) -> None:
        self._lexicon = lexicon
        self._entries = list(entries)
        self._before = len(entries)
        self._upload = upload
        self._limit = limit
        self._places = {
            key_of(entry, lexicon.language): place for place, entry in enumerate(entries)
        }
        self._rows: dict[int, int] = {}
        """Place of an entry -> row that has put it there."""
        self._now: datetime = utc_now()
        self._results: list[RowResult] = []

    def take(self, one: _Checked, language: str | None) -> None:
        draft = one.draft
        if isinstance(draft, EntryInvalid):
            self._tell(one.row, "invalid", error=draft)
            return
        spoken_in = draft.language or language
        if spoken_in != draft.language or spoken_in == self._lexicon.language:
            # What the lexicon says as well need not be said again.
            own = None if spoken_in == self._lexicon.language else spoken_in
            draft = replace(draft, language=own)
        key = key_of(draft, self._lexicon.language)
        if (place := self._places.get(key)) is not None:
            self._meet(one.row, draft, place)
        elif len(self._entries) >= self._limit:
            full = EntryInvalid(
                f"The lexicon has {self._limit} entries; there may be no more.",
                field="",
                reason="lexicon-full",
            )
            self._tell(one.row, "invalid", error=full)
        else:
            number = self._lexicon.next_number + len(self._entries) - self._before
            self._places[key] = len(self._entries)
            self._rows[len(self._entries)] = one.row.number
            self._entries.append(self._entry(draft, number=number, created_at=self._now))
            self._tell(one.row, "created")

    def done(self) -> _Merged:
        found = Counter(str(result.status) for result in self._results)
        counts = RowCounts(rows=len(self._results), **found)
        problems = counts.invalid + counts.duplicate
        refused = problems > 0 and self._upload.mode is UploadMode.ALL_OR_NOTHING
        return _Merged(self._entries, self._results, counts, refused)

    def _meet(self, row: Row, draft: EntryDraft, place: int) -> None:
        """A row whose entry is there already."""
        there = self._entries[place]
        same = self._rows.get(place)
        known = entry_id(self._lexicon.id, there.number) if place < self._before else None
        if self._upload.duplicates is Duplicates.SKIP:
            self._tell(row, "skipped", known=known, same=same)
        elif self._upload.duplicates is Duplicates.REPLACE:
            self._rows[place] = row.number
            self._entries[place] = self._entry(
                draft, number=there.number, created_at=there.created_at
            )
            self._tell(row, "replaced", known=known, same=same)
        else:
            where = "in the lexicon" if same is None else f"in row {same}"
            error = EntryInvalid(
                f"There is an entry for this grapheme, language and part of speech {where}.",
                field="grapheme",
                reason="duplicate",
            )
            self._tell(row, "duplicate", error=error, known=known, same=same)

    def _entry(self, draft: EntryDraft, *, number: int, created_at: datetime) -> Entry:
        return Entry.of(
            draft,
            number=number,
            revision=self._lexicon.revision + 1,
            created_at=created_at,
            updated_at=self._now,
        )

    def _tell(
        self,
        row: Row,
        status: RowStatus,
        *,
        error: EntryInvalid | None = None,
        known: str | None = None,
        same: int | None = None,
    ) -> None:
        grapheme = row.fields.get("grapheme")
        self._results.append(
            RowResult(
                row=row.number,
                line=row.line,
                grapheme=_shown(grapheme) if isinstance(grapheme, str) else None,
                status=status,
                code=error and error.extra["reason"],
                field=(error and error.extra["field"]) or None,
                message=error.detail if error else row.remark,
                entry_id=known,
                same_as_row=same,
            )
        )


def _read(upload: Upload, limit: int) -> _File:
    content = upload.read()
    form = upload.form or guessed(content, upload.filename)
    contents = read_file(content, form, limit=limit)
    if not contents.rows:
        raise LexiconFileInvalid(
            "The file has no entries.", "Send at least one; docs/lexicons.md shows each form."
        )
    try:
        language = canonical_language(contents.language) if contents.language else None
    except ValueError as error:
        raise LexiconFileInvalid(
            "The language of the file is no BCP-47 tag.", "Write one like `en-US`."
        ) from error
    return _File(form, language, [_checked(row) for row in contents.rows])


def _checked(row: Row) -> _Checked:
    if row.refused is not None:
        return _Checked(row, row.refused)
    try:
        return _Checked(row, checked(row.fields))
    except EntryInvalid as error:
        return _Checked(row, error)


def _name(upload: Upload) -> str:
    return checked_name(upload.lexicon_name or DEFAULT_NAME)


def _shown(grapheme: str) -> str:
    """What can be sent of it: half of a surrogate pair cannot."""
    return grapheme[:MAX_GRAPHEME].encode("utf-8", "replace").decode()


def _told(
    lexicon: Lexicon,
    upload: Upload,
    file: _File,
    merged: _Merged,
    *,
    made: bool = False,
    applied: bool = False,
) -> UploadReport:
    """The report on a file.

    Raises:
        LexiconUploadRefused: with the report in it.
    """
    results = _chosen(merged.results)
    report = UploadReport(
        lexicon_id=lexicon.id or None,
        lexicon_name=lexicon.name,
        lexicon_created=made,
        revision=lexicon.revision,
        entries=lexicon.entries,
        dry_run=upload.dry_run,
        applied=applied,
        format=file.form.value,
        mode=upload.mode,
        counts=merged.counts,
        results=results,
        more_results=len(merged.results) - len(results),
    )
    if merged.refused:
        counts = merged.counts
        raise LexiconUploadRefused(
            f"{counts.invalid} rows cannot be used, {counts.duplicate} are there already: of "
            f"{counts.rows} rows none was stored.",
            "Correct them: `report` tells each. Or send `mode=keep-good`, or "
            "`duplicates=replace` or `skip`.",
            report=report.model_dump(mode="json"),
        )
    return report


def _chosen(results: list[RowResult]) -> list[RowResult]:
    """Those that a report tells of: problems before others, in the order of the rows."""
    if len(results) <= MAX_RESULTS:
        return results
    problems = [result for result in results if result.status in _PROBLEMS]
    others = [result for result in results if result.status not in _PROBLEMS]
    return sorted((problems + others)[:MAX_RESULTS], key=lambda result: result.row)
