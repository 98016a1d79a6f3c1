"""Engines by name. A new engine is one module and one line here, or an entry point of another
package.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from app.assets.store import AssetStore
from app.core.exceptions import EngineUnavailable
from app.engines.base import Engine

AUTO = "auto"
ENTRY_POINTS = "voice_cloning.engines"

_FACTORIES = {
    "kokoro": "app.engines.kokoro.engine:create",
    "fake": "app.engines.fake:create",
}
# Best first. The fake engine is never chosen by itself.
_PREFERENCE = ("kokoro",)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What an engine is given when it is made.

    Attributes:
        assets: its model files.
        threads: threads of one synthesis.
        concurrency: syntheses at once.
    """

    assets: AssetStore
    threads: int
    concurrency: int


EngineFactory = Callable[[EngineOptions], Engine]


def engine_names() -> list[str]:
    return [*_FACTORIES, *(point.name for point in entry_points(group=ENTRY_POINTS))]


def create_engine(name: str, options: EngineOptions) -> Engine:
    """Make an engine, not yet opened.

    Args:
        name: as in `VOICE_ENGINE`; `auto` takes the best one.

    Raises:
        EngineUnavailable: there is no such engine, or a library that it needs is missing.
    """
    return _factory(_PREFERENCE[0] if name == AUTO else name)(options)


def _factory(name: str) -> EngineFactory:
    target = _FACTORIES.get(name)
    if target is None:
        found = [point.value for point in entry_points(group=ENTRY_POINTS) if point.name == name]
        if not found:
            raise EngineUnavailable(
                f"There is no engine {name!r}.",
                f"Set VOICE_ENGINE to one of: {', '.join([AUTO, *engine_names()])}.",
            )
        target = found[0]
    module, _, attribute = target.partition(":")
    try:
        return cast(EngineFactory, getattr(import_module(module), attribute))
    except ImportError as error:
        raise EngineUnavailable(
            f"The engine {name!r} needs the library {error.name!r}, which is not installed.",
            f"pip install 'voice-cloning-api[{name}]'",
        ) from error
