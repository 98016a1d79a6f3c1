"""Engines by name. A new engine is one module and one line here, or an entry point of another
package.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final, cast

from app.assets.store import AssetStore
from app.core.exceptions import EngineUnavailable
from app.engines.azure.options import AzureOptions
from app.engines.base import Engine

AUTO = "auto"
ENTRY_POINTS = "voice_cloning.engines"

_FACTORIES = {
    "kokoro": "app.engines.kokoro.engine:create",
    "fake": "app.engines.fake:create",
    "azure": "app.engines.azure.engine:create",
}
# Best first. The fake engine is never chosen by itself, nor one that sends text elsewhere.
_PREFERENCE = ("kokoro",)

REMOTE: Final = frozenset({"azure"})
"""Engines whose providers keep the voices: `Remote`."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What an engine is given when it is made.

    Attributes:
        assets: its model files.
        threads: threads of one synthesis.
        concurrency: syntheses at once.
        azure: the account of the engine `azure`; None without one.
    """

    assets: AssetStore
    threads: int
    concurrency: int
    azure: AzureOptions | None = None


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
    try:
        if target is not None:
            module, _, attribute = target.partition(":")
            return cast(EngineFactory, getattr(import_module(module), attribute))
        for point in entry_points(group=ENTRY_POINTS, name=name):
            return cast(EngineFactory, point.load())
    except ImportError as error:
        raise EngineUnavailable(
            f"The engine {name!r} needs the library {error.name!r}, which is not installed.",
            f"Install it, for example: pip install {error.name}",
        ) from error
    except AttributeError as error:
        raise EngineUnavailable(f"The engine {name!r} has no such factory: {error}.") from error
    raise EngineUnavailable(
        f"There is no engine {name!r}.",
        f"VOICE_ENGINE and FALLBACK_ENGINES can be: {', '.join([AUTO, *engine_names()])}.",
    )
