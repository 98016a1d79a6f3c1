"""Languages other than English: what is written as figures and short forms is said as words."""

import csv
import unicodedata
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.text.normalization import coverage, normalize, say_as
from app.text.spoken import Edit, spoken

pytestmark = pytest.mark.services

LANGUAGES = ("es", "fr", "hi", "it", "pt-BR")
with (Path(__file__).parent / "normalization_other.csv").open(encoding="utf-8", newline="") as file:
    ROWS = [(r["text"], r["expected"], r["language"], r["kind"]) for r in csv.DictReader(file)]
# What the rules look at, so that random texts meet them.
PIECES = st.sampled_from(
    [*"0159.,:/-–+−%€$£₹°ºªh&#@()½ \u00a0", "12", "2024", "R$", "km", "km/h", "€/kg", " de ",
     "mayo", "janv.", "Sr.", "etc.", "M.", "siglo XX", "XXe", "वीं", "बजे", "२५", "http://", "mil",
     "millones", "1.234", "1 234", "1,234", "\u2060", "ª", "e", "a", "personas"]
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected", "language"),
    [row[:3] for row in ROWS],
    ids=[f"{row[2]}-{row[3]}-{i}" for i, row in enumerate(ROWS)],
)
def test_what_is_written_is_said(text: str, expected: str, language: str) -> None:
    said = spoken(text, normalize(text, language)).text
    assert unicodedata.normalize("NFC", said) == unicodedata.normalize("NFC", expected)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_table_has_every_kind(language: str) -> None:
    rows = [row for row in ROWS if row[2] == language]
    assert len(rows) >= 40
    assert {row[3] for row in rows} | {"digits"} == coverage(language)
    made = {edit.rule for row in rows for edit in normalize(row[0], language)}
    assert made <= coverage(language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Escriba a ana.3@correo.es o vea https://a.es/2024/05?x=1,5.", "es"),
        ("El A4, el 5G y el B2B.", "es"),
        ("Il vinse in due set.", "it"),
        ("AT&T et R&D.", "fr"),
        ("बिना अंक का वाक्य।", "hi"),
    ],
)
def test_what_is_left_to_the_reader(text: str, language: str) -> None:
    assert normalize(text, language) == []


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("12/25/2024", "es", "veinticinco de diciembre de dos mil veinticuatro"),
        ("32/13/2024", "es", "32/13/2024"),
        ("$2,000.50", "es", "dos mil dólares con cincuenta centavos"),
        ("1234567890123456", "es", "uno dos tres cuatro cinco seis siete ocho nueve cero uno dos "
                                   "tres cuatro cinco seis"),
        ("21.000.000 €", "es", "veintiún millones de euros"),
        ("2.200 pessoas", "pt", "duas mil e duzentas pessoas"),
        ("2½ घंटे", "hi", "ढाई घंटे"),
        ("3:2", "fr", "trois à deux"),
        ("25:70", "es", "veinticinco a setenta"),
        ("24/7", "it", "ventiquattro sette"),
        ("118", "it", "centodiciotto"),
        ("123", "it", "centoventitré"),
        ("1 dia, 2 semanas", "pt-BR", "um dia, duas semanas"),
        ("500.000 personas", "es-MX", "quinientas mil personas"),
        ("200 millones de personas", "es", "doscientos millones de personas"),
        ("06 12 34 56 01", "fr", "zéro six, douze, trente-quatre, cinquante-six, zéro un"),
        ("1 h 30 min", "fr", "une heure et trente minutes"),
    ],
)  # fmt: skip
def test_rare_forms(text: str, language: str, said: str) -> None:
    assert spoken(text, normalize(text, language)).text == said


def test_what_is_taken_is_left_alone() -> None:
    taken = [Edit(0, 2, "una docena", "sub"), Edit(5, 9, "", "lexicon")]
    edits = normalize("12 y 2024, 3 km", "es", taken=taken)
    assert [(edit.start, edit.end, edit.spoken) for edit in edits] == [
        (11, 15, "tres kilómetros"),
    ]


@pytest.mark.parametrize("language", ["de", "ja", "tlh", ""])
def test_a_language_without_rules_says_so(language: str) -> None:
    assert normalize("3 km, 5 €", language) == []
    assert coverage(language) == frozenset()


@pytest.mark.parametrize("language", LANGUAGES)
@given(text=st.lists(PIECES, max_size=12).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read(language: str, text: str) -> None:
    edits = normalize(text, language)
    assert all(a.end <= b.start for a, b in pairwise(edits))
    assert all(0 <= edit.start < edit.end <= len(text) for edit in edits)
    said = spoken(text, edits)
    assert all(passage.source_end <= len(text) for passage in said.passages)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "piece",
    ["1", "1.", "1,", "1 ", "12/", "1-", "+1 ", "Sr. ", "a", "a@", "1:", "R$", "½", "siglo ", "€1"],
)
def test_long_texts_are_read(language: str, piece: str) -> None:
    text = piece * (20_000 // len(piece))
    edits = normalize(text, language)
    assert all(a.end <= b.start for a, b in pairwise(edits))


@pytest.mark.parametrize(
    ("text", "kind", "form", "language", "said"),
    [
        ("21", "cardinal", None, "es", "veintiuno"),
        ("-3.5", "cardinal", None, "fr", "moins trois virgule cinq"),
        ("2", "ordinal", None, "it", "secondo"),
        ("1/2", "fraction", None, "pt-BR", "um meio"),
        ("2 1/2", "fraction", None, "hi", "ढाई"),
        ("5/3/2024", "date", None, "fr", "cinq mars deux mille vingt-quatre"),
        ("3/5/2024", "date", "mdy", "es", "cinco de marzo de dos mil veinticuatro"),
        ("3/2024", "date", "my", "it", "marzo duemilaventiquattro"),
        ("15:30", "time", None, "es", "quince treinta"),
        ("12,50 €", "currency", None, "fr", "douze euros et cinquante centimes"),
        ("1a2", "characters", None, "es", "uno A dos"),
        ("+34 600", "telephone", None, "es", "más tres cuatro, seis cero cero"),
    ],
)
def test_say_as(text: str, kind: str, form: str | None, language: str, said: str) -> None:
    assert say_as(text, kind, format=form, language=language) == said
