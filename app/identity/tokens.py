"""Bearer tokens: is this one genuine, meant for us and valid now, and what does it let do?"""

import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx2
import jwt
from jwt import PyJWTError

from app.core.config import Settings
from app.core.exceptions import TokenExpired, TokenInvalid
from app.core.logging import get_logger
from app.identity.discovery import fetch_keys, open_client
from app.identity.issuers import Claims, Issuer, make_issuers, roles_in
from app.identity.keys import CacheTimes, KeyCache, SigningKey
from app.models.access import Permission, Principal, Role, granted

log = get_logger(__name__)

# Those of users in very many groups have some kilobytes.
_MAX_CHARS: Final = 16 * 1024
_MAX_SECONDS: Final = 1e12
# Our own clock decides about the times, and the issuer about its name.
_OPTIONS: Final = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "enforce_minimum_key_length": True,
}


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What holds for the tokens of all issuers.

    Attributes:
        skew_s: by how much clocks may differ, in seconds.
        default_role: of users whose tokens name none.
        full_scopes: let an application do all that its user may.
    """

    skew_s: float = 60.0
    default_role: Role | None = None
    full_scopes: frozenset[str] = frozenset()


class TokenVerifier:
    """Knows the issuers, with a cache of the keys of each.

    Args:
        clock: seconds since 1970.
    """

    def __init__(
        self,
        issuers: Iterable[tuple[Issuer, KeyCache]],
        *,
        rules: TokenRules,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = tuple(issuers)
        self._rules = rules
        self._clock = clock
        self._stack = AsyncExitStack()

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        times: CacheTimes | None = None,
        clock: Callable[[], float] = time.time,
        client: httpx2.AsyncClient | None = None,
    ) -> "TokenVerifier":
        """By the settings.

        Args:
            client: to ask the issuers with; it is closed with the verifier.
        """
        issuers, client = make_issuers(settings), client or open_client()
        caches = [
            KeyCache(partial(fetch_keys, client, issuer.source), times=times) for issuer in issuers
        ]
        verifier = cls(zip(issuers, caches, strict=True), rules=_rules(settings), clock=clock)
        verifier._stack.push_async_callback(client.aclose)
        for cache in caches:
            verifier._stack.push_async_callback(cache.close)
        return verifier

    async def close(self) -> None:
        await self._stack.aclose()

    async def verify(self, token: str) -> Principal:
        """Whose token this is.

        Raises:
            TokenInvalid: not genuine, or not for us, or not valid yet.
            TokenExpired: it was valid once.
            IdentityError: there are no keys to check it with.
        """
        header, unverified = _peek(token)
        mine = (pair for pair in self._issuers if pair[0].may_have_issued(unverified))
        issuer, cache = next(mine, (None, None))
        if issuer is None or cache is None:
            raise _refused("version")
        kid = header.get("kid")
        if header.get("alg") not in issuer.algorithms or not isinstance(kid, str):
            raise _refused("algorithm or key id")
        published, key = await cache.find(kid)
        if key is None:
            raise _refused("unknown key")
        claims = _signed(token, key, issuer)
        if fault := issuer.fault(claims, published.issuer, key.issuer):
            raise _refused(fault)
        self._check_times(claims)
        return self._principal(claims, issuer)

    def _check_times(self, claims: Claims) -> None:
        now, skew = self._clock(), self._rules.skew_s
        if now >= _seconds(claims["exp"]) + skew:
            raise TokenExpired("The token is no longer valid.", "Get a new one from its issuer.")
        if "nbf" in claims and now < _seconds(claims["nbf"]) - skew:
            raise _refused("not valid yet")

    def _principal(self, claims: Claims, issuer: Issuer) -> Principal:
        subject, roles, scopes = issuer.subject(claims), issuer.roles(claims), issuer.scopes(claims)
        if scopes is not None and not roles and self._rules.default_role is not None:
            roles = frozenset({self._rules.default_role})
        permissions = granted(roles)
        if scopes is not None:
            permissions &= self._let_through(scopes)
        return Principal(
            subject=subject,
            owner=subject,
            kind="token",
            permissions=permissions,
            groups=issuer.groups(claims),
        )

    def _let_through(self, scopes: Iterable[str]) -> frozenset[Permission]:
        """What these scopes let an application do of all that its user may."""
        if self._rules.full_scopes.intersection(scopes):
            return frozenset(Permission)
        # `api://…/speaker` and `VoiceCloning.Speaker` are `speaker`.
        names = (scope.rpartition("/")[2].rpartition(".")[2] for scope in scopes)
        return granted(roles_in(names))


def _rules(settings: Settings) -> TokenRules:
    default = settings.auth_default_role
    return TokenRules(
        skew_s=settings.auth_clock_skew_s,
        default_role=None if default is None else Role(default),
        full_scopes=frozenset(settings.oidc_full_scopes),
    )


def _peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims as they are written. Nothing of them is certain."""
    if len(token) > _MAX_CHARS:
        raise _refused("form")
    try:
        parts = jwt.decode_complete(token, options={"verify_signature": False})
    except (PyJWTError, ValueError, RecursionError) as error:
        raise _refused("form") from error
    return parts["header"], parts["payload"]


def _signed(token: str, key: SigningKey, issuer: Issuer) -> Claims:
    """The claims of a token that carries the issuer's signature and is meant for us."""
    try:
        claims: Claims = jwt.decode(
            token,
            key.jwk,
            algorithms=issuer.algorithms,
            audience=issuer.audiences,
            options=_OPTIONS | {"require": issuer.required},  # type: ignore[arg-type]
        )
    except (PyJWTError, ValueError, RecursionError) as error:
        raise _refused(type(error).__name__) from error
    return claims


def _seconds(value: Any) -> float:
    if not isinstance(value, int | float) or not 0 <= value < _MAX_SECONDS:  # NaN is not either
        raise _refused("times")
    return value


def _refused(reason: str) -> TokenInvalid:
    """The reason goes to the log; the caller may be an attacker, who learns nothing from us."""
    log.info("token refused", reason=reason)
    return TokenInvalid(
        "The token is not one that this service accepts.",
        "Get one for this service from its issuer: docs/security.md says how.",
    )
