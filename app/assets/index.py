"""Finding a distribution file on package indexes, in folders and on pages of links."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

from app.assets.download import Downloader, Page, SourceError, redacted
from app.assets.pip_config import PipConfig

_ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.1"
)


@dataclass(frozen=True, slots=True)
class Link:
    """A file somewhere: `path` when it is on this machine, else `url`.

    `sha256` is what the place says, or None.
    """

    url: str
    sha256: str | None = None

    @property
    def path(self) -> Path | None:
        return local_path(self.url)


class PackageIndex:
    """The places of pip's configuration, in the order: find-links, index, extra indexes."""

    def __init__(self, config: PipConfig, downloader: Downloader) -> None:
        self._config = config
        self._downloader = downloader

    def links(self, package: str, file: str, *, reasons: list[str]) -> Iterator[Link]:
        """Every place that says it has the file, looked up one at a time.

        Args:
            package: name of the project in any spelling.
            file: exact name of the distribution file.
            reasons: why a place has nothing; added to.
        """
        project = re.sub(r"[-_.]+", "-", package).lower()
        places = [(place, place) for place in self._config.find_links]
        places += [(url, f"{url.rstrip('/')}/{project}/") for url in self._config.index_urls]
        if not places:
            reasons.append(self._config.note or "pip is configured without any index")
        for place, page in places:
            try:
                link = self._look(page, file)
            except SourceError as error:
                reasons.append(str(error))
                continue
            if link is None:
                reasons.append(f"{redacted(place)} does not have {file}")
            else:
                yield link

    def _look(self, location: str, file: str) -> Link | None:
        folder = local_path(location)
        if folder is None:
            page = self._downloader.page(location, accept=_ACCEPT)
            return next((link for name, link in _links(page) if name == file), None)
        if (folder / file).is_file():
            return Link((folder / file).absolute().as_uri())
        index = folder / "index.html" if folder.is_dir() else folder
        if index.suffix not in {".html", ".htm"} or not index.is_file():
            return None
        try:
            text = index.read_text("utf-8", errors="replace")
        except OSError as error:
            raise SourceError(f"{index} cannot be read: {error.strerror}") from error
        page = Page(index.absolute().as_uri(), "text/html", text)
        return next((link for name, link in _links(page) if name == file), None)


def local_path(location: str) -> Path | None:
    """The path of a `file:` URL or of a plain path, None for what is elsewhere."""
    if "://" not in location and not location.startswith("file:"):
        return Path(location).expanduser()
    parts = urlsplit(location)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _links(page: Page) -> Iterator[tuple[str, Link]]:
    """Names and links of a project page, JSON (PEP 691) or HTML (PEP 503)."""
    if page.content_type.endswith("json"):
        yield from _json_links(page)
        return
    anchors = _Anchors(page.url)
    anchors.feed(page.text)
    for href in anchors.hrefs:
        url, fragment = urldefrag(urljoin(anchors.base, href))
        name = unquote(urlsplit(url).path.rpartition("/")[2])
        digest = re.search(r"(?:^|&)sha256=([0-9a-fA-F]{64})", fragment)
        yield name, Link(url, digest[1].lower() if digest else None)


def _json_links(page: Page) -> Iterator[tuple[str, Link]]:
    try:
        files: Any = json.loads(page.text)["files"]
        for entry in files:
            digest = entry.get("hashes", {}).get("sha256")
            yield entry["filename"], Link(urljoin(page.url, entry["url"]), digest)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"{redacted(page.url)} is not the page of a project") from error


class _Anchors(HTMLParser):
    """Targets of all links of a page."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.base = url
        self.hrefs: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if href and tag == "a":
            self.hrefs.append(href)
        elif href and tag == "base":
            self.base = urljoin(self.base, href)
