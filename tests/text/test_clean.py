"""Checks and blanking keep every offset."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.exceptions import InvalidRequest, UnspeakableText
from app.text.clean import JOINER, clean, script_of, speakable, unsupported_characters

ANY_TEXT = st.text(alphabet=st.characters(codec=None), max_size=60)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\ufeff\u200b", "empty"),
        ("...?!", "punctuation"),
        ("— “”", "punctuation"),
        ("😀 👍🏽", "emoji"),
        ("$ + =", "symbols"),
        ("❤️", "emoji"),
        ("🇩🇪", "emoji"),
    ],
)
def test_nothing_to_say_is_refused_with_a_suggestion(text: str, word: str) -> None:
    with pytest.raises(UnspeakableText) as error:
        clean(text)
    assert word in error.value.detail
    assert error.value.suggestion


@pytest.mark.parametrize("char", ["\x00", "\x07", "\x0b", "\x0c", "\x1b", "\x7f", "\x85", "\x9f"])
def test_control_characters_are_refused_with_their_offset(char: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        clean(f"Hello{char} there")
    assert error.value.extra["offset"] == 5
    assert "offset 5" in error.value.detail


def test_tab_and_line_ends_are_allowed() -> None:
    text = "One\ttwo\r\nthree\rfour"
    assert clean(text) == text


@pytest.mark.parametrize("code", [0xD800, 0xDFFF])
def test_lone_surrogates_are_refused(code: int) -> None:
    with pytest.raises(InvalidRequest) as error:
        clean(f"ab{chr(code)}")
    assert error.value.extra["offset"] == 2


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("\ufeffHello", " Hello"),
        ("two\u200bwords", "two words"),
        ("co\u00adoperate", f"co{JOINER}operate"),
        ("left \u202bright\u202c end", "left  right  end"),
        ("Hi 😀!", "Hi  !"),
        ("Hi 👨‍👩‍👧 all", "Hi       all"),
        ("I ❤️ it", "I    it"),
        ("press 1️⃣", "press 1  "),
        ("क्‍ष", "क्‍ष"),
        ("① first", "① first"),
        ("café © 20 °C ½", "café © 20 °C ½"),
    ],
)
def test_what_cannot_be_heard_is_blanked_in_place(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned
    assert len(cleaned) == len(text)


@given(ANY_TEXT)
def test_any_text_is_cleaned_in_place_or_refused(text: str) -> None:
    try:
        cleaned = clean(text)
    except (InvalidRequest, UnspeakableText):
        return
    assert len(cleaned) == len(text)
    assert speakable(cleaned)
    assert clean(cleaned) == cleaned
    letters = [(i, c) for i, c in enumerate(text) if c.isalpha() and speakable(c)]
    assert [c for i, c in letters if cleaned[i] == c or not c.isprintable()] or not letters


@pytest.mark.parametrize(
    ("text", "scripts", "foreign"),
    [
        ("Hello, café! 12", {"LATIN"}, ""),
        ("Hello 你好 你", {"LATIN"}, "你好"),
        ("Привет", {"LATIN"}, "Привет"),
        ("Привет", {"CYRILLIC"}, ""),
        ("Hi", {"CYRILLIC"}, ""),  # ASCII letters occur in every language
        ("ｆｕｌｌ 𝐁 ﬁ Ⅳ 5µm", {"LATIN"}, ""),
        ("नमस्ते", {"DEVANAGARI"}, ""),
        ("한국 カナ かな", {"LATIN"}, "한국カナかな"),
    ],
)
def test_letters_of_other_scripts(text: str, scripts: set[str], foreign: str) -> None:
    assert unsupported_characters(text, scripts) == foreign


@pytest.mark.parametrize(
    ("char", "script"),
    [
        ("a", "LATIN"),
        ("ß", "LATIN"),
        ("Ω", "GREEK"),
        ("я", "CYRILLIC"),
        ("你", "CJK"),
        ("あ", "HIRAGANA"),
        ("ア", "KATAKANA"),
        ("한", "HANGUL"),
        ("ع", "ARABIC"),
        ("न", "DEVANAGARI"),
        ("1", ""),
        ("!", ""),
    ],
)
def test_script_of(char: str, script: str) -> None:
    assert script_of(char) == script
