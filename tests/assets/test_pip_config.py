import importlib.util
import os
from pathlib import Path

import pytest

from app.assets.client import open_client
from app.assets.pip_config import PipConfig, build, parse_config_list, read_pip_config
from app.core.exceptions import AssetError


@pytest.fixture(autouse=True)
def _no_pip_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)


def test_sections_by_strength():
    settings = parse_config_list(
        "WARNING: something else\n"
        ":env:.timeout='5'\n"
        "download.index-url='https://download.example/simple'\n"
        "global.index-url='https://global.example/simple'\n"
        "global.timeout='60'\n"
        "install.index-url='https://install.example/simple'\n"
        "wheel.index-url='https://wheel.example/simple'\n"
        "global.extra-index-url='\\nhttps://a.example/simple\\n  https://b.example/simple'\n"
        "global.proxy=''\n"
        "global.cert='it has = and \\' in it'\n"
        "global.broken='no end\n"
    )
    config = build(settings)
    assert config.index_urls == (
        "https://download.example/simple",
        "https://a.example/simple",
        "https://b.example/simple",
    )
    assert config.timeout_s == 5
    assert config.proxy is None
    assert config.cert == Path("it has = and ' in it")


def test_configuration_of_a_real_pip(tmp_path, monkeypatch):
    pytest.importorskip("pip")
    (tmp_path / "pip.conf").write_text(
        "[global]\nextra-index-url =\n  https://a.example/simple\n  https://b.example/simple\n"
        "find-links = /weak\n[download]\ntrusted-host = a.example\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_FIND_LINKS", "/one /two")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "42")
    monkeypatch.setenv("PIP_QUIET", "1")
    config = read_pip_config()
    default, *extra = config.index_urls
    assert default.endswith("/simple")
    assert extra == ["https://a.example/simple", "https://b.example/simple"]
    assert config.find_links == ("/one", "/two")
    assert config.timeout_s == 42
    assert config.trusted_hosts == ("a.example",)


def test_without_pip_only_variables_count(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert read_pip_config().index_urls == ()
    assert "pip is not installed" in (read_pip_config().note or "")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    assert read_pip_config().index_urls == ("https://mirror.example/simple",)


def test_no_index():
    config = build({"index-url": "https://a.example/simple", "no-index": "true"})
    assert config.index_urls == ()
    assert "no-index" in (config.note or "")


def test_unusable_certificate_is_said():
    with pytest.raises(AssetError, match="certificate or proxy"):
        open_client(PipConfig(cert=Path("/nowhere.pem")))


def test_trusted_host_and_proxy_open():
    with open_client(PipConfig(proxy="http://user:pw@127.0.0.1:9", trusted_hosts=("a.example",))):
        pass
