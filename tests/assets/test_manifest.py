import re

import pytest
from pydantic import ValidationError

from app.assets.manifest import Asset, HubFile, Manifest, PackageSource, Purpose, load_manifest
from tests.assets.site import asset, hub_file, hub_source

SOURCE = hub_source(hub_file(b"x", "o/m/resolve/main/x"))


@pytest.mark.parametrize("shipped", load_manifest().assets, ids=lambda shipped: shipped.name)
def test_shipped_asset_is_complete(shipped: Asset):
    assert shipped.licence in {"Apache-2.0", "MIT", "CC-BY-4.0"}
    assert re.search(r"https://\S+$", shipped.origin)
    assert re.fullmatch(r"[0-9a-f]{64}", shipped.sha256)
    assert isinstance(shipped.sources[0], PackageSource)
    assert shipped.sources[0].verified
    # Only what speaking does not need may hang on a single source.
    assert shipped.purpose is not Purpose.SPEECH or len(shipped.sources) >= 2
    for part in shipped.pinned():
        if isinstance(part, HubFile):
            assert re.fullmatch(r"[^/]+/[^/]+/resolve/[^/]+/\S+", part.path)


def test_hub_and_index_have_the_same_voices():
    voices = load_manifest().asset("kokoro-voices")
    hub = voices.sources[1].parts
    names = [part.path.rpartition("/")[2] for part in hub if isinstance(part, HubFile)]
    assert len(names) == 54
    assert names == sorted(names)
    assert sum(part.size for part in hub) == voices.size


@pytest.mark.parametrize("filename", ["../x", "/x", "a/../../x", "", ".downloads/x", "a\\..\\x"])
def test_filename_stays_in_the_folder(filename: str):
    with pytest.raises(ValidationError):
        asset(b"x", SOURCE, filename=filename)


def test_names_are_unique():
    with pytest.raises(ValidationError):
        Manifest(assets=(asset(b"x", SOURCE), asset(b"y", SOURCE)))
