"""Names of emoji."""

import re
from typing import Final

from app.text.languages import primary
from app.text.spoken import Edit

# One of these is in every emoji: of the blocks of pictures, the keycap, or what asks for a picture.
_PICTURE: Final = re.compile(
    "[\u20e3\u2300-\u23ff\u25aa-\u27bf\u2900-\u2bff\ufe0f\U0001f000-\U0001faff]"
)


def emoji_edits(text: str, language: str) -> list[Edit]:
    """Each emoji with its name, in order. English where the library has no names.

    Signs such as © that are emoji only where they ask to be pictures are none without that.
    """
    if text.isascii() or not _PICTURE.search(text):
        return []
    import emoji

    known = primary(language) if primary(language) in emoji.LANGUAGES else "en"
    edits = []
    for found in emoji.emoji_list(text):
        if not _PICTURE.search(found["emoji"]):
            continue
        name = emoji.demojize(found["emoji"], language=known, delimiters=("", ""))
        said = name.replace("_", " ").replace("-", " ").strip()
        edits.append(Edit(found["match_start"], found["match_end"], said, "emoji"))
    return edits
