"""Hindi: numbers and names for the rules of `cldr`."""

from app.text.normalization.tongues.cldr import language
from app.text.normalization.tongues.tongue import Currency, Form, Half, Million, Signs, Tongue

# Every number below a hundred has a name of its own.
_BELOW_A_HUNDRED = """
शून्य एक दो तीन चार पाँच छह सात आठ नौ
दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस
बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस
तीस इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस
चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास
पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ
साठ इकसठ बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर
सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उन्यासी
अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी
नब्बे इक्यानवे बानवे तिरानवे चौरानवे पंचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे
"""
_UNITS = tuple(_BELOW_A_HUNDRED.split())
_SCALE = (
    (10**11, "खरब"), (10**9, "अरब"), (10**7, "करोड़"), (10**5, "लाख"), (1000, "हज़ार"), (100, "सौ"),
)  # fmt: skip
_IRREGULAR = {1: "पहल", 2: "दूसर", 3: "तीसर", 4: "चौथ", 6: "छठ"}


def _cardinal(number: int, form: Form) -> str:
    if 1100 <= number < 2000:  # years, and amounts too
        rest = f" {_UNITS[number % 100]}" if number % 100 else ""
        return f"{_UNITS[number // 100]} सौ{rest}"
    parts = []
    for size, name in _SCALE:
        if number >= size:
            parts.append(f"{_cardinal(number // size, form)} {name}")
            number %= size
    if number or not parts:
        parts.append(_UNITS[number])
    return " ".join(parts)


def _ordinal(number: int, feminine: bool, suffix: str) -> str:
    ending = "ी" if "ी" in suffix else "े" if "े" in suffix else "ा"
    if number in _IRREGULAR:
        return _IRREGULAR[number] + ending
    return f"{_cardinal(number, 'alone')}व{ending}{'ँ' if ending == 'ा' else 'ं'}"


def _clock(hour: int, minute: int, marked: bool) -> str:
    said = _cardinal(hour, "alone")
    if minute == 0:
        return f"{said} बजे"
    return f"{said} बजकर {_cardinal(minute, 'alone')} मिनट{' पर' if marked else ''}"


def _and_a_half(whole: int) -> str:
    return {1: "डेढ़", 2: "ढाई"}.get(whole) or f"साढ़े {_cardinal(whole, 'alone')}"


_TONGUE = Tongue(
    locale="hi",
    decimal=".",
    groups=r"\d{1,3}(?:,\d{2,3}){1,8}",
    signs=Signs(
        point="दशमलव", dot="दशमलव", minus="माइनस", plus="प्लस", times="गुणा", divided="भाग",
        equals="बराबर", less="से कम", more="से अधिक", about="लगभग", percent="प्रतिशत",
        number="नंबर", conjunction="और", to="से", versus="और", over="बटा",
    ),
    cardinal=_cardinal,
    ordinal=_ordinal,
    ordinals=r"(?:व[ाीे][ँं]?|ल[ाीे]|र[ाीे]|थ[ाीे]|ठ[ाीे])",
    feminine=lambda _: False,
    clock=_clock,
    dates=("{day} {month} {year}", "{day} {month}"),
    first="एक",
    currencies={
        "₹": Currency("रुपया", "रुपये", "पैसा", "पैसे"),
        "रु.": Currency("रुपया", "रुपये", "पैसा", "पैसे"),
        "Rs.": Currency("रुपया", "रुपये", "पैसा", "पैसे"),
        "Rs": Currency("रुपया", "रुपये", "पैसा", "पैसे"),
        "$": Currency("डॉलर", "डॉलर", "सेंट", "सेंट"),
        "€": Currency("यूरो", "यूरो", "सेंट", "सेंट"),
        "£": Currency("पाउंड", "पाउंड", "पेंस", "पेंस"),
        "¥": Currency("येन", "येन"),
    },
    change=" ",
    million=Million((), "", ""),
    magnitudes=("करोड़", "लाख", "हज़ार", "अरब", "मिलियन", "बिलियन"),
    fractions={3: ("तिहाई", "तिहाई"), 4: ("चौथाई", "चौथाई")},
    half=Half("आधा", "आधा", "आधी", _and_a_half),
    abbreviations={
        "डॉ.": "डॉक्टर", "डॉ॰": "डॉक्टर", "प्रो.": "प्रोफ़ेसर", "प्रो॰": "प्रोफ़ेसर", "कु.": "कुमारी",
        "इंजी.": "इंजीनियर", "एड.": "एडवोकेट", "स्व.": "स्वर्गीय",
    },
    numbered={"नं.": "नंबर", "सं.": "संख्या", "पृ.": "पृष्ठ"},
    symbols={
        "किमी": "length-kilometer", "कि.मी.": "length-kilometer", "मी": "length-meter",
        "सेमी": "length-centimeter", "मिमी": "length-millimeter", "किग्रा": "mass-kilogram",
        "किलो": "mass-kilogram",
    },
    decimals_as_number=False,
)  # fmt: skip
LANGUAGE = language(_TONGUE)
