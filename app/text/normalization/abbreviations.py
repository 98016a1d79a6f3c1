"""Abbreviations: titles, streets, Latin ones, numbered things."""

import re
from collections.abc import Iterable
from typing import Final

from app.text.normalization.rules import TAKEN, Rule

# Before a name.
_TITLES: Final = {
    "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Dr": "Doctor", "Prof": "Professor",
    "Rev": "Reverend", "Hon": "Honorable", "Gen": "General", "Col": "Colonel", "Maj": "Major",
    "Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant", "Cpl": "Corporal", "Gov": "Governor",
    "Sen": "Senator", "Rep": "Representative", "Pres": "President", "St": "Saint", "Mt": "Mount",
    "Ft": "Fort", "Fr": "Father", "Sr": "Sister", "Supt": "Superintendent", "Messrs": "Messieurs",
}  # fmt: skip
# Behind a name.
_STREETS: Final = {
    "St": "Street", "Ave": "Avenue", "Rd": "Road", "Blvd": "Boulevard", "Ln": "Lane",
    "Sq": "Square", "Hwy": "Highway", "Pkwy": "Parkway", "Pl": "Place", "Ct": "Court",
    "Dr": "Drive", "Apt": "Apartment",
}  # fmt: skip
_ABBREVIATIONS: Final = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "etc": "et cetera",
    "vs.": "versus", "vs": "versus", "approx.": "approximately", "dept.": "department",
    "Dept.": "Department", "Inc.": "Incorporated", "Ltd.": "Limited", "Ltd": "Limited",
    "Co.": "Company", "Corp.": "Corporation", "Bros.": "Brothers", "est.": "established",
    "Jr.": "Junior", "Jr": "Junior", "Sr.": "Senior", "cf.": "compare", "et al.": "et al",
    "ca.": "circa", "w/o": "without", "w/": "with", "b/c": "because", "a.k.a.": "also known as",
    "aka": "also known as", "Govt.": "Government", "govt.": "government", "Assn.": "Association",
    "misc.": "miscellaneous", "temp.": "temperature", "Univ.": "University",
    "R.I.P.": "R I P", "tel.": "telephone", "Tel.": "Telephone", "ext.": "extension",
    "Ext.": "Extension", "Mon.": "Monday", "Tue.": "Tuesday", "Tues.": "Tuesday",
    "Wed.": "Wednesday", "Thu.": "Thursday", "Thurs.": "Thursday", "Fri.": "Friday",
    "Jan.": "January", "Feb.": "February", "Aug.": "August", "Sept.": "September",
    "Oct.": "October", "Nov.": "November", "Dec.": "December", "avg.": "average",
    "incl.": "including", "excl.": "excluding", "esp.": "especially", "orig.": "originally",
    "resp.": "respectively", "viz.": "namely", "ibid.": "ibidem", "min.": "minimum",
    "max.": "maximum",
}  # fmt: skip
_NUMBERED: Final = {
    "No.": "number", "Nos.": "numbers", "p.": "page", "pp.": "pages", "Fig.": "figure",
    "Figs.": "figures", "Eq.": "equation", "Vol.": "volume", "ch.": "chapter", "Sec.": "section",
    "Art.": "article", "para.": "paragraph", "Ver.": "version", "v.": "version", "#": "number",
    "№": "number", "§§": "sections", "§": "section", "Rm.": "room", "Apt.": "apartment",
    "Bldg.": "building", "c.": "circa",
}  # fmt: skip
# Abbreviations that stand behind a name, where a capital letter may begin the next sentence.
_ENDS: Final = frozenset(["etc.", "Inc.", "Ltd.", "Co.", "Corp.", "Jr."])
_NUMBERS: Final = {name.lower(): word for name, word in _NUMBERED.items()}
_NAME: Final = re.compile(r"\b(?:[A-Z][a-z]{1,30}(?:['’]s)?|\d{1,3}(?:st|nd|rd|th)) $")


def ends(m: re.Match[str]) -> bool:
    """Whether a match is the last of the text but for quotes and brackets."""
    rest = m.string[m.end() : m.end() + 4]
    return len(rest) < 4 and not rest.strip(" \"'”’)]")


def _title(m: re.Match[str], _: str) -> str:
    return _TITLES[m[1]]


def _street(m: re.Match[str], _: str) -> str | None:
    if not _NAME.search(m.string[max(0, m.start() - 40) : m.start()]):
        return None
    return _STREETS[m[1]] + ("." if m[0].endswith(".") and ends(m) else "")


def _abbreviation(m: re.Match[str], _: str) -> str:
    word = m[0]
    stop = ends(m) or (
        word in _ENDS and re.match(r"\s{1,3}[A-Z]", m.string[m.end() : m.end() + 4]) is not None
    )
    return _ABBREVIATIONS[word] + ("." if stop and word.endswith(".") else "")


def _numbered(m: re.Match[str], _: str) -> str:
    word = _NUMBERS[m[1].lower()]
    return f"{word.capitalize() if m[1][0].isupper() else word} "


def _any_of(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


RULES: Final = (
    Rule(
        "abbreviation",
        re.compile(
            rf"(?:(?<=[a-z] )|(?<=(?:st|nd|rd|th) ))(?<!\bthe )(?<!\bof )(?<!\bto )(?<!\bin )"
            rf"({'|'.join(_STREETS)})(?:\.|(?=[,;]|$))(?! [A-Z][a-z])"
        ),
        _street,
    ),
    Rule("abbreviation", re.compile(r"\b(Mr|Mrs|Ms|Messrs)\.(?=\s)"), _title),
    Rule(
        "abbreviation",
        re.compile(
            rf"\b({'|'.join(_TITLES)})(?:\.|(?<=Mr|Ms|Dr|St|Mt)|(?<=Mrs)|(?<=Prof))(?=\s[A-Z{TAKEN}])"
        ),
        _title,
    ),
    Rule(
        "number-sign",
        re.compile(rf"(?<![\w.])((?i:{_any_of(_NUMBERED)}))\s?(?=\(?\d)"),
        _numbered,
    ),
    Rule(
        "abbreviation",
        re.compile(rf"(?<![\w./-])(?:{_any_of(_ABBREVIATIONS)})(?!\w)"),
        _abbreviation,
    ),
)
