"""Where a text has the words of lexicons, and what is said instead."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.text.graphemes import Units, plain, without_case
from app.text.respelling import respelled
from app.text.spoken import Edit

Reason = Literal[
    "overlapped",
    "overridden",
    "language",
    "case",
    "part-of-speech",
    "part-of-speech-unknown",
    "phonemes-unsupported",
]
"""Why a rule was not applied where its grapheme stands. `overlapped`: something longer or earlier
is said there. `overridden`: a rule of the same grapheme has precedence.
"""
PartsOfSpeech = Callable[[str], Sequence[tuple[int, int, str]]]
"""Start, end and part of speech of the words of a text; nothing where they are not known."""

_MAX_IGNORED: Final = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """How a word is said. Either `alias` or `phonemes` is given.

    Attributes:
        id: of the entry. lexicon: id of its lexicon. grapheme: the word, or several.
        alias: what is said instead. phonemes: IPA, NFC.
        language: BCP-47; the rule holds for this language and what is more special: `en` for
            `en-US`. None: for all.
        case_sensitive: whether capitals matter.
        word_boundaries: whether it must stand as a word of its own.
        part_of_speech: `noun`, `verb`, `adjective`, `adverb` or `other`; None: any.
    """

    id: str
    lexicon: str
    grapheme: str
    alias: str | None = None
    phonemes: str | None = None
    language: str | None = None
    case_sensitive: bool = False
    word_boundaries: bool = True
    part_of_speech: str | None = None

    def edit(self, start: int, end: int) -> Edit:
        """What it makes of a passage. `spoken` of phonemes is a respelling in English."""
        if self.phonemes is None:
            return Edit(start, end, self.alias or "", "lexicon", entry=self.id)
        return Edit(start, end, respelled(self.phonemes), "lexicon", self.phonemes, self.id)


@dataclass(frozen=True, slots=True)
class IgnoredRule:
    """A rule that was not applied at a place where its grapheme stands."""

    rule: Rule
    start: int
    end: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Matched:
    """Attributes:
    edits: in order, without overlap.
    ignored: in order, at most 100 of them.
    """

    edits: tuple[Edit, ...]
    ignored: tuple[IgnoredRule, ...]


class Matcher:
    """Finds the graphemes of some lexicons. Immutable, so threads may share it.

    The graphemes are sorted. Those that a text begins with are all beginnings of the greatest one
    that is not greater than the text, so a search by halves finds the longest, and each knows the
    next shorter one.

    Args:
        lexicons: by precedence, the first one wins. A rule without a grapheme is left out.
    """

    def __init__(self, lexicons: Sequence[Sequence[Rule]]) -> None:
        groups: dict[str, list[tuple[tuple[int | bool, ...], _Entry]]] = {}
        for order, rules in enumerate(lexicons):
            for position, rule in enumerate(rules):
                exact = plain(rule.grapheme).strip()
                entry = _Entry(rule, exact if rule.case_sensitive else None)
                key = without_case(exact)
                groups.setdefault(key, []).append((_rank(rule, order, position), entry))
        groups.pop("", None)
        self._rules = {rule.id: rule for rules in lexicons for rule in rules}
        self._keys = sorted(groups)
        self._longest = max(map(len, self._keys), default=0)
        self._beginnings = frozenset(key[0] for key in self._keys)
        self._shorter = _shorter(self._keys)
        self.has_loose = any(not rule.word_boundaries for rules in lexicons for rule in rules)
        self._groups = [
            tuple(entry for _, entry in sorted(groups[key], key=lambda ranked: ranked[0]))
            for key in self._keys
        ]

    def match(
        self,
        text: str,
        *,
        language: str,
        taken: Sequence[Edit] = (),
        parts_of_speech: PartsOfSpeech | None = None,
    ) -> Matched:
        """Find what is said otherwise, from left to right, the longest grapheme first.

        Args:
            text: usually a sentence.
            language: BCP-47, of the text.
            taken: in order: what is already said otherwise, and stays.
            parts_of_speech: asked once, and only if a rule depends on it.
        """
        return _Search(self, text, language, taken, parts_of_speech).run()

    def rule(self, rule_id: str) -> Rule:
        """The one with this id, which must be there."""
        return self._rules[rule_id]

    def beginnings(self, folded: str, at: int) -> Iterator[tuple[int, int]]:
        """Numbers and ends of the graphemes that stand at a place, the longest first."""
        if folded[at] not in self._beginnings:
            return
        ahead = folded[at : at + self._longest]
        number = bisect_right(self._keys, ahead) - 1
        while number >= 0:
            key = self._keys[number]
            if ahead.startswith(key):
                yield number, at + len(key)
            number = self._shorter[number]

    def entries(self, number: int) -> "tuple[_Entry, ...]":
        """The rules of a grapheme, by precedence."""
        return self._groups[number]


@dataclass(frozen=True, slots=True)
class _Entry:
    """`exact`: how it must be written, if capitals matter."""

    rule: Rule
    exact: str | None


def _rank(rule: Rule, order: int, position: int) -> tuple[int | bool, ...]:
    tags = len(rule.language.split("-")) if rule.language else 0
    return (order, not rule.case_sensitive, -tags, rule.part_of_speech is None, -position)


def _shorter(keys: Sequence[str]) -> list[int]:
    """For each of sorted words, the number of the longest one that it begins with, or -1."""
    found: list[int] = []
    open_: list[int] = []
    for number, key in enumerate(keys):
        while open_ and not key.startswith(keys[open_[-1]]):
            open_.pop()
        found.append(open_[-1] if open_ else -1)
        open_.append(number)
    return found


def fits(tag: str, language: str) -> bool:
    """Whether what is said of a language holds for a text: `en` for `en-US`, `zh-CN` for
    `zh-Hans-CN`, `en-GB` not for `en` or `en-US` (RFC 4647, extended filtering).
    """
    wanted, given = (x.replace("_", "-").lower().split("-") for x in (tag, language))
    if wanted[0] != given[0]:
        return False
    rest = iter(given[1:])
    return all(subtag in rest for subtag in wanted[1:])


class _Search:
    """One search in one text."""

    def __init__(
        self,
        matcher: Matcher,
        text: str,
        language: str,
        taken: Sequence[Edit],
        parts_of_speech: PartsOfSpeech | None,
    ) -> None:
        self._matcher = matcher
        self._text = text
        self._language = language
        self._taken = taken
        self._taken_starts = [edit.start for edit in taken]
        self._ask = parts_of_speech
        self._parts: Sequence[tuple[int, int, str]] | None = None
        self._fitting: dict[int, tuple[list[_Entry], list[_Entry]]] = {}
        self._units = Units.of(text)
        self._covered = 0  # units up to here are said otherwise
        self._edits: list[Edit] = []
        self._ignored: list[IgnoredRule] = []

    def run(self) -> Matched:
        units, matcher = self._units, self._matcher
        for at in range(len(units.folded)):
            if at < self._covered and len(self._ignored) == _MAX_IGNORED:
                continue  # nothing more can be said or told of it
            begins = units.begins(at)
            if not begins and not matcher.has_loose:
                continue
            for number, end in matcher.beginnings(units.folded, at):
                if units.whole(at, end):
                    words = begins and units.ends_word(end)
                    self._consider(number, at, end, words=words)
        return Matched(tuple(self._edits), tuple(self._ignored))

    def _consider(self, number: int, at: int, end: int, *, words: bool) -> None:
        """Apply one of the rules of a grapheme that stands between two units; `words`: as words."""
        fitting, foreign = self._by_language(number)
        start, stop = self._units.starts[at], self._units.ends[end - 1]
        free = at >= self._covered and not self._is_taken(start, stop)
        chosen = False
        for entry in fitting:
            rule = entry.rule
            if rule.word_boundaries and not words:
                continue
            reason: Reason | None
            if entry.exact is not None and entry.exact != self._units.cased[at:end]:
                reason = "case"
            elif chosen or not free:
                reason = "overridden" if chosen else "overlapped"
            else:
                reason = self._misfit(rule, start, stop)
            if reason is not None:
                self._ignore(rule, start, stop, reason)
                continue
            chosen = True
            self._covered = end
            self._edits.append(rule.edit(start, stop))
        for entry in foreign:
            if words or not entry.rule.word_boundaries:
                self._ignore(entry.rule, start, stop, "language")

    def _by_language(self, number: int) -> tuple[list[_Entry], list[_Entry]]:
        """The rules of a grapheme for the language of the text, and those for others."""
        found = self._fitting.get(number)
        if found is None:
            found = self._fitting[number] = [], []
            for entry in self._matcher.entries(number):
                tag = entry.rule.language
                found[tag is not None and not fits(tag, self._language)].append(entry)
        return found

    def _is_taken(self, start: int, end: int) -> bool:
        last = bisect_right(self._taken_starts, end - 1)
        return last > 0 and self._taken[last - 1].end > start

    def _misfit(self, rule: Rule, start: int, end: int) -> Reason | None:
        """Whether the last word of a passage is of another part of speech than the rule's."""
        if rule.part_of_speech is None:
            return None
        if self._parts is None:
            self._parts = self._ask(self._text) if self._ask else ()
        found = [part for a, b, part in self._parts if a < end and start < b]
        if not found:
            return "part-of-speech-unknown"
        return None if found[-1] == rule.part_of_speech else "part-of-speech"

    def _ignore(self, rule: Rule, start: int, end: int, reason: Reason) -> None:
        if len(self._ignored) < _MAX_IGNORED:
            self._ignored.append(IgnoredRule(rule, start, end, reason))
