"""Spell out what pronunciation dictionaries do not know: signs, typographic forms, odd numbers.

Offsets are lost here: this comes after a text is split.
"""

import re
import unicodedata

# Letters that have no decomposition into a base letter and marks.
_BASE_LETTERS = str.maketrans(
    {
        "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ø": "o", "Ø": "O", "ı": "i", "ħ": "h", "Ħ": "H",
        "ŧ": "t", "Ŧ": "T", "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe",
        "þ": "th", "Þ": "Th", "ð": "th", "Ð": "Th", "ŋ": "ng", "Ŋ": "Ng", "ə": "a", "Ə": "A",
        "ƒ": "f", "ʻ": "'", "ʼ": "'",
    }
)  # fmt: skip
# Currencies that the English reader does not know; it does "$", "€", "£", "¥", "₹", "₩", "¢".
_CURRENCIES = {
    "₿": "bitcoin", "₽": "rubles", "₺": "lira", "₴": "hryvnias", "₪": "shekels", "₫": "dong",
    "₱": "pesos", "฿": "baht", "₦": "naira", "₸": "tenge", "₼": "manat", "₾": "lari", "₵": "cedis",
    "₲": "guaranis", "₡": "colones", "₮": "tugriks", "₭": "kip",
}  # fmt: skip
_SIGNS = {
    "−": "-", "‐": "-", "‑": "-", "⁄": "/", "∕": "/", "∶": ":", "⋅": " times ", "∙": " times ",
    "≤": " less than or equal to ", "≥": " greater than or equal to ", "≠": " not equal to ",
    "≈": " approximately ", "≡": " identical to ", "∞": " infinity ", "√": " square root of ",
    "∑": " sum of ", "∏": " product of ", "∫": " integral of ", "∂": " partial ", "∆": " delta ",
    "‰": " per mille ", "№": " number ", "⇒": " implies ", "⇔": " if and only if ",
    "¦": " ", "٪": "%", "٫": ".", "٬": ",",
    # Square and curly brackets are pauses like round ones; and "[a](/b/)" is a notation of the
    # English reader for phonemes, which plain text must never be taken for.
    "[": "(", "]": ")", "{": "(", "}": ")",
}  # fmt: skip
_SIGN_TABLE = str.maketrans(_SIGNS)
# Signs that the English reader speaks by itself.
_KNOWN_SIGNS = frozenset("±×÷¬→←$€£¥₹₩¢°©®™")
_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-", strict=True))
_POWERS = {"2": " squared", "3": " cubed"}

_NUMBER = r"\d+(?:,\d{3})*(?:\.\d+)?"
_CURRENCY = re.compile(rf"([{''.join(_CURRENCIES)}])\s?({_NUMBER})?")
_SUPERSCRIPT = re.compile(rf"[{''.join(_SUPERSCRIPTS)}]+")
_GREEK = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff]+")
_LONG_NUMBER = re.compile(r"\d(?:,?\d){15,}")
_GROUPED = re.compile(r"(?<![\d.,])\d+(?:,\d+)+(?![\d])")
_WELL_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3}")
_CODE = re.compile(r"(?<![\w:/.,-])0\d+(?![\w:/-]|[.,]\d)")
_DOLLARS = re.compile(r"\b(?:US|([A-Z]{1,2}))\$(?=\d)")
_SIGN_BEHIND = re.compile(rf"(?<![\w.,$€£¥₹₩])({_NUMBER})\s?([$€£¥₹₩])(?!\w)")
_ABOUT = re.compile(r"(?<!\S)~(?=\d)")
_REPEATED = re.compile(r"([^\w\s])\1{3,}|([!?.,;:…]{3})[!?.,;:…]+")
_LONG_CHAIN = re.compile(
    r"(?:(?:[^\W_]{1,20}[^\w\s]){8}|[^\w\s]{9}|(?:[a-z]{1,20}[A-Z]{1,20}){8}|\S{120})(?=\S)"
)
_ROCK_N_ROLL = re.compile(r"(?<=\s)['’‘][nN]['’‘]?(?=\s)")


def fold(text: str) -> str:
    """Plain forms of one and the same text, for every language.

    Composed accents, white space as single spaces, digits of all scripts as 0-9, full-width and
    ornamental letters and ligatures as plain ones; without invisible characters, except those that
    choose letter forms inside Indic and Arabic words.
    """
    if text.isascii():
        return " ".join(text.split())
    text = unicodedata.normalize("NFC", text)
    return " ".join("".join(map(_fold_char, text)).split())


def _fold_char(char: str) -> str:
    if char <= "\x7f":
        return char
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category == "Cf":
        return char if char in "\u200c\u200d" else ""
    if category == "No" or char in "…™℠²³µ":
        return char  # fractions, powers and signs have a reading of their own
    folded = unicodedata.normalize("NFKC", char)
    # Only forms of letters, such as "㎏": "´" would become a space and a mark, "…" three stops.
    return folded if category[0] in "LN" or any(map(str.isalpha, folded)) else char


def plain_letters(word: str) -> str:
    """The word without diacritics: `Łódź` -> `Lodz`, `naïve` -> `naive`, `straße` -> `strasse`."""
    marked = unicodedata.normalize("NFD", word)
    return "".join(c for c in marked if not unicodedata.combining(c)).translate(_BASE_LETTERS)


def english(text: str) -> str:
    """Prepare a folded English text: signs and rare number forms as words.

    Times, dates, units, amounts of common currencies and abbreviations are left for the reader.
    """
    if not text.isascii():
        text = _fractions(text)
        text = _SUPERSCRIPT.sub(_superscript, text)
        text = _CURRENCY.sub(lambda m: f" {m[2] or ''} {_CURRENCIES[m[1]]} ", text)
        text = _GREEK.sub(_greek_letter, text)
    text = text.translate(_SIGN_TABLE)
    if not text.isascii():
        text = "".join(map(_sign, text))
        text = _loose_marks(text)
    text = _ROCK_N_ROLL.sub("and", text)
    text = _GROUPED.sub(lambda m: _commas(m[0]), text)
    # The reader knows names of numbers up to 36 digits; a long number is a code anyway.
    text = _LONG_NUMBER.sub(lambda m: " ".join(m[0].replace(",", "")), text)
    text = _CODE.sub(lambda m: " ".join(m[0]), text)
    text = _DOLLARS.sub(lambda m: f"{m[1]} $" if m[1] else "$", text)
    text = _ABOUT.sub("about ", _SIGN_BEHIND.sub(r"\2\1", text))
    # Keeps the reader linear: it peels marks off a run of characters one at a time, and tries all
    # combinations of the parts of a chain like "a-b-c-d" or "aBcDeF".
    text = _REPEATED.sub(lambda m: m[2] or m[1] * 3, text)
    text = _LONG_CHAIN.sub(r"\g<0> ", text)
    return " ".join(text.split())


def _fractions(text: str) -> str:
    """`½` -> `1/2`, `1½` -> `1 and 1/2`; circled and other numbers as digits."""
    out: list[str] = []
    for char in text:
        if unicodedata.category(char) != "No" or char in _SUPERSCRIPTS:
            out.append(char)
            continue
        digits = unicodedata.normalize("NFKC", char).replace("⁄", "/")
        if "/" in digits:
            after_number = bool(out) and out[-1][-1].isdigit()
            out.append(f" and {digits} " if after_number else f" {digits} ")
        elif digits.isdigit() and "SUBSCRIPT" in unicodedata.name(char, ""):
            out.append(f" {digits} ")  # "H2O" would be read as "H to O"
        else:
            number = unicodedata.numeric(char)
            out.append(f" {int(number) if number == int(number) else number} ")
    return "".join(out)


def _superscript(match: re.Match[str]) -> str:
    power = "".join(_SUPERSCRIPTS[char] for char in match.group())
    spelled = power.replace("-", "minus ").replace("+", "plus ")
    return f"{_POWERS.get(power, f' to the power of {spelled}')} "


def _greek_letter(match: re.Match[str]) -> str:
    """One letter is a symbol and has a name; more of them are a Greek word, which stays."""
    letter = match.group()
    if len(letter) > 1:
        return letter
    words = unicodedata.name(letter, "").split()
    if words[:1] != ["GREEK"] or "LETTER" not in words:
        return letter
    name = words[words.index("LETTER") + 1].lower()
    return f" {'lambda' if name == 'lamda' else name} "


def _sign(char: str) -> str:
    """The Unicode name of a mathematical or currency sign that has no word of its own here."""
    if char <= "\x7f" or char in _KNOWN_SIGNS or unicodedata.category(char) not in ("Sm", "Sc"):
        return char
    return f" {unicodedata.name(char, '').lower().replace(' sign', '')} "


def _loose_marks(text: str) -> str:
    """Drop accents that no composed letter exists for: `x̄` is read as x."""
    return "".join(char for char in text if unicodedata.category(char)[0] != "M")


def _commas(number: str) -> str:
    """Commas that group thousands stay; `1,5` is two numbers and would be read as fifteen."""
    return number if _WELL_GROUPED.fullmatch(number) else number.replace(",", ", ")
