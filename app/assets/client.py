"""The HTTP client for model files: pip's proxy, certificates, timeout and credentials."""

import netrc
import os
import ssl
import urllib.request
from collections.abc import Generator, Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx2

from app.assets.pip_config import PipConfig
from app.core.exceptions import AssetError


def open_client(config: PipConfig) -> httpx2.Client:
    """A client to be closed by the caller. Proxies of the environment count unless pip has one.

    Raises:
        AssetError: a certificate or the proxy of the configuration cannot be used.
    """
    try:
        context = _context(config)
        return httpx2.Client(
            auth=IndexAuth((*config.index_urls, *config.find_links)),
            verify=context,
            proxy=config.proxy,
            mounts=_unverified_mounts(config),
            timeout=config.timeout_s,
            follow_redirects=True,
        )
    except (OSError, ValueError, httpx2.InvalidURL) as error:  # ssl.SSLError is an OSError
        raise AssetError(
            f"The certificate or proxy of pip's configuration cannot be used: {error}.",
            "Check `pip config list` and the variables PIP_CERT, PIP_CLIENT_CERT and PIP_PROXY.",
        ) from error


class IndexAuth(httpx2.Auth):
    """Basic credentials written into index URLs, else those of netrc.

    They go to every address of the same scheme, host and port: the page of an index and its files
    often differ in path only. The client drops them when it is redirected to another host.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self._by_origin: dict[str, tuple[str, str]] = {}
        for url in urls:
            parts = urlsplit(url)
            if parts.username:
                found = (unquote(parts.username), unquote(parts.password or ""))
                self._by_origin.setdefault(_origin(httpx2.URL(url)), found)
        self._netrc = _read_netrc()

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        found = self._by_origin.get(_origin(request.url)) or self._of_netrc(request.url.host)
        if found is None:
            yield request
        else:
            yield from httpx2.BasicAuth(*found).auth_flow(request)

    def _of_netrc(self, host: str) -> tuple[str, str] | None:
        entry = self._netrc.authenticators(host) if self._netrc else None
        return (entry[0], entry[2] or "") if entry else None


def _origin(url: httpx2.URL) -> str:
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    return f"{url.scheme}://{url.host}:{port}"


def _read_netrc() -> netrc.netrc | None:
    named = os.environ.get("NETRC")
    candidates = [Path(named)] if named else [Path("~/.netrc"), Path("~/_netrc")]
    for path in candidates:
        try:
            return netrc.netrc(str(path.expanduser()))
        except (OSError, RuntimeError, netrc.NetrcParseError):
            continue  # pip goes on without it as well
    return None


def _context(config: PipConfig) -> ssl.SSLContext:
    named = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    bundle = config.cert or (Path(named) if named else None)
    if bundle is None:
        context = httpx2.create_ssl_context()
    elif bundle.is_dir():
        context = ssl.create_default_context(capath=bundle)
    else:
        context = ssl.create_default_context(cafile=bundle)
    if config.client_cert:
        context.load_cert_chain(config.client_cert)
    return context


def _unverified_mounts(config: PipConfig) -> dict[str, httpx2.BaseTransport | None]:
    """Transports without certificate check, for the hosts that pip is told to trust."""
    mounts: dict[str, httpx2.BaseTransport | None] = {}
    for host in config.trusted_hosts:
        proxy = config.proxy or _environment_proxy(host)
        context = httpx2.create_ssl_context(verify=False)
        mounts[f"https://{host}"] = httpx2.HTTPTransport(verify=context, proxy=proxy)
    return mounts


def _environment_proxy(host: str) -> str | None:
    if urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    return proxies.get("https") or proxies.get("all")
