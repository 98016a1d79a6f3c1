"""Words as they are written."""

import pytest

from app.text.words import written_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" — … ?! - ", []),
        ("Hello, world!", ["Hello", "world"]),
        ("“Don’t” (he said): well-known.", ["Don’t", "he", "said", "well-known"]),
        ("stop—go b–c", ["stop", "go", "b–c"]),
        ("Dr. Who paid $12.50, 50% more", ["Dr", "Who", "paid", "$12.50", "50%", "more"]),
        ("AT & T, 2 + 2 = 4", ["AT", "&", "T", "2", "+", "2", "=", "4"]),
        ("it is 20 °C\n\n#1 *bold*", ["it", "is", "20", "°C", "#1", "bold"]),
        ("¿Qué tal?", ["Qué", "tal"]),
        ("नमस्ते, आप।", ["नमस्ते", "आप"]),
    ],
)
def test_words_are_what_stands_between_spaces_without_punctuation(text, words):
    found = written_words(text)

    assert [word.text for word in found] == words
    assert [text[word.start : word.end] for word in found] == words
    assert all(word.text in word.piece for word in found)
