"""Who issues tokens: Entra ID, or any OpenID Connect issuer. What is different in theirs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Protocol

from app.core.config import Settings
from app.core.ids import is_id
from app.identity.discovery import Source
from app.models.access import Role

Claims = Mapping[str, Any]

_TENANT: Final = "{tenantid}"
_METADATA: Final = ".well-known/openid-configuration"


class Issuer(Protocol):
    """What the tokens of one issuer must be like, and what they say."""

    @property
    def source(self) -> Source: ...

    @property
    def algorithms(self) -> tuple[str, ...]: ...

    @property
    def audiences(self) -> frozenset[str]: ...

    @property
    def required(self) -> tuple[str, ...]:
        """Claims that no token lacks."""
        ...

    def may_have_issued(self, claims: Claims) -> bool:
        """By what an unverified token says of itself; chooses the keys, proves nothing."""
        ...

    def fault(self, claims: Claims, published: str, key_issuer: str | None) -> str | None:
        """What is wrong with a token whose signature is right; None if nothing is.

        Args:
            published: the issuer, as its metadata name it.
            key_issuer: the same, as the key that signed does.
        """
        ...

    def subject(self, claims: Claims) -> str:
        """Whom the token is about: the same for ever, at most 200 characters."""
        ...

    def roles(self, claims: Claims) -> frozenset[Role]: ...

    def groups(self, claims: Claims) -> frozenset[str]:
        """The groups that the caller is in, as far as the token says."""
        ...

    def scopes(self, claims: Claims) -> tuple[str, ...] | None:
        """What a user lets an application do; None if the token is an application's own."""
        ...


@dataclass(frozen=True, slots=True)
class EntraIssuer:
    """Microsoft Entra ID, tokens of one version.

    Attributes:
        base: authority and tenant, e.g. `https://login.microsoftonline.com/TENANT`.
        version: `1.0` or `2.0`. The registration of the API decides which it is sent.
        tenants: ids of those whose tokens are accepted.
    """

    base: str
    version: str
    tenants: frozenset[str]
    audiences: frozenset[str]
    algorithms: tuple[str, ...] = ("RS256",)

    @property
    def source(self) -> Source:
        return Source(f"{self.base}/{'v2.0/' if self.version == '2.0' else ''}{_METADATA}")

    @property
    def required(self) -> tuple[str, ...]:
        # An ID token has no client application: it says who signed in, and opens nothing.
        client = "azp" if self.version == "2.0" else "appid"
        return ("exp", "nbf", "iss", "aud", "tid", "oid", "ver", client)

    def may_have_issued(self, claims: Claims) -> bool:
        return claims.get("ver") == self.version

    def fault(self, claims: Claims, published: str, key_issuer: str | None) -> str | None:
        tenant = claims["tid"]
        if not isinstance(tenant, str) or tenant not in self.tenants:
            return "tenant"
        if claims["iss"] != published.replace(_TENANT, tenant):
            return "issuer"
        if not isinstance(claims["oid"], str) or not is_id(claims["oid"]):
            return "object id"
        if key_issuer is not None:
            # Keys of the older endpoint have none, or that of the newer one.
            newer = f"{self.base.rpartition('/')[0]}/{tenant}/v2.0"
            if key_issuer.replace(_TENANT, tenant) not in (claims["iss"], newer):
                return "issuer of the key"
        return None

    def subject(self, claims: Claims) -> str:
        return f"{claims['tid']}/{claims['oid']}"

    def roles(self, claims: Claims) -> frozenset[Role]:
        # The API's own app roles: whatever comes before the dot is decoration.
        return roles_in(name.rpartition(".")[2] for name in texts(claims.get("roles")))

    def groups(self, claims: Claims) -> frozenset[str]:
        # Those in more than 200 have a link to a directory in the place of the claim: then none.
        return frozenset(f"{claims['tid']}/{name}" for name in texts(claims.get("groups")))

    def scopes(self, claims: Claims) -> tuple[str, ...] | None:
        if claims.get("scp") is None and claims.get("idtyp", "app") == "app":
            return None
        return texts(claims.get("scp"))


@dataclass(frozen=True, slots=True)
class OidcIssuer:
    """Any other issuer of JWT access tokens, by RFC 9068 or nearly so."""

    name: str
    audiences: frozenset[str]
    roles_claim: str
    groups_claim: str = "groups"
    keys_url: str | None = None
    algorithms: tuple[str, ...] = ("RS256", "ES256")

    @property
    def source(self) -> Source:
        metadata = None if self.keys_url else f"{self.name.rstrip('/')}/{_METADATA}"
        return Source(metadata, self.keys_url, self.name)

    @property
    def required(self) -> tuple[str, ...]:
        return ("exp", "iss", "aud", "sub")

    def may_have_issued(self, claims: Claims) -> bool:
        return True

    def fault(self, claims: Claims, published: str, key_issuer: str | None) -> str | None:
        if claims["iss"] != self.name:
            return "issuer"
        if not claims["sub"]:
            return "subject"
        return "issuer of the key" if key_issuer not in (None, self.name) else None

    def subject(self, claims: Claims) -> str:
        # Hashed: with some issuers it is a mail address, with others longer than we can store.
        digest = sha256(f"{claims['iss']}\n{claims['sub']}".encode(errors="replace"))
        return f"oidc/{digest.hexdigest()}"

    def roles(self, claims: Claims) -> frozenset[Role]:
        # Whole names only: a role `billing.admin` of the same issuer is not ours.
        return roles_in(texts(_member(claims, self.roles_claim)))

    def groups(self, claims: Claims) -> frozenset[str]:
        return frozenset(texts(_member(claims, self.groups_claim)))

    def scopes(self, claims: Claims) -> tuple[str, ...] | None:
        given = claims.get("scp", claims.get("scope"))
        return None if given is None else texts(given)


def make_issuers(settings: Settings) -> tuple[Issuer, ...]:
    """Those that the settings name."""
    if settings.oidc_issuer:
        return (
            OidcIssuer(
                settings.oidc_issuer,
                frozenset(settings.oidc_audience),
                settings.oidc_roles_claim,
                settings.oidc_groups_claim,
                settings.oidc_jwks_url,
            ),
        )
    base = f"{settings.azure_authority.rstrip('/')}/{(settings.azure_tenant_id or '').lower()}"
    audiences = _audiences(settings)
    return tuple(
        EntraIssuer(base, version, settings.tenants, audiences) for version in ("2.0", "1.0")
    )


def _audiences(settings: Settings) -> frozenset[str]:
    """Application id and its URI: tokens of version 2 name the former, of version 1 either."""
    names = {settings.azure_audience}
    if settings.azure_client_id:
        names |= {settings.azure_client_id.lower(), f"api://{settings.azure_client_id.lower()}"}
    return frozenset(name for name in names if name)


def roles_in(names: Iterable[str]) -> frozenset[Role]:
    """The roles among these names, in any case of letters."""
    known = {role.value: role for role in Role}
    return frozenset(known[name.lower()] for name in names if name.lower() in known)


def texts(claim: Any) -> tuple[str, ...]:
    """A claim that is a list of texts, or one text with blanks between them."""
    if isinstance(claim, str):
        return tuple(claim.split())
    if isinstance(claim, list):
        return tuple(item for item in claim if isinstance(item, str))
    return ()


def _member(claims: Claims, path: str) -> Any:
    """A claim by its name; or, where none is called so, a member of one: `realm_access.roles`."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
