import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.assets.manifest import Asset, Manifest
from app.assets.store import AssetStore
from tests.assets.site import Site, serve


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The only server there is: pip's configuration and the hub's address lead to it."""
    for name in list(os.environ):
        if name.startswith("PIP_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    with serve() as running:
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_INDEX_URL", f"{running.url}/simple")
        monkeypatch.setenv("HF_ENDPOINT", f"{running.url}/hub")
        monkeypatch.setenv("NETRC", os.devnull)
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., AssetStore]:
    """A store of the given assets, in an empty folder."""

    def make(*assets: Asset) -> AssetStore:
        return AssetStore(tmp_path / "models", Manifest(assets=assets), retry_pause_s=0.01)

    return make
