"""Who may call."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from app.core.config.kinds import ANY_CASE, SPLIT, Strings

AuthMode = Literal["off", "api_key", "entra"]
RoleName = Literal["reader", "speaker", "creator", "admin"]


class IdentitySettings(BaseModel):
    """Authentication. Entra ID, or any other OpenID Connect issuer in its place."""

    auth_mode: Annotated[tuple[AuthMode, ...], NoDecode, SPLIT, ANY_CASE] = Field(
        ("off",),
        description="`off`, `api_key`, `entra`, or `api_key,entra`. Off: development on loopback.",
    )
    auth_default_role: Annotated[RoleName, ANY_CASE] | None = Field(
        None, description="Role of users whose token names none; default: they may do nothing."
    )
    auth_clock_skew_s: int = Field(
        60, ge=0, le=300, description="By how much the clocks of issuer and server may differ."
    )

    azure_tenant_id: str | None = Field(
        None, description="Tenant whose tokens are accepted; `organizations` for those of many."
    )
    azure_allowed_tenants: Strings = Field(
        (), description="With `organizations`: the tenants, by id. None are accepted otherwise."
    )
    azure_client_id: str | None = Field(None, description="Application id of this API.")
    azure_client_secret: SecretStr | None = Field(
        None, description="Read, but not used: tokens are checked without it."
    )
    azure_audience: str | None = Field(
        None, description="Application id URI; default: api://AZURE_CLIENT_ID."
    )
    azure_authority: str = Field(
        "https://login.microsoftonline.com", description="Another one in national clouds."
    )

    oidc_issuer: str | None = Field(
        None, description="Another OpenID Connect issuer, in the place of Entra ID."
    )
    oidc_audience: Strings = Field((), description="Audiences that its tokens may have.")
    oidc_jwks_url: str | None = Field(
        None, description="Its keys; default: as its metadata document says."
    )
    oidc_roles_claim: str = Field("roles", description="Claim with the roles of the caller.")
    oidc_groups_claim: str = Field(
        "groups", description="Claim with the groups of the caller: voices are shared with them."
    )
    oidc_full_scopes: Strings = Field(
        ("access_as_user", "user_impersonation"),
        description="Scopes that let an application do all that its user may.",
    )

    @property
    def any_tenant(self) -> bool:
        """Whether tokens of more than one tenant may be accepted."""
        return (self.azure_tenant_id or "").lower() in ("organizations", "common")

    @property
    def tenants(self) -> frozenset[str]:
        """Ids of the tenants whose tokens are accepted."""
        names = self.azure_allowed_tenants if self.any_tenant else (self.azure_tenant_id or "",)
        return frozenset(name.lower() for name in names if name)

    @field_validator("auth_mode")
    @classmethod
    def _consistent(cls, modes: tuple[AuthMode, ...]) -> tuple[AuthMode, ...]:
        if not modes:
            raise ValueError("name a mode: off, api_key, entra, or api_key,entra")
        if "off" in modes and len(modes) > 1:
            raise ValueError("`off` cannot be combined with another mode")
        return tuple(dict.fromkeys(modes))
