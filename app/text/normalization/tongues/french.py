"""French: numbers and names for the rules of `cldr`."""

import re

from app.text.normalization.tongues.cldr import language
from app.text.normalization.tongues.tongue import (
    Currency,
    Form,
    Half,
    Million,
    Signs,
    Tongue,
    listed,
    words,
)

_ENDING = re.compile(r"(?:[st]ions?|ettes?|ances?|esses?|ures?|itudes?|ités?)$")
# Endings tell little in French: frequent nouns, and those of units and currencies.
_FEMININE = listed(
    "fois personne personnes minute minutes seconde secondes heure heures semaine semaines journée "
    "journées année années page pages place places voiture voitures maison maisons équipe équipes "
    "ville villes chambre chambres femme femmes fille filles livre livres tonne tonnes roupie "
    "roupies couronne couronnes lire lires pomme pommes bouteille bouteilles tasse tasses cuillère "
    "cuillères lettre lettres ligne lignes porte portes table tables tâche tâches étape étapes "
    "entreprise entreprises école écoles image images vidéo vidéos photo photos milliseconde "
    "millisecondes"
)


def _cardinal(number: int, form: Form) -> str:
    said = words(number, "fr")
    return said + "e" if form == "feminine" and re.search(r"\bun$", said) else said


def _ordinal(number: int, feminine: bool, suffix: str) -> str:
    if number == 1:
        return "première" if feminine or suffix.endswith("re") else "premier"
    if suffix.startswith("nd"):
        return "seconde" if suffix.startswith("nde") else "second"
    return words(number, "fr", "ordinal")


def _feminine(noun: str) -> bool:
    return noun in _FEMININE or bool(_ENDING.search(noun))


def _clock(hour: int, minute: int, marked: bool) -> str:
    said = f"{_cardinal(hour, 'feminine')} {'heure' if hour < 2 else 'heures'}"
    return f"{said} {_cardinal(minute, 'feminine')}" if minute else said


_TONGUE = Tongue(
    locale="fr",
    decimal=",",
    groups=r"\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3}){1,6}|\d{1,3}(?:\.\d{3}){1,6}",
    signs=Signs(
        point="virgule", dot="point", minus="moins", plus="plus", times="fois",
        divided="divisé par", equals="égale", less="inférieur à", more="supérieur à",
        about="environ", percent="pour cent", number="numéro", conjunction="et", to="à",
        versus="à", over="sur",
    ),
    cardinal=_cardinal,
    ordinal=_ordinal,
    ordinals=r"(?:ers?|ère|re|nde?|ième|ème|e)",
    feminine=_feminine,
    clock=_clock,
    dates=("{day} {month} {year}", "{day} {month}"),
    first="premier",
    currencies={
        "€": Currency("euro", "euros", "centime", "centimes"),
        "$": Currency("dollar", "dollars", "cent", "cents"),
        "£": Currency("livre", "livres", "penny", "pence"),
        "¥": Currency("yen", "yens"),
        "₹": Currency("roupie", "roupies", "paisa", "paisas"),
        "R$": Currency("réal", "réaux", "centavo", "centavos"),
    },
    change=" et ",
    million=Million(("illion", "illions", "illiard", "illiards"), "de ", "d'"),
    magnitudes=("millions", "million", "milliards", "milliard"),
    fractions={
        2: ("demi", "demis"), 3: ("tiers", "tiers"), 4: ("quart", "quarts"),
        5: ("cinquième", "cinquièmes"), 6: ("sixième", "sixièmes"), 7: ("septième", "septièmes"),
        8: ("huitième", "huitièmes"), 9: ("neuvième", "neuvièmes"), 10: ("dixième", "dixièmes"),
    },
    half=Half("un demi", "un demi", "une demi", lambda whole: f"{words(whole, 'fr')} et demi"),
    abbreviations={
        "M.": "Monsieur", "MM.": "Messieurs", "Mme": "Madame", "Mmes": "Mesdames",
        "Mlle": "Mademoiselle", "Mlles": "Mesdemoiselles", "Dr": "docteur", "Dr.": "docteur",
        "Pr": "professeur", "etc.": "et cetera", "bd": "boulevard",
        "Bd": "boulevard", "av.": "avenue", "Av.": "avenue", "c.-à-d.": "c'est-à-dire",
        "p. ex.": "par exemple", "env.": "environ", "tél.": "téléphone", "Tél.": "téléphone",
        "av. J.-C.": "avant Jésus-Christ", "apr. J.-C.": "après Jésus-Christ",
        "St": "saint", "Ste": "sainte", "max.": "maximum", "min.": "minimum",
    },
    numbered={
        "p.": "page", "pp.": "pages", "n°": "numéro", "N°": "numéro", "nº": "numéro",
        "no": "numéro", "No": "numéro", "art.": "article", "chap.": "chapitre", "vol.": "volume",
    },
    symbols={
        "Go": "digital-gigabyte", "Mo": "digital-megabyte", "Ko": "digital-kilobyte",
        "ko": "digital-kilobyte", "To": "digital-terabyte",
    },
    centuries=(
        (r"\b(?P<it>(?P<roman>[IVX]{1,6})(?:e|er|ème))(?= ?(?:siècle|s\.|arr))", True),
        (r"\b(?P<it>(?P<roman>[IVX]{2,6})(?:e|ème))\b", True),
    ),
    determiners=frozenset({"le", "la", "les", "du", "au", "des", "aux", "numéro", "page"}),
    little=listed(
        "de du des et ou à au aux en par pour avec sans que qui est sont plus moins comme si ne "
        "se le la les un une ni sur dans jusque jusqu"
    ),
    pairs=True,
)  # fmt: skip
LANGUAGE = language(_TONGUE)
