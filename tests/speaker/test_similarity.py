import pytest

from app.speaker.similarity import describe


@pytest.mark.parametrize(
    ("similarity", "words"),
    [
        (1.0, "same speaker very likely"),
        (0.55, "same speaker very likely"),
        (0.5499, "same speaker likely"),
        (0.41, "same speaker likely"),
        (0.4099, "same speaker uncertain"),
        (0.31, "same speaker uncertain"),
        (0.3099, "same speaker unlikely"),
        (0.0, "same speaker unlikely"),
        (-1.0, "same speaker unlikely"),
    ],
)
def test_a_similarity_in_words(similarity, words):
    assert describe(similarity) == words
