"""Brazilian Portuguese: numbers and names for the rules of `cldr`."""

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
    "dia dias mapa mapas clima problema problemas sistema sistemas programa programas tema temas "
    "idioma idiomas planeta planetas poema poemas diploma diplomas cinema cinemas grama gramas "
    "quilograma quilogramas miligrama miligramas"
)
_FEMININE = re.compile(r"(?:[aã]s?|[çs]ão|[çs]ões|dades?|ge(?:m|ns)|vez(?:es)?)$")
_AS_FEMININE = (("um", "uma"), ("dois", "duas"))


def _cardinal(number: int, form: Form) -> str:
    said = words(number, "pt_BR").replace(",", "").replace("catorze", "quatorze")
    if form != "feminine":
        return said
    # Millions are masculine whatever is counted.
    at = max(said.rfind("lhão"), said.rfind("lhões"))
    at = 0 if at < 0 else said.find(" ", at) if " " in said[at:] else len(said)
    tail = re.sub(r"entos\b", "entas", said[at:])
    for masculine, feminine in _AS_FEMININE:
        tail = re.sub(rf"\b{masculine}\b", feminine, tail)
    return said[:at] + tail


def _ordinal(number: int, feminine: bool, suffix: str) -> str:
    said = words(number, "pt_BR", "ordinal")
    return re.sub(r"o\b", "a", said) if feminine else said


def _feminine(noun: str) -> bool:
    return bool(_FEMININE.search(noun)) and noun not in _MASCULINE


def _clock(hour: int, minute: int, marked: bool) -> str:
    said = _cardinal(hour, "feminine")
    if minute == 0:
        return f"{said} {'hora' if hour == 1 else 'horas'}"
    return f"{said} e {_cardinal(minute, 'alone')}"


_TONGUE = Tongue(
    locale="pt_BR",
    decimal=",",
    groups=GROUPS_WITH_POINTS,
    signs=Signs(
        point="vírgula", dot="ponto", minus="menos", plus="mais", times="vezes",
        divided="dividido por", equals="igual a", less="menor que", more="maior que",
        about="aproximadamente", percent="por cento", number="número", conjunction="e", to="a",
        versus="a", over="sobre",
    ),
    cardinal=_cardinal,
    ordinal=_ordinal,
    ordinals=r"\.?(?:[ºª°]|[oa](?!\w))",
    feminine=_feminine,
    clock=_clock,
    dates=("{day} de {month} de {year}", "{day} de {month}"),
    first="primeiro",
    currencies={
        "R$": Currency("real", "reais", "centavo", "centavos"),
        "€": Currency("euro", "euros", "centavo", "centavos"),
        "$": Currency("dólar", "dólares", "centavo", "centavos"),
        "£": Currency("libra", "libras", "pêni", "pence"),
        "¥": Currency("iene", "ienes"),
        "₹": Currency("rupia", "rupias", "paisa", "paisas"),
    },
    change=" e ",
    million=Million(("lhão", "lhões"), "de ", "de "),
    magnitudes=("milhões", "milhão", "bilhões", "bilhão", "trilhões", "trilhão", "mil"),
    fractions={
        2: ("meio", "meios"), 3: ("terço", "terços"), 4: ("quarto", "quartos"),
        5: ("quinto", "quintos"), 6: ("sexto", "sextos"), 7: ("sétimo", "sétimos"),
        8: ("oitavo", "oitavos"), 9: ("nono", "nonos"), 10: ("décimo", "décimos"),
    },
    half=Half("um meio", "meio", "meia", lambda whole: f"{_cardinal(whole, 'alone')} e meio"),
    abbreviations={
        "Sr.": "senhor", "Sra.": "senhora", "Srta.": "senhorita", "Srs.": "senhores",
        "Dr.": "doutor", "Dra.": "doutora", "Prof.": "professor", "Profa.": "professora",
        "etc.": "etcetera", "Av.": "avenida", "Eng.": "engenheiro",
        "p. ex.": "por exemplo", "p.ex.": "por exemplo", "a.C.": "antes de Cristo",
        "d.C.": "depois de Cristo", "tel.": "telefone", "Tel.": "telefone",
        "séc.": "século", "aprox.": "aproximadamente", "máx.": "máximo", "mín.": "mínimo",
        "Ltda.": "limitada",
    },
    numbered={
        "nº": "número", "n.º": "número", "n°": "número", "Nº": "número", "pág.": "página",
        "págs.": "páginas", "p.": "página", "pp.": "páginas", "art.": "artigo",
        "cap.": "capítulo", "vol.": "volume", "núm.": "número",
    },
    units={"t": ("tonelada", "toneladas")},
    centuries=((r"\b(?:[Ss]éculos?|[Ss]éc\.) (?P<it>(?P<roman>[IVX]{1,6}))\b", False),),
    determiners=listed("o a os as do da no na ao número página"),
    little=listed(
        "de do da e ou a ao à em no na por para com sem que é são está mais menos como se não os "
        "as um uma nem até desde às"
    ),
    degree_is_ordinal=True,
)  # fmt: skip
LANGUAGE = language(_TONGUE)
