"""Abbreviations, acronyms, initials, capitals."""

import re
from typing import Final

from app.text.normalization.numbers import cardinal, digits
from app.text.normalization.rules import Rule

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
    "St": "Street", "Ave": "Avenue", "Rd": "Road", "Blvd": "Boulevard", "Ln": "Lane", "Sq": "Square",
    "Hwy": "Highway", "Pkwy": "Parkway", "Pl": "Place", "Ct": "Court", "Dr": "Drive", "Apt": "Apartment",
}  # fmt: skip
_ABBREVIATIONS: Final = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus", "vs": "versus",
    "approx.": "approximately", "dept.": "department", "Dept.": "Department", "Inc.": "Incorporated",
    "Ltd.": "Limited", "Ltd": "Limited", "Co.": "Company", "Corp.": "Corporation", "Bros.": "Brothers",
    "est.": "established", "Jr.": "Junior", "Sr.": "Senior", "cf.": "compare", "et al.": "et al",
    "ca.": "circa", "w/o": "without", "w/": "with", "b/c": "because", "a.k.a.": "also known as",
    "aka": "also known as", "Govt.": "Government", "govt.": "government", "Assn.": "Association",
    "misc.": "miscellaneous", "min.": "minimum", "max.": "maximum", "temp.": "temperature",
    "Univ.": "University", "Ph.D.": "P H D", "PhD": "P H D", "M.D.": "M D", "B.A.": "B A",
    "M.A.": "M A", "B.Sc.": "B S C", "M.Sc.": "M S C", "MBA": "M B A", "R.I.P.": "R I P",
    "tel.": "telephone", "Tel.": "Telephone", "ext.": "extension", "Ext.": "Extension",
    "Mon.": "Monday", "Tue.": "Tuesday", "Tues.": "Tuesday", "Wed.": "Wednesday", "Thu.": "Thursday",
    "Thurs.": "Thursday", "Fri.": "Friday", "Jan.": "January", "Feb.": "February",
    "Aug.": "August", "Sept.": "September", "Oct.": "October", "Nov.": "November", "Dec.": "December",
    "avg.": "average", "incl.": "including", "excl.": "excluding", "esp.": "especially",
    "orig.": "originally", "resp.": "respectively", "viz.": "namely", "ibid.": "ibidem",
}  # fmt: skip
_NUMBERED: Final = {
    "No.": "number", "no.": "number", "Nos.": "numbers", "nos.": "numbers", "p.": "page", "P.": "page",
    "pp.": "pages", "Fig.": "figure", "fig.": "figure", "Figs.": "figures", "Eq.": "equation",
    "Vol.": "volume", "vol.": "volume", "ch.": "chapter", "Ch.": "chapter", "sec.": "section",
    "Sec.": "section", "art.": "article", "Art.": "article", "para.": "paragraph", "Ver.": "version",
    "ver.": "version", "v.": "version", "#": "number", "№": "number", "§": "section",
    "Rm.": "room", "Apt.": "apartment", "Bldg.": "building", "line": "line",
}  # fmt: skip
# Said as words.
_SAID: Final = frozenset(
    "NASA NATO UNESCO UNICEF OPEC AIDS NAFTA FIFA UEFA SIM PIN RAM ROM LAN WAN SARS COVID NASDAQ IKEA "
    "LEGO ASAP SWAT LASER RADAR SCUBA GIF WIFI PETA OSHA FEMA ASCII BASIC COBOL JSON YAML CAPTCHA "
    "NVIDIA FAQ MOMA UNIX LINUX TESOL GUI DARPA INTERPOL OPRAH BAFTA IMAX POTUS SCOTUS FLOTUS AWOL TIFF "
    "RAID NAND NOR AND OR NOT XOR CERN SAP DOS NIMBY YOLO FOMO SONAR MIDI GUID".split()
)
_OWN_WAY: Final = {
    "JPEG": "jay peg", "JPG": "jay peg", "MPEG": "em peg", "SQL": "S Q L", "PNG": "P N G", "IOS": "I O S",
    "WiFi": "wifi", "Wi-Fi": "wifi", "iOS": "I O S", "macOS": "mac O S", "iPhone": "I phone",
    "iPad": "I pad", "iPod": "I pod", "iMac": "I mac", "iCloud": "I cloud", "eBay": "E bay",
    "GitHub": "Git Hub", "GitLab": "Git Lab", "YouTube": "You Tube", "LinkedIn": "Linked In",
    "PayPal": "Pay Pal", "JavaScript": "Java Script", "TypeScript": "Type Script",
    "PostgreSQL": "Postgres Q L", "MySQL": "my S Q L", "NoSQL": "no S Q L", "LaTeX": "lay tech",
    "OAuth": "O auth", "IPv4": "I P V four", "IPv6": "I P V six", "PowerPoint": "Power Point",
    "OpenAI": "Open A I", "ChatGPT": "Chat G P T", "DevOps": "Dev Ops", "McDonald's": "McDonald's",
    "H2O": "H two O", "CO2": "C O two", "O2": "O two", "MP3": "M P three", "MP4": "M P four",
    "COVID-19": "Covid nineteen", "B2B": "B to B", "B2C": "B to C", "P2P": "P to P", "24/7": "twenty-four seven",
    "9/11": "nine eleven", "R&D": "R and D", "Q&A": "Q and A", "B&B": "B and B", "AT&T": "A T and T",
    "O.K.": "okay", "OK": "okay", "TV": "T V", "A/C": "A C", "N/A": "not applicable", "and/or": "and or",
    "c/o": "care of", "C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", ".NET": "dot net",
    "S&P": "S and P", "P&L": "P and L", "M&A": "M and A", "H&M": "H and M", "rock'n'roll": "rock and roll",
}  # fmt: skip
# Short words that are often written in capitals, among letters that are spelled.
_WORDS: Final = frozenset(
    "A I AM AN AS AT BE BY DO GO HE IF IN IS IT ME MY NO OF ON OR SO TO UP US WE THE AND FOR ARE BUT NOT YOU "
    "ALL ANY CAN HAD HER WAS ONE OUR OUT DAY GET HAS HIM HIS HOW MAN NEW NOW OLD SEE TWO WAY WHO BOY DID ITS LET "
    "PUT SAY SHE TOO USE YES BIG BAD END RUN SIT STOP FREE SALE OPEN LOVE HELP GOOD NEWS THIS THAT WITH FROM HAVE "
    "WILL YOUR WHAT WHEN MAKE LIKE TIME JUST KNOW TAKE INTO YEAR SOME THEM THAN THEN LOOK ONLY COME OVER ALSO "
    "BACK EVEN WANT GIVE MOST VERY WARNING DANGER NOTE HOT TOP RED SUN SKY TEA CAR DOG CAT BUS MAP OFF OIL AIR "
    "AGE ART BED BOX CUP EAT EYE FAR FEW FUN GAS HIT ICE JOB KEY LAW LIE LOT LOW MAY NET ODD PAY PEN SET SIX TEN "
    "TRY WAR WIN WHY YET ADD ASK BUY CUT DRY FIT FLY NOR".split()
)
_VOWEL: Final = re.compile(r"[AEIOUY]")
_HARD: Final = re.compile(r"[BCDFGHJKLMNPQRSTVWXZ]{4}|^[BCDFGHJKLMNPQRSTVWXZ]{3}")
_LOOK: Final = re.compile(r"\b[A-Z]{2,}\b")


def _spelled(letters: str) -> str:
    return " ".join(letters)


def _title(m: re.Match[str], _: str) -> str:
    return _TITLES[m[1]]


def _street(m: re.Match[str], _: str) -> str:
    end = "." if m[0].endswith(".") and not m.string[m.end() :].strip() else ""
    return f"{m[1]} {_STREETS[m[2]]}{end}"


def _abbreviation(m: re.Match[str], _: str) -> str:
    word = m[0]
    last = word.endswith(".") and (
        not m.string[m.end() :].strip()
        or re.match(r"\s+[A-Z]", m.string[m.end() :])
        and word in ("etc.", "Inc.", "Ltd.", "Co.", "Corp.")
    )
    return _ABBREVIATIONS[word] + ("." if last else "")


def _numbered(m: re.Match[str], _: str) -> str:
    return f"{_NUMBERED[m[1]]} "


def _own(m: re.Match[str], _: str) -> str:
    return _OWN_WAY[m[0]]


def _initials(m: re.Match[str], _: str) -> str:
    letters = re.findall(r"[A-Z]", m[0])
    rest = m.string[m.end() :]
    return _spelled("".join(letters)) + ("." if not rest.strip() else "")


def _all_caps(text: str) -> bool:
    """Whether the sentence is written in capitals, so that they mean nothing."""
    letters = [c for c in text if c.isalpha()]
    upper = sum(c.isupper() for c in letters)
    return len(letters) > 7 and upper > 0.7 * len(letters)


def _acronym(m: re.Match[str], _: str) -> str | None:
    word, plural = m["word"], m["plural"] or ""
    if word in _SAID:
        said = word.capitalize()
    elif _is_word(word, m.string):
        return None if not m["plural"] else None
    else:
        said = _spelled(word)
    if not plural:
        return said
    return said + ("'s" if plural in ("'s", "’s", "s") else "")


def _is_word(word: str, text: str) -> bool:
    if word in _WORDS and (_all_caps(text) or len(word) > 3 or _beside_capitals(word, text)):
        return True
    if len(word) <= 3 or not _VOWEL.search(word):
        return _all_caps(text) and len(word) > 2 and bool(_VOWEL.search(word)) and word in _WORDS
    if _all_caps(text):
        return not _HARD.search(word)
    return len(word) >= 5 and not _HARD.search(word)


def _beside_capitals(word: str, text: str) -> bool:
    return len(_LOOK.findall(text)) > 2


def _lettered(m: re.Match[str], _: str) -> str | None:
    """`A4`, `4K`, `M25`, `CO2`: letters and a number."""
    letters, number = m["letters"], m["number"]
    said = _spelled(letters)
    figure = (
        digits(number, zero="oh")
        if number.startswith("0") or len(number) > 3
        else cardinal(int(number))
    )
    return f"{said} {figure}" if m.start("letters") < m.start("number") else f"{figure} {said}"


def _times(m: re.Match[str], _: str) -> str:
    return f"{cardinal(int(m[1]))} times"


_ALT: Final = "|".join(re.escape(x) for x in sorted(_ABBREVIATIONS, key=len, reverse=True))
_OWN: Final = "|".join(re.escape(x) for x in sorted(_OWN_WAY, key=len, reverse=True))
_NUMBERED_ALT: Final = "|".join(re.escape(x) for x in sorted(_NUMBERED, key=len, reverse=True))

OWN_WAY: Final = (Rule("word", re.compile(rf"(?<![\w.&/#+-])(?:{_OWN})(?![\w#+-])"), _own),)
NAMED: Final = (
    Rule("abbreviation", re.compile(rf"(?<=[\w] )?\b([A-Z][a-z]{{1,30}}|\d{{1,3}}(?:st|nd|rd|th)) (St|Ave|Rd|Blvd|Ln|Sq|Hwy|Pkwy|Pl|Ct|Dr)(?:\.|(?=[,;]|$))(?! [A-Z][a-z])"), _street),
    Rule("abbreviation", re.compile(rf"\b({'|'.join(_TITLES)})(?:\.|(?<=Mr|Ms|Dr|St|Mt)|(?<=Mrs)|(?<=Prof))(?=\s[A-Z])"), _title),
    Rule("number-sign", re.compile(rf"(?<![\w.])({_NUMBERED_ALT})\s?(?=\d)"), _numbered),
    Rule("abbreviation", re.compile(rf"(?<![\w.])(?:{_ALT})(?!\w)"), _abbreviation),
)  # fmt: skip
LETTERS: Final = (
    Rule("initials", re.compile(r"\b(?:[A-Z]\.){2,6}(?!\w)"), _initials),
    Rule("initials", re.compile(r"\b[A-Z]\.(?=\s[A-Z])"), lambda m, _: m[0][0]),
    Rule("acronym", re.compile(r"(?<![\w-])(?P<letters>[A-Z]{1,3})-?(?P<number>\d{1,4})(?![\w.]\d|\w)"), _lettered),
    Rule("acronym", re.compile(r"(?<![\w.-])(?P<number>\d{1,4})(?P<letters>[A-Z])(?!\w)"), _lettered),
    Rule("times", re.compile(r"(?<![\w.])(\d{1,4})[x×](?!\w)"), _times),
    Rule("acronym", re.compile(r"(?<![\w'’])(?P<word>[A-Z]{2,})(?P<plural>['’]s|s)?(?![\w'’])"), _acronym),
)  # fmt: skip
