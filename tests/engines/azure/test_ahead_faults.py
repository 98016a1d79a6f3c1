"""Every call of batch synthesis, and everything that can go wrong with it: our caller hears all,
and nothing stays at Azure but what could not be deleted. `docs/azure.md` has the same table.
"""

import numpy as np
import pytest

from app.engines.azure.options import AzureBatch
from tests.azure_fake.faults import TRUE
from tests.engines.azure.patience import engine_over
from tests.engines.azure.test_ahead import JOBS, ahead, all_said, requests, spoken_singly
from tests.engines.azure.test_faults import ALWAYS, FAULTS

pytestmark = [pytest.mark.anyio, pytest.mark.services]

FIND, BEGIN, LOOK, DELETE = f"GET {JOBS}", f"PUT {JOBS}", f"GET {JOBS} ", f"DELETE {JOBS}"
FETCH = "GET /results/*"
CALLS = {"find": FIND, "begin": BEGIN, "look": LOOK, "fetch": FETCH, "delete": DELETE}
# What is begun although it is not told so, or not there although it should be.
HARMLESS = {("find", "404"), *(("delete", fault) for fault in FAULTS)}


@pytest.fixture
async def hasty(service, patience):
    engine = engine_over(
        service, patience, timeout_s=0.2, tries=3, batch=AzureBatch(at_least=3, wait_s=100)
    )
    yield engine
    await engine.close()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("call", CALLS)
async def test_all_is_spoken(call, fault, hasty, service):
    asked = requests(hasty)
    if call == "look":
        service.faults.add(FIND, TRUE)
    times = 1 if (call, fault) == ("find", "404") else ALWAYS
    service.faults.add(CALLS[call].strip(), FAULTS[fault], times)

    async with ahead(hasty, asked) as count:
        found = await all_said(hasty, asked)

    harmless = (call, fault) in HARMLESS
    assert count == (4 if harmless else 0)
    assert spoken_singly(service) == (0 if harmless else 4)
    if call != "delete" or fault == "cut stream":  # of the answer; it was deleted
        assert not service.batches.jobs
    service.faults.clear()
    usual = await all_said(hasty, asked)
    assert all(np.array_equal(*pair) for pair in zip(usual, found, strict=True))


@pytest.mark.parametrize("fault", ["429", "429 with Retry-After", "500", "503", "no first byte"])
@pytest.mark.parametrize("call", ["begin", "look", "fetch"])
async def test_what_passes_is_not_seen(call, fault, hasty, service):
    asked = requests(hasty)
    service.faults.add(CALLS[call].strip(), FAULTS[fault], 2)

    async with ahead(hasty, asked) as count:
        assert count == 4

    assert not service.batches.jobs


async def test_results_that_break_off_are_fetched_again(hasty, service):
    service.faults.add(FETCH, FAULTS["cut stream"])

    async with ahead(hasty, requests(hasty)) as count:
        assert count == 4
