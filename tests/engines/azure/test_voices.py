"""Voices at Azure: made under a consent, deleted, and nothing left of those that fail."""

import asyncio
import io
import json
import wave

import numpy as np
import pytest

from app.audio.types import Recording
from app.core.exceptions import (
    ConsentMismatch,
    ConsentRequired,
    ConsentUnusable,
    EngineUnavailable,
    RecordingTooShort,
    UnsupportedLanguage,
)
from app.engines.azure.locales import consent_locale
from app.engines.azure.options import AzureOptions
from app.engines.azure.recordings import prompts
from app.engines.base import AgreementBound, Remote
from tests.azure_fake.faults import Fault

pytestmark = pytest.mark.anyio

CONSENT = "consent-0d3f6a0e-0c5b-4a0e-9f59-6a4b8d2b8e11"


async def test_a_voice_is_made_under_a_consent_and_deleted_with_it(
    engine, service, recording, agreement
):
    assert isinstance(engine, AgreementBound)
    assert isinstance(engine, Remote)

    voice = await engine.enroll_under([recording], agreement)

    kept = json.loads(voice.payload)
    [made] = service.account.voices.values()
    consent = service.account.consents[CONSENT].body
    assert (kept["voice"], kept["profile"]) == (made.body["id"], made.body["speakerProfileId"])
    assert (kept["consent"], kept["model"]) == (CONSENT, "DragonLatestNeural")
    assert service.account.projects["voice-cloning"]["kind"] == "PersonalVoice"
    assert consent["voiceTalentName"] == "Jane Smith"
    assert consent["companyName"] == "Contoso & Sons"
    assert consent["locale"] == "en-US"

    await engine.forget(voice)
    assert service.account.is_bare
    await engine.forget(voice)


async def test_voices_of_one_consent_share_it_until_the_last_is_deleted(
    engine, service, recording, agreement
):
    voices = await asyncio.gather(*(engine.enroll_under([recording], agreement) for _ in range(4)))
    assert len(service.account.consents) == 1

    for voice in voices:
        assert len(service.account.consents) == 1
        await engine.forget(voice)

    assert service.account.is_bare


async def test_a_voice_needs_the_agreement(engine, recording):
    with pytest.raises(ConsentRequired):
        await engine.enroll([recording])


@pytest.mark.parametrize(
    ("what", "reason", "error"),
    [
        ("consent", "AudioAndScriptNotMatch", ConsentUnusable),
        ("voice", "SpeakerVerificationFailed", ConsentMismatch),
        ("voice", "DataNotEnough", RecordingTooShort),
    ],
)
async def test_nothing_is_left_of_what_azure_refuses(
    engine, service, recording, agreement, what, reason, error
):
    getattr(service.account, f"fail_{what}").append(reason)

    with pytest.raises(error) as refused:
        await engine.enroll_under([recording], agreement)

    assert refused.value.suggestion
    assert refused.value.extra["provider_reason"] == reason
    assert service.account.is_bare
    assert await engine.enroll_under([recording], agreement)


async def test_a_consent_of_others_stays_when_a_voice_fails(engine, service, recording, agreement):
    await engine.enroll_under([recording], agreement)
    service.account.fail_voice.append("Internal")

    with pytest.raises(Exception, match="Azure"):
        await engine.enroll_under([recording], agreement)

    assert list(service.account.consents) == [CONSENT]
    assert len(service.account.voices) == 1


async def test_an_answer_that_is_lost_is_no_second_voice(engine, service, recording, agreement):
    service.faults.add("POST /customvoice/consents/*", Fault(502, done=True))
    service.faults.add("POST /customvoice/personalvoices/*", Fault(502, done=True))

    await engine.enroll_under([recording], agreement)

    assert len(service.account.voices) == len(service.account.consents) == 1


@pytest.mark.services
async def test_nor_where_azure_calls_the_second_one_bad(engine, service, recording, agreement):
    for route in ("POST /customvoice/consents/*", "POST /customvoice/personalvoices/*"):
        service.faults.add(route, Fault(502, done=True))
        service.faults.add(route, Fault(400))

    assert await engine.enroll_under([recording], agreement)

    assert len(service.account.voices) == len(service.account.consents) == 1


@pytest.mark.services
async def test_one_that_takes_too_long_is_given_up(
    engine, service, patience, recording, agreement, monkeypatch
):
    monkeypatch.setattr("tests.azure_fake.steps.STEPS", ("Queued",) * 1000)

    with pytest.raises(EngineUnavailable, match="in time"):
        await engine.enroll_under([recording], agreement)

    assert 100 < patience.now <= 120
    assert service.account.is_bare


async def test_a_caller_who_leaves_leaves_nothing(engine, service, recording, agreement):
    reached = asyncio.Event()

    async def pause(_: float) -> None:
        if service.account.voices:
            reached.set()
            await asyncio.Event().wait()

    engine._http.pause = pause
    making = asyncio.create_task(engine.enroll_under([recording], agreement))
    await reached.wait()
    making.cancel()

    with pytest.raises(asyncio.CancelledError):
        await making
    assert service.account.is_bare


@pytest.mark.services
async def test_what_cannot_be_deleted_is_not_what_is_told(engine, service, recording, agreement):
    service.account.fail_voice.append("SpeakerVerificationFailed")
    service.faults.add("DELETE *", Fault(403), times=9)

    with pytest.raises(ConsentMismatch):
        await engine.enroll_under([recording], agreement)


@pytest.mark.parametrize(
    ("account", "voices", "speech"),
    [
        (
            {"region": "westeurope"},
            "https://westeurope.api.cognitive.microsoft.com/customvoice",
            "https://westeurope.tts.speech.microsoft.com/cognitiveservices/v1",
        ),
        (
            {"endpoint": "https://westeurope.api.cognitive.microsoft.com/"},
            "https://westeurope.api.cognitive.microsoft.com/customvoice",
            "https://westeurope.tts.speech.microsoft.com/cognitiveservices/v1",
        ),
        (
            {"endpoint": "https://mine.cognitiveservices.azure.com/", "region": "westeurope"},
            "https://mine.cognitiveservices.azure.com/customvoice",
            "https://mine.cognitiveservices.azure.com/tts/cognitiveservices/v1",
        ),
        (
            {"endpoint": "https://mine.cognitiveservices.azure.com", "speech_url": "https://s/v1"},
            "https://mine.cognitiveservices.azure.com/customvoice",
            "https://s/v1",
        ),
    ],
)
def test_addresses_are_those_of_region_or_domain(account, voices, speech):
    options = AzureOptions(**account)

    assert (options.custom_voice_url, options.synthesis_url) == (voices, speech)


def test_recordings_are_sent_as_azure_wants_them():
    second = np.full(16_000, 0.1, np.float32)
    for seconds, expected in (((2, 2, 2), [6]), ((6, 2, 7), [6, 9]), ((3, 80, 40), [83, 7])):
        files = prompts([Recording(np.tile(second, count), 16_000) for count in seconds])
        lengths = []
        for content in files:
            with wave.open(io.BytesIO(content)) as file:
                assert (file.getframerate(), file.getsampwidth()) == (24_000, 2)
                lengths.append(round(file.getnframes() / 24_000))
        assert lengths == expected
    with pytest.raises(RecordingTooShort):
        prompts([Recording(np.tile(second, 4), 16_000)])


async def test_a_statement_is_that_of_the_region_if_there_is_one(engine):
    found = {tag: consent_locale(tag) for tag in ("en", "en-GB", "de-LI", "zh-Hant-TW", "fr_CA")}
    assert found == {
        "en": "en-US", "en-GB": "en-GB", "de-LI": "de-DE", "zh-Hant-TW": "zh-TW", "fr_CA": "fr-CA",
    }  # fmt: skip
    with pytest.raises(UnsupportedLanguage):
        consent_locale("tlh")
    said = engine.provider_statement("en-IE", speaker="Jane Smith", company="Contoso")
    assert said == (
        "I, Jane Smith, am aware that recordings of my voice will be used by Contoso to create and "
        "use a synthetic version of my voice."
    )
    assert engine.provider_statement("sk", speaker="", company="") is None
