"""Acronyms, initials, capitals: what is spelled, and what is said as a word."""

import re
from typing import Final

from app.text.normalization.numbers import cardinal, decimal, digits, year
from app.text.normalization.rules import TAKEN, Rule

# Said as words, and left to the engine as they are written.
_SAID: Final = frozenset(
    {
        "NASA", "NATO", "UNESCO", "UNICEF", "OPEC", "AIDS", "NAFTA", "FIFA", "UEFA", "SIM", "PIN",
        "RAM", "ROM", "LAN", "WAN", "SARS", "COVID", "NASDAQ", "LEGO", "ASAP", "SWAT", "LASER",
        "RADAR", "SCUBA", "GIF", "WIFI", "PETA", "OSHA", "FEMA", "ASCII", "BASIC", "COBOL",
        "CAPTCHA", "EBITDA", "JPEG", "MPEG",
        "NVIDIA", "MOMA", "UNIX", "LINUX", "GUI", "DARPA", "INTERPOL",
        "BAFTA", "IMAX", "POTUS", "SCOTUS", "FLOTUS", "AWOL", "TIFF", "RAID", "NAND", "NOR",
        "XOR", "CERN", "DOS", "NIMBY", "YOLO", "FOMO", "SONAR", "MIDI", "GUID", "OK", "DAX",
        "NICE", "CAT", "PET",
    }
)  # fmt: skip
# Spelled, though they look like words, and in sentences of capitals too.
_SPELLED: Final = frozenset(
    {
        "FBI", "CIA", "NSA", "USA", "UK", "EU", "UN", "UAE", "USSR", "BBC", "CNN", "NBC", "ABC",
        "CBS", "CEO", "CFO", "CTO", "COO", "HR", "PR", "IT", "TV", "PC", "AI", "IQ", "ID", "GPS",
        "GPU", "CPU", "API", "URL", "USB", "DVD", "CD", "VIP", "ATM", "DIY", "FAQ", "FYI", "ETA",
        "PDF", "HTML", "CSS", "XML", "SQL", "SUV", "NBA", "NFL", "NHL", "MLB", "NYC", "LA", "DC",
        "UCLA", "USDA", "AARP", "NCAA", "IEEE", "OECD", "IUPAC", "IOU", "UFO", "UPS",
        "ASMR", "AOL", "IPO", "ISO", "IRA", "IRS", "EPA", "FDA", "FAA", "AMA", "ACLU", "ESPN",
        "DNA", "RNA", "MRI", "ICU", "IV", "ER", "GDP", "VAT", "IMF", "WTO", "EEG", "ECG", "IBM",
        "AMD", "SMS", "IRC", "AAA", "AA", "UV", "AC", "DJ", "MC", "VR", "AR", "UI", "UX", "OS",
        "IP", "IOS", "ISBN", "ISSN", "NYSE", "IMHO", "EBIT", "EST", "EDT",
        "PST", "PDT", "CST", "CET", "CEST", "GMT", "UTC", "BST",
    }
)  # fmt: skip
_OWN_WAY: Final = {
    "JSON": "Jason", "YAML": "yammel", "IKEA": "Ikea", "JPG": "J peg", "iOS": "I O S",
    "macOS": "mac O S", "PostgreSQL": "Postgres Q L", "MySQL": "my S Q L", "NoSQL": "no S Q L",
    "OAuth": "O auth", "IPv4": "I P V four", "IPv6": "I P V six", "OpenAI": "Open A.I",
    "ChatGPT": "Chat G P T", "H2O": "H two O", "CO2": "C O two", "O2": "O two",
    "MP3": "M P three", "MP4": "M P four", "COVID-19": "COVID nineteen", "B2B": "B to B",
    "B2C": "B to C", "P2P": "P to P", "24/7": "twenty-four seven", "50/50": "fifty-fifty",
    "50-50": "fifty-fifty", "20/20": "twenty twenty",
    "n/a": "not applicable", "w/out": "without",
    "9/11": "nine eleven", "R&D": "R and D", "Q&A": "Q and A.", "B&B": "B and B",
    "AT&T": "A.T and T", "S&P": "S and P", "P&L": "P and L", "M&A": "M and A.", "H&M": "H and M",
    "401(k)": "four oh one K", "pH": "P H", "btw": "by the way", "omg": "oh my god",
    "bps": "basis points", "ASAP": "A.S.A.P", "DIY": "D I Y",
    "WWI": "World War One", "WWII": "World War Two",
    "A/C": "A.C", "N/A": "not applicable", "and/or": "and or", "he/she": "he or she",
    "she/he": "she or he", "his/her": "his or her", "him/her": "him or her", "c/o": "care of",
    "C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", ".NET": "dot net",
    "Ph.D.": "P H D", "Ph.D": "P H D", "PhD": "P H D", "B.Sc.": "B S C", "M.Sc.": "M S C",
    "mc²": "M C squared", "rock'n'roll": "rock and roll", "DC": "D C", "CD": "C D",
}  # fmt: skip
# Short words that are often written in capitals, among letters that are spelled.
_WORDS: Final = frozenset(
    {
        "A", "I", "AN", "AS", "AT", "BE", "BY", "DO", "GO", "HE", "IF", "IN", "IS", "MY", "NO",
        "OF", "ON", "OR", "SO", "TO", "UP", "WE", "THE", "AND", "FOR", "ARE", "BUT", "NOT", "YOU",
        "ALL", "ANY", "CAN", "HAD", "HER", "WAS", "ONE", "OUR", "OUT", "DAY", "GET", "HAS", "HIM",
        "HIS", "HOW", "MAN", "NEW", "NOW", "OLD", "SEE", "TWO", "WAY", "BOY", "DID", "ITS", "LET",
        "PUT", "SAY", "SHE", "TOO", "USE", "YES", "BIG", "BAD", "END", "RUN", "SIT", "HOT", "TOP",
        "RED", "SUN", "SKY", "TEA", "CAR", "DOG", "BUS", "MAP", "OFF", "OIL", "AIR", "AGE", "ART",
        "BED", "BOX", "CUP", "EAT", "EYE", "FAR", "FEW", "FUN", "GAS", "HIT", "ICE", "JOB", "KEY",
        "LAW", "LIE", "LOT", "LOW", "MAY", "NET", "ODD", "PAY", "PEN", "SET", "SIX", "TEN", "TRY",
        "WAR", "WIN", "WHY", "YET", "ADD", "ASK", "BUY", "CUT", "DRY", "FIT", "FLY", "MIX", "MOM",
        "DAD", "SON", "ZOO", "ZERO", "WHO'S",
    }
)  # fmt: skip
# Words in a sentence of capitals, letters elsewhere.
_EITHER: Final = frozenset(["IT", "US", "AM", "ME", "WHO", "OR", "HI", "OH", "MR", "MS", "DR"])
# Behind the name of a place.
_STATES: Final = {
    "AL": "Alabama", "AK": "Alaska", "AZ": "Arizona", "AR": "Arkansas", "CA": "California",
    "CO": "Colorado", "CT": "Connecticut", "DE": "Delaware", "FL": "Florida", "GA": "Georgia",
    "ID": "Idaho", "IL": "Illinois", "IA": "Iowa", "KS": "Kansas", "KY": "Kentucky",
    "LA": "Louisiana", "MD": "Maryland", "MA": "Massachusetts", "MI": "Michigan",
    "MN": "Minnesota", "MS": "Mississippi", "MO": "Missouri", "MT": "Montana", "NE": "Nebraska",
    "NV": "Nevada", "NH": "New Hampshire", "NJ": "New Jersey", "NM": "New Mexico",
    "NY": "New York", "NC": "North Carolina", "ND": "North Dakota", "OH": "Ohio",
    "PA": "Pennsylvania", "RI": "Rhode Island", "SC": "South Carolina", "SD": "South Dakota",
    "TN": "Tennessee", "TX": "Texas", "UT": "Utah", "VT": "Vermont", "VA": "Virginia",
    "WA": "Washington", "WV": "West Virginia", "WI": "Wisconsin", "WY": "Wyoming",
}  # fmt: skip
# Only before a ZIP code: "Well, OK".
_WORDLIKE_STATES: Final = {
    "HI": "Hawaii", "IN": "Indiana", "ME": "Maine", "OK": "Oklahoma", "OR": "Oregon",
}  # fmt: skip
_VOWEL: Final = re.compile(r"[AEIOUY]")
# Pairs of consonants that English words begin and end with.
_HEADS: Final = (
    "BL|BR|CH|CL|CR|DR|DW|FL|FR|GH|GL|GN|GR|KN|KR|PH|PL|PR|PS|RH|SC|SH|SK|SL|SM|SN|SP|SQ|ST|SW|TH|"
    "TR|TW|WH|WR"
)
_TAILS: Final = (
    "ST|ND|NT|NG|RK|CK|LL|SS|LD|LK|RT|RD|SH|CH|TH|PT|CT|FT|LT|MP|NK|RN|RM|RS|TS|KS|LS|NS|PS|DS|TT|"
    "FF|ZZ|GH|WN|WS|RL|RP|RF|LF|LM|LP|SK|SP|SM|WL|XT|GS|BS|MS|CS|NN|DD|GG|RR|WK|GN|MB|MN|LB|RB|RV"
)
_CONSONANT: Final = "[BCDFGHJKLMNPQRSTVWXZ]"
_VERY_HARD: Final = re.compile(rf"{_CONSONANT}{{5}}|^{_CONSONANT}{{4}}")
_HARD: Final = re.compile(
    rf"{_CONSONANT}{{5}}|^(?!SCH|SCR|SHR|SPL|SPR|STR|THR){_CONSONANT}{{3}}|Q(?!U)|[AEIOU]{{4}}"
    rf"|^(?!{_HEADS}){_CONSONANT}{{2}}|^(?:UU|II|AA)|(?!{_TAILS}){_CONSONANT}{{2}}$|J$|V$"
)
_CAPITALS: Final = re.compile(r"(?<![^\W_])[A-Z]{2,}(?![^\W_])")
_LETTER: Final = re.compile(r"[A-Za-z]")
_AROUND: Final = 60
_LOW: Final = "₀₁₂₃₄₅₆₇₈₉"


def spelled(letters: str) -> str:
    """`fbi` -> `F B I`. With an A in it `A.P.I`: alone it would be read as the article."""
    letters = letters.upper()
    if letters == "A":
        return "A."
    return (".".join if "A" in letters else " ".join)(letters)


def figure(number: str) -> str:
    """The number in a name: as a quantity where it is short."""
    if len(number) == 4 and number[:2] in ("19", "20"):
        return year(int(number))
    if number.startswith("0") or len(number) > 3:
        return digits(number, zero="oh")
    return cardinal(int(number))


def _own(m: re.Match[str], _: str) -> str:
    return _OWN_WAY[m[0]]


def _initials(m: re.Match[str], _: str) -> str:
    letters = re.findall(r"[A-Z]", m[0])
    last = m[0].endswith(".") and not m.string[m.end() : m.end() + 4].strip(" \"'”’)" + TAKEN)
    return spelled("".join(letters)) + ("." if last else "")


def _initial(m: re.Match[str], _: str) -> str:
    return "A." if m[0] == "A." else m[0][0]


def _in_capitals(m: re.Match[str]) -> bool:
    """Whether the words around are written in capitals, so that these mean nothing."""
    start, end = max(0, m.start() - _AROUND), m.end() + _AROUND
    around = m.string[start:end]
    letters = _LETTER.findall(around)
    if sum(letter.isupper() for letter in letters) < 0.7 * len(letters):
        return False
    words = [w for w in _CAPITALS.findall(around) if w not in _SAID and w not in _SPELLED]
    return len(words) > 1


def _acronym(m: re.Match[str], _: str) -> str | None:
    word, plural = m["word"], m["plural"] or ""
    if word in _SAID or _is_word(m, word):
        return None
    return spelled(word) + ("'s" if plural else "")


def _is_word(m: re.Match[str], word: str) -> bool:
    if word in _WORDS:
        return True
    hard = _HARD if len(word) < 6 else _VERY_HARD
    pronounced = _VOWEL.search(word) and not hard.search(word)
    if word in _EITHER:
        return _in_capitals(m)
    if word in _SPELLED or not pronounced:
        return False
    if len(word) > 3:
        return True
    return len(word) > 2 and _in_capitals(m)


def _lettered(m: re.Match[str], _: str) -> str:
    """`A4`, `4K`, `M25`: letters and a number."""
    letters, number = m["letters"], figure(m["number"])
    if m.start("letters") > m.start("number"):
        return f"{number} {spelled(letters)}"
    return f"A-{number}" if letters == "A" else f"{spelled(letters)} {number}"


def _formula(m: re.Match[str], _: str) -> str | None:
    parts = re.findall(r"[A-Za-z]+|[₀-₉]+", m[0])
    if len(parts) < 2:
        return None
    low = str.maketrans(_LOW, "0123456789")
    return " ".join(figure(p.translate(low)) if p[0] in _LOW else spelled(p) for p in parts)


def _times(m: re.Match[str], _: str) -> str:
    return f"{decimal(m[1])} times"


_OWN: Final = "|".join(re.escape(x) for x in sorted(_OWN_WAY, key=len, reverse=True))
_BEFORE: Final = r"(?<![\w.&/#+-])"

OWN_WAY: Final = (
    Rule("word", re.compile(rf"{_BEFORE}(?:{_OWN})(?![\w#+-]|&\w|/\w)"), _own),
    Rule("formula", re.compile(r"(?<![\w-])(?:[A-Z][a-z]?[₀-₉]{0,3}){1,12}(?!\w)"), _formula, _LOW),
)
LETTERS: Final = (
    Rule(
        "abbreviation",
        re.compile(
            rf"(?<=[a-z], )(?:(?P<sure>{'|'.join(_STATES)})(?=[.,;:!?)]|$|\s[a-z{TAKEN}\d])"
            rf"|(?P<any>{'|'.join(_WORDLIKE_STATES)})(?=\s[{TAKEN}\d]))"
        ),
        lambda m, _: (_STATES | _WORDLIKE_STATES)[m[0]],
    ),
    Rule("initials", re.compile(r"\b(?:[A-Z]\.){2,6}(?!\w)"), _initials),
    Rule("initials", re.compile(r"\b(?:[A-Z]\.){1,5}[A-Z](?![\w.])"), _initials),
    Rule("initials", re.compile(r"(?<![\w'’])[A-Z]\.(?=\s[A-Z])"), _initial),
    Rule(
        "acronym",
        re.compile(r"(?<!\w)(?P<letters>[A-Z]{1,3})-?(?P<number>\d{1,4})(?![\w.]\d|\w)"),
        _lettered,
        "0123456789",
    ),
    Rule(
        "acronym",
        re.compile(r"(?<![\w.-])(?P<number>\d{1,4})(?P<letters>[A-Z])(?!\w)"),
        _lettered,
        "0123456789",
    ),
    Rule(
        "times",
        re.compile(r"(?<![\w.])(\d{1,4}(?:\.\d{1,4})?)[x×](?!\w|\s?[-+=*/^])"),
        _times,
        "0123456789",
    ),
    Rule(
        "acronym",
        re.compile(r"(?<![\w'’])(?P<word>[A-Z]{2,40})(?P<plural>['’]s|s)?(?![\w'’]\w|\w)"),
        _acronym,
    ),
)  # fmt: skip
