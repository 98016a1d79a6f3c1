"""How rules become edits: in order, and what one has claimed no later one sees."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.text.normalization.tongues.words import Words
from app.text.spoken import Edit

# Stands for characters that are claimed. For private use: neither letter, digit, mark nor space, so
# no pattern matches it, and words end at it.
CLAIMED = "\ue000"
DIGITS = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class Reading:
    """What is said for a passage, where words alone do not tell.

    Attributes:
        spoken: words.
        phonemes: IPA of the whole passage.
    """

    spoken: str
    phonemes: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of passage and how it is said.

    Attributes:
        name: kebab-case; the `rule` of its edits.
        pattern: linear. With a group named `it`, only that is replaced: the rest is context.
        say: the words; empty to leave the passage out, None where it is something else after all.
        needs: the rule can only apply to texts that hold one of these characters; empty: to any.
    """

    name: str
    pattern: re.Pattern[str]
    say: Callable[[re.Match[str]], str | Reading | None]
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Language:
    """What this package knows of one language.

    Attributes:
        kinds: of things that are normalized.
        normalize: text, language tag and taken edits -> edits, in order.
        words: language tag -> how it says what `say-as` has understood.
    """

    kinds: frozenset[str]
    normalize: Callable[[str, str, Sequence[Edit]], list[Edit]]
    words: Callable[[str], Words]


def apply(text: str, rules: Iterable[Rule], taken: Sequence[Edit] = ()) -> list[Edit]:
    """Edits by rules, the first first. None overlaps another one or a taken one; in order."""
    rest = _without(text, [(edit.start, edit.end) for edit in taken])
    present = frozenset(rest)
    edits: list[Edit] = []
    for rule in rules:
        if rule.needs and rule.needs.isdisjoint(present):
            continue
        made = list(_made(rule, rest))
        if made:
            edits += made
            rest = _without(rest, [(edit.start, edit.end) for edit in made])
    # What is said as it is written is claimed, but is no edit.
    changes = [e for e in edits if e.phonemes or e.spoken != text[e.start : e.end]]
    return sorted(changes, key=lambda edit: edit.start)


def _made(rule: Rule, text: str) -> Iterable[Edit]:
    group = "it" if "it" in rule.pattern.groupindex else 0
    for match in rule.pattern.finditer(text):
        start, end = match.span(group)
        said = rule.say(match) if start < end else None
        if isinstance(said, Reading):
            yield Edit(start, end, said.spoken, rule.name, said.phonemes)
        elif said is not None:
            yield Edit(start, end, said, rule.name)


def _without(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with these spans, which are in order, claimed."""
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += [text[at:start], CLAIMED * (end - start)]
        at = end
    return "".join([*parts, text[at:]])


def primary_subtag(tag: str) -> str:
    """`en-GB` -> `en`."""
    return tag.replace("_", "-").partition("-")[0].lower()
