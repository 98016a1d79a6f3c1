"""Whatever text or markup there is: nothing of it is lost, and every offset points at its source.

A few of each in every run, ten thousand in all where long tests are run.
"""

from contextlib import suppress
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.exceptions import InvalidRequest, MarkupInvalid, UnspeakableText
from app.text.clean import clean
from app.text.plan import pieces
from app.text.prosody import Prosody
from app.text.split import split
from app.text.ssml import Script, escaped, parse, plain

# A thread that another test has left may use the module `random` meanwhile: not ours to judge.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module:hypothesis.errors.HypothesisDeprecationWarning"
)

FEW = settings(max_examples=60, deadline=None)
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
LANGUAGES = st.sampled_from(["en", "en-GB", "de", "fr", "es", "hi", "zh", "ja", "xx", ""])
LENGTHS = st.integers(1, 80)
CHARACTERS = "aB.,;:!?…—\"'”“’()[] \n\r\t-*#1I😀\u0301\u200d🇩🇪你。、「」।\u2028\ufffe"
PARTS = (
    "Dr. ", "Smith ", "he said", ". ", "! ", "? ", "… ", '"', "“", "”", "(", ")", "\n", "\n\n",
    "1. ", "- ", "# ", "a.m. ", "and ", "because ", "U.S. ", "example.com", "3.14", "word ",
    "CHAPTER IV.", "A) ", "2.1 ", "I ", "ASP.NET", "。", "」と", "डॉ. ", "।",
)  # fmt: skip
TEXTS = st.one_of(
    st.text(alphabet=st.characters(codec=None), max_size=200),
    st.text(alphabet=CHARACTERS, max_size=300),
    st.lists(st.sampled_from(PARTS), max_size=80).map("".join),
)
MIXED = (
    "<p>", "<s xml:lang='fr'>", "<prosody rate='slow'>", "<emphasis level='strong'>",
    "<voice name='ann'>", "<lang xml:lang='de'>", "<m:express-as style='x'>", "<x:y>", "<w>",
    "<m:ttsembedding speakerProfileId='bob'>",
)  # fmt: skip
TEXTUAL = (
    "<sub alias='two words'>", "<sub alias='...'>", "<say-as interpret-as='characters'>",
    "<phoneme ph='təˈmeɪtoʊ'>",
)  # fmt: skip
BEGINNINGS = (*MIXED, *TEXTUAL, "<sub alias=''>", "<say-as interpret-as='date'>")
EMPTY = (
    "<break/>", "<break time='20s'/>", "<mark name='m'/>", "<bookmark mark='b'/>",
    "<m:silence type='Leading' value='1s'/>",
    "<m:silence type='Tailing-exact' value='1s'/>", "<m:silence type='Comma-exact' value='1s'/>",
    "<m:silence type='Sentenceboundary' value='1s'/>", "<m:viseme type='x'/>",
    "<meta name='x' content='y'/>", "<desc>no</desc>", "<!-- no -->", "<![CDATA[a < b]]>",
)  # fmt: skip
WORDS = ("One. ", "two, ", "three; ", '"No!" ', "4 ", "😀", " ", "\n", "&amp;", "。", "Dr. ", "...")
ENDS = tuple(f"</{name[1:].split()[0].rstrip('>')}>" for name in BEGINNINGS)
ODD = ("&", "<", "]]>", "<a", "<?x?>", "\x01", "<lexicon uri='one'/>")
SOUP = st.lists(
    st.sampled_from((*BEGINNINGS, *EMPTY, *WORDS, *ENDS, *ODD)),
    max_size=40,
).map("".join)


def element(beginning: str, inside: list[str]) -> str:
    return f"{beginning}{''.join(inside)}</{beginning[1:].split()[0].rstrip('>')}>"


LEAVES = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(EMPTY),
    st.builds(
        element,
        st.sampled_from(TEXTUAL),
        st.builds(
            lambda word, more: [word, *more],
            st.sampled_from(("x1 ", " Two ")),
            st.lists(st.sampled_from(WORDS)),
        ),
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(element, st.sampled_from(MIXED), st.lists(inner, max_size=4)),
    max_leaves=20,
)


def document(inside: str) -> str:
    return f"<speak xmlns:m='https://www.w3.org/2001/mstts' xmlns:x='urn:x'>{inside}</speak>"


def check_split(text: str, max_chars: int, language: str) -> None:
    found = split(text, max_chars=max_chars, language=language)

    assert "".join("".join(one.text for one in found).split()) == "".join(text.split())
    at = 0
    for one in found:
        assert at <= one.start < one.end <= len(text)
        assert one.text == text[one.start : one.end] == one.text.strip()
        assert len(one.text) <= max_chars
        at = one.end


def check_pieces(script: Script, max_chars: int, language: str) -> None:
    found = list(pieces(script, max_chars=max_chars, language=language))

    written = "".join(script.text.split())
    assert written.endswith("".join("".join(piece.text for piece in found).split()))
    at = 0
    for piece in found:
        assert at <= piece.start < piece.end
        assert piece.text == script.text[piece.start : piece.end]
        assert piece.pause_s >= 0
        at = piece.end
    begun = found[0].start if found else len(script.text)
    whole = tuple(edit for edit in script.edits if edit.start >= begun)
    assert tuple(e.moved(piece.start) for piece in found for e in piece.edits) == whole
    for piece in found:
        assert all(0 <= e.start < e.end <= len(piece.text) for e in piece.edits)
        assert all(0 <= offset <= len(piece.text) for offset, _ in piece.marks)
    told = [name for piece in found for _, name in piece.marks]
    assert told == ([name for _, name in script.marks] if found else [])


def check_text(text: str, max_chars: int, language: str) -> None:
    check_split(text, max_chars, language)
    check_pieces(plain(text, Prosody()), max_chars, language)


def check_markup(ssml: str, max_chars: int, language: str) -> None:
    try:
        script = parse(ssml, Prosody())
    except (MarkupInvalid, InvalidRequest):
        return
    for edit in script.edits:
        written = script.text[edit.start : edit.end]
        assert written
        assert written == written.strip()
    check_pieces(script, max_chars, language)


def check_escaped(text: str) -> None:
    with suppress(InvalidRequest, UnspeakableText):
        cleaned = clean(text)
        script = parse(document(escaped(cleaned)), Prosody())
        assert script.text.split() == cleaned.split()
    within = f"<sub alias={quoteattr(escaped(text))}>{escaped(text)}</sub>"
    check_markup(document(within), 300, "en")


@FEW
@given(TEXTS, LENGTHS, LANGUAGES)
def test_text(text: str, max_chars: int, language: str) -> None:
    check_text(text, max_chars, language)


@FEW
@given(SOUP, LENGTHS, LANGUAGES)
def test_soup(inside: str, max_chars: int, language: str) -> None:
    check_markup(document(inside), max_chars, language)


@settings(FEW, suppress_health_check=SLOW)
@given(st.lists(TREES, max_size=6), LENGTHS, LANGUAGES)
def test_trees(inside: list[str], max_chars: int, language: str) -> None:
    check_markup(document("".join(inside)), max_chars, language)


@FEW
@given(TEXTS)
def test_escaped(text: str) -> None:
    check_escaped(text)


@pytest.mark.services
@pytest.mark.timeout(900)
@settings(max_examples=4_000, deadline=None)
@given(TEXTS, LENGTHS, LANGUAGES)
def test_many_texts(text: str, max_chars: int, language: str) -> None:
    check_text(text, max_chars, language)


@pytest.mark.services
@pytest.mark.timeout(900)
@settings(max_examples=2_500, deadline=None)
@given(SOUP, LENGTHS, LANGUAGES)
def test_much_soup(inside: str, max_chars: int, language: str) -> None:
    check_markup(document(inside), max_chars, language)


@pytest.mark.services
@pytest.mark.timeout(900)
@settings(max_examples=2_000, deadline=None, suppress_health_check=SLOW)
@given(st.lists(TREES, max_size=6), LENGTHS, LANGUAGES)
def test_many_trees(inside: list[str], max_chars: int, language: str) -> None:
    check_markup(document("".join(inside)), max_chars, language)


@pytest.mark.services
@pytest.mark.timeout(900)
@settings(max_examples=1_500, deadline=None)
@given(TEXTS)
def test_many_escaped(text: str) -> None:
    check_escaped(text)
