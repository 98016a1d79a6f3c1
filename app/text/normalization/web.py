"""E-mail addresses, URLs, paths, hashtags, handles, versions, addresses of the network."""

import re
from typing import Final

from app.text.normalization.letters import spelled
from app.text.normalization.numbers import cardinal, digits, year
from app.text.normalization.rules import Rule

_SIGNS: Final = {
    ".": "dot", "/": "slash", "@": "at", "-": "dash", "_": "underscore", ":": "colon",
    "?": "question mark", "=": "equals", "&": "and", "#": "hash", "%": "percent", "+": "plus",
    "~": "tilde", "\\": "backslash", ",": "comma", ";": "semicolon", "!": "exclamation mark",
    "$": "dollar", "*": "star", "'": "apostrophe", "(": "", ")": "",
}  # fmt: skip
_SPELLED: Final = frozenset(
    {
        "www", "http", "https", "ftp", "uk", "us", "de", "fr", "io", "ai", "tv", "eu", "html",
        "htm", "php", "css", "js", "py", "txt", "pdf", "csv", "xml", "jpg", "png", "gif", "mp",
        "exe", "usr", "src", "tmp", "ssl", "ssh", "api", "url",
    }
)  # fmt: skip
_TOKEN: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\w\s]|_|\w")
_VOWELS: Final = frozenset("aeiouyAEIOUY")


def read_out(text: str) -> str:
    """Word by word, number by number, sign by sign."""
    said = []
    for token in _TOKEN.findall(text):
        if token in _SIGNS:
            said.append(_SIGNS[token])
        elif token.isdecimal():
            said.append(_figure(token))
        elif token.isascii() and (
            len(token) == 1 or token.lower() in _SPELLED or not _VOWELS & set(token)
        ):
            said.append(spelled(token))
        else:
            said.append(token)
    return " ".join(word for word in said if word)


def _figure(number: str) -> str:
    if len(number) > 4 or (number[0] == "0" and len(number) > 1):
        return digits(number)
    return year(int(number)) if number[:2] in ("19", "20") else cardinal(int(number))


def _url(m: re.Match[str], _: str) -> str:
    text = re.sub(r"^[a-z]{3,6}://", "", m[0]).rstrip("/")
    return read_out(text)


def _hashtag(m: re.Match[str], _: str) -> str:
    return "hashtag " + read_out(m[1].replace("_", " "))


def _version(m: re.Match[str], _: str) -> str:
    return "version " + _points(m[1])


def _named(m: re.Match[str], _: str) -> str:
    return f"{m[1]} {_points(m[2])}"


def _points(text: str) -> str:
    return " point ".join(
        digits(part) if len(part) > 4 else cardinal(int(part)) for part in text.split(".")
    )


def _dotted(m: re.Match[str], _: str) -> str:
    parts = m[1].split(".")
    if [len(part) for part in parts] == [3, 3, 4]:
        return ", ".join(digits(part, zero="oh") for part in parts)
    if len(parts[0]) < 4 and all(len(part) == 3 for part in parts[1:]) and parts[-1] == "000":
        return cardinal(int("".join(parts)))
    if len(parts) != 4 or any(int(part) > 255 for part in parts):
        return _points(m[1])
    return " dot ".join(digits(part) if len(part) > 2 else cardinal(int(part)) for part in parts)


def _port(m: re.Match[str], _: str) -> str:
    host = m[1] if m[1][0].isalpha() else _dotted(m, _)
    return f"{host} colon {digits(m[2])}"


def _read(m: re.Match[str], _: str) -> str:
    return read_out(m[0])


_NAME: Final = r"[A-Za-z0-9-]{1,63}"
_TAIL: Final = r"(?:/[^\s<>\"”\ue000]{0,500}(?<![.,;:!?)\]'’]))?"
_DOMAINS: Final = "com|org|net|edu|gov|io|ai|dev|app|co\\.uk|uk|de|fr|eu|info|tv"
_FILES: Final = (
    "txt|pdf|docx?|xlsx?|pptx?|csv|json|xml|html?|php|css|js|ts|py|md|jpe?g|png|gif|svg|mp3|mp4|"
    "wav|zip|tar\\.gz|gz|exe|sh|yaml|yml|toml|ini|log"
)
RULES: Final = (
    Rule(
        "e-mail",
        re.compile(rf"(?<![\w.+-])[\w.+-]{{1,64}}@{_NAME}(?:\.{_NAME}){{1,8}}"),
        _read,
        "@",
    ),
    Rule(
        "url",
        re.compile(r"(?<!\w)(?:https?|ftp)://[^\s<>\"”»\ue000]{1,2000}(?<![.,;:!?)\]'’])"),
        _url,
        "/",
    ),
    Rule("url", re.compile(rf"(?<![\w.@/])www\.{_NAME}(?:\.{_NAME}){{1,8}}{_TAIL}"), _url, "."),
    Rule(
        "url",
        re.compile(
            rf"(?<![\w.@/-]){_NAME}(?:\.{_NAME}){{0,4}}\.(?:{_DOMAINS}){_TAIL}(?![\w-]|\.\w)"
        ),
        _url,
        ".",
    ),
    Rule("path", re.compile(r"(?<![\w/])[A-Za-z]:\\[\w\\.~-]{1,300}(?<![.])"), _read, "\\"),
    Rule(
        "path",
        re.compile(r"(?<![\w/.<~])(?:~(?=/\w)|(?=/[\w.~+-]{1,64}/))(?:/[\w.~+-]{1,64}){1,20}/?(?<![.])"),
        _read,
    ),
    Rule("file", re.compile(rf"(?<![\w./-])[\w-]{{1,64}}\.(?:{_FILES})(?!\w)"), _read, "."),
    Rule("hashtag", re.compile(r"(?<![\w&#/])#([^\W\d]\w{0,99})"), _hashtag, "#"),
    Rule(
        "handle",
        re.compile(r"(?<![\w.@])@([A-Za-z]\w{0,49})"),
        lambda m, _: "at " + read_out(m[1]),
        "@",
    ),
    Rule(
        "version",
        re.compile(r"(?<![\w.])[vV](\d{1,4}(?:\.\d{1,5}){0,4})(?![\w.]\d|\w)"),
        _version,
    ),
    Rule(
        "version",
        re.compile(r"\b([Vv]ersion|[Rr]elease|Python) (\d{1,4}(?:\.\d{1,5}){1,4})(?![\w.]?\d|\w)"),
        _named,
    ),
    Rule(
        "version",
        re.compile(r"(?<![\w.,/])(\d{1,3}(?:\.\d{1,3}){3}|localhost):(\d{2,5})(?![\w:]|\.\d)"),
        _port,
        ":",
    ),
    Rule("version", re.compile(r"(?<![\w.,])(\d{1,5}(?:\.\d{1,5}){2,5})(?![\w]|\.\d)"), _dotted),
)  # fmt: skip
