"""Asking an issuer for its keys: OpenID Connect Discovery 1.0 and RFC 7517."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from jwt import PyJWK, PyJWTError

from app.core.exceptions import IdentityError
from app.core.outgoing import outgoing
from app.identity.keys import KeySet, SigningKey

_TIMEOUT_S: Final = 5.0
_MAX_BYTES: Final = 512 * 1024
_MAX_KEYS: Final = 100
# Of the keys that are of any use here, by type and curve.
_ALGORITHMS: Final = {("RSA", None): "RS256", ("EC", "P-256"): "ES256"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where an issuer publishes what it is called and its keys.

    Attributes:
        metadata_url: None if everything else is known.
        keys_url: None for the one in the metadata.
        issuer: what the metadata must say; None to believe it.
    """

    metadata_url: str | None
    keys_url: str | None = None
    issuer: str | None = None


def open_client() -> httpx2.AsyncClient:
    """A client to be closed by the caller. Redirects are refused: keys come from where we ask."""
    return httpx2.AsyncClient(
        timeout=_TIMEOUT_S, follow_redirects=False, headers={"Accept": "application/json"}
    )


async def fetch_keys(
    client: httpx2.AsyncClient, source: Source, *, timeout_s: float = _TIMEOUT_S
) -> KeySet:
    """What the issuer publishes now.

    Args:
        timeout_s: for each of the two requests.

    Raises:
        IdentityError: it does not answer in time, or not as it should.
    """
    issuer, keys_url = source.issuer, source.keys_url
    if source.metadata_url is not None:
        metadata = await _get(client, source.metadata_url, timeout_s)
        said, keys_url = metadata.get("issuer"), keys_url or metadata.get("jwks_uri")
        if not isinstance(said, str) or (issuer is not None and said != issuer):
            raise IdentityError(f"{source.metadata_url} names another issuer.")
        issuer = said
        if not isinstance(keys_url, str) or not _same_scheme(keys_url, source.metadata_url):
            raise IdentityError(f"{source.metadata_url} names no usable address of keys.")
    if issuer is None or keys_url is None:
        raise IdentityError("Nobody has said where the keys of the token issuer are.")
    document = await _get(client, keys_url, timeout_s)
    keys = dict(_usable(document.get("keys")))
    if not keys:
        raise IdentityError(f"{keys_url} has no key that can be used.")
    return KeySet(issuer, keys)


def _same_scheme(url: str, other: str) -> bool:
    """Whether both are of one scheme: encrypted metadata must not lead to keys that are not."""
    return url.partition(":")[0] == other.partition(":")[0]


async def _get(client: httpx2.AsyncClient, url: str, timeout_s: float) -> dict[str, Any]:
    try:
        async with (
            outgoing("issuer", "GET", url) as headers,
            asyncio.timeout(timeout_s),
            client.stream("GET", url, headers=headers) as response,
        ):
            headers.answered(response.status_code)
            if response.status_code != 200:
                raise IdentityError(f"{url} answers {response.status_code}.")
            content = bytearray()
            async for piece in response.aiter_bytes():
                content += piece
                if len(content) > _MAX_BYTES:
                    raise IdentityError(f"{url} answers with more than {_MAX_BYTES} bytes.")
        document = json.loads(content)
    except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
        raise IdentityError(f"{url} cannot be reached: {type(error).__name__}.") from error
    except (ValueError, RecursionError) as error:
        raise IdentityError(f"{url} does not answer with JSON.") from error
    if not isinstance(document, dict):
        raise IdentityError(f"{url} does not answer with a JSON object.")
    return document


def _usable(keys: Any) -> Iterator[tuple[str, SigningKey]]:
    """Keys for signatures of the kinds that we take; others are passed over."""
    for jwk in keys[:_MAX_KEYS] if isinstance(keys, list) else []:
        if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str):
            continue
        kind = jwk.get("kty"), jwk.get("crv")
        algorithm = next((name for known, name in _ALGORITHMS.items() if known == kind), None)
        if algorithm is None or jwk.get("alg", algorithm) != algorithm:
            continue
        if jwk.get("use", "sig") != "sig":
            continue
        issuer = jwk.get("issuer")
        if issuer is not None and not isinstance(issuer, str):
            continue
        try:
            yield jwk["kid"], SigningKey(PyJWK(jwk, algorithm), issuer)
        except (PyJWTError, ValueError, TypeError):
            continue
