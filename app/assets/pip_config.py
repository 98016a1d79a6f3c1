"""Where pip would look for packages, by pip's own configuration.

Whoever runs this service has told pip how to reach an index: its address, a mirror, a proxy, a
certificate. Model files that lie on an index come the same way, without a second configuration.
"""

import ast
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_QUERY_S = 60
_TIMEOUT_S = 15.0  # pip's own default
_SECTIONS = ("global", "install", "download", ":env:")
"""From weakest to strongest; a setting is replaced by a stronger one, never merged with it."""

_DEFAULT_INDEX = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"


@dataclass(frozen=True, slots=True)
class PipConfig:
    """What matters of pip's configuration.

    `note` says why an index may be missing, for the error message.
    """

    index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    cert: Path | None = None
    client_cert: Path | None = None
    proxy: str | None = None
    timeout_s: float = _TIMEOUT_S
    trusted_hosts: tuple[str, ...] = ()
    note: str | None = None


def read_pip_config() -> PipConfig:
    """Ask the pip of this interpreter; without pip, only `PIP_*` variables count. Never fails."""
    from_variables = _environment(os.environ)
    if importlib.util.find_spec("pip") is None:
        return build(
            from_variables, note="pip is not installed here, so only PIP_* variables count"
        )
    try:
        settings = parse_config_list(_run("-m", "pip", "config", "list"))
    except (OSError, subprocess.SubprocessError) as error:
        return build(from_variables, note=f"pip config list fails ({type(error).__name__})")
    default = None
    if "index-url" not in settings:
        try:
            default = _run("-c", _DEFAULT_INDEX).strip()
        except (OSError, subprocess.SubprocessError):
            return build(settings, note="pip does not tell its default index; set PIP_INDEX_URL")
    return build(settings, default_index=default)


def parse_config_list(text: str) -> dict[str, str]:
    """Options by name from the output of `pip config list`: lines `section.option='value'`.

    Lines of other forms (warnings) are skipped, and so are sections of other commands and empty
    values, which pip ignores as well.
    """
    ranked: dict[str, tuple[int, str]] = {}
    for line in text.splitlines():
        key, equals, literal = line.partition("=")
        section, dot, option = key.strip().partition(".")
        if not (equals and dot) or section not in _SECTIONS:
            continue
        try:
            value = ast.literal_eval(literal.strip())
        except (ValueError, SyntaxError):
            continue
        rank = _SECTIONS.index(section)
        option = _option(option)
        if str(value).strip() and rank >= ranked.get(option, (0, ""))[0]:
            ranked[option] = (rank, str(value).strip())
    return {option: value for option, (_, value) in ranked.items()}


def build(
    settings: Mapping[str, str], *, default_index: str | None = None, note: str | None = None
) -> PipConfig:
    """A configuration from options by their long names, e.g. `{"index-url": "…"}`."""
    index = settings.get("index-url", default_index)
    urls = [*([index] if index else []), *settings.get("extra-index-url", "").split()]
    if settings.get("no-index", "").lower() in {"1", "true", "yes", "on", "y", "t"}:
        urls, note = [], note or "pip is configured with no-index"
    cert, client_cert = settings.get("cert"), settings.get("client-cert")
    return PipConfig(
        index_urls=tuple(_once(urls)),
        find_links=tuple(_once(settings.get("find-links", "").split())),
        cert=Path(cert).expanduser() if cert else None,
        client_cert=Path(client_cert).expanduser() if client_cert else None,
        proxy=settings.get("proxy"),
        timeout_s=_seconds(settings.get("timeout", "")),
        trusted_hosts=tuple(_once(settings.get("trusted-host", "").split())),
        note=note,
    )


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    found = {
        _option(name[4:]): value.strip() for name, value in environ.items() if name[:4] == "PIP_"
    }
    return {option: value for option, value in found.items() if value}


def _option(name: str) -> str:
    """One name per option: pip takes several spellings of some."""
    name = name.lower().replace("_", "-").removeprefix("--")
    return {"default-timeout": "timeout", "pypi-url": "index-url"}.get(name, name)


def _once(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _seconds(text: str) -> float:
    try:
        return max(float(text), 1.0)
    except ValueError:
        return _TIMEOUT_S


def _run(*arguments: str) -> str:
    """Output of this interpreter. `-P`: a folder named pip in the working directory is not pip."""
    quieting = {"PIP_QUIET", "PIP_VERBOSE", "PIP_LOG"}
    environ = {name: value for name, value in os.environ.items() if name not in quieting}
    done = subprocess.run(  # noqa: S603 - the arguments are constants of this module
        [sys.executable, "-P", *arguments],
        env=environ | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        timeout=_QUERY_S,
        check=True,
    )
    return done.stdout
