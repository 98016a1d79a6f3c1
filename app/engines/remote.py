"""Trainings that an engine's provider does."""

from typing import Protocol, runtime_checkable

from app.engines.base import Engine


@runtime_checkable
class RemotelyTrainable(Protocol):
    """What a `Trainable` engine is besides, if its `info.trains_remotely` says so.

    A training that fails leaves nothing at the provider; one that is closed goes on there, if it
    has a `run`, and whoever trains with the same `run` again finds it.
    """

    async def abandon(self, run: str) -> None:
        """Have deleted there what a training has begun, in bounded time. What cannot be deleted is
        logged; one that has left nothing is no error.
        """
        ...


async def abandon(engine: Engine, run: str) -> None:
    """Have an engine's provider delete what a training has begun there, if it is one who trains:
    also where it is not set up any more.
    """
    if isinstance(engine, RemotelyTrainable):
        await engine.abandon(run)
