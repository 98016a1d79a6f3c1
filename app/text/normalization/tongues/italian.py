"""Italian: numbers and names for the rules of `cldr`."""

import re

from app.text.normalization.tongues.cldr import language
from app.text.normalization.tongues.tongue import (
    GROUPS_WITH_POINTS,
    Currency,
    Form,
    Half,
    Million,
    Signs,
    Tongue,
    listed,
    words,
)

_MASCULINE = listed("problema sistema programma tema clima poema diploma pianeta euro")
_FEMININE = re.compile(r"(?:a|zione|sione|tà|tù|gione)$")
# Before these the article, and with it the number one, is "uno".
_UNO = re.compile(r"z|s[^aeiouàèéìòù]|gn|ps|x|y")


def _cardinal(number: int, form: Form) -> str:
    if number == 1 and form != "alone":
        return "una" if form == "feminine" else "un"
    # The library elides the wrong vowel: "centodicotto".
    said = words(number, "it").replace("dicotto", "diciotto")
    if number > 3 and said.endswith("tre"):
        said = said[:-1] + "é"
    said = re.sub(r"(ion[ei]|iard[oi]) e ", r"\1 ", said)
    return re.sub(r"uno(?= (?:mil|bil)(?:ion|iard))", "un", said)


def _one_before(noun: str) -> str:
    return "uno" if _UNO.match(noun) else "un"


def _ordinal(number: int, feminine: bool, suffix: str) -> str:
    said = words(number, "it", "ordinal")
    return said[:-1] + "a" if feminine else said


def _feminine(noun: str) -> bool:
    return bool(_FEMININE.search(noun)) and noun not in _MASCULINE


def _clock(hour: int, minute: int, marked: bool) -> str:
    said = "una" if hour == 1 else _cardinal(hour, "alone")
    return f"{said} e {_cardinal(minute, 'alone')}" if minute else said


_TONGUE = Tongue(
    locale="it",
    decimal=",",
    groups=GROUPS_WITH_POINTS,
    signs=Signs(
        point="virgola", dot="punto", minus="meno", plus="più", times="per", divided="diviso",
        equals="uguale a", less="minore di", more="maggiore di", about="circa",
        percent="per cento", number="numero", conjunction="e", to="a", versus="a", over="su",
    ),
    cardinal=_cardinal,
    ordinal=_ordinal,
    ordinals=r"[ºª°]",
    feminine=_feminine,
    clock=_clock,
    dates=("{day} {month} {year}", "{day} {month}"),
    first="primo",
    currencies={
        "€": Currency("euro", "euro", "centesimo", "centesimi"),
        "$": Currency("dollaro", "dollari", "centesimo", "centesimi"),
        "£": Currency("sterlina", "sterline", "penny", "penny"),
        "¥": Currency("yen", "yen"),
        "₹": Currency("rupia", "rupie", "paisa", "paisa"),
        "R$": Currency("real", "real", "centavo", "centavos"),
    },
    change=" e ",
    million=Million(("ilione", "ilioni", "iliardo", "iliardi"), "di ", "di "),
    magnitudes=("milioni", "milione", "miliardi", "miliardo", "mila"),
    fractions={
        2: ("mezzo", "mezzi"), 3: ("terzo", "terzi"), 4: ("quarto", "quarti"),
        5: ("quinto", "quinti"), 6: ("sesto", "sesti"), 7: ("settimo", "settimi"),
        8: ("ottavo", "ottavi"), 9: ("nono", "noni"), 10: ("decimo", "decimi"),
    },
    half=Half("un mezzo", "mezzo", "mezza", lambda whole: f"{_cardinal(whole, 'alone')} e mezzo"),
    abbreviations={
        "Sig.": "signor", "sig.": "signor", "Sig.ra": "signora", "sig.ra": "signora",
        "Sig.na": "signorina", "sig.na": "signorina", "Sigg.": "signori", "Dott.": "dottor",
        "dott.": "dottor", "Dr.": "dottor", "Dott.ssa": "dottoressa", "dott.ssa": "dottoressa",
        "Prof.": "professor", "prof.": "professor", "Prof.ssa": "professoressa",
        "prof.ssa": "professoressa", "Ing.": "ingegner", "ing.": "ingegner", "Avv.": "avvocato",
        "avv.": "avvocato", "ecc.": "eccetera", "a.C.": "avanti Cristo", "d.C.": "dopo Cristo",
        "p.es.": "per esempio", "p. es.": "per esempio", "tel.": "telefono", "Tel.": "telefono",
        "ca.": "circa", "max.": "massimo", "min.": "minimo",
    },
    numbered={
        "n.": "numero", "N.": "numero", "nº": "numero", "n°": "numero", "pag.": "pagina",
        "pagg.": "pagine", "p.": "pagina", "pp.": "pagine", "art.": "articolo", "cap.": "capitolo",
        "vol.": "volume",
    },
    units={"t": ("tonnellata", "tonnellate")},
    centuries=(
        (r"\b(?P<it>(?P<roman>[IVX]{1,6}))(?= secolo\b)", True),
        (r"\b[Ss]ecolo (?P<it>(?P<roman>[IVX]{1,6}))\b", True),
    ),
    determiners=listed("il lo la i gli le del dal al nel numero pagina"),
    little=listed(
        "di del e ed o a ad al in per con senza che è sono più meno come se non si il la le lo gli "
        "un una né su da tra fra"
    ),
    range_from="da ",
    one_before=_one_before,
    degree_is_ordinal=True,
)  # fmt: skip
LANGUAGE = language(_TONGUE)
