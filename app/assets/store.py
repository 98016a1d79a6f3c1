"""The folder of the model files: which are there, which are right, and fetching the others."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.assets.client import open_client
from app.assets.download import Downloader, SourceError, disk_errors, matches
from app.assets.index import PackageIndex
from app.assets.lock import exclusive
from app.assets.manifest import Asset, Manifest, Purpose, load_manifest
from app.assets.pip_config import read_pip_config
from app.assets.sources import DEFAULT_HUB, Fetcher
from app.core.exceptions import AssetError

PULL = {  # what to do about a file that is not right
    Purpose.SPEECH: "Run `voice-cloning models pull`.",
    Purpose.TRAINING: "Run `voice-cloning models pull --train`.",
    Purpose.BENCHMARKS: "Run `voice-cloning models pull --all`.",
}


class AssetState(StrEnum):
    MISSING = "missing"
    PRESENT = "present"
    CORRUPT = "corrupt"


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """A model file as it is in the folder. `size` in bytes, as it should be."""

    name: str
    filename: str
    size: int
    state: AssetState
    licence: str
    origin: str
    purpose: Purpose


class PullStage(StrEnum):
    WAITING = "waiting"
    """Another process is fetching into the same folder."""
    DOWNLOADING = "downloading"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far one asset is.

    `source` is the place being read, `done` of `total` are bytes of its files. Both begin anew
    when a source fails and the next is tried. `total` differs from the size of the asset where
    the source is packed.
    """

    asset: str
    stage: PullStage
    source: str = ""
    done: int = 0
    total: int = 0


Progress = Callable[[PullProgress], None]


class AssetStore:
    """The model files of a manifest in a folder.

    Args:
        folder: made by the first pull.
        manifest: default: the one shipped.
        retry_pause_s: pause before the second attempt of a request in seconds; doubles after.
    """

    def __init__(
        self, folder: Path, manifest: Manifest | None = None, *, retry_pause_s: float = 0.5
    ) -> None:
        self._folder = folder
        self._manifest = manifest or load_manifest()
        self._retry_pause_s = retry_pause_s

    @property
    def _downloads(self) -> Path:
        return self._folder / ".downloads"

    def names(self, *purposes: Purpose) -> list[str]:
        """Names in the order of the manifest: what these purposes need, or all."""
        return self._manifest.names(*purposes)

    def is_present(self, name: str) -> bool:
        """Is the file there with its right size? The bytes are not read.

        Raises:
            AssetError: no asset has this name.
        """
        return self._state(self._manifest.asset(name), verify=False) is AssetState.PRESENT

    def path(self, name: str) -> Path:
        """The file, which has at least the right size.

        Raises:
            AssetError: missing, of another size, or no asset has this name.
        """
        return self._checked(name, verify=False)

    def verified_path(self, name: str) -> Path:
        """The file, whose every byte was checked: reads it all, about 1 s per GB.

        Raises:
            AssetError: missing, corrupt, or no asset has this name.
        """
        return self._checked(name, verify=True)

    def status(self, *, verify: bool = False) -> list[AssetStatus]:
        """All assets. With `verify` the files are read and hashed, else only measured."""
        return [
            AssetStatus(
                name=asset.name,
                filename=asset.filename,
                size=asset.size,
                state=self._state(asset, verify=verify),
                licence=asset.licence,
                origin=asset.origin,
                purpose=asset.purpose,
            )
            for asset in self._manifest.assets
        ]

    def pull(
        self, names: Iterable[str] | None = None, progress: Progress | None = None
    ) -> list[str]:
        """Fetch what is missing or corrupt; blocks. Safe in several processes at once.

        Args:
            names: default: what every installation needs.
            progress: called from this thread, often. What it raises stops the pull; what was
                downloaded so far is kept for the next one.

        Returns:
            names of the assets that were fetched, none when all were right already.

        Raises:
            AssetError: not all could be fetched; those that could are in place. `failures` in
                `extra` has the reasons of every source by asset.
        """
        chosen = dict.fromkeys(self.names(Purpose.SPEECH) if names is None else names)
        assets = [self._manifest.asset(name) for name in chosen]
        wanted = [asset for asset in assets if not self._is_right(asset)]
        if not wanted:
            return []  # also in a folder that may not be written
        tell = progress or (lambda _: None)
        with self._fetcher(
            lambda: tell(PullProgress(wanted[0].name, PullStage.WAITING))
        ) as fetcher:
            return self._pull(wanted, fetcher, tell)

    def _pull(self, wanted: list[Asset], fetcher: Fetcher, tell: Progress) -> list[str]:
        fetched: list[str] = []
        failures: dict[str, list[str]] = {}
        for number, asset in enumerate(wanted, start=1):
            if self._is_right(asset):
                continue  # another process made it while this one waited
            reasons = self._pull_one(asset, fetcher, tell)
            if reasons:
                failures[asset.name] = reasons
                continue
            later = {part.sha256 for other in wanted[number:] for part in other.pinned()}
            fetcher.discard(asset, keep=later)
            fetched.append(asset.name)
            tell(PullProgress(asset.name, PullStage.DONE, "", asset.size, asset.size))
        if failures:
            raise _not_fetched(failures)
        return fetched

    def _pull_one(self, asset: Asset, fetcher: Fetcher, tell: Progress) -> list[str]:
        """Why every source failed, or nothing when one of them did not."""

        def report(source: str, done: int, total: int) -> None:
            tell(PullProgress(asset.name, PullStage.DOWNLOADING, source, done, total))

        reasons: list[str] = []
        for source in asset.sources:
            try:
                made = fetcher.fetch(asset, source, report=report)
            except SourceError as error:
                reasons.append(f"{source.kind}: {error}")
                continue
            target = self._folder / asset.filename
            with disk_errors():
                target.parent.mkdir(parents=True, exist_ok=True)
                made.replace(target)
            return []
        return reasons

    @contextmanager
    def _fetcher(self, waiting: Callable[[], None]) -> Iterator[Fetcher]:
        with disk_errors():
            self._downloads.mkdir(parents=True, exist_ok=True)
        with exclusive(self._downloads / "lock", waiting):
            config = read_pip_config()
            with open_client(config) as client:
                downloader = Downloader(client, pause_s=self._retry_pause_s)
                fetcher = Fetcher(
                    self._downloads,
                    downloader,
                    index=PackageIndex(config, downloader),
                    # The customary way to name a mirror of the hub.
                    hub=os.environ.get("HF_ENDPOINT") or DEFAULT_HUB,
                )
                fetcher.sweep()
                yield fetcher

    def _is_right(self, asset: Asset) -> bool:
        return matches(self._folder / asset.filename, asset)

    def _state(self, asset: Asset, *, verify: bool) -> AssetState:
        path = self._folder / asset.filename
        if not path.is_file():
            return AssetState.MISSING
        right = matches(path, asset) if verify else path.stat().st_size == asset.size
        return AssetState.PRESENT if right else AssetState.CORRUPT

    def _checked(self, name: str, *, verify: bool) -> Path:
        asset = self._manifest.asset(name)
        state = self._state(asset, verify=verify)
        if state is AssetState.MISSING:
            raise AssetError(
                f"The model file {asset.filename} is missing.", PULL[asset.purpose], asset=name
            )
        if state is AssetState.CORRUPT:
            raise AssetError(
                f"The model file {asset.filename} is corrupt: it is not the file it should be.",
                f"{PULL[asset.purpose]} It replaces the file.",
                asset=name,
            )
        return self._folder / asset.filename


def _not_fetched(failures: dict[str, list[str]]) -> AssetError:
    lines = [f"{name} ({' | '.join(reasons)})" for name, reasons in failures.items()]
    return AssetError(
        f"Model files that no source gives: {'; '.join(lines)}.",
        "Check the network, pip's index (`pip config list`) and HF_ENDPOINT, then run"
        " `voice-cloning models pull` again: it goes on where it stopped.",
        failures=failures,
    )
