"""Engines that can speak many texts in one go."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from app.engines.base import SynthesisRequest


@runtime_checkable
class SpeaksAhead(Protocol):
    """What an engine can do besides: have many requests spoken in one go."""

    @property
    def ahead_from(self) -> int:
        """Number of requests from which that is worth while; 0: never."""
        ...

    def speak_ahead(
        self,
        requests: Sequence[SynthesisRequest],
        *,
        name: str,
        before: Sequence[SynthesisRequest] = (),
        keep: Callable[[BaseException], Awaitable[bool]],
    ) -> AbstractAsyncContextManager[int]:
        """While it is open, `synthesize` answers an equal request with what was spoken. Whatever
        was not is spoken as usual: nothing that goes wrong at the provider is raised.

        Gives the number of requests that were spoken; 0 as well if there are too few.

        Args:
            requests: to be spoken, in order.
            name: the same for the same work, and for no other: who comes back finds what was
                begun, instead of paying twice.
            before: what was asked for under the name at first, if it is more than `requests`.
            keep: asked when an error ends it: whether somebody comes back. Else what is at the
                provider is deleted, as at its usual end.
        """
        ...
