"""What is written is what is said: lexicons, normalization and markup, from the request on."""

import csv
import json
import re
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.audio.types import SpeechChunk
from app.core.config import Settings
from app.engines.base import SynthesisRequest
from app.engines.fake import read_back
from tests.api.speech import events as events_of
from tests.api.voices import settings_of
from tests.audio.signals import read_pcm
from tests.conftest import make_app, recording, registered
from tests.speaking import WORD_TIMES, create_app, engine_kind

pytestmark = pytest.mark.services

SPEAK = "/api/v1/synthesis/speak"
STREAM = "/api/v1/synthesis/speak/stream"
ENTRIES = "/api/v1/lexicon/"
LEXICONS = "/api/v1/lexicons"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One server for all of these: no test changes what another sees."""
    with TestClient(create_app(settings_of(tmp_path_factory.mktemp("data")))) as running:
        yield running


@pytest.fixture(scope="module")
def voice(client: TestClient) -> str:
    return registered(client)


def lexicon(client: TestClient, name: str, *entries: dict[str, Any], **fields: Any) -> str:
    """Id of a new lexicon with these entries."""
    made = client.post(LEXICONS, json={"name": name} | fields)
    assert made.status_code == 201, made.text
    lexicon_id: str = made.json()["id"]
    for entry in entries:
        added = client.post(ENTRIES, json={"lexicon_id": lexicon_id} | entry)
        assert added.status_code == 201, added.text
    return lexicon_id


def speak(client: TestClient, voice: str, text: str | None = None, **fields: Any) -> Any:
    body = {"voice": voice, "format": "pcm"} | ({} if text is None else {"text": text}) | fields
    response = client.post(SPEAK, json=body)
    assert response.status_code == 200, response.text
    return response


def said(response: Any) -> str:
    """What the fake engine was told to say."""
    return " ".join(text for _, text in read_back(read_pcm(response.content)))


def events(client: TestClient, voice: str, **fields: Any) -> list[tuple[str, Any]]:
    body = {"voice": voice, "format": "pcm", "stream_format": "sse"} | fields
    response = client.post(STREAM, json=body)
    assert response.status_code == 200, response.text
    return events_of(response.text)


# Normalization


@pytest.mark.parametrize("how", [{}, {"normalize": "auto"}, {"normalize": "ON"}])
def test_numbers_are_put_into_words(client: TestClient, voice: str, how: dict[str, str]) -> None:
    response = speak(client, voice, "Dr. Smith paid $3.50.", **how)

    assert said(response) == "Doctor Smith paid three dollars and fifty cents."
    assert response.headers["x-normalized"] == "true"


def test_or_left_to_the_engine(client: TestClient, voice: str) -> None:
    response = speak(client, voice, "Dr. Smith paid $3.50.", normalize="off")

    assert said(response) == "Dr. Smith paid $3.50."
    assert response.headers["x-normalized"] == "false"


@WORD_TIMES
def test_words_are_told_as_they_are_written_at_their_offsets(
    client: TestClient, voice: str
) -> None:
    text = "They met. He owes me $3.50 now."

    *sentences, (_, done) = events(client, voice, text=text)

    (_, first), (_, second) = sentences
    assert second["text"] == "He owes me $3.50 now."
    assert second["spoken"] == "He owes me three dollars and fifty cents now."
    words = [*first["words"], *second["words"]]
    assert [word["word"] for word in words] == ["They", "met", "He", "owes", "me", "$3.50", "now"]
    assert [text[word["start"] : word["end"]] for word in words] == [w["word"] for w in words]
    # The fake engine says a byte in 40 ms.
    money = words[5]
    assert money["end_s"] - money["start_s"] == pytest.approx(
        0.04 * len("three dollars and fifty cents"), abs=0.001
    )
    assert done["normalized"] is True


class Short(engine_kind()):
    """Takes no more than it says."""

    async def synthesize(self, request: SynthesisRequest) -> AsyncGenerator[SpeechChunk, None]:
        assert len(request.text) <= self.info.max_chars
        async for chunk in super().synthesize(request):
            yield chunk


def test_what_becomes_too_long_for_the_engine_is_said_in_parts(settings: Settings) -> None:
    text = " ".join(["£1,234,567.89"] * 25) + "."
    with TestClient(make_app(settings, Short())) as client:
        voice = registered(client)
        response = speak(client, voice, text)
        (_, event), _ = events(client, voice, text=text)

    assert said(response).count("thirty-four") == 25
    timed = 25 if engine_kind().info.word_timings else 0
    assert [word["word"] for word in event["words"]] == ["£1,234,567.89"] * timed


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("drop", "Well done."), ("name", "Well done thumbs up.")],
)
def test_emoji_are_dropped_or_named(tmp_path: Any, policy: str, expected: str) -> None:
    with TestClient(create_app(settings_of(tmp_path, emoji=policy))) as client:
        response = speak(client, registered(client), "Well done 👍.")

    assert re.sub(r"\s+(?=\.)", "", said(response)) == expected


def test_or_refused(tmp_path: Any) -> None:
    with TestClient(create_app(settings_of(tmp_path, emoji="error"))) as client:
        body = {"voice": registered(client), "text": "Well done 👍."}
        problem = client.post(SPEAK, json=body).json()

    assert (problem["code"], problem["offset"]) == ("invalid-request", 10)


def test_a_text_of_nothing_but_emoji_is_said_where_they_are_named(tmp_path: Any) -> None:
    with TestClient(create_app(settings_of(tmp_path, emoji="name"))) as client:
        assert said(speak(client, registered(client), "👍")) == "thumbs up"


# Lexicons


def test_an_entry_is_said_instead_and_told_everywhere(client: TestClient, voice: str) -> None:
    places = lexicon(
        client,
        "told",
        {"grapheme": "Worcester", "alias": "Wooster"},
        {"grapheme": "kubectl", "alias": "kube control", "case_sensitive": True},
    )
    text = "Ask Worcester's KUBECTL. Worcester answers."
    plainly = {"lexicon_ids": [places], "normalize": "off"}

    response = speak(client, voice, text, **plainly)
    *sentences, (_, done) = events(client, voice, text=text, **plainly)

    assert said(response) == "Ask Wooster's KUBECTL. Wooster answers."
    headers = response.headers
    assert (headers["x-lexicon-applied"], headers["x-lexicon-ignored"]) == ("2", "1")
    rules = [rule for _, one in sentences for rule in one["lexicon"]]
    assert [(text[r["start"] : r["end"]], r["applied"], r["reason"]) for r in rules] == [
        ("Worcester", True, None),
        ("KUBECTL", False, "case"),
        ("Worcester", True, None),
    ]
    assert (done["lexicon_applied"], done["lexicon_ignored"]) == (2, 1)
    entry = client.get(f"/api/v1/synthesis/history/{headers['x-history-id']}").json()
    (applied,) = entry["lexicon"]["applied"].items()
    assert applied == (rules[0]["entry_id"], 2)
    assert entry["lexicon"]["lexicons"] == [f"{places}@2"]
    exported = list(
        csv.DictReader(client.get("/api/v1/synthesis/history/export").text.splitlines())
    )
    (line,) = [row for row in exported if row["id"] == entry["id"]]
    assert json.loads(line["lexicon"]) == entry["lexicon"]
    assert [(i["entry_id"], i["reason"], i["places"]) for i in entry["lexicon"]["ignored"]] == [
        (rules[1]["entry_id"], "case", 1)
    ]


def test_no_rule_applies_inside_the_result_of_another(client: TestClient, voice: str) -> None:
    loop = lexicon(
        client,
        "loop",
        {"grapheme": "tea", "alias": "tea and milk"},
        {"grapheme": "milk", "alias": "cream"},
        {"grapheme": "W3C", "alias": "Web 3 Committee"},
    )

    response = speak(client, voice, "More tea, the W3C says.", lexicon_ids=[loop])

    assert said(response) == "More tea and milk, the Web three Committee says."


def test_the_lexicon_that_is_named_first_goes_before(client: TestClient, voice: str) -> None:
    first = lexicon(client, "first", {"grapheme": "gif", "alias": "jiff"})
    second = lexicon(client, "second", {"grapheme": "gif", "alias": "giff"})

    for ids, word in (([first, second], "jiff"), ([second, first], "giff")):
        assert said(speak(client, voice, "A gif.", lexicon_ids=ids)) == f"A {word}."


def test_phonemes_are_told_as_a_respelling_where_the_engine_takes_none(
    client: TestClient, voice: str
) -> None:
    names = lexicon(
        client, "names", {"grapheme": "Siobhan", "phonemes": "ʃɪˈvɔːn", "alphabet": "ipa"}
    )

    response = speak(client, voice, "Siobhan came.", lexicon_ids=[names])

    assert "Siobhan" not in said(response)
    assert said(response).lower().replace("-", "").startswith("sh")
    assert response.headers["x-lexicon-applied"] == "1"


def test_a_word_in_another_script_can_be_said_by_an_entry(client: TestClient, voice: str) -> None:
    cities = lexicon(
        client, "cities", {"grapheme": "北京", "alias": "Beijing", "word_boundaries": False}
    )

    assert said(speak(client, voice, "I saw 北京.", lexicon_ids=[cities])) == "I saw Beijing."


def test_those_of_the_voice_then_the_default_ones_apply_unless_some_are_named(
    tmp_path: Any,
) -> None:
    with TestClient(create_app(settings_of(tmp_path))) as client:
        voice = registered(client)
        own = lexicon(client, "of the voice", {"grapheme": "data", "alias": "dahta"})
        lexicon(
            client, "mine", {"grapheme": "data", "alias": "dayta"},
            {"grapheme": "SQL", "alias": "sequel"}, is_default=True,
        )  # fmt: skip
        text = "SQL data."

        assert said(speak(client, voice, text)) == "sequel dayta."
        change = {"version": 1, "lexicon_ids": [own]}
        assert client.put(f"/api/v1/voices/{voice}", json=change).status_code == 200
        assert said(speak(client, voice, text)) == "sequel dahta."
        assert said(speak(client, voice, text, lexicon_ids=[own])).endswith("dahta.")
        assert "sequel" not in said(speak(client, voice, text, lexicon_ids=[own]))
        assert said(speak(client, voice, text, lexicon_ids=[], normalize="off")) == text


@pytest.mark.parametrize("path", [SPEAK, STREAM], ids=["whole", "stream"])
def test_a_lexicon_that_is_not_there_or_anothers_is_404(
    client: TestClient, voice: str, path: str
) -> None:
    body = {"text": "Hello", "voice": voice}
    headers = {"X-Owner": "ben"}
    name = f"for {path[-6:]}"
    made = client.post(LEXICONS, json={"name": name}, headers=headers).json()["id"]

    for lexicon_id in ("places", made):
        response = client.post(path, json=body | {"lexicon_ids": [lexicon_id]})
        assert (response.status_code, response.json()["code"]) == (404, "lexicon-not-found")


def test_an_earlier_revision_can_be_asked_for(client: TestClient, voice: str) -> None:
    changing = lexicon(client, "changing", {"grapheme": "router", "alias": "rooter"})
    (entry,) = client.get(ENTRIES, params={"lexicon_id": changing}).json()["items"]
    new = {"grapheme": "router", "alias": "rowter"}
    assert client.put(f"{ENTRIES}{entry['id']}", json=new).status_code == 200

    for ids, word in (([changing], "rowter"), ([f"{changing}@1"], "rooter")):
        assert said(speak(client, voice, "The router.", lexicon_ids=ids)) == f"The {word}."


# Markup


def ssml(client: TestClient, voice: str, inner: str, **fields: Any) -> Any:
    return speak(client, voice, ssml=f"<speak>{inner}</speak>", **fields)


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ("The <sub alias='World Wide Web'>WWW</sub> of 3.", "The World Wide Web of three."),
        ("Call <say-as interpret-as='telephone'>555-0199</say-as>.", "Call five five five"),
        ("<say-as interpret-as='characters'>abc</say-as>.", "A.B.C"),
        ("AT&amp;T &lt;b&gt;.", "A.T and T"),
    ],
)
def test_markup_says_how_something_is_said(
    client: TestClient, voice: str, inner: str, expected: str
) -> None:
    spoken = said(ssml(client, voice, inner))

    assert spoken.lower().startswith(expected.lower())


def test_plain_text_is_never_taken_for_markup(client: TestClient, voice: str) -> None:
    text = 'AT&T <b> <sub alias="x">y</sub> [a](/b/).'

    response = speak(client, voice, text, normalize="off")

    assert said(response) == text


def test_markup_goes_before_lexicons(client: TestClient, voice: str) -> None:
    ids = [lexicon(client, "before", {"grapheme": "lead", "alias": "leed"})]
    inner = "I lead; a <sub alias='led'>lead</sub> pipe."

    assert said(ssml(client, voice, inner, lexicon_ids=ids)) == "I leed; a led pipe."


def test_markup_can_name_lexicons(client: TestClient, voice: str) -> None:
    named = lexicon(client, "named", {"grapheme": "nginx", "alias": "engine x"})

    assert said(ssml(client, voice, f"<lexicon uri='{named}'/>Use nginx.")) == "Use engine x."


def test_another_voice_speaks_its_passage(client: TestClient, voice: str) -> None:
    other = registered(client, hz=180.0)
    mine, theirs = (
        read_back(read_pcm(speak(client, one, "Yes.").content))[0][0] for one in (voice, other)
    )

    response = ssml(client, voice, f"Hello. <voice name='{other}'>Good day.</voice> Bye.")

    found = read_back(read_pcm(response.content))
    assert found == [(mine, "Hello."), (theirs, "Good day."), (mine, "Bye.")]


def test_the_voice_of_another_owner_is_404(client: TestClient, voice: str) -> None:
    file = {"file": ("a.wav", recording(hz=150.0), "audio/wav")}
    foreign = client.post("/voices", files=file, headers={"X-Owner": "ben"}).json()["voice_id"]
    body = {"voice": voice, "ssml": f"<speak><voice name='{foreign}'>Hi.</voice></speak>"}

    response = client.post(SPEAK, json=body)

    assert (response.status_code, response.json()["code"]) == (404, "voice-not-found")


@WORD_TIMES
def test_marks_are_told_when_they_are_reached(client: TestClient, voice: str) -> None:
    text = "<mark name='a'/>One <mark name='b'/>two. <mark name='c'/>Three.<mark name='d'/>"

    found = events(client, voice, ssml=f"<speak>{text}</speak>")

    assert [name for name, _ in found] == [
        "audio", "mark", "mark", "audio", "mark", "mark", "done",
    ]  # fmt: skip
    sentences = [data for name, data in found if name == "audio"]
    one, two = sentences[0]["words"]
    (three,) = sentences[1]["words"]
    marks = {data["name"]: data["time_s"] for name, data in found if name == "mark"}
    assert marks["b"] == two["start_s"]
    assert marks["c"] == three["start_s"]
    assert marks["a"] <= one["start_s"]
    assert three["end_s"] <= marks["d"] <= sentences[1]["end_s"]


def test_what_has_no_effect_is_named(client: TestClient, voice: str) -> None:
    inner = (
        '<mstts:express-as xmlns:mstts="https://www.w3.org/2001/mstts" style="sad">Oh no.'
        "</mstts:express-as>"
    )

    response = ssml(client, voice, inner)
    *_, (_, done) = events(client, voice, ssml=f"<speak>{inner}</speak>")

    assert said(response) == "Oh no."
    assert response.headers["x-ssml-ignored"] == "mstts:express-as"
    assert done["ssml_ignored"] == ["mstts:express-as"]


def test_a_sentence_in_a_language_that_is_not_spoken_is_refused(
    client: TestClient, voice: str
) -> None:
    body = {"voice": voice, "ssml": "<speak>Yes. <lang xml:lang='cy'>Ie.</lang></speak>"}

    problem = client.post(SPEAK, json=body).json()

    assert problem["code"] == "language-unsupported"
