"""Every call that trains or deletes a professional voice, and everything that can go wrong with it:
what our caller sees, and that nothing is left there.
"""

from contextlib import aclosing

import pytest

from app.core.exceptions import AppError, EngineFailed, EngineUnavailable
from app.engines.azure.options import AzureTraining
from app.engines.base import TrainingOptions
from tests.azure_fake.professional import container_url
from tests.engines.azure.patience import engine_over
from tests.engines.azure.test_faults import ALWAYS, FAULTS, USUAL
from tests.engines.azure.test_training import spoken

pytestmark = [pytest.mark.anyio, pytest.mark.services]

GET_MODEL, PUT_MODEL = "GET /customvoice/models/*", "PUT /customvoice/models/*"
GET_SET, PUT_SET = "GET /customvoice/trainingsets/*", "PUT /customvoice/trainingsets/*"
UPLOAD, GET_UPLOAD = "POST /customvoice/trainingsets/*:upload", "GET /customvoice/operations/*"
GET_ENDPOINT, PUT_ENDPOINT = "GET /customvoice/endpoints/*", "PUT /customvoice/endpoints/*"
GET_PROJECT, PUT_PROJECT = "GET /customvoice/projects/*", "PUT /customvoice/projects/*"
GET_CONSENT, POST_CONSENT = "GET /customvoice/consents/*", "POST /customvoice/consents/*"
PUT_BLOB, LIST_BLOBS, DELETE_BLOB = "PUT /container/*", "GET /container", "DELETE /container/*"
MAKING = (
    GET_MODEL, PUT_MODEL, GET_SET, PUT_SET, UPLOAD, GET_UPLOAD, GET_ENDPOINT, PUT_ENDPOINT,
    GET_PROJECT, PUT_PROJECT, GET_CONSENT, POST_CONSENT,
)  # fmt: skip
DELETING = tuple(
    f"DELETE /customvoice/{kind}/*" for kind in ("endpoints", "models", "trainingsets", "consents")
)
SPEECH = "POST /voice/cognitiveservices/v1"
GONE = ("404", "empty body", "HTML body", "cut stream")
# Where the rule is another one; None: no error.
OTHERS = {
    (GET_PROJECT, "404"): None,  # it is made
    (LIST_BLOBS, "empty body"): None,  # as a container with nothing in it
    (LIST_BLOBS, "HTML body"): None,
    (GET_UPLOAD, "404"): None,  # the training set tells it as well
    **{(call, fault): None for call in DELETING for fault in GONE},
    # It is there all the same, and so is what it is made of.
    **{(call, fault): EngineFailed for call in DELETING[:2] for fault in GONE[:3]},
}


def cases(*calls):
    found = [(call, fault) for call in calls for fault in FAULTS]
    return pytest.mark.parametrize(("call", "fault"), found)


@pytest.fixture
async def hasty(service, patience):
    """Does not wait long."""
    account = AzureTraining(container_url=lambda: container_url(service.url), away_s=30.0)
    engine = engine_over(service, patience, timeout_s=0.1, tries=2, training=account)
    yield engine
    await engine.close()


async def trained(engine, recording, agreement, run):
    options = TrainingOptions(agreement=agreement, run=run)
    async with aclosing(engine.train([recording], None, options=options)) as events:
        return [event async for event in events][-1].state


async def outcome(work, expected):
    if expected is None:
        return await work
    with pytest.raises(AppError) as failed:
        await work
    assert type(failed.value) is expected
    assert failed.value.detail
    assert failed.value.suggestion
    assert "Access denied" not in f"{failed.value}{failed.value.extra}"
    return None


@cases(*MAKING)
async def test_training(call, fault, hasty, service, recording, agreement):
    expected = OTHERS.get((call, fault), USUAL[fault])
    service.faults.add(call, FAULTS[fault], ALWAYS)

    await outcome(trained(hasty, recording, agreement, "job-1"), expected)

    service.faults.clear()
    if expected is None:
        assert service.account.studio.endpoints
    else:
        assert service.account.is_bare
        assert await trained(hasty, recording, agreement, "job-2")


@cases(PUT_BLOB, LIST_BLOBS)
async def test_handing_over_recordings(call, fault, hasty, service, recording, agreement):
    expected = OTHERS.get((call, fault), EngineUnavailable)
    service.faults.add(call, FAULTS[fault], ALWAYS)

    await outcome(trained(hasty, recording, agreement, "job-1"), expected)

    service.faults.clear()
    await hasty.abandon("job-1")
    assert service.account.is_bare


@cases(DELETE_BLOB)
async def test_taking_them_back(call, fault, hasty, service, recording, agreement):
    """What is trained is not given up for that: the log tells it."""
    service.faults.add(call, FAULTS[fault], ALWAYS)

    assert await trained(hasty, recording, agreement, "job-1")

    service.faults.clear()
    await hasty.abandon("job-1")
    assert service.account.is_bare


@cases(*DELETING)
async def test_deleting_a_voice(call, fault, hasty, service, recording, agreement):
    voice = await trained(hasty, recording, agreement, "job-1")
    service.faults.add(call, FAULTS[fault], ALWAYS)

    await outcome(hasty.forget(voice), OTHERS.get((call, fault), USUAL[fault]))

    service.faults.clear()
    await hasty.forget(voice)
    assert service.account.is_bare


async def test_a_container_that_lists_what_was_not_asked_for_loses_nothing(
    hasty, service, recording, agreement, monkeypatch
):
    service.account.studio.blobs["others.wav"] = b"theirs"
    monkeypatch.setattr("tests.azure_fake.professional.LISTS_ALL", True)

    await outcome(trained(hasty, recording, agreement, "job-1"), EngineUnavailable)

    assert "others.wav" in service.account.studio.blobs


@pytest.mark.parametrize("fault", ["401", "404", "429", "503", "no first byte"])
async def test_speaking(fault, hasty, service, recording, agreement):
    voice = await trained(hasty, recording, agreement, "job-1")
    service.faults.add(SPEECH, FAULTS[fault], ALWAYS)

    await outcome(spoken(hasty, voice), USUAL[fault])


async def test_deleting_waits_for_what_is_on_its_way_out(hasty, service, recording, agreement):
    voice = await trained(hasty, recording, agreement, "job-1")
    service.faults.add(DELETING[1], FAULTS["409"], times=3)

    await hasty.forget(voice)

    assert service.account.is_bare


async def test_what_cannot_be_deleted_is_not_what_is_told(hasty, service, recording, agreement):
    service.account.studio.fail_model.append("TerminateByUser")
    service.faults.add("DELETE *", FAULTS["403"], ALWAYS)

    with pytest.raises(EngineFailed) as failed:
        await trained(hasty, recording, agreement, "job-1")

    assert failed.value.extra["provider_reason"] == "TerminateByUser"
