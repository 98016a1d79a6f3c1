"""What markup does to what is spoken, and what of it is refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.exceptions import InvalidRequest, MarkupInvalid
from app.text.plan import Piece, plan
from app.text.prosody import Prosody
from app.text.ssml import escaped, parse, plain

OWN = Prosody()


def pieces(ssml: str, own: Prosody = OWN) -> list[Piece]:
    return plan(parse(ssml, own), max_chars=400, language="en")


def texts(ssml: str) -> list[str]:
    return [piece.text for piece in pieces(ssml)]


def prosody(attributes: str, own: Prosody = OWN) -> Prosody:
    (piece,) = pieces(f"<speak><prosody {attributes}>Hello.</prosody></speak>", own)
    return piece.prosody


def refused(ssml: str) -> MarkupInvalid:
    with pytest.raises(MarkupInvalid) as caught:
        parse(ssml, OWN)
    assert caught.value.suggestion
    assert caught.value.detail.endswith(
        f"at line {caught.value.extra['line']}, column {caught.value.extra['column']}."
    )
    return caught.value


# What is said


@pytest.mark.parametrize(
    ("ssml", "said"),
    [
        ("<speak>Just text.</speak>", ["Just text."]),
        ("<speak>One. Two!</speak>", ["One.", "Two!"]),
        ("<speak>Tom &amp; Jerry &lt;3 &#233;t&#xe9;.</speak>", ["Tom & Jerry <3 été."]),
        ("<speak><![CDATA[a < b & c]]></speak>", ["a < b & c"]),
        ("<speak>One<!-- two --> three.</speak>", ["One three."]),
        ("<speak>\n  One\n  two\n\n  three.\n</speak>", ["One two three."]),
        ("<speak><p>One</p><p>Two</p></speak>", ["One", "Two"]),
        ("<speak><s>One</s><s>two</s></speak>", ["One", "two"]),
        ("<speak>Before <p>inside</p> behind</speak>", ["Before", "inside", "behind"]),
        ("<speak>The <sub alias='World Wide Web'>WWW</sub>.</speak>", ["The WWW."]),
        ("<speak>The <sub alias='World Wide Web'/>.</speak>", ["The World Wide Web."]),
        ("<speak><metadata>no <b>x</b></metadata>One<desc>no</desc>.</speak>", ["One."]),
        ("<speak><w role='x'>One</w> <token>two</token>.</speak>", ["One two."]),
        ("<speak><voice name='v'><p>One</p><s>two</s></voice></speak>", ["One", "two"]),
        ("<speak><prosody rate='1.0'>One</prosody>, two.</speak>", ["One, two."]),
        ("\ufeff<?xml version='1.0' encoding='utf-16'?><speak>é.</speak>", ["é."]),
        (
            '<speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis"'
            ' xmlns:mstts="x" xml:lang="en-US">Hi.</speak>',
            ["Hi."],
        ),
    ],
)  # fmt: skip
def test_what_is_said(ssml: str, said: list[str]) -> None:
    assert texts(ssml) == said


def test_offsets_are_those_of_the_text_without_markup() -> None:
    ssml = "<speak><p>One <sub alias='and a half'>½</sub>. Two.</p>\n\n<s>Three</s></speak>"
    script = parse(ssml, OWN)

    found = plan(script, max_chars=400, language="en")

    assert script.text == "One ½. Two.\n\nThree "
    assert [(e.start, e.end, e.spoken) for e in script.edits] == [(4, 5, "and a half")]
    assert [script.text[piece.start : piece.end] for piece in found] == [p.text for p in found]


def test_the_language_of_the_document_is_told() -> None:
    assert parse("<speak xml:lang='de-DE'>Ja.</speak>", OWN).language == "de-DE"
    assert parse("<speak>Ja.</speak>", OWN).language is None


def test_in_plain_text_nothing_is_markup() -> None:
    text = "<speak>One <break time='9s'/> &amp; two.</speak>"

    found = plan(plain(text, OWN), max_chars=400, language="en")

    assert "".join(piece.text for piece in found).replace(" ", "") == text.replace(" ", "")
    assert all(piece.pause_s < 1 for piece in found)


# Pauses


@pytest.mark.parametrize(
    ("mark", "pause_s"),
    [
        ("<break time='1500ms'/>", 1.5),
        ("<break time='2s'/>", 2.0),
        ("<break time='.5s'/>", 0.5),
        ("<break time='+20s'></break>", 20.0),
        ("<break/>", 0.75),
        ("<break strength='x-weak'/>", 0.25),
        ("<break strength='x-strong'/>", 1.25),
        ("<break strength='none'/>", 0.0),
        ("<break time='1s' strength='weak'/>", 1.0),
        ("<break time='1s'/> <break time='2s'/>", 3.0),
    ],
)
def test_a_break_is_as_long_as_it_says(mark: str, pause_s: float) -> None:
    first, second = pieces(f"<speak>One.{mark} Two.</speak>")

    assert (first.text, second.text) == ("One.", "Two.")
    assert first.pause_s == pytest.approx(pause_s)
    assert second.pause_s == 0.0


def test_breaks_cut_sentences_and_stand_at_both_ends() -> None:
    first, second = pieces("<speak><break time='1s'/>So, <break time='2s'/>yes.<break/></speak>")

    assert (first.text, second.text) == ("So,", "yes.")
    assert (first.lead_s, first.pause_s, second.pause_s) == (1.0, 2.0, 0.75)


def test_without_breaks_the_pauses_are_those_of_text() -> None:
    marked = pieces("<speak><p>One. Two.</p><p><s>Three</s><s>four</s></p></speak>")

    assert [piece.pause_s for piece in marked] == [0.25, 0.6, 0.25, 0.0]


# Prosody


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("rate='slow'", (0.64, 0, 0)),
        ("rate='x-fast'", (2.0, 0, 0)),
        ("rate='80%'", (0.8, 0, 0)),
        ("rate='1.25'", (1.25, 0, 0)),
        ("rate='+50%'", (1.5, 0, 0)),
        ("rate='-50%'", (0.5, 0, 0)),
        ("pitch='high'", (1, 3, 0)),
        ("pitch='x-low'", (1, -6, 0)),
        ("pitch='+2st'", (1, 2, 0)),
        ("pitch='-1.5st'", (1, -1.5, 0)),
        ("pitch='+100%'", (1, 12, 0)),
        ("volume='loud'", (1, 0, 6)),
        ("volume='silent'", (1, 0, -math.inf)),
        ("volume='-6.5dB'", (1, 0, -6.5)),
        ("volume='+100%'", (1, 0, 20 * math.log10(2))),
        ("rate='fast' pitch='low' volume='+3dB'", (1.55, -3, 3)),
        ("rate='default' pitch='default' volume='default'", (1, 0, 0)),
        ("rate=' medium '", (1, 0, 0)),
    ],
)
def test_prosody(attributes: str, expected: tuple[float, float, float]) -> None:
    found = prosody(attributes)

    assert (found.speed, found.pitch, found.volume) == pytest.approx(expected)


def test_words_are_of_the_request_and_signed_values_of_what_is_around() -> None:
    own = Prosody(0.8, 2.0, -3.0)
    assert prosody("rate='x-fast'", own).speed == pytest.approx(1.6)
    nested = pieces(
        "<speak>One. <prosody rate='150%' pitch='+2st' volume='-3dB'>Two. "
        "<prosody rate='-50%' pitch='+1st' volume='+1dB'>Three.</prosody> "
        "<prosody rate='medium' pitch='medium' volume='medium'>Four.</prosody> Five.</prosody>"
        " Six.</speak>",
        own,
    )

    assert [piece.text for piece in nested] == ["One.", "Two.", "Three.", "Four.", "Five.", "Six."]
    assert [piece.prosody.speed for piece in nested] == pytest.approx(
        [0.8, 1.2, 0.6, 0.8, 1.2, 0.8]
    )
    assert [piece.prosody.pitch for piece in nested] == pytest.approx([2, 4, 5, 2, 4, 2])
    assert [piece.prosody.volume for piece in nested] == pytest.approx([-3, -6, -5, -3, -6, -3])


def test_prosody_cuts_a_sentence_and_punctuation_stays_with_its_word() -> None:
    found = pieces("<speak>I am <prosody rate='slow'>\"very slow\"</prosody>. Now.</speak>")

    assert [(piece.text, piece.prosody.speed) for piece in found] == [
        ("I am", 1.0),
        ('"very slow".', 0.64),
        ("Now.", 1.0),
    ]
    assert [piece.pause_s for piece in found] == [0.0, 0.25, 0.0]


@pytest.mark.parametrize(
    "attributes",
    [
        "rate='quick'", "rate='20'", "rate='-60%'", "rate='40%'", "rate='2.5'", "rate=''",
        "rate='1e9'", "rate='nan'", "rate='inf'", "rate='9999999'", "pitch='200Hz'",
        "pitch='+20Hz'", "pitch='2st'", "pitch='+13st'", "pitch='-100%'", "volume='50'",
        "volume='6dB'", "volume='-100%'", "volume='+21dB'", "volume='-41dB'", "contour='(0%,+9st)'",
        "range='high'", "duration='2s'", "",
    ],
)  # fmt: skip
def test_prosody_that_cannot_be_is_refused(attributes: str) -> None:
    error = refused(f"<speak>\n Hi, <prosody {attributes}>you</prosody>.</speak>")

    assert (error.extra["line"], error.extra["column"]) == (2, 6)
    assert "prosody" in error.detail


# Refused


@pytest.mark.parametrize("name", ["audio", "lookup"])
def test_what_is_known_and_not_supported_is_refused_by_name(name: str) -> None:
    error = refused(f"<speak>äöü 😀 <{name}>12</{name}></speak>")

    assert error.detail == f"`<{name}>` is not supported, at line 1, column 14."
    assert {"speak", "voice", "say-as", "phoneme"} < set(error.extra["supported"])


@pytest.mark.parametrize("name", ["b", "Break", "prösody", "x" * 1000])
def test_what_is_unknown_is_refused_by_name(name: str) -> None:
    error = refused(f"<speak>One <{name}>two</{name}></speak>")

    assert f"`<{name[:50]}>` is no element of SSML" in error.detail


@pytest.mark.parametrize(
    ("ssml", "said", "place"),
    [
        ("", "no element found", (1, 1)),
        ("Hello.", "syntax error", (1, 1)),
        ("<speak>One & two</speak>", "not well-formed", (1, 13)),
        ("<speak>\n<p>One</speak>", "mismatched tag", (2, 9)),
        ("<speak>One", "no element found", (1, 11)),
        ("<speak>a\x00b</speak>", "not well-formed", (1, 9)),
        ("<speak>One</speak><speak>Two</speak>", "junk after document element", (1, 19)),
        ("<speak>&nbsp;</speak>", "undefined entity", (1, 8)),
        ("<p>One</p>", "not in `<speak>`", (1, 1)),
        ("<speak><speak>One</speak></speak>", "cannot be in", (1, 8)),
        ("<speak><s>a <p>One</p></s></speak>", "cannot be in", (1, 13)),
        ("<speak><sub alias='a'><break/></sub></speak>", "cannot be in", (1, 23)),
        ("<speak><sub>One</sub></speak>", "`alias`", (1, 8)),
        ("<speak><break>One</break></speak>", "has a content", (1, 18)),
        ("<speak><break time='soon'/></speak>", "`time`", (1, 8)),
        ("<speak><break time='21s'/></speak>", "`time`", (1, 8)),
        ("<speak><break time='-1s'/></speak>", "`time`", (1, 8)),
        ("<speak><break strength='5'/></speak>", "`strength`", (1, 8)),
        ("<speak><break pause='5s'/></speak>", "`pause` of `<break>`", (1, 8)),
        ("<speak><p lang='de'>Ja.</p></speak>", "`lang` of `<p>`", (1, 8)),
        ("<speak><p xml:lang='!'>Ja.</p></speak>", "`xml:lang`", (1, 8)),
        ("<speak>One <mstts:x>two</mstts:x></speak>", "unbound prefix", (1, 12)),
        ("<speak><break time='600s'/></speak>", "`time`", (1, 8)),
        ("<speak><mark/></speak>", "`<mark>` has no `name`", (1, 8)),
        ("<speak><voice>One</voice></speak>", "`<voice>` has no `name`", (1, 8)),
        ("<speak><lang>One</lang></speak>", "`<lang>` has no `xml:lang`", (1, 8)),
        ("<speak><emphasis level='big'>One</emphasis></speak>", "`level`", (1, 8)),
        ("<speak><lexicon uri='https://a.example/x.xml'/></speak>", "`uri`", (1, 8)),
        ("<speak><p><lexicon uri='a'/></p></speak>", "cannot be in", (1, 11)),
        ("<speak><say-as>1</say-as></speak>", "`interpret-as`", (1, 8)),
        ("<speak><say-as interpret-as='x'>1</say-as></speak>", "`<say-as>`", (1, 34)),
        ("<speak><say-as interpret-as='date'>soon</say-as></speak>", "`<say-as>`", (1, 40)),
        ("<speak><say-as interpret-as='date'/></speak>", "has no text", (1, 37)),
        ("<speak><phoneme>a</phoneme></speak>", "`ph`", (1, 8)),
        (f"<speak><phoneme ph='{'a' * 1001}'>a</phoneme></speak>", "longer than 1000", (1, 8)),
        ("<speak><phoneme ph='§'>a</phoneme></speak>", "`<phoneme>`", (1, 25)),
        ("<speak><phoneme ph='a' alphabet='sapi'>a</phoneme></speak>", "`<phoneme>`", (1, 41)),
        ("<speak><phoneme ph='a'><b/></phoneme></speak>", "is no element", (1, 24)),
        ("<speak xml:lang='x'>Ja.</speak>", "`xml:lang`", (1, 1)),
        ("<speak xmlns='urn:other'>Ja.</speak>", "`xmlns`", (1, 1)),
        ("<speak version='2.0'>Ja.</speak>", "`version`", (1, 1)),
        ("<speak><?php x?>One</speak>", "instruction", (1, 8)),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(
    ssml: str, said: str, place: tuple[int, int]
) -> None:
    error = refused(ssml)

    assert said in error.detail
    assert (error.extra["line"], error.extra["column"]) == place


@pytest.mark.parametrize(
    "dtd",
    [
        "<!DOCTYPE speak [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>",
        "<!DOCTYPE speak SYSTEM 'file:///etc/passwd'>",
        "<!DOCTYPE speak [<!ENTITY % x SYSTEM 'http://127.0.0.1:1/x'> %x;]>",
    ],
)
def test_a_dtd_is_refused_whatever_is_in_it(dtd: str) -> None:
    assert "There is a DTD" in refused(f"{dtd}<speak>&b;</speak>").detail


def test_half_of_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        parse("<speak>a\ud800b</speak>", OWN)


def test_deep_nesting_is_refused() -> None:
    deep = 50_000
    begin, end = "<prosody rate='1.0'>" * deep, "</prosody>" * deep

    assert "nested" in refused(f"<speak>{begin}One.{end}</speak>").detail


def test_all_breaks_together_have_a_limit() -> None:
    longest = "<break time='20s'/>"

    assert pieces(f"<speak>One.{longest * 30}</speak>")[0].pause_s == 600.0
    assert (
        "pauses together are longer than 600 s"
        in refused(f"<speak>One.{longest * 31}</speak>").detail
    )


# Voices, languages, marks, what is said otherwise


def test_a_passage_has_the_voice_and_the_language_that_are_said_of_it() -> None:
    script = (
        "<speak xml:lang='en-US'>One. "
        "<voice name='ann'>Two. <lang xml:lang='fr'>Trois.</lang></voice>"
        "<p xml:lang='es'>Cuatro.</p> Five.</speak>"
    )

    found = [(piece.text, piece.voice, piece.language) for piece in pieces(script)]

    assert found == [
        ("One.", None, None),
        ("Two.", "ann", None),
        ("Trois.", "ann", "fr"),
        ("Cuatro.", None, "es"),
        ("Five.", None, None),
    ]


def test_a_sentence_is_cut_where_another_voice_begins() -> None:
    found = pieces("<speak>He said: <voice name='ann'>hello</voice> to me.</speak>")

    assert [(piece.text, piece.voice) for piece in found] == [
        ("He said:", None), ("hello", "ann"), ("to me.", None),
    ]  # fmt: skip


def test_azures_voice_profile_is_a_voice() -> None:
    inner = "<mstts:ttsembedding speakerProfileId='ann'>Hi.</mstts:ttsembedding>"

    (piece,) = pieces(azure(inner))

    assert piece.voice == "ann"


def azure(inner: str) -> str:
    return (
        "<speak version='1.0' xmlns='http://www.w3.org/2001/10/synthesis' xmlns:x='urn:x' "
        f"xmlns:mstts='https://www.w3.org/2001/mstts' xml:lang='en-US'>{inner}</speak>"
    )


@pytest.mark.parametrize(
    ("inner", "ignored"),
    [
        ("<mstts:express-as style='sad'>Oh no.</mstts:express-as>", ("mstts:express-as",)),
        ("<mstts:backgroundaudio src='https://a.example'/>Oh no.", ("mstts:backgroundaudio",)),
        ("<x:what><x:ever a='b'/>Oh no.</x:what>", ("x:what", "x:ever")),
        ("<voice name='a' gender='female' effect='eq_car'>Oh no.</voice>",
         ("voice@gender", "voice@effect")),
        ("<mstts:silence type='Colon-exact' value='20ms'/>Oh no.", ("mstts:silence colon",)),
    ],
)  # fmt: skip
def test_what_has_no_effect_is_told_and_its_text_is_spoken(
    inner: str, ignored: tuple[str, ...]
) -> None:
    script = parse(azure(inner), OWN)

    assert (script.text, script.ignored) == ("Oh no.", ignored)


def test_azures_silences_are_pauses_at_the_ends() -> None:
    inner = (
        "<mstts:silence type='Leading' value='200ms'/>One. "
        "<mstts:silence type='Tailing-exact' value='1s'/>Two."
    )

    first, last = pieces(azure(inner))

    assert (first.lead_s, last.pause_s) == (0.2, 1.0)


def test_azures_silences_behind_marks_are_pauses_in_their_voice() -> None:
    inner = (
        "<voice name='a'><mstts:silence type='Comma-exact' value='300ms'/>"
        "<mstts:silence type='semicolon-exact' value='1s'/>"
        "So, <emphasis>yes; of 1,000</emphasis> <sub alias='x'>ink, paper</sub>.</voice> No, so."
    )

    found = pieces(azure(inner))

    assert [(piece.text, piece.pause_s) for piece in found] == [
        ("So,", 0.3), ("yes;", 1.0), ("of 1,000", 0.0), ("ink, paper.", 0.25), ("No, so.", 0.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "pauses"),
    [
        ("Sentenceboundary", [0.45, 0.5, 0.8, 0.25]),
        ("Sentenceboundary-exact", [0.2, 0.2, 0.2, 0.25]),
    ],
)
def test_azures_silence_between_sentences(kind: str, pauses: list[float]) -> None:
    inner = (
        f"<voice name='a'><mstts:silence type='{kind}' value='200ms'/><p>One. Two? Three.</p>"
        "</voice><voice name='b'>Four. Five.</voice>"
    )

    found = [piece.pause_s for piece in pieces(azure(inner))]

    assert found == pytest.approx([*pauses, 0.0])


@pytest.mark.parametrize("kind", ["Sentenceboundary", "Comma-exact"])
def test_silences_have_a_limit_as_breaks_have(kind: str) -> None:
    few = f"<mstts:silence type='{kind}' value='20s'/>{'One, two. ' * 25}"

    assert pieces(azure(few))
    assert "600 s" in refused(azure(few * 2)).detail


def test_emphasis_changes_the_prosody() -> None:
    (plain_, strong) = pieces("<speak>One. <emphasis level='strong'>Two.</emphasis></speak>")

    assert strong.prosody.speed < plain_.prosody.speed
    assert strong.prosody.volume > plain_.prosody.volume


def test_marks_stay_where_they_are() -> None:
    found = pieces(
        "<speak><mark name='a'/>One <mark name='b'/>two.<mark name='c'/> "
        "<bookmark mark='d'/>Three. <mark name='e'/></speak>"
    )

    assert [(piece.text, piece.marks) for piece in found] == [
        ("One two.", ((0, "a"), (4, "b"), (8, "c"))),
        ("Three.", ((0, "d"), (6, "e"))),
    ]


def test_lexicons_are_named_by_their_id_or_address() -> None:
    uris = (
        "one",
        "urn:lexicon:two@3",
        "/api/v1/lexicons/three",
        "https://a.example/api/v1/lexicons/one",
    )
    elements = "".join(f"<lexicon uri='{uri}'/>" for uri in uris)

    assert parse(f"<speak>{elements}Hi.</speak>", OWN).lexicons == ("one", "two@3", "three")


@pytest.mark.parametrize(
    ("inner", "written", "spoken", "phonemes"),
    [
        ("<say-as interpret-as='date' format='dmy'>3/4/2024</say-as>", "3/4/2024",
         "April third, twenty twenty-four", None),
        ("<say-as interpret-as='characters'> ab1 </say-as>", "ab1", "A.B one", None),
        ("<phoneme alphabet='ipa' ph='təˈmeɪtoʊ'>tomato</phoneme>", "tomato", None, "təˈmeɪtoʊ"),
        ("<phoneme alphabet='x-sampa' ph='t@&quot;meItoU'>tomato</phoneme>", "tomato", None,
         "təˈmeɪtoʊ"),
    ],
)  # fmt: skip
def test_what_is_said_otherwise_keeps_what_is_written(
    inner: str, written: str, spoken: str | None, phonemes: str | None
) -> None:
    script = parse(f"<speak>A {inner}.</speak>", OWN)

    (edit,) = script.edits
    assert script.text[edit.start : edit.end] == written
    assert edit.phonemes == phonemes
    assert spoken is None or edit.spoken == spoken
    (piece,) = plan(script, max_chars=10, language="en")
    (moved,) = piece.edits
    assert piece.text[moved.start : moved.end] == written


def test_what_is_said_as_a_whole_is_never_cut() -> None:
    long = "a b. C " * 100

    found = plan(
        parse(f"<speak>One. <sub alias='x'>{long}</sub> Two.</speak>", OWN),
        max_chars=50,
        language="en",
    )

    (whole,) = [piece for piece in found if piece.edits]
    assert long.strip() in whole.text


def test_many_elements_are_refused() -> None:
    assert "20000 elements" in refused(f"<speak>{'<w/>' * 20_001}</speak>").detail


@given(st.text())
def test_an_escaped_text_is_the_text(text: str) -> None:
    allowed = "".join(c for c in text if (c.isprintable() and c.isascii()) or c.isalpha())

    script = parse(f"<speak>{escaped(allowed)}</speak>", OWN)

    assert script.text.split() == allowed.split()


def test_what_xml_cannot_hold_is_a_space_when_it_is_escaped() -> None:
    text = escaped("a\ufffeb <&]]> \x01\ud800c")

    assert parse(f"<speak>{text}</speak>", OWN).text == "a b <&]]> c"


TAGS = (
    "<p>", "</p>", "<s>", "</s>", "<break/>", "<sub alias='x'>", "</sub>", "<mark name='m'/>",
    "<prosody rate='slow'>", "</prosody>", "<voice name='v'>", "</voice>", "12", "One. ", " two",
    "<say-as interpret-as='cardinal'>", "</say-as>", "<phoneme ph='a'>", "</phoneme>", "&amp;", "&",
    "<", "]]>",
)  # fmt: skip


@given(st.lists(st.sampled_from(TAGS)))
def test_soup_of_markup_is_read_or_refused(parts: list[str]) -> None:
    try:
        script = parse(f"<speak>{''.join(parts)}</speak>", OWN)
    except MarkupInvalid:
        return
    found = plan(script, max_chars=40, language="en")
    assert "".join("".join(p.text for p in found).split()) in "".join(script.text.split())
    for edit in script.edits:
        assert 0 <= edit.start < edit.end <= len(script.text)
