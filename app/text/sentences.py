"""Where sentences end: what the library finds, mended where it is known to be wrong."""

import re
from collections.abc import Iterator
from typing import Final

import sentencex

LINE_END: Final = re.compile(r"\r\n|\r|\n|\u2028")
_APOSTROPHE: Final = re.compile(r"(?<=\w)'(?=\w)")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_SPACE: Final = re.compile(r"\s+")
_WINDOWS: Final = (500, 4_000)
"""How much is looked at: little at first, so that the first sentence is soon there."""
_PAIRS: Final = (
    "()", "[]", "{}", "（）", "“”", "„“”", "«»", "‹›", "《》", "「」", "『』",
)  # fmt: skip
_SAME: Final = '"`'
"""In these the library looks for no end of a sentence; what begins with them, what ends."""
_SINGLE: Final = re.compile(r"(?<!\w)'|'(?!\w)")
_CURLY_END: Final = re.compile(r"’(?!\w)")
_NEAR: Final = 40
"""How far around an end of a sentence is looked, in characters."""

# "1." of a list item or a heading goes with what follows it.
_NUMBER: Final = re.compile(r"(?:#{1,6}\s{1,4})?(?:\d{1,3}|[A-Za-z])[.)]")
_CHAPTER: Final = re.compile(
    r"(?:#{1,6}\s{1,4})?(?:chapter|section|part|book|act|scene|kapitel|chapitre|cap[ií]tulo|"
    r"capitolo)\s{1,4}[\dIVXLC]{1,6}\.",
    re.IGNORECASE,
)
_HEADING_LENGTH: Final = 80
_TITLE: Final = re.compile(
    r"(?<!\w)(?:Dr|Mr|Mrs|Ms|Mx|Prof|Rev|Hon|Gov|Capt|Lt|Sgt|Mme|Mlle|Sra|Srta|Dra|Dott|Sig|Ing|"
    r"approx|डॉ|श्री)\.\Z"
)
_TIME: Final = re.compile(r"(?<!\w)[ap]\.\s?m\.\Z", re.IGNORECASE)
_BEHIND_TIME: Final = re.compile(
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:GMT|UTC|BST|CES?T|[ECMP][DS]?T)\b"
)
_SPOKEN_END: Final = re.compile(r"[?!…,][\"'”’»]\Z")
_SAYS: Final = re.compile(
    r"(?!Nobody|None|No\s)(?:I|[Hh]e|[Ss]he|[Tt]hey|[Ww]e|[Yy]ou|(?:[Tt]he\s)?[^\W\d_]{2,20}(?:\s[^\W\d_]{2,20})?)\s"
    r"(?:said|says|asked|asks|cried|shouted|whispered|replied|answered|called|yelled|exclaimed|"
    r"murmured|muttered|demanded|screamed|sighed|laughed|added|began|continued|growled|gasped|"
    r"snapped|repeated|wondered|told|thought)\b"
)
_QUOTATIVE: Final = re.compile(r"(?:と|って)")
_CAPITALS: Final = re.compile(r"(?<!\w)[A-Z]{2,8}\.\Z")
# A whole sentence in brackets, and an ellipsis: the library looks for no end behind them.
_BRACKETED: Final = re.compile(r"[.!?][\"'”’]?[)\]](?=\s)")
_CLOSING: Final = frozenset(")]”»」』")
# Words that the library takes for abbreviations before a single capital.
_WORD: Final = re.compile(
    r"(?<![\w.])(?:me|may|May|no|No|ok|OK|Ok|id|ID|fed|etc)\.(?=\s{1,9}(?:I|A)\s)"
)
_ELLIPSIS: Final = re.compile(r"…(?=\s)")


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Narrow to what is not white space; `start == end` when there is nothing else."""
    piece = text[start:end]
    end = start + len(piece.rstrip())
    return end - len(text[start:end].lstrip()), end


def sentences(text: str, line: tuple[int, int], language: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence, in order; all but white space is in one of them.

    Each is made when it is asked for, from some thousand characters. What has no end in them is cut
    at a space, if there is one.

    Args:
        text: the source.
        line: start and end of what is cut; does not begin with white space.
        language: primary subtag.
    """
    start, stop = line
    size = 0
    while start < stop:
        window = min(start + _WINDOWS[size], stop)
        # The last sentence may go on behind the window, and a quotation that is cut would make an
        # end of its beginning.
        settled = stop if window == stop else _closed(text, start, window)
        found = list(_within(text, (start, settled), language)) if settled > start else []
        if window < stop:
            found = found[:-1]
        if not found and size + 1 < len(_WINDOWS):
            size += 1
            continue
        if not found and settled < window:  # a quotation without an end
            found = list(_within(text, (start, window), language))[:-1]
        if not found:
            found = [trim(text, start, _last_space(text, start, window))]
        size = len(_WINDOWS) - 1
        yield from found
        start = _skip_space(text, found[-1][1], stop)


def _closed(text: str, start: int, end: int) -> int:
    """Where the first quotation or bracket begins that is not closed, else the end."""
    places = [end]
    places += [_open_since(text, start, end, pair) for pair in _PAIRS]
    for mark in _SAME:
        if text.count(mark, start, end) % 2:
            places.append(text.rfind(mark, start, end))
    single = [mark.start() for mark in _SINGLE.finditer(text, start, end)]
    if len(single) % 2:
        places.append(single[-1])
    last = text.rfind("‘", start, end)
    if last >= 0 and _CURLY_END.search(text, last, end) is None:
        places.append(last)
    return min(places)


def _open_since(text: str, start: int, end: int, pair: str) -> int:
    opening, closing = pair[0], pair[1:]
    first = text.find(opening, start, end)
    if first < 0:
        return end
    if opening == "“" and text.find("„", start, end) >= 0:
        return end  # there it closes
    if text.find(closing[0], start, first) >= 0:
        opening, closing = closing[0], opening  # the other way round: »so«
    last = text.rfind(opening, start, end)
    return end if any(text.find(mark, last, end) >= 0 for mark in closing) else last


def _skip_space(text: str, start: int, stop: int) -> int:
    found = _SPACE.match(text, start, stop)
    return found.end() if found else start


def _last_space(text: str, start: int, stop: int) -> int:
    for at in range(stop, start, -1):
        if text[at - 1].isspace():
            return at
    return stop


def _within(text: str, line: tuple[int, int], language: str) -> Iterator[tuple[int, int]]:
    """Only the places where sentences end are taken from the library: nothing can get lost."""
    start, stop = line
    # Same length: a wrapped line is a space, and half a surrogate would not reach native code.
    # Apostrophes are no quotation marks.
    flat = _SURROGATE.sub("\ufffd", LINE_END.sub(_blanks, text[start:stop]))
    flat = _APOSTROPHE.sub("\u02bc", flat)
    at = 0
    for end in _ends(flat, language):
        for cut in (*_more_ends(flat, at, end), end):
            first, last = trim(text, start + at, start + cut)
            if first < last:
                yield first, last
            at = cut


def _ends(flat: str, language: str) -> Iterator[int]:
    """Of the library, but for those that are none; the last one is the end of everything."""
    at = begun = 0
    for sentence in sentencex.segment(language, flat):
        words = sentence.strip()
        found = flat.find(words, at) if words else -1
        if found < 0 or found + len(words) <= begun:
            continue
        at = end = found + len(words)
        while flat[end : end + 1] in _CLOSING:
            end += 1
        if not _goes_on(flat, begun, end):
            yield end
            begun = end
    if begun < len(flat):
        yield len(flat)


def _goes_on(flat: str, begun: int, at: int) -> bool:
    """Whether the sentence goes on at an end that the library has found."""
    words = flat[begun : min(at, begun + _HEADING_LENGTH)].strip()
    if begun == 0 and at < _HEADING_LENGTH:
        if _NUMBER.fullmatch(words):
            return True
        if _CHAPTER.fullmatch(words) and len(flat.rstrip()) < _HEADING_LENGTH:
            return True
    before = flat[max(begun, at - _NEAR) : at]
    after = flat[at : at + 2 * _NEAR]
    behind = after.lstrip()
    if behind == after:
        # No space: names such as ASP.NET, and what is said of a quotation in Japanese.
        both = _CAPITALS.search(before) and after[:2].isupper()
        return bool(both) or (before[-1:] in "」』" and bool(_QUOTATIVE.match(after)))
    return bool(
        _TITLE.search(before)
        or (_TIME.search(before) and _BEHIND_TIME.match(behind))
        or (_SPOKEN_END.search(before) and _SAYS.match(behind))
    )


def _more_ends(flat: str, start: int, end: int) -> list[int]:
    """Inside what the library takes for one sentence, in order."""
    sure = [word.end() for word in _WORD.finditer(flat, start, end)]
    found = [mark.end() for mark in _ELLIPSIS.finditer(flat, start, end)]
    at = _skip_space(flat, start, end)
    if flat[at : at + 1] in ("(", "["):
        whole = _BRACKETED.search(flat, at, end)
        if whole and flat.find(whole[0][-1], at, end) == whole.end() - 1:
            found.append(whole.end())
    return sorted([*sure, *(at for at in found if _begins(flat, at, end))])


def _begins(flat: str, at: int, end: int) -> bool:
    """Whether a sentence could begin there; "I" has a capital wherever it stands."""
    behind = _skip_space(flat, at, end)
    first, second = flat[behind : behind + 1], flat[behind + 1 : behind + 2]
    if first == "I" and not second.isalpha():
        return False
    return first.isalpha() and (first.isupper() or first.lower() == first.upper())


def _blanks(match: re.Match[str]) -> str:
    return " " * len(match.group())
