"""The symbols of phonetic alphabets and their IPA. All IPA here is decomposed but for `ç`.

Sources: the IPA chart of 2020 with the letters it had before that are still in use; J. C. Wells,
Computer-coding the IPA (X-SAMPA), 1995; the CMU Pronouncing Dictionary; Microsoft's reference of
the Universal Phone Set, of which only symbols are here whose meaning is beyond doubt.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

VOWELS: Final = frozenset("iyɨʉɯuɪʏʊeøɘɵɤoəɛœɜɞʌɔæɐaɶɑɒɚɝᵻᵿ")
CONSONANTS: Final = frozenset(
    "pbtdʈɖcɟkɡqɢʔmɱnɳɲŋɴʙrʀⱱɾɽɸβfvθðszʃʒʂʐçʝxɣχʁħʕhɦɬɮʋɹɻjɰlɭʎʟʘǀǃǂǁɓɗʄɠʛʍwɥʜʢʡɕʑɺɧɫʦʣʧʤʨʥ"
)
MARKS: Final = frozenset(
    "\u0325\u030a\u032c\u0339\u031c\u031f\u0320\u0308\u033d\u0329\u030d\u032f\u0311\u0324\u0330"
    "\u033c\u0334\u031d\u031e\u0318\u0319\u032a\u033a\u033b\u0303\u031a\u0361\u035c\u0306"
    "\u030b\u0301\u0304\u0300\u030f\u030c\u0302\u1dc4\u1dc5\u1dc8"
    "ʰʱʷʲˠˤˀⁿˡʼ˞ːˑᵊᶿˣ˔˕"
)
"""What changes the symbol before it."""
SIGNS: Final = frozenset("ˈˌ.|‖‿˥˦˧˨˩↗↘ꜛꜜ ")
"""Stress, pauses, tones, and the space between words."""

TIE: Final = "\u0361"

X_SAMPA: Mapping[str, str] = MappingProxyType(
    {
        **{letter: letter for letter in "abcdefhijklmnopqrstuvwxyz"},
        "g": "ɡ", "b_<": "ɓ", "d`": "ɖ", "d_<": "ɗ", "g_<": "ɠ", "h\\": "ɦ", "j\\": "ʝ", "l`": "ɭ",
        "l\\": "ɺ", "n`": "ɳ", "p\\": "ɸ", "r`": "ɽ", "r\\": "ɹ", "r\\`": "ɻ", "s`": "ʂ",
        "s\\": "ɕ", "t`": "ʈ", "v\\": "ʋ", "x\\": "ɧ", "z`": "ʐ", "z\\": "ʑ",
        "A": "ɑ", "B": "β", "B\\": "ʙ", "C": "ç", "D": "ð", "E": "ɛ", "F": "ɱ", "G": "ɣ",
        "G\\": "ɢ", "G\\_<": "ʛ", "H": "ɥ", "H\\": "ʜ", "I": "ɪ", "I\\": "ᵻ", "J": "ɲ", "J\\": "ɟ",
        "J\\_<": "ʄ", "K": "ɬ", "K\\": "ɮ", "L": "ʎ", "L\\": "ʟ", "M": "ɯ", "M\\": "ɰ", "N": "ŋ",
        "N\\": "ɴ", "O": "ɔ", "O\\": "ʘ", "P": "ʋ", "Q": "ɒ", "R": "ʁ", "R\\": "ʀ", "S": "ʃ",
        "T": "θ", "U": "ʊ", "U\\": "ᵿ", "V": "ʌ", "W": "ʍ", "X": "χ", "X\\": "ħ", "Y": "ʏ",
        "Z": "ʒ",
        "@": "ə", "@\\": "ɘ", "@`": "ɚ", "{": "æ", "}": "ʉ", "1": "ɨ", "2": "ø", "3": "ɜ",
        "3\\": "ɞ", "3`": "ɝ", "4": "ɾ", "5": "ɫ", "6": "ɐ", "7": "ɤ", "8": "ɵ", "9": "œ",
        "&": "ɶ", "?": "ʔ", "?\\": "ʕ", "<\\": "ʢ", ">\\": "ʡ", "!\\": "ǃ", "|\\": "ǀ",
        "|\\|\\": "ǁ", "=\\": "ǂ",
        ".": ".", '"': "ˈ", "%": "ˌ", ":": "ː", ":\\": "ˑ", "|": "|", "||": "‖", "-\\": "‿",
        "^": "ꜛ", "!": "ꜜ", "<R>": "↗", "<F>": "↘", "-": "", " ": " ",
        "_\"": "\u0308", "_+": "\u031f", "_-": "\u0320", "_0": "\u0325", "_=": "\u0329",
        "=": "\u0329", "_>": "ʼ", "_?\\": "ˤ", "_^": "\u032f", "_}": "\u031a", "`": "˞",
        "~": "\u0303", "_~": "\u0303", "_A": "\u0318", "_a": "\u033a", "_c": "\u031c",
        "_d": "\u032a", "_e": "\u0334", "_G": "ˠ", "_h": "ʰ", "_j": "ʲ", "'": "ʲ", "_k": "\u0330",
        "_l": "ˡ", "_m": "\u033b", "_N": "\u033c", "_n": "ⁿ", "_O": "\u0339", "_o": "\u031e",
        "_q": "\u0319", "_r": "\u031d", "_t": "\u0324", "_v": "\u032c", "_w": "ʷ", "_X": "\u0306",
        "_x": "\u033d",
        "_B": "\u030f", "_L": "\u0300", "_M": "\u0304", "_H": "\u0301", "_T": "\u030b",
        "_F": "\u0302", "_\\": "\u0302", "_R": "\u030c", "_/": "\u030c", "_H_T": "\u1dc4",
        "_B_L": "\u1dc5", "_R_F": "\u1dc8",
    }
)  # fmt: skip
"""X-SAMPA. A `_` before a symbol that makes no other one is a tie: `t_S`."""

ARPABET: Mapping[str, str] = MappingProxyType(
    {
        "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "EH": "ɛ", "ER": "ɝ",
        "EY": "eɪ", "IH": "ɪ", "IY": "i", "OW": "oʊ", "OY": "ɔɪ", "UH": "ʊ", "UW": "u",
        "B": "b", "CH": f"t{TIE}ʃ", "D": "d", "DH": "ð", "F": "f", "G": "ɡ", "HH": "h",
        "JH": f"d{TIE}ʒ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ",
        "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "V": "v", "W": "w", "Y": "j", "Z": "z",
        "ZH": "ʒ",
    }
)  # fmt: skip
"""The 39 phonemes of the CMU dictionary."""
UNSTRESSED: Mapping[str, str] = MappingProxyType({"AH": "ə", "ER": "ɚ"})
"""What they are without stress."""
NEAR_ARPABET: Mapping[str, str] = MappingProxyType(
    {
        "ə": "AH", "ɐ": "AH", "ɚ": "ER", "ɜ": "ER", "ᵻ": "IH", "ɨ": "IH", "ɒ": "AA", "a": "AA",
        "əʊ": "OW", "e": "EH", "o": "OW", "r": "R", "ɻ": "R", "ɾ": "T", "ɫ": "L",
    }
)  # fmt: skip
"""Sounds of English that the CMU dictionary writes as the one they are nearest to."""

UPS: Mapping[str, str] = MappingProxyType(
    {
        "P": "p", "B": "b", "M": "m", "F": "f", "V": "v", "TH": "θ", "DH": "ð", "T": "t", "D": "d",
        "N": "n", "S": "s", "Z": "z", "SH": "ʃ", "ZH": "ʒ", "L": "l", "R": "ɻ", "RA": "ɹ",
        "RR": "r", "DX": "ɾ", "K": "k", "G": "ɡ", "NG": "ŋ", "H": "h", "W": "w", "J": "j",
        "X": "x", "GH": "ɣ", "BH": "β", "C": "ç", "NJ": "ɲ", "LJ": "ʎ", "RH": "ʁ", "GT": "ʔ",
        "WH": "ʍ", "ESH": "ʜ", "EZH": "ʢ", "ET": "ʡ", "SC": "ɕ", "ZC": "ʑ",
        "PCK": "ʘ", "TCK": "ǀ", "NCK": "ǃ", "CCK": "ǂ", "LCK": "ǁ",
        "BIM": "ɓ", "DIM": "ɗ", "GIM": "ɠ", "JIM": "ʄ", "QIM": "ʛ",
        "CH": f"t{TIE}ʃ", "JH": f"d{TIE}ʒ", "TS": f"t{TIE}s", "PF": f"p{TIE}f",
        "I": "i", "Y": "y", "IX": "ɨ", "U": "u", "IH": "ɪ", "YH": "ʏ", "UH": "ʊ", "E": "e",
        "EU": "ø", "O": "o", "AX": "ə", "EH": "ɛ", "OE": "œ", "ER": "ɜ", "AH": "ʌ", "AO": "ɔ",
        "AE": "æ", "A": "a", "AA": "ɑ", "Q": "ɒ", "AX R": "ɚ", "ER R": "ɝ",
        "EI": "eɪ", "AI": "aɪ", "AU": "aʊ", "OI": "ɔɪ", "AOX": "ɔə", "EHX": "ɛə", "OWX": "oə",
        "UWX": "uə",
        "S1": "ˈ", "S2": "ˌ", ".": ".", "_&": " ", "lng": "ː", "hlg": "ˑ", "xsh": "\u0306",
        "+": TIE, "adv": "\u031f", "api": "\u033a", "asp": "ʰ", "atr": "\u0318", "bvd": "\u0324",
        "cen": "\u0308", "cvd": "\u0330", "den": "\u032a", "ejc": "ʼ", "lab": "ʷ",
        "lam": "\u033b", "lar": "ˡ", "lla": "\u033c", "low": "\u031e", "nas": "\u0303",
        "vls": "\u030a",
    }
)  # fmt: skip
"""The Universal Phone Set, with spaces between symbols. Capitals matter."""

LIGATURES: Mapping[int, str] = MappingProxyType(
    str.maketrans(
        {
            "ʦ": f"t{TIE}s", "ʣ": f"d{TIE}z", "ʧ": f"t{TIE}ʃ", "ʤ": f"d{TIE}ʒ", "ʨ": f"t{TIE}ɕ",
            "ʥ": f"d{TIE}ʑ", "\u035c": TIE,
        }
    )
)  # fmt: skip
"""Older ways to write affricates."""

SLIPS: Mapping[int, str] = MappingProxyType(
    str.maketrans({"g": "ɡ", "'": "ˈ", ":": "ː", "ε": "ɛ", "ә": "ə", "ʹ": "ˈ", "′": "ˈ"})
)
"""What is often typed for a symbol of the IPA that looks like it."""
