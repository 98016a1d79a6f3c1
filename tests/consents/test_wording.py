"""What is to be read in each language, and whether what was heard is that."""

import pytest

from app.consents.statements import languages, new_code, spoken_digits, statement
from app.consents.wording import compare
from app.core.exceptions import UnsupportedLanguage

NAMES = {"speaker": "Jane Smith", "company": "Contoso"}
CODE = "472913"


def heard(text: str, language: str = "en", code: str = CODE):
    return compare(text, language=language, code=code, **NAMES)


@pytest.mark.parametrize("language", sorted(languages()))
def test_a_statement_that_is_read_as_it_stands_is_understood(language):
    text = statement(language, code=CODE, **NAMES)

    found = heard(text, language)

    assert (found.words, found.speaker, found.company, found.code) == (1.0, 1.0, 1.0, True)
    assert all(name in text for name in NAMES.values())


@pytest.mark.parametrize("language", sorted(languages()))
def test_another_code_and_other_words_are_told_from_it(language):
    text = statement(language, code=CODE, **NAMES)
    other = statement("pl" if language == "en" else "en", code="000000", **NAMES)

    assert not heard(text, language, code="472914").code
    assert not heard(text, language, code="72913" + "0").code
    assert heard(other, language).words < 0.5


def test_there_are_ten_languages_and_more_and_others_are_named():
    assert len(languages()) >= 10
    with pytest.raises(UnsupportedLanguage) as refused:
        statement("tlh", code=CODE, **NAMES)
    assert "en" in refused.value.suggestion


@pytest.mark.parametrize(
    "said",
    [
        "My code is four seven two nine one three",
        "my code is 472913.",
        "My code is 47 29 13",
        "My code is four, 7, two, nine, one, 3!",
    ],
    ids=range(4),
)
def test_a_code_is_understood_however_it_is_written(said):
    assert heard(said).code


def test_a_zero_may_be_called_oh_and_figures_in_a_name_do_not_hide_the_code():
    assert compare("oh one two", language="en-GB", speaker="A", company="B", code="012").code
    said = "I, Jane, agree that Studio 54 may. My code is 1 2 3."
    assert compare(said, language="en", speaker="Jane", company="Studio 54", code="123").code


def test_digits_are_read_in_scripts_without_spaces():
    said = "我的验证码是四七二"
    assert compare(said, language="zh-CN", speaker="A", company="B", code="472").code


@pytest.mark.parametrize("name", ["Jane Smyth", "James Smith", "Jain Smith"], ids=range(3))
def test_recognition_may_write_names_as_it_likes(name):
    text = statement("en", speaker=name, company="Con toso", code=CODE)

    found = heard(text)

    assert found.speaker > 0.6
    assert found.company > 0.6


def test_nothing_heard_is_nothing():
    found = heard("")

    assert (found.words, found.speaker, found.company, found.code) == (0.0, 0.0, 0.0, False)


def test_codes_differ_and_have_six_digits():
    codes = {new_code() for _ in range(50)}

    assert len(codes) > 45
    assert all(len(code) == 6 and code.isdecimal() for code in codes)


def test_digits_have_names_in_most_languages():
    assert [spoken_digits("de")[word] for word in ("null", "vier", "neun")] == ["0", "4", "9"]
