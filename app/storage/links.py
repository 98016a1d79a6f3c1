"""Links to blobs, for those who may have them."""

from datetime import datetime, timedelta

from app.models.link import DownloadLink
from app.storage.base import BlobStore


async def download_link(
    store: BlobStore, name: str, seconds: int, *, content_type: str, now: datetime
) -> DownloadLink:
    """A link to a blob that is there, good for so long.

    Raises:
        FileNotFoundError: there is no such blob.
        LinksUnsupported: the store gives none.
    """
    url = await store.link(name, seconds)
    await store.info(name)
    until = now + timedelta(seconds=seconds)
    return DownloadLink(url=url, expires_at=until, content_type=content_type)
