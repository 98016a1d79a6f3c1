"""What of a model's answer is taken."""

import pytest

from app.core.exceptions import PreparationFailed
from app.preparing.checking import checked

TEXT = "Dr. Ann lives at 5 Main St. & pays < $5."


@pytest.mark.parametrize(
    "inner",
    [
        "Doctor Ann &amp; &lt; five <break time='500ms'/> end.",
        "<p><s>Doctor <sub alias='Ann'>A.</sub></s></p>",
        "<say-as interpret-as='characters'>ABC</say-as> 😀",
    ],
)
def test_what_says_how_a_text_is_read_is_taken(inner: str) -> None:
    assert checked(f"<speak>{inner}</speak>", TEXT, language="en-US") == inner
    document = f'<?xml version="1.0"?>\n<speak version="1.0" xml:lang="en-US">{inner}</speak>\n'
    assert checked(document, TEXT, language="en-US") == inner


@pytest.mark.parametrize(
    "ssml",
    [
        "",
        "Doctor Ann.",
        "<speak/>",
        "<speak> <break/> </speak>",
        "<speak>Doctor",
        "<speak>a & b</speak>",
        "<speak><voice name='550e8400-e29b-41d4-a716-446655440000'>Ann</voice></speak>",
        "<speak><lexicon uri='550e8400-e29b-41d4-a716-446655440000'/>Ann</speak>",
        "<speak><prosody rate='slow'>Ann</prosody></speak>",
        "<speak><lang xml:lang='fr'>Ann</lang></speak>",
        "<speak><audio src='https://example.org/a.wav'/>Ann</speak>",
        "<speak><script>Ann</script></speak>",
        "<!DOCTYPE speak [<!ENTITY a 'b'>]><speak>&a;</speak>",
        "<speak>Ann <break time='10s'/></speak>",
        "<speak>Ann " + "<break time='2s'/>" * 8 + "</speak>",
        f"<speak>{'Ann ' * 200}</speak>",
        "<speak>Ann</speak><speak>Bob</speak>",
        "<speak>Ann \ud800</speak>",
    ],
)
def test_all_else_is_refused_without_a_word_of_it(ssml: str) -> None:
    with pytest.raises(PreparationFailed) as error:
        checked(ssml, TEXT, language="en-US")

    assert "Ann" not in f"{error.value.detail} {error.value.suggestion}"
