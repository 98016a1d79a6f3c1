"""Where syllables begin."""

from collections.abc import Sequence

# Consonants that an English syllable begins with, besides any single one but "ŋ".
_ONSETS = frozenset(
    {
        "bl", "bɹ", "bj", "dɹ", "dw", "dj", "fl", "fɹ", "fj", "ɡl", "ɡɹ", "ɡw", "ɡj", "hw", "hj",
        "kl", "kɹ", "kw", "kj", "mj", "nj", "pl", "pɹ", "pj", "sf", "sk", "sl", "sm", "sn", "sp",
        "st", "sw", "ʃɹ", "tɹ", "tw", "tj", "θɹ", "θw", "vj", "skl", "skɹ", "skw", "skj", "spl",
        "spɹ", "spj", "stɹ", "stj",
    }
)  # fmt: skip


def onset(consonants: Sequence[str]) -> int:
    """Which of the consonants between two vowels is the first of the second syllable, as in
    English: as many of them as a word may begin with.

    Args:
        consonants: IPA without ties or marks, one string for each.
    """
    last = len(consonants) - 1
    for at in range(max(0, last - 2), last):
        if "".join(consonants[at:]) in _ONSETS:
            return at
    return last if last >= 0 and consonants[last] != "ŋ" else last + 1
