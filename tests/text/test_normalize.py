"""What English readers do not know is spelled out."""

import pytest

from app.text.normalize import english, fold, plain_letters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cafe\u0301\n\u00a0x", "café x"),
        ("ｆｕｌｌ ﬁne 𝐁 ５ ٣ ㎏", "full fine B 5 3 kg"),
        ("co\u2060op\u00ad", "coop"),
        ("Ⅳ ½ x² …", "IV ½ x² …"),
    ],
)
def test_fold(text: str, expected: str) -> None:
    assert fold(text) == expected


@pytest.mark.parametrize(
    ("word", "plain"),
    [("Łódź", "Lodz"), ("naïve", "naive"), ("straße", "strasse"), ("Þór", "Thor")],
)
def test_plain_letters(word: str, plain: str) -> None:
    assert plain_letters(word) == plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("½ cup", "1/2 cup"),
        ("1½ cups", "1 and 1/2 cups"),
        ("5 km² x³", "5 km squared x cubed"),
        ("10⁻³", "10 to the power of minus 3"),
        ("H₂O", "H 2 O"),
        ("a ≤ b", "a less than or equal to b"),
        ("x ∈ A", "x element of A"),
        ("₿2", "2 bitcoin"),
        ("5$ US$5", "$5 $5"),
        ("π α-helix", "pi alpha -helix"),
        ("[a](/b/) {c}", "(a)(/b/) (c)"),
        ("1,5", "1, 5"),
        ("1,000 1,00,000", "1,000 1,00,000"),
        ("agent 007", "agent 0 0 7"),
        ("2024-01-05 3:05", "2024-01-05 3:05"),
        ("1234567890123456", "1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6"),
        ("no!!!!!!", "no!!!"),
    ],
)
def test_english(text: str, expected: str) -> None:
    assert english(text) == expected
