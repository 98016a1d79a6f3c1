"""Every call to Azure, and everything that can go wrong with it: what our caller sees, and that
nothing is left there. `docs/azure.md` has the same table.
"""

from contextlib import aclosing
from dataclasses import dataclass

import pytest

from app.core.exceptions import (
    AppError,
    ConsentMismatch,
    ConsentUnusable,
    EngineBusy,
    EngineFailed,
    EngineUnavailable,
    RecordingTooShort,
)
from app.engines.base import SynthesisRequest
from tests.azure_fake.faults import EMPTY, HTML, MUTE, Fault
from tests.engines.azure.patience import engine_over

pytestmark = [pytest.mark.anyio, pytest.mark.services]

ALWAYS = 99
SPEECH = "POST /tts/cognitiveservices/v1"
MODELS = "GET /customvoice/basemodels"
GET_PROJECT, PUT_PROJECT = "GET /customvoice/projects/*", "PUT /customvoice/projects/*"
POST_CONSENT, GET_CONSENT = "POST /customvoice/consents/*", "GET /customvoice/consents/*"
POST_VOICE, GET_VOICE = "POST /customvoice/personalvoices/*", "GET /customvoice/personalvoices/*"
LIST_VOICES = "GET /customvoice/personalvoices"
DELETE_VOICE = "DELETE /customvoice/personalvoices/*"
DELETE_CONSENT = "DELETE /customvoice/consents/*"

FAULTS = {
    "401": Fault(401, body=b'{"error":{"code":"401","message":"Access denied"}}'),
    "403": Fault(403, body=b'{"error":{"code":"Forbidden","message":"no"}}'),
    "404": Fault(404),
    "409": Fault(409),
    "429": Fault(429),
    "429 with Retry-After": Fault(429, retry_after="3"),
    "500": Fault(500),
    "503": Fault(503, retry_after="2"),
    "empty body": EMPTY,
    "HTML body": HTML,
    "cut stream": Fault(cut=5),
    "no first byte": MUTE,
}
USUAL = {
    "401": EngineUnavailable,
    "403": EngineUnavailable,
    "404": EngineFailed,
    "409": EngineFailed,
    "429": EngineBusy,
    "429 with Retry-After": EngineBusy,
    "500": EngineUnavailable,
    "503": EngineUnavailable,
    "empty body": EngineFailed,
    "HTML body": EngineFailed,
    "cut stream": EngineUnavailable,
    "no first byte": EngineUnavailable,
}
# Where the rule is another one; None: no error.
OTHERS = {
    (GET_PROJECT, "404"): None,  # it is made
    (SPEECH, "cut stream"): EngineFailed,  # half of it was spoken
    # There is nothing in the answer that is needed, or it is what was wanted.
    **{
        (call, fault): None
        for call in (DELETE_VOICE, DELETE_CONSENT)
        for fault in ("404", "empty body", "HTML body", "cut stream")
    },
}


@dataclass(frozen=True)
class Case:
    call: str
    fault: str

    @property
    def expected(self) -> type[AppError] | None:
        return OTHERS.get((self.call, self.fault), USUAL[self.fault])

    def __str__(self) -> str:
        return f"{self.call} {self.fault}"


def cases(*calls):
    return pytest.mark.parametrize("case", [Case(c, f) for c in calls for f in FAULTS], ids=str)


@pytest.fixture
async def hasty(service, patience):
    """Does not wait long for a byte."""
    engine = engine_over(service, patience, timeout_s=0.2, tries=3)
    yield engine
    await engine.close()


async def outcome(work, expected):
    """Do it; see what becomes of it."""
    if expected is None:
        return await work
    with pytest.raises(expected) as failed:
        await work
    error = failed.value
    assert type(error) is expected
    assert error.detail
    assert error.status == 503 or expected is EngineFailed
    assert "Access denied" not in str(error.extra)
    if expected is EngineBusy:
        assert error.retry_after_s >= 1
    return None


@cases(GET_PROJECT, PUT_PROJECT, GET_CONSENT, POST_CONSENT, GET_VOICE, POST_VOICE)
async def test_making_a_voice(case, hasty, service, recording, agreement):
    service.faults.add(case.call, FAULTS[case.fault], ALWAYS)

    await outcome(hasty.enroll_under([recording], agreement), case.expected)

    service.faults.clear()
    if case.expected is None:
        assert not service.account.is_bare
    else:
        assert service.account.is_bare
        assert await hasty.enroll_under([recording], agreement)


@cases(DELETE_VOICE, LIST_VOICES, DELETE_CONSENT)
async def test_deleting_a_voice(case, hasty, service, recording, agreement):
    voice = await hasty.enroll_under([recording], agreement)
    service.faults.add(case.call, FAULTS[case.fault], ALWAYS)

    await outcome(hasty.forget(voice), case.expected)

    service.faults.clear()
    await hasty.forget(voice)
    assert service.account.is_bare


@cases(SPEECH)
async def test_speaking(case, hasty, service):
    service.faults.add(case.call, FAULTS[case.fault], ALWAYS)

    async def speak():
        request = SynthesisRequest("A sentence of some length.", hasty.sample_voice())
        async with aclosing(hasty.synthesize(request)) as chunks:
            return [chunk async for chunk in chunks]

    await outcome(speak(), case.expected)

    service.faults.clear()
    assert await speak()


@cases(MODELS)
async def test_starting(case, hasty, service):
    service.faults.add(case.call, FAULTS[case.fault], ALWAYS)

    await outcome(hasty.open(), case.expected)

    service.faults.clear()
    await hasty.open()


@pytest.mark.parametrize("call", [POST_CONSENT, POST_VOICE, GET_VOICE, GET_PROJECT])
@pytest.mark.parametrize("fault", ["429", "429 with Retry-After", "500", "503", "no first byte"])
async def test_what_passes_is_not_seen(call, fault, hasty, service, patience, recording, agreement):
    service.faults.add(call, FAULTS[fault], 2)

    assert await hasty.enroll_under([recording], agreement)

    if FAULTS[fault].retry_after:
        assert patience.waits.count(float(FAULTS[fault].retry_after)) == 2


@pytest.mark.parametrize("fault", ["401", "403", "404", "409"])
async def test_other_refusals_are_not_tried_again(fault, hasty, service):
    service.faults.add(SPEECH, FAULTS[fault], ALWAYS)

    with pytest.raises(AppError):
        await anext(hasty.synthesize(SynthesisRequest("Hello.", hasty.sample_voice())))

    assert service.faults.calls == [SPEECH]


@pytest.mark.parametrize("wait", ["100000", "Wed, 21 Oct 2099 07:28:00 GMT"])
async def test_nobody_waits_for_hours(wait, hasty, service, patience):
    service.faults.add(SPEECH, Fault(429, retry_after=wait), ALWAYS)

    with pytest.raises(EngineBusy) as busy:
        await anext(hasty.synthesize(SynthesisRequest("Hello.", hasty.sample_voice())))

    assert busy.value.retry_after_s == 86_400
    assert not patience.waits


REASONS = {
    ("consent", "AudioAndScriptNotMatch"): ConsentUnusable,
    ("consent", "Internal"): EngineFailed,
    ("consent", "None"): EngineFailed,
    ("voice", "SpeakerVerificationFailed"): ConsentMismatch,
    ("voice", "DataNotEnough"): RecordingTooShort,
    ("voice", "DataNotReady"): EngineFailed,
    ("voice", "InaccessibleCustomerStorage"): EngineFailed,
    ("voice", "TerminateByUser"): EngineFailed,
    ("voice", "Internal"): EngineFailed,
    ("voice", "SomethingOfNextYear"): EngineFailed,
}


@pytest.mark.parametrize(("reason", "expected"), REASONS.items(), ids=str)
async def test_what_azure_does_not_make(reason, expected, hasty, service, recording, agreement):
    what, why = reason
    getattr(service.account, f"fail_{what}").append(why)

    with pytest.raises(expected) as failed:
        await hasty.enroll_under([recording], agreement)

    assert failed.value.extra["provider_reason"] == why
    assert failed.value.suggestion
    assert service.account.is_bare
