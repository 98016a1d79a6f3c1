"""What text becomes at Azure, and who is said to ask."""

import threading
from contextlib import aclosing
from xml.etree import ElementTree

import numpy as np
import pytest

from app.core.exceptions import EngineFailed, EngineUnavailable, UnspeakableText
from app.core.logging import request_id
from app.engines.azure.identity import EntraSigner
from app.engines.azure.ssml import Speaker, document
from app.engines.base import Pronunciation, SynthesisRequest, VoiceState
from tests.azure_fake.faults import Fault
from tests.azure_fake.speech import RESOURCE, TOKEN
from tests.engines.azure.patience import engine_over

pytestmark = pytest.mark.anyio

SPEECH = "POST /tts/cognitiveservices/v1"
INJECTION = (
    "</lang></mstts:ttsembedding></voice><voice name='en-US-JennyNeural'>other</voice>"
    '<audio src="http://169.254.169.254/"/>&xxe;<!-- x --><![CDATA[ y ]]>'
)


async def spoken(engine, text, voice=None, **how):
    request = SynthesisRequest(text, voice or engine.sample_voice(), **how)
    async with aclosing(engine.synthesize(request)) as chunks:
        return [chunk async for chunk in chunks]


@pytest.mark.parametrize(
    "text",
    ['Tom & Jerry\'s <b>"show"</b>', INJECTION, "a\x00b\x08c\ud800d\uffff", "]]> 1 < 2 > 0"],
    ids=["marks", "injection", "controls", "end of data"],
)
async def test_text_arrives_as_text(engine, service, text):
    await spoken(engine, text)

    [sent] = service.account.spoken
    root = ElementTree.fromstring(sent)  # noqa: S314 - our own
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert tags == ["speak", "voice", "lang"]
    readable = "".join(char if char.isprintable() else " " for char in text).replace("\uffff", " ")
    assert "".join(root.itertext()) == readable


async def test_azure_is_told_the_request_that_it_is_asked_for(engine, service):
    token = request_id.set("request-7")
    try:
        await spoken(engine, "Hello.")
    finally:
        request_id.reset(token)

    assert service.account.headers[-1]["x-ms-client-request-id"] == "request-7"


def test_a_personal_voice_is_named_with_the_text_inside():
    voice = VoiceState("azure", "azure/personal.v1", b"")
    request = SynthesisRequest(
        "Ann read.", voice, speed=1.5, pronunciations=(Pronunciation(4, 8, 'ɹ"iːd'),)
    )

    sent = document(Speaker("PhoenixLatestNeural", 'a"b'), request, "en-US").decode()

    root = ElementTree.fromstring(sent)  # noqa: S314 - our own
    [voice] = root
    [embedding] = voice
    assert voice.get("name") == "PhoenixLatestNeural"
    assert embedding.get("speakerProfileId") == 'a"b'
    assert "".join(embedding.itertext()) == "Ann read."
    assert '<prosody rate="+50%">Ann <phoneme alphabet="ipa" ph="ɹ&quot;iːd">read</phoneme>' in sent


async def test_sound_is_passed_on_as_it_comes(engine, service):
    text = "A sentence that takes some seconds to say, so that it comes in many pieces."

    chunks = await spoken(engine, text)

    whole = len(text) * 0.06 * 24_000
    assert sum(len(chunk.samples) for chunk in chunks) == pytest.approx(whole, abs=1)
    assert len(chunks) > 3
    sound = np.concatenate([chunk.samples for chunk in chunks])
    assert np.abs(np.diff(sound)).max() < 0.03  # no sample was cut in two
    assert service.account.headers[0]["x-microsoft-outputformat"] == "raw-24khz-16bit-mono-pcm"


async def test_the_first_sound_is_there_before_azure_has_made_the_rest(engine, service):
    service.account.hold = threading.Event()
    text = "A sentence that takes some seconds to say, so that it comes in many pieces."
    chunks = engine.synthesize(SynthesisRequest(text, engine.sample_voice()))

    first = await anext(chunks)
    service.account.hold.set()
    rest = [chunk async for chunk in chunks]

    assert 0 < len(first.samples) <= 4095 // 2
    assert rest[-1].text_end == len(text)


@pytest.mark.parametrize("text", ["", " … "])
async def test_nothing_is_sent_where_there_is_nothing_to_say(engine, service, text):
    with pytest.raises(UnspeakableText):
        await spoken(engine, text)
    assert not service.faults.calls


async def test_a_key_that_changes_holds_with_the_next_request(engine, service):
    await spoken(engine, "One.")
    service.account.key = "another-key-of-the-same-account"

    assert await spoken(engine, "Two.")


async def test_an_identity_is_named_in_both_forms(service, patience, agreement, recording):
    signs = EntraSigner(RESOURCE, token=lambda: TOKEN)
    engine = engine_over(service, patience, signs, key=None, resource_id=RESOURCE)

    voice = await engine.enroll_under([recording], agreement)
    assert await spoken(engine, "Hello.", voice)
    await engine.close()

    asked = service.account.headers[-1]
    assert asked["authorization"] == f"Bearer aad#{RESOURCE}#{TOKEN}"
    assert "ocp-apim-subscription-key" not in asked


@pytest.mark.services
async def test_an_identity_gives_its_token_once_for_many_requests(
    service, patience, recording, agreement, monkeypatch
):
    pytest.importorskip("azure.identity")
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{service.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    engine = engine_over(service, patience, key=None, resource_id=RESOURCE, client_id="of-mine")

    voice = await engine.enroll_under([recording], agreement)
    assert await spoken(engine, "Hello.", voice)
    await engine.close()

    [asked] = service.account.asked
    assert asked["resource"] == "https://cognitiveservices.azure.com"
    assert asked["client_id"] == "of-mine"


@pytest.mark.services
async def test_a_machine_without_an_identity_is_told(service, patience, monkeypatch):
    pytest.importorskip("azure.identity")
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{service.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "another")
    engine = engine_over(service, patience, key=None, resource_id=RESOURCE)

    with pytest.raises(EngineUnavailable, match="token"):
        await spoken(engine, "Hello.")
    await engine.close()


async def test_only_phoenix_takes_phonemes(service, patience, agreement, recording):
    given = (Pronunciation(0, 3, "ˈæn"),)
    dragon, phoenix = (
        engine_over(service, patience, base_model=model)
        for model in ("DragonLatestNeural", "PhoenixLatestNeural")
    )
    voice = await phoenix.enroll_under([recording], agreement)

    await spoken(phoenix, "Ann.", voice, pronunciations=given)
    await phoenix.close()
    await dragon.close()

    assert 'ph="ˈæn"' in service.account.spoken[-1]
    assert phoenix.missing_phonemes("ˈæn", "en-US") == ()
    assert phoenix.missing_phonemes("ʘ1", "en-US") == ("ʘ", "1")
    assert "pronunciations" not in dragon.info.controls
    assert not hasattr(dragon, "missing_phonemes")


@pytest.mark.parametrize("state", ["azure/other.v9", "azure/personal.v1"])
async def test_a_state_that_cannot_be_read_is_told(engine, state):
    with pytest.raises(EngineFailed, match="format"):
        await spoken(engine, "Hello.", VoiceState("azure", state, b"{}"))


async def test_a_failure_that_passes_is_waited_for_as_asked(engine, service, patience):
    service.faults.add(SPEECH, Fault(429, retry_after="7"))
    service.faults.add(SPEECH, Fault(503))

    assert await spoken(engine, "Hello.")

    assert patience.waits[0] == 7.0
    assert 0 < patience.waits[1] <= 1.0
    assert service.faults.calls == [SPEECH] * 3


async def test_no_more_requests_are_sent_than_the_account_allows(service, patience):
    engine = engine_over(service, patience, per_second=2)

    for _ in range(5):
        await spoken(engine, "Hi.")
    await engine.close()

    assert patience.now == 2.0
