"""Waiting in a world where anything may be cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def see_through(work: Awaitable[T]) -> T:
    """Await to the end, even when the caller is cancelled, once or more; then pass that on.

    For what cannot be interrupted or must not be left half done.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # seen, so that it is not reported as lost
        raise cancelled
    return task.result()


async def in_thread(
    pool: Executor | None, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run in a thread of a pool, None for the loop's own; see it through when cancelled. Context
    variables are there as well: the request's id, its trace.

    What the thread works with may be closed when this returns, however it returns. A bare
    `asyncio.to_thread` would leave the thread running.
    """
    loop = asyncio.get_running_loop()
    call = partial(copy_context().run, work, *args, **kwargs)
    return await see_through(loop.run_in_executor(pool, call))
