"""Professional voices: trained at Azure in stages, gone on with after a kill, and nothing left of
those that fail.
"""

import json
from contextlib import aclosing
from dataclasses import replace

import pytest

from app.core.exceptions import (
    ConsentMismatch,
    ConsentRequired,
    ConsentUnusable,
    EngineFailed,
    EngineUnavailable,
    RecordingTooShort,
    TrainingUnsupported,
)
from app.engines.azure.options import AzureOptions, AzureTraining
from app.engines.azure.professional import Names
from app.engines.base import TRAINED, SynthesisRequest, TrainingOptions
from app.engines.remote import RemotelyTrainable, abandon
from tests.azure_fake.faults import EMPTY, HTML, MUTE, Fault
from tests.azure_fake.professional import container_url
from tests.engines.azure.patience import engine_over

pytestmark = pytest.mark.anyio

STAGES = ("agreeing", "sending", "reading", "training", "deploying", TRAINED)
ONCE = ["set", "upload", "model", "endpoint"]
OTHER_STAGES = ("agreeing", "sending", "reading", "deploying")
ALWAYS = 999


def slow(stage):
    return pytest.param(stage, marks=pytest.mark.services)


def trains_at(service, patience, *, where=None, **training):
    usual = {"container_url": lambda: where or container_url(service.url), "away_s": 60.0}
    account = AzureTraining(**usual | training)
    return engine_over(service, patience, timeout_s=0.2, tries=2, training=account)


@pytest.fixture
async def trained_by(service, patience):
    """An engine that trains."""
    engine = trains_at(service, patience)
    yield engine
    await engine.close()


@pytest.fixture
def options(agreement):
    return TrainingOptions(agreement=agreement, run="job-1")


async def trained(engine, recordings, options):
    async with aclosing(engine.train(recordings, None, options=options)) as events:
        return [event async for event in events]


async def killed(engine, recordings, options, *, at):
    """Train until the first event of a stage."""
    async with aclosing(engine.train(recordings, None, options=options)) as events:
        async for event in events:
            if event.stage == at:
                return
    raise AssertionError(at)


async def spoken(engine, voice):
    request = SynthesisRequest("Fish & <chips>.", voice)
    async with aclosing(engine.synthesize(request)) as chunks:
        return [chunk async for chunk in chunks]


async def test_a_slash_behind_the_container_leaves_no_recording_there(
    service, patience, recording, options
):
    where = container_url(service.url).replace("?", "/?")
    engine = trains_at(service, patience, where=where)

    await killed(engine, [recording] * 3, options, at="reading")
    sent = set(service.account.studio.blobs)
    await engine.abandon("job-1")
    await engine.close()

    assert sent
    assert all(name.startswith("training/") for name in sent)
    assert service.account.studio.is_bare


async def test_what_was_begun_is_deleted_where_training_was_turned_off_meanwhile(
    trained_by, service, patience, recording, options
):
    await killed(trained_by, [recording] * 3, options, at="training")
    later = engine_over(service, patience)

    await abandon(later, "job-1")
    await later.close()

    assert not later.info.trainable
    assert service.account.studio.is_bare


async def test_a_voice_is_trained_spoken_and_deleted(trained_by, service, recording, options):
    engine, account, studio = trained_by, service.account, service.account.studio
    assert engine.info.trainable
    assert engine.info.trains_remotely
    assert isinstance(engine, RemotelyTrainable)

    events = await trained(engine, [recording, recording, recording], options)

    assert tuple(dict.fromkeys(event.stage for event in events)) == STAGES
    progress = [event.progress for event in events]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert account.projects["voice-cloning-professional"]["kind"] == "ProfessionalVoice"
    assert not studio.blobs
    [heard], [model], [endpoint] = (
        studio.sets.values(), studio.models.values(), studio.endpoints.values()
    )  # fmt: skip
    assert len(heard.files) == 3
    assert all(file.startswith(b"RIFF") for file in heard.files)
    assert model.body["recipe"] == {"kind": "Default"}
    assert model.body["consentId"] in account.consents
    assert endpoint.body["properties"] == {"kind": "HighPerformance"}

    voice = events[-1].state
    assert await spoken(engine, voice)
    assert f'<voice name="{model.body["voiceName"]}">' in account.spoken[-1]
    assert "ttsembedding" not in account.spoken[-1]
    assert "Fish &amp; &lt;chips&gt;." in account.spoken[-1]

    await engine.forget(voice)
    assert account.is_bare
    await engine.forget(voice)


@pytest.mark.parametrize("stage", ["training", *map(slow, OTHER_STAGES)])
async def test_whoever_goes_on_makes_nothing_twice(
    stage, trained_by, service, patience, recording, options
):
    await killed(trained_by, [recording], options, at=stage)
    other = trains_at(service, patience)

    # It may have got another recording since.
    voice = (await trained(other, [recording, recording], options))[-1].state

    studio = service.account.studio
    assert studio.made == ONCE
    assert len(service.account.consents) == 1
    assert not studio.blobs
    assert await spoken(other, voice)
    await other.close()


@pytest.mark.services
@pytest.mark.parametrize(
    "call", ["POST */consents/*", "PUT */trainingsets/*", "POST *:upload", "PUT */models/*"]
)
async def test_an_answer_that_is_lost_makes_nothing_twice(
    call, trained_by, service, recording, options
):
    service.faults.add(call, Fault(502, done=True))

    await trained(trained_by, [recording], options)

    assert service.account.studio.made == ONCE


@pytest.mark.services
async def test_who_has_the_voice_can_leave(trained_by, service, recording, options):
    await killed(trained_by, [recording], replace(options, run=None), at=TRAINED)

    assert service.account.studio.made == ONCE
    assert not service.account.is_bare


async def test_a_voice_needs_the_agreement_before_anything_is_sent(trained_by, service, recording):
    with pytest.raises(ConsentRequired) as refused:
        await trained(trained_by, [recording], TrainingOptions(run="job-1"))

    assert refused.value.suggestion
    assert not service.faults.calls


async def test_without_its_settings_nothing_is_trained(engine, service, recording, options):
    assert not engine.info.trainable
    with pytest.raises(TrainingUnsupported):
        await trained(engine, [recording], options)
    assert not service.faults.calls


REASONS = {
    "SpeakerVerificationFailed": ConsentMismatch,
    "DataNotEnough": RecordingTooShort,
    "DataNotReady": EngineFailed,
    "InaccessibleCustomerStorage": EngineUnavailable,
    "TerminateByUser": EngineFailed,
    "Internal": EngineFailed,
    "SomethingOfNextYear": EngineFailed,
}


@pytest.mark.services
@pytest.mark.parametrize(("reason", "expected"), REASONS.items())
async def test_nothing_is_left_of_a_voice_that_azure_does_not_train(
    reason, expected, trained_by, service, recording, options
):
    service.account.studio.fail_model.append(reason)

    with pytest.raises(expected) as failed:
        await trained(trained_by, [recording], options)

    assert failed.value.extra["provider_reason"] == reason
    assert failed.value.suggestion
    assert service.account.is_bare


@pytest.mark.services
@pytest.mark.parametrize("what", ["set", "endpoint", "consent"])
async def test_nor_of_what_it_is_made_of(what, trained_by, service, recording, options):
    kept = service.account if what == "consent" else service.account.studio
    reason = "AudioAndScriptNotMatch" if what == "consent" else "Internal"
    getattr(kept, f"fail_{what}").append(reason)

    with pytest.raises(ConsentUnusable if what == "consent" else EngineFailed):
        await trained(trained_by, [recording], options)

    assert service.account.is_bare
    assert await trained(trained_by, [recording], replace(options, run="job-1-2"))


@pytest.mark.parametrize("stage", ["training", *map(slow, OTHER_STAGES)])
async def test_who_stops_for_good_leaves_nothing(stage, trained_by, service, recording, options):
    await killed(trained_by, [recording], replace(options, run=None), at=stage)
    assert service.account.is_bare

    await killed(trained_by, [recording], options, at=stage)
    await trained_by.abandon("job-1")
    assert service.account.is_bare
    await trained_by.abandon("job-1")


@pytest.mark.services
@pytest.mark.parametrize("fault", [Fault(503), Fault(401), HTML, EMPTY, MUTE, Fault(429)])
async def test_a_training_outlasts_an_hour_without_azure(
    fault, trained_by, service, recording, options
):
    events = trained_by.train([recording], None, options=options)
    async with aclosing(events):
        async for event in events:
            if event.stage == "training" and "model" in service.account.studio.made:
                break
        service.faults.add("GET */models/*", fault, times=4)
        last = [event async for event in events][-1]

    assert last.stage == TRAINED
    assert service.account.studio.made == ONCE


@pytest.mark.services
async def test_a_recording_that_was_deleted_meanwhile_is_not_sent(
    trained_by, service, recording, options
):
    await killed(trained_by, [recording], options, at="sending")
    prefix = Names.of(options.run).prefix
    service.account.studio.blobs[f"{prefix}0002.wav"] = b"of the try before"

    await trained(trained_by, [recording], options)

    [heard] = service.account.studio.sets.values()
    assert len(heard.files) == 1


@pytest.mark.services
async def test_one_that_never_ends_is_given_up(service, patience, recording, options, monkeypatch):
    engine = trains_at(service, patience, hours=0.5)

    async def endless():
        async with aclosing(engine.train([recording], None, options=options)) as events:
            async for event in events:
                if event.stage == "sending":
                    monkeypatch.setattr("tests.azure_fake.steps.STEPS", ("Queued",) * 10_000)

    with pytest.raises(EngineUnavailable, match="hours"):
        await endless()

    assert 1800 <= patience.now < 2400
    assert max(patience.waits) == 300
    assert service.account.is_bare
    await engine.close()


@pytest.mark.services
async def test_what_is_gone_from_azure_is_told(trained_by, service, recording, options):
    async def deleted():
        async with aclosing(trained_by.train([recording], None, options=options)) as events:
            async for event in events:
                if event.stage == "training":
                    service.account.studio.models.clear()

    with pytest.raises(EngineFailed, match="gone"):
        await deleted()
    assert service.account.is_bare


@pytest.mark.services
@pytest.mark.parametrize("where", ["{}/container?sig=expired", "{}/nowhere?sig=x", "no address"])
async def test_a_container_that_cannot_be_used_is_the_operators(
    where, service, patience, recording, options
):
    engine = trains_at(service, patience, where=where.format(service.url))

    with pytest.raises(EngineUnavailable) as failed:
        await trained(engine, [recording], options)

    assert "AZURE_SPEECH_TRAINING_CONTAINER_URL" in failed.value.suggestion
    assert (
        "expired"
        not in f"{failed.value.detail}{failed.value.suggestion}{failed.value.extra}".replace(
            "may have expired", ""
        )
    )
    assert service.account.is_bare
    await engine.close()


@pytest.mark.parametrize(
    ("account", "url"),
    [
        ({"region": "uksouth"}, "https://uksouth.voice.speech.microsoft.com/cognitiveservices/v1"),
        ({"endpoint": "https://m.example.com"}, "https://m.example.com/voice/cognitiveservices/v1"),
        ({"region": "uksouth", "voice_url": "https://v/v1"}, "https://v/v1"),
    ],
)
def test_professional_voices_have_their_own_address(account, url):
    assert AzureOptions(**account).professional_url == url


@pytest.mark.services
async def test_a_state_of_another_layout_is_refused(trained_by, service, recording, options):
    voice = (await trained(trained_by, [recording], options))[-1].state
    fields = json.loads(voice.payload)
    for broken in (b"{", b"[]", json.dumps({**fields, "endpoint": 1}).encode()):
        with pytest.raises(EngineFailed):
            await spoken(trained_by, replace(voice, payload=broken))
