"""Batches of an engine that speaks ahead."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from app.core.exceptions import EngineUnavailable, StorageError
from app.models.job import JobStatus
from tests.services.batching import Held, batching
from tests.services.parts import OWNER

pytestmark = pytest.mark.anyio


class Early(Held):
    """Is told what it could speak ahead.

    Attributes:
        told: name, texts, and texts of the beginning, of each time.
        kept: what it was answered when an error came.
        is_open: whether what it was told is being spoken.
    """

    ahead_from = 1

    def __init__(self):
        super().__init__()
        self.told, self.kept, self.is_open = [], [], False
        self.said_closed = []

    @asynccontextmanager
    async def speak_ahead(self, requests, *, name, before=(), keep):
        self.told.append((name, [one.text for one in requests], [one.text for one in before]))
        self.is_open = True
        try:
            yield len(requests)
        except BaseException as error:
            self.kept.append((type(error), await keep(error)))
            raise
        finally:
            self.is_open = False

    async def synthesize(self, request):
        if not self.is_open:
            self.said_closed.append(request.text)
        async for chunk in super().synthesize(request):
            yield chunk


@pytest.fixture
async def b(settings):
    async with batching(settings, engine=Early(), at_once=1) as made:
        yield made


async def stopped_at(b, batch, text):
    """Work until a text is to be said."""
    b.engine.stops_at = text
    task = asyncio.ensure_future(b.work(batch))
    await b.engine.reached.wait()
    return task


@pytest.mark.services
async def test_all_items_are_spoken_ahead_in_one_part(b):
    items = [{"text": f"Item {n}. And more."} for n in range(30)]
    batch = await b.begun(await b.voice(), 30, items=items)

    await b.work(batch)

    texts = [text for n in range(30) for text in (f"Item {n}.", "And more.")]
    assert b.engine.told == [(f"{batch.job_id}-0", texts, texts)]
    assert b.engine.said == texts
    assert not b.engine.said_closed
    assert (await b.now(batch)).status is JobStatus.SUCCEEDED


@pytest.mark.services
async def test_what_cannot_be_told_yet_is_left_out(b):
    other = await b.voice(190.0)
    texts = [{"text": f"Item {n}."} for n in range(4)]
    batch = await b.begun(await b.voice(), 4, items=[*texts, {"text": "Item 4.", "voice": other}])
    stored = await b.items(batch)
    prepared = {**stored[1].request, "prepare": {"on_error": "skip"}}
    for item, request in ((stored[1], prepared), (stored[2], {"rubbish": 1})):
        await b.batch_items.update(item.model_copy(update={"request": request}))
    await b.voices.delete(OWNER, other)

    await b.work(batch)

    assert b.engine.told[0][1] == ["Item 0.", "Item 3."]


async def test_who_comes_back_tells_what_it_was_and_what_is_left(b):
    batch = await b.begun(await b.voice(), 4)
    task = await stopped_at(b, batch, "Item 2.")
    task.cancel()
    await asyncio.wait([task])
    assert b.engine.kept == [(asyncio.CancelledError, True)]

    b.engine.go.set()
    await b.work(batch)

    texts = [f"Item {n}." for n in range(4)]
    name = f"{batch.job_id}-0"
    assert b.engine.told == [(name, texts, texts), (name, texts[2:], texts)]
    assert (await b.now(batch)).status is JobStatus.SUCCEEDED


@pytest.mark.services
async def test_nothing_is_kept_of_a_batch_that_is_cancelled(b):
    batch = await b.begun(await b.voice(), 3)
    task = await stopped_at(b, batch, "Item 1.")

    await b.service.cancel(OWNER, batch.batch_id)
    await task

    assert b.engine.kept == [(asyncio.CancelledError, False)]


@pytest.mark.services
@pytest.mark.parametrize(("error", "kept"), [(StorageError, True), (EngineUnavailable, False)])
async def test_what_is_kept_after_an_error(error, kept, b):
    batch = await b.begun(await b.voice(), 2)
    if error is StorageError:
        b.outputs.room = len(b.outputs.names)
    else:

        async def fails(request):
            raise error("It is away.")
            yield

        b.engine.synthesize = fails
    await b.work(batch)

    assert b.engine.kept[0] == (error, kept)
