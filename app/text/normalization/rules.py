"""How rules are run over a sentence: in order, each on what none before it has taken."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from app.text.spoken import Edit

TAKEN = "\ue000"
"""Stands in what is already said otherwise. No letter, digit, mark or space."""

Make = Callable[[re.Match[str], str], str | None]
"""Match and language tag in lower case to what is said; None leaves it as it is."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of passage and how it is said.

    Attributes:
        name: kebab-case; the `rule` of its edits.
        pattern: linear. With a group named `it`, only that is replaced: the rest is context.
        needs: characters without all of which the pattern matches nowhere; empty tells nothing.
    """

    name: str
    pattern: re.Pattern[str]
    make: Make
    needs: str = ""


def needing(characters: str, *rules: Rule) -> tuple[Rule, ...]:
    """Rules that are passed over in a text with none of these characters."""
    return tuple(rule if rule.needs else replace(rule, needs=characters) for rule in rules)


def run(rules: Sequence[Rule], text: str, language: str, taken: Sequence[Edit]) -> list[Edit]:
    """Edits in order. `taken` is not touched, nor is what an earlier rule has made."""
    rest = _masked(text, [(edit.start, edit.end) for edit in taken])
    edits: list[Edit] = []
    characters = frozenset(rest)
    for rule in rules:
        if rule.needs and characters.isdisjoint(rule.needs):
            continue
        if found := list(_found(rule, rest, language)):
            rest = _masked(rest, [(edit.start, edit.end) for edit in found])
            edits += found
    # What is said as it is written is taken, but is no edit.
    changes = [edit for edit in edits if edit.spoken != text[edit.start : edit.end]]
    return sorted(changes, key=lambda edit: edit.start)


def _found(rule: Rule, text: str, language: str) -> Iterator[Edit]:
    group = "it" if "it" in rule.pattern.groupindex else 0
    for match in rule.pattern.finditer(text):
        start, end = match.span(group)
        spoken = rule.make(match, language) if start < end else None
        if spoken is not None:
            yield Edit(start, end, spoken, rule.name)


def _masked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], TAKEN * (end - start)]
        at = end
    return "".join([*parts, text[at:]])
