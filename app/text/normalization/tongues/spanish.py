"""Spanish: numbers and names for the rules of `cldr`."""

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

_MASCULINE = listed(
    "día días mapa mapas clima problema problemas sistema sistemas programa programas tema temas "
    "idioma idiomas planeta planetas poema poemas diploma diplomas cometa sofá"
)
_FEMININE = re.compile(r"(?:as?|[cs]ión|[cs]iones|[dt]ad|[dt]ades|veces|vez)$")
_ONE = re.compile(r"uno(?= mil| millón| millones| billón| billones)")


def _cardinal(number: int, form: Form) -> str:
    said = _ONE.sub("un", words(number, "es")).replace("veintiun ", "veintiún ")
    if form == "masculine":
        if said.endswith("veintiuno"):
            return said[:-3] + "ún"
        return said[:-1] if said.endswith("uno") else said
    if form == "feminine":
        # Millions are masculine whatever is counted.
        at = said.rfind("ill")
        at = 0 if at < 0 else max(said.find(" ", at), 0) or len(said)
        tail = said[at:].replace("ientos", "ientas").replace("quinientos", "quinientas")
        tail = tail.replace("veintiún mil", "veintiuna mil").replace("y un mil", "y una mil")
        return said[:at] + (tail[:-1] + "a" if tail.endswith("uno") else tail)
    return said


def _ordinal(number: int, feminine: bool, suffix: str) -> str:
    said = {11: "undécimo", 12: "duodécimo"}.get(number) or words(number, "es", "ordinal")
    if feminine:
        return re.sub(r"o\b", "a", said)
    if "er" in suffix and said.endswith(("primero", "tercero")):
        return said[:-1]
    return said


def _feminine(noun: str) -> bool:
    return bool(_FEMININE.search(noun)) and noun not in _MASCULINE


def _clock(hour: int, minute: int, marked: bool) -> str:
    said = _cardinal(hour, "feminine")
    if minute == 0:
        hours = "hora" if hour == 1 else "horas"
        return f"{said} {hours}" if marked or hour > 12 or hour == 0 else said
    return f"{said} {'cero ' if minute < 10 else ''}{_cardinal(minute, 'alone')}"


_TONGUE = Tongue(
    locale="es",
    decimal=",",
    groups=GROUPS_WITH_POINTS,
    signs=Signs(
        point="coma", dot="punto", minus="menos", plus="más", times="por", divided="entre",
        equals="igual a", less="menor que", more="mayor que", about="aproximadamente",
        percent="por ciento", number="número", conjunction="y", to="a", versus="a", over="sobre",
    ),
    cardinal=_cardinal,
    ordinal=_ordinal,
    ordinals=r"\.?(?:er|[ºª°])",
    feminine=_feminine,
    clock=_clock,
    dates=("{day} de {month} de {year}", "{day} de {month}"),
    first="uno",
    currencies={
        "€": Currency("euro", "euros", "céntimo", "céntimos"),
        "$": Currency("dólar", "dólares", "centavo", "centavos"),
        "£": Currency("libra", "libras", "penique", "peniques"),
        "¥": Currency("yen", "yenes"),
        "₹": Currency("rupia", "rupias", "paisa", "paisas"),
        "R$": Currency("real", "reales", "centavo", "centavos"),
    },
    change=" con ",
    million=Million(("illón", "illones"), "de ", "de "),
    magnitudes=("mil millones", "millones", "millón", "billones", "billón", "mil"),
    fractions={
        2: ("medio", "medios"), 3: ("tercio", "tercios"), 4: ("cuarto", "cuartos"),
        5: ("quinto", "quintos"), 6: ("sexto", "sextos"), 7: ("séptimo", "séptimos"),
        8: ("octavo", "octavos"), 9: ("noveno", "novenos"), 10: ("décimo", "décimos"),
    },
    half=Half("un medio", "medio", "media", lambda whole: f"{_cardinal(whole, 'alone')} y medio"),
    abbreviations={
        "Sr.": "señor", "Sra.": "señora", "Srta.": "señorita", "Sres.": "señores",
        "Dr.": "doctor", "Dra.": "doctora", "Dña.": "doña", "Prof.": "profesor",
        "Ud.": "usted", "Uds.": "ustedes", "Vd.": "usted", "etc.": "etcétera",
        "Avda.": "avenida", "Av.": "avenida", "C/": "calle", "Ing.": "ingeniero",
        "Lic.": "licenciado", "EE. UU.": "Estados Unidos", "EE.UU.": "Estados Unidos",
        "p. ej.": "por ejemplo", "p.ej.": "por ejemplo", "a. C.": "antes de Cristo",
        "d. C.": "después de Cristo", "tel.": "teléfono", "Tel.": "teléfono",
        "a. m.": "de la mañana", "a.m.": "de la mañana", "p. m.": "de la tarde",
        "p.m.": "de la tarde", "aprox.": "aproximadamente", "máx.": "máximo", "mín.": "mínimo",
    },
    numbered={
        "pág.": "página", "págs.": "páginas", "p.": "página", "pp.": "páginas",
        "núm.": "número", "n.º": "número", "nº": "número", "N.º": "número", "Nº": "número",
        "art.": "artículo", "cap.": "capítulo", "vol.": "volumen", "No.": "número",
    },
    centuries=((r"\b[Ss]iglos? (?P<it>(?P<roman>[IVX]{1,6}))\b", False),),
    determiners=frozenset({"el", "la", "los", "las", "del", "al", "número", "página"}),
    little=listed(
        "de del y e o u a al en por para con sin que es son está están más menos como si no se "
        "el la los las un una ni ante hasta desde"
    ),
)  # fmt: skip
LANGUAGE = language(_TONGUE)
