"""SSML for Azure: text stays text, whatever stands in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from app.engines.base import Pronunciation, SynthesisRequest

# Characters that XML 1.0 does not have.
_NO_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who speaks. `name`: of a stock voice, or of the model that speaks the voice of `profile`."""

    name: str
    profile: str | None = None


def document(speaker: Speaker, request: SynthesisRequest, locale: str) -> bytes:
    """What is sent, UTF-8.

    Args:
        locale: in which the text is read.
    """
    said = "".join(_said(request.text, request.pronunciations))
    if request.speed != 1.0:
        said = f'<prosody rate="{100 * (request.speed - 1):+.0f}%">{said}</prosody>'
    said = f'<lang xml:lang="{_text(locale)}">{said}</lang>'
    if speaker.profile is not None:
        said = (
            f'<mstts:ttsembedding speakerProfileId="{_text(speaker.profile)}">{said}'
            "</mstts:ttsembedding>"
        )
    return (
        '<speak version="1.0" xmlns="http://www.w3.org/2001/10/synthesis" '
        f'xmlns:mstts="http://www.w3.org/2001/mstts" xml:lang="{_text(locale)}">'
        f'<voice name="{_text(speaker.name)}">{said}</voice></speak>'
    ).encode()


def _said(text: str, pronunciations: tuple[Pronunciation, ...]) -> Iterator[str]:
    end = 0
    for one in pronunciations:
        yield _text(text[end : one.start])
        yield f'<phoneme alphabet="ipa" ph="{_text(one.phonemes)}">'
        yield f"{_text(text[one.start : one.end])}</phoneme>"
        end = one.end
    yield _text(text[end:])


def _text(text: str) -> str:
    return escape(_NO_XML.sub(" ", text), quote=True)
