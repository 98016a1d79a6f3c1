"""Names of emoji."""

from app.text.spoken import Edit


def emoji_edits(text: str, language: str) -> list[Edit]:
    """Each emoji with its name, in order. English where the library has no names."""
    import emoji

    primary = language.partition("-")[0].lower()
    primary = primary if primary in emoji.LANGUAGES else "en"
    edits = []
    for found in emoji.emoji_list(text):
        name = emoji.demojize(found["emoji"], language=primary, delimiters=("", ""))
        said = name.replace("_", " ").replace("-", " ").strip()
        edits.append(Edit(found["match_start"], found["match_end"], said, "emoji"))
    return edits
