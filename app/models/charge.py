"""What a caller pays with: characters."""

from collections.abc import Awaitable, Callable

Charge = Callable[[int], Awaitable[None]]
"""Takes the number of characters that are about to be worked on; what it raises ends the request
before that.
"""


async def for_nothing(_: int) -> None:
    """The charge of work that is paid otherwise."""
