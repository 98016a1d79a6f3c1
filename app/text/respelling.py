"""How an English reader is made to say IPA."""


def respelled(ipa: str) -> str:
    """A respelling."""
    return ipa
