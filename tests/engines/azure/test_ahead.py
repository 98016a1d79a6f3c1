"""Texts that are spoken ahead by batch synthesis, over a fake of it."""

import asyncio
import io
import json
import zipfile
from contextlib import aclosing

import numpy as np
import pytest

from app.core.exceptions import EngineFailed
from app.engines.ahead import SpeaksAhead
from app.engines.azure.ahead import Ahead, Document
from app.engines.azure.batches import BatchJob, BatchSynthesis
from app.engines.azure.http import AzureHttp
from app.engines.azure.options import AzureBatch, AzureOptions
from app.engines.base import SynthesisRequest
from tests.azure_fake.faults import Fault
from tests.engines.azure.patience import engine_over

pytestmark = pytest.mark.anyio

SPEECH = "POST /tts/cognitiveservices/v1"
JOBS = "/texttospeech/batchsyntheses/*"
NAME = "550e8400-e29b-41d4-a716-446655440000-0"


@pytest.fixture
async def engine(service, patience):
    engine = engine_over(service, patience, batch=AzureBatch(at_least=3), tries=2)
    yield engine
    await engine.close()


def requests(engine, count=4):
    return [SynthesisRequest(f"Item {n} & more.", engine.sample_voice()) for n in range(count)]


async def gone(error):
    return False


async def stays(error):
    return True


def ahead(engine, asked, keep=gone, **more):
    return engine.speak_ahead(asked, name=NAME, keep=keep, **more)


async def said(engine, request):
    async with aclosing(engine.synthesize(request)) as chunks:
        return np.concatenate([chunk.samples async for chunk in chunks])


async def all_said(engine, asked):
    return [await said(engine, request) for request in asked]


def spoken_singly(service):
    return service.faults.calls.count(SPEECH)


async def test_what_was_spoken_ahead_is_the_same_sound(engine, service):
    asked = requests(engine)
    usual = await all_said(engine, asked)
    service.faults.calls.clear()

    async with ahead(engine, [*asked, asked[0]]) as count:
        assert count == len(asked)  # each document once
        found = await all_said(engine, asked)
        [job] = service.batches.jobs.values()
        assert len(job.documents) == len(asked)
        assert job.properties["outputFormat"] == "riff-24khz-16bit-mono-pcm"
        assert job.properties["timeToLiveInHours"] == 24
        assert not spoken_singly(service)
        await said(engine, SynthesisRequest("Something else.", engine.sample_voice()))
        assert spoken_singly(service) == 1

    assert isinstance(engine, SpeaksAhead)
    assert all(np.array_equal(*pair) for pair in zip(usual, found, strict=True))
    assert not service.batches.jobs
    await said(engine, asked[0])
    assert spoken_singly(service) == 2


async def test_few_texts_are_spoken_as_usual(engine, service):
    async with ahead(engine, requests(engine, 2)) as count:
        assert count == 0

    assert not service.faults.calls


async def test_it_is_polled_with_growing_pauses(engine, service, patience):
    service.batches.steps = 12

    async with ahead(engine, requests(engine)) as count:
        assert count

    assert patience.waits == sorted(patience.waits)
    assert patience.waits[0] == 1.0
    assert patience.waits[-1] == 15.0


async def test_who_comes_back_finds_what_was_begun(engine, service, patience):
    asked = requests(engine)
    with pytest.raises(asyncio.CancelledError):
        async with ahead(engine, asked, keep=stays):
            raise asyncio.CancelledError

    other = engine_over(service, patience, batch=AzureBatch(at_least=3))
    # Some were done by then, and are not asked for any more.
    async with ahead(other, asked[2:], before=asked) as count:
        assert count == 4
        await all_said(other, asked[2:])
    await other.close()

    assert len(service.batches.sent) == 4
    assert not spoken_singly(service)
    assert not service.batches.jobs


async def test_nothing_is_begun_anew_for_what_was_done(engine, service):
    asked = requests(engine, 6)

    async with ahead(engine, asked[3:], before=asked) as count:
        assert count == 3

    assert len(service.batches.sent) == 3


async def test_what_is_left_of_a_part_that_is_done_is_deleted(engine, service):
    asked = requests(engine)
    with pytest.raises(OSError, match="stopped"):
        async with ahead(engine, asked, keep=stays):
            raise OSError("stopped")

    async with ahead(engine, [], before=asked) as count:
        assert count == 0

    assert not service.batches.jobs
    assert len(service.batches.sent) == 4


@pytest.mark.parametrize("error", [asyncio.CancelledError, ValueError])
async def test_nothing_stays_of_what_is_cancelled(error, engine, service):
    with pytest.raises(error):
        async with ahead(engine, requests(engine)):
            raise error

    assert not service.batches.jobs
    assert len(service.batches.deleted) == 1


async def test_cancelled_while_azure_works_it_is_deleted(service, patience):
    service.batches.steps = 1000
    waiting = asyncio.Event()

    async def pause(seconds):
        waiting.set()
        await asyncio.Event().wait()

    patience.pause = pause
    engine = engine_over(service, patience, batch=AzureBatch(at_least=3))

    async def work():
        async with ahead(engine, requests(engine)):
            pytest.fail("it is not done")

    task = asyncio.ensure_future(work())
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await engine.close()
    assert not service.batches.jobs
    assert len(service.batches.deleted) == 1


def without(*names):
    def change(content):
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
            for name in old.namelist():
                if name not in names:
                    new.writestr(name, old.read(name))
        return made.getvalue()

    return change


def summary(change):
    """A zip whose summary is another one."""

    def changed(content):
        made = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w") as new:
            for name in old.namelist():
                text = old.read(name)
                if name == "summary.json":
                    told = json.loads(text)
                    change(told)
                    text = json.dumps(told).encode()
                new.writestr(name, text)
        return made.getvalue()

    return changed


def bomb(content):
    """The first sound is of ten thousand minutes."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            long = name == "0001.wav"
            new.writestr(name, bytes(40_000_000) if long else old.read(name))
    return made.getvalue()


def flipped(content):
    """The first sound is broken."""
    at = content.index(b"0001.wav") + 60
    return content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :]


def crowd(content):
    made = io.BytesIO(content)
    with zipfile.ZipFile(made, "a") as file:
        for n in range(100):
            file.writestr(f"more-{n}", b"")
    return made.getvalue()


def other_way(told):
    told["results"].reverse()


def unnamed(told):
    for one in told["results"]:
        one["contents"] = ["(not shown)"]


def elsewhere(told):
    told["results"][0]["audioFileName"] = "../../etc/passwd.wav"


def results(found):
    return lambda told: told.update(results=found)


# What is changed, and how many of the four are spoken one by one then.
KNOBS = {
    "as it should be": ({}, 0),
    "two failed": ({"fail_inputs": frozenset({0, 2})}, 2),
    "a file is missing": ({"leave_out": frozenset({"0003.wav"})}, 1),
    "no summary": ({"leave_out": frozenset({"summary.json"})}, 4),
    "another rate": ({"rate": 16_000}, 4),
    "whole failure": ({"fail_whole": 1}, 4),
    "expired once": ({"expired": 1}, 0),
    "expired always": ({"expired": 99}, 4),
    "too slow": ({"steps": 1000}, 4),
    "no zip": ({"change": lambda content: b"<html>no</html>"}, 4),
    "cut zip": ({"change": lambda content: content[:-200]}, 4),
    "empty": ({"change": lambda content: b""}, 4),
    "broken sound": ({"change": flipped}, 1),
    "a sound too long": ({"change": bomb}, 1),
    "too many files": ({"change": crowd}, 4),
    "another order": ({"change": summary(other_way)}, 0),
    "documents not told": ({"change": summary(unnamed)}, 0),
    "one less, documents not told": (
        {"change": summary(lambda told: (unnamed(told), told["results"].pop(0)))}, 4,
    ),
    "a strange name": ({"change": summary(elsewhere)}, 1),
    "no list": ({"change": summary(results("x"))}, 4),
    "strange entries": ({"change": summary(results([1, [], {}, None]))}, 4),
    "another scheme": ({"result": "file:///etc/passwd"}, 4),
    "a path": ({"result": "results.zip"}, 4),
}  # fmt: skip


ALWAYS_TRIED = ("two failed", "whole failure", "expired once", "broken sound", "another order")


@pytest.mark.parametrize(
    ("knobs", "singly"),
    [
        pytest.param(*case, id=name, marks=[] if name in ALWAYS_TRIED else pytest.mark.services)
        for name, case in KNOBS.items()
    ],
)
async def test_what_is_not_as_it_should_be_is_spoken_as_usual(knobs, singly, engine, service):
    asked = requests(engine)
    vars(service.batches).update(knobs)

    async with ahead(engine, asked) as count:
        assert count <= 4
        found = await all_said(engine, asked)

    assert spoken_singly(service) == singly
    assert not service.batches.jobs
    usual = await all_said(engine, asked)
    assert all(np.array_equal(*pair) for pair in zip(usual, found, strict=True))


async def test_results_come_only_by_https_where_the_account_has_it(service, patience):
    options = AzureOptions(key=lambda: "k", endpoint="https://127.0.0.1:1")
    http = AzureHttp(options, pause=patience.pause, clock=patience.clock)
    job = BatchJob.model_validate(
        {"status": "Succeeded", "outputs": {"result": f"{service.url}/results/x/results.zip"}}
    )
    with pytest.raises(EngineFailed):
        await BatchSynthesis(http).fetch(job, io.BytesIO())
    assert not service.faults.calls


@pytest.mark.services
async def test_many_texts_are_several_jobs_of_what_azure_takes(service, patience):
    options = AzureOptions(
        key=lambda: service.account.key, endpoint=service.url, batch=AzureBatch(at_least=1)
    )
    http = AzureHttp(options, pause=patience.pause, clock=patience.clock)
    speaker = Ahead(http)
    service.batches.sound = lambda document, rate: b"\x00\x01"
    long = [Document(f"{n}{'x' * 90_000}".encode(), 1.0) for n in range(30)]
    slow = [Document(f"slow {n}".encode(), 100_000.0) for n in range(3)]
    many = [Document(b"%d" % n, 1.0) for n in range(10_001)]

    for documents, jobs in ((long, 2), (slow, 2), (many, 2)):
        async with speaker.spoken(documents, name=NAME, before=[], keep=gone) as count:
            assert count == len(documents)
            found = list(service.batches.jobs.values())
            assert len(found) == jobs
            in_order = [document for job in found for document in job.documents]
            assert in_order == [document.ssml.decode() for document in documents]
    await http.close()


async def test_a_lost_answer_begins_nothing_twice(engine, service):
    service.faults.add(f"PUT {JOBS}", Fault(500, done=True))

    async with ahead(engine, requests(engine)) as count:
        assert count == 4

    assert len(service.batches.sent) == 4


async def test_at_48_khz(service, patience):
    engine = engine_over(service, patience, batch=AzureBatch(at_least=3), sample_rate=48_000)
    asked = requests(engine)
    usual = await all_said(engine, asked)
    async with ahead(engine, asked) as count:
        assert count == 4
        found = await all_said(engine, asked)
        [job] = service.batches.jobs.values()
    await engine.close()

    assert engine.info.sample_rate == 48_000
    assert job.properties["outputFormat"] == "riff-48khz-16bit-mono-pcm"
    assert service.account.headers[0]["x-microsoft-outputformat"] == "raw-48khz-16bit-mono-pcm"
    assert len(usual[0]) == round(len(asked[0].text) * 0.06 * 48_000)
    assert all(np.array_equal(*pair) for pair in zip(usual, found, strict=True))
