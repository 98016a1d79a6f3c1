"""Which tokens are accepted, and what they let do. The issuer is real, on loopback."""

import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import jwt
import pytest
from jwt.algorithms import RSAAlgorithm
from jwt.warnings import InsecureKeyLengthWarning

from app.core.config import Settings
from app.core.config.checks import check
from app.core.exceptions import AppError, ConfigurationError, TokenExpired, TokenInvalid
from app.identity.tokens import TokenVerifier
from app.models.access import PERMISSIONS, Permission, Role
from tests.servers.issuer import (
    ANN,
    APPLICATION,
    AUDIENCE,
    BEN,
    CLIENT,
    OIDC_AUDIENCE,
    OTHER_TENANT,
    TENANT,
    Issuer,
    ec_jwk,
    ec_key,
    jwk,
    rsa_key,
    with_public_key_as_secret,
)

NOT_YET = 4_102_444_800  # 2100; the same in every process that collects the tests
pytestmark = pytest.mark.anyio

Make = Callable[..., TokenVerifier]
NOTHING: frozenset[Permission] = frozenset()


@pytest.fixture
async def make(issuer: Issuer) -> AsyncIterator[Make]:
    """Makes a verifier by settings; those given change the usual ones."""
    made = []

    def call(*, now: float | None = None, **values: Any) -> TokenVerifier:
        usual = {
            "auth_mode": "entra",
            "azure_authority": issuer.url,
            "azure_tenant_id": TENANT,
            "azure_client_id": CLIENT,
        }
        settings = Settings(_env_file=None, **usual | values)
        clock = time.time if now is None else lambda: now
        # Nothing is encrypted here, and reading the certificates takes longer than all the rest.
        client = httpx2.AsyncClient(verify=False)
        made.append(TokenVerifier.of(settings, clock=clock, client=client))
        return made[-1]

    yield call
    for verifier in made:
        await verifier.close()


@pytest.fixture
def make_oidc(make: Make, issuer: Issuer) -> Make:
    def call(**values: Any) -> TokenVerifier:
        usual = {"oidc_issuer": issuer.url, "oidc_audience": OIDC_AUDIENCE}
        return make(**usual | values)

    return call


async def refusal(verifier: TokenVerifier, token: str) -> type[AppError]:
    with pytest.raises(AppError) as refused:
        await verifier.verify(token)
    return type(refused.value)


# Entra ID: who it is


@pytest.mark.parametrize("version", [1, 2])
async def test_a_user_of_either_version_is_known_by_tenant_and_object(make, issuer, version):
    principal = await make().verify(issuer.user(version, roles=["speaker"]))

    assert principal.owner == principal.subject == f"{TENANT}/{ANN}"
    assert principal.permissions == PERMISSIONS[Role.SPEAKER]


@pytest.mark.parametrize(
    ("claims", "groups"),
    [
        ({}, []),
        ({"groups": ["g-1", "g-2", 3]}, ["g-1", "g-2"]),
        ({"_claim_names": {"groups": "src1"}}, []),  # in too many: there is only a link
        ({"hasgroups": True}, []),
    ],
)
async def test_a_user_is_in_the_groups_of_the_tenant_that_the_token_names(
    make, issuer, claims, groups
):
    principal = await make().verify(issuer.user(**claims))

    assert principal.groups == {f"{TENANT}/{group}" for group in groups}


@pytest.mark.parametrize("version", [1, 2])
async def test_an_application_of_either_version_has_its_own_roles(make, issuer, version):
    principal = await make().verify(issuer.application(version, roles=["creator"]))

    assert principal.owner == f"{TENANT}/{APPLICATION}"
    assert principal.permissions == PERMISSIONS[Role.CREATOR]


async def test_two_users_of_one_application_are_two_owners(make, issuer):
    verifier = make()

    ann = await verifier.verify(issuer.user(oid=ANN))
    ben = await verifier.verify(issuer.user(oid=BEN))

    assert ann.owner != ben.owner


@pytest.mark.parametrize(
    ("version", "audience"), [(1, AUDIENCE), (1, CLIENT), (2, CLIENT), (1, "api://our-own-name")]
)
async def test_the_application_id_and_its_uris_are_audiences(make, issuer, version, audience):
    verifier = make(azure_audience="api://our-own-name")

    assert await verifier.verify(issuer.user(version, aud=audience))


async def test_an_audience_alone_is_enough_to_be_set_up(make, issuer):
    verifier = make(azure_client_id=None, azure_audience="api://our-own-name")

    assert await verifier.verify(issuer.user(1, aud="api://our-own-name"))
    assert await refusal(verifier, issuer.user(1)) is TokenInvalid


# Entra ID: what is refused


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "00000003-0000-0000-c000-000000000000"},
        {"aud": [OTHER_TENANT]},
        {"aud": None},
        {"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0"},
        {"iss": f"https://sts.windows.net/{OTHER_TENANT}/"},
        {"iss": "https://evil.example/"},
        {"iss": None},
        {"tid": OTHER_TENANT},
        {"tid": None},
        {"tid": [TENANT]},
        {"oid": None},
        {"oid": "../ann"},
        {"exp": None},
        {"nbf": None},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
        {"exp": 10**400},
        {"nbf": NOT_YET},
        {"ver": None},
        {"ver": "3.0"},
        {"azp": None, "appid": None},  # an ID token: says who signed in
    ],
    ids=str,
)
async def test_a_genuine_token_that_is_not_for_us_is_refused(make, issuer, version, claims):
    token = issuer.user(version, roles=["admin"], **claims)

    assert await refusal(make(), token) is TokenInvalid


async def test_a_token_of_one_version_cannot_pass_for_the_other(make, issuer):
    claims = issuer.entra_claims(2) | {"ver": "1.0", "appid": APPLICATION}

    assert await refusal(make(), issuer.token(claims)) is TokenInvalid


@pytest.mark.parametrize("version", [1, 2])
async def test_an_expired_token_is_said_to_be_expired(make, issuer, version):
    token = issuer.user(version, nbf=1000, exp=2000)

    assert await refusal(make(), token) is TokenExpired


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (939, TokenInvalid),
        (940, None),
        (2059, None),
        (2060, TokenExpired),
    ],
)
async def test_clocks_may_differ_by_the_skew_and_no_more(make, issuer, now, expected):
    verifier = make(now=float(now), auth_clock_skew_s=60)
    token = issuer.user(nbf=1000, exp=2000)

    if expected is None:
        assert await verifier.verify(token)
    else:
        assert await refusal(verifier, token) is expected


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, None, "none", {"kid": "key-1"})


def by_another_key(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, rsa_key(2), "RS256", {"kid": "key-1"})


def by_another_algorithm(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, rsa_key(1), "RS512", {"kid": "key-1"})


def changed_afterwards(claims: dict[str, Any]) -> str:
    head, _, mark = jwt.encode(claims, rsa_key(1), "RS256", {"kid": "key-1"}).split(".")
    body = json.dumps(claims | {"oid": BEN}).encode()
    return f"{head}.{base64.urlsafe_b64encode(body).rstrip(b'=').decode()}.{mark}"


def without_its_signature(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, rsa_key(1), "RS256", {"kid": "key-1"}).rpartition(".")[0] + "."


def without_key_id(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, rsa_key(1), "RS256")


def with_its_own_key(claims: dict[str, Any]) -> str:
    header = {"kid": "key-2", "jwk": jwk(2), "jku": "https://evil.example/keys"}
    return jwt.encode(claims, rsa_key(2), "RS256", header)


@pytest.mark.parametrize(
    "forge",
    [
        unsigned,
        with_public_key_as_secret,
        by_another_key,
        by_another_algorithm,
        changed_afterwards,
        without_its_signature,
        without_key_id,
        with_its_own_key,
    ],
)
async def test_a_forged_token_is_refused(make, issuer, forge):
    verifier = make()
    claims = issuer.entra_claims() | {"roles": ["admin"]}
    assert await verifier.verify(issuer.token(claims))  # nothing else is wrong with it

    assert await refusal(verifier, forge(claims)) is TokenInvalid


async def test_a_key_that_is_too_short_proves_nothing(make, issuer):
    weak = rsa_key(0, bits=1024)
    issuer.keys = [RSAAlgorithm.to_jwk(weak.public_key(), as_dict=True) | {"kid": "weak"}]
    with pytest.warns(InsecureKeyLengthWarning):
        token = issuer.token(issuer.entra_claims(), key=weak, kid="weak")

    assert await refusal(make(), token) is TokenInvalid


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "a.b.c",
        "..",
        "é.è.ê",
        "e30.e30.",
        "bnVsbA.bnVsbA.bnVsbA",
        "W10.W10.W10",
        base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.x",
        "e30." + base64.urlsafe_b64encode(b'{"a":' + b"[" * 9000).decode() + ".x",
        "a" * 1_000_000,
        "\x00\x00.\x00.\x00",
    ],
    ids=lambda token: token[:12],
)
async def test_garbage_is_refused_without_asking_the_issuer(make, issuer, token):
    assert await refusal(make(), token) is TokenInvalid
    assert issuer.asked == []


@pytest.mark.parametrize("forge", [unsigned, with_public_key_as_secret, by_another_algorithm])
async def test_nor_is_it_asked_for_keys_of_other_algorithms(make, issuer, forge):
    assert await refusal(make(), forge(issuer.entra_claims())) is TokenInvalid
    assert issuer.asked == []


async def test_a_key_that_signs_for_another_issuer_is_of_no_use(make, issuer):
    issuer.keys = [jwk(1, issuer=f"{issuer.url}/{OTHER_TENANT}/v2.0")]

    assert await refusal(make(), issuer.user()) is TokenInvalid


@pytest.mark.parametrize("version", [1, 2])
async def test_a_key_that_signs_for_every_tenant_is_good_for_ours(make, issuer, version):
    issuer.keys = [jwk(1, issuer=f"{issuer.url}/{{tenantid}}/v2.0")]

    assert await make().verify(issuer.user(version))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", ["organizations", "common"])
async def test_of_many_tenants_only_the_listed_ones_are_let_in(make, issuer, version, name):
    verifier = make(azure_tenant_id=name, azure_allowed_tenants=f"{TENANT.upper()}")
    theirs = (
        f"https://sts.windows.net/{OTHER_TENANT}/"
        if version == 1
        else f"{issuer.url}/{OTHER_TENANT}/v2.0"
    )

    assert (await verifier.verify(issuer.user(version))).owner == f"{TENANT}/{ANN}"
    for claims in ({"tid": OTHER_TENANT, "iss": theirs}, {"iss": theirs}, {"tid": OTHER_TENANT}):
        assert await refusal(verifier, issuer.user(version, **claims)) is TokenInvalid


# What it lets do


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        (["reader"], PERMISSIONS[Role.READER]),
        (["VoiceCloning.Speaker"], PERMISSIONS[Role.SPEAKER]),
        (["SPEAKER", "reader"], PERMISSIONS[Role.SPEAKER]),
        (["Admin"], PERMISSIONS[Role.ADMIN]),
        (["owner", "reader.x", "adm in", "", 7, None], NOTHING),
        ("creator", PERMISSIONS[Role.CREATOR]),
        ({"admin": True}, NOTHING),
        (None, NOTHING),
    ],
)
async def test_an_application_may_what_its_roles_say(make, issuer, roles, expected):
    principal = await make(auth_default_role="admin").verify(issuer.application(roles=roles))

    assert principal.permissions == expected


@pytest.mark.parametrize(
    ("scp", "expected"),
    [
        ("access_as_user", PERMISSIONS[Role.CREATOR]),
        ("user_impersonation openid", PERMISSIONS[Role.CREATOR]),
        ("reader", PERMISSIONS[Role.READER]),
        (f"{AUDIENCE}/speaker", PERMISSIONS[Role.SPEAKER]),
        ("VoiceCloning.Speaker", PERMISSIONS[Role.SPEAKER]),
        ("Reader Speaker", PERMISSIONS[Role.SPEAKER]),
        ("admin", PERMISSIONS[Role.CREATOR]),  # a scope gives nothing that the user has not
        ("User.Read openid profile", NOTHING),
        ("", NOTHING),
    ],
)
async def test_a_users_application_may_what_both_user_and_scope_allow(make, issuer, scp, expected):
    principal = await make().verify(issuer.user(roles=["creator"], scp=scp))

    assert principal.permissions == expected


async def test_the_scopes_that_let_everything_through_can_be_chosen(make, issuer):
    verifier = make(oidc_full_scopes="Voices.All")

    through = await verifier.verify(issuer.user(roles=["creator"], scp="Voices.All"))
    not_any_more = await verifier.verify(issuer.user(roles=["creator"], scp="access_as_user"))

    assert through.permissions == PERMISSIONS[Role.CREATOR]
    assert not_any_more.permissions == NOTHING


@pytest.mark.parametrize(
    ("default", "roles", "expected"),
    [
        (None, None, NOTHING),
        ("speaker", None, PERMISSIONS[Role.SPEAKER]),
        ("Speaker", ["unknown"], PERMISSIONS[Role.SPEAKER]),
        ("speaker", ["reader"], PERMISSIONS[Role.READER]),
    ],
)
async def test_users_without_a_role_have_the_default_one(make, issuer, default, roles, expected):
    principal = await make(auth_default_role=default).verify(issuer.user(roles=roles))

    assert principal.permissions == expected


async def test_a_user_without_scope_is_no_application(make, issuer):
    token = issuer.user(scp=None, idtyp="user", roles=["admin"])

    assert (await make().verify(token)).permissions == NOTHING


# Other issuers


async def test_another_issuer_can_take_the_place_of_entra_id(make_oidc, issuer):
    token = issuer.token(issuer.oidc_claims() | {"roles": ["speaker"]})

    principal = await make_oidc().verify(token)

    assert principal.permissions == PERMISSIONS[Role.SPEAKER]
    assert "ann" not in principal.owner + principal.subject
    assert len(principal.owner) <= 200


async def test_its_users_are_told_apart_and_stay_who_they_are(make_oidc, issuer):
    verifier = make_oidc()

    async def owner(subject: str) -> str:
        token = issuer.token(issuer.oidc_claims() | {"sub": subject})
        return (await verifier.verify(token)).owner

    assert await owner("ann") == await owner("ann")
    assert len({await owner(name) for name in ("ann", "Ann", "ben", "x" * 3000)}) == 4


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"exp": None},
        {"nbf": NOT_YET},
    ],
    ids=str,
)
async def test_what_it_issues_for_others_is_refused(make_oidc, issuer, claims):
    token = issuer.token(issuer.oidc_claims() | {"roles": ["admin"]} | claims)

    assert await refusal(make_oidc(), token) is TokenInvalid


async def test_its_expired_tokens_are_said_to_be_expired(make_oidc, issuer):
    token = issuer.token(issuer.oidc_claims() | {"nbf": 1000, "exp": 2000})

    assert await refusal(make_oidc(), token) is TokenExpired


async def test_it_may_sign_with_elliptic_curves(make_oidc, issuer):
    issuer.keys = [jwk(1), ec_jwk("curve")]
    claims = issuer.oidc_claims()
    verifier = make_oidc()

    assert await verifier.verify(issuer.token(claims, key=ec_key(), algorithm="ES256", kid="curve"))
    mixed = issuer.token(claims, key=ec_key(), algorithm="ES256", kid="key-1")
    assert await refusal(verifier, mixed) is TokenInvalid


@pytest.mark.parametrize(
    "issued",
    [
        {"realm_access": {"roles": ["offline_access", "speaker"]}},
        {"realm_access.roles": ["speaker"]},
    ],
)
async def test_its_roles_may_lie_in_another_claim(make_oidc, issuer, issued):
    token = issuer.token(issuer.oidc_claims() | issued)

    principal = await make_oidc(oidc_roles_claim="realm_access.roles").verify(token)

    assert principal.permissions == PERMISSIONS[Role.SPEAKER]


async def test_its_groups_may_lie_in_another_claim(make_oidc, issuer):
    token = issuer.token(issuer.oidc_claims() | {"memberships": ["Team A", "b"], "groups": ["c"]})

    principal = await make_oidc(oidc_groups_claim="memberships").verify(token)

    assert principal.groups == {"Team A", "b"}


@pytest.mark.parametrize("claim", ["roles", "realm_access", "a.b.c"])
async def test_roles_of_an_unexpected_form_give_nothing(make_oidc, issuer, claim):
    claims = {"roles": {"admin": 1}, "realm_access": [["admin"]], "a": {"b": "admin"}}
    token = issuer.token(issuer.oidc_claims() | claims)

    principal = await make_oidc(oidc_roles_claim=claim).verify(token)

    assert principal.permissions == NOTHING


async def test_roles_of_its_other_services_are_not_ours(make_oidc, issuer):
    token = issuer.token(issuer.oidc_claims() | {"roles": ["billing.admin"]})

    assert (await make_oidc().verify(token)).permissions == NOTHING


@pytest.mark.parametrize("claims", [{"scope": "reader email"}, {"scp": ["reader", "email"]}])
async def test_its_scopes_limit_what_its_users_may(make_oidc, issuer, claims):
    token = issuer.token(issuer.oidc_claims() | {"roles": ["admin"]} | claims)

    assert (await make_oidc().verify(token)).permissions == PERMISSIONS[Role.READER]


async def test_its_keys_may_lie_at_an_address_of_their_own(make_oidc, issuer):
    issuer.answers["/elsewhere"] = {"keys": [jwk(1)]}
    verifier = make_oidc(oidc_jwks_url=f"{issuer.url}/elsewhere")

    assert await verifier.verify(issuer.token(issuer.oidc_claims()))
    assert issuer.asked == ["/elsewhere"]


# Set-up


@pytest.mark.parametrize(
    "values",
    [
        {"azure_tenant_id": "contoso.onmicrosoft.com"},
        {"azure_tenant_id": "organizations", "azure_allowed_tenants": "contoso"},
        {"azure_tenant_id": "organizations"},
        {"azure_authority": "login.microsoftonline.com"},
        {"azure_authority": "http://login.example", "environment": "production"},
        {"oidc_issuer": "http://id.example", "environment": "production"},
        {"oidc_issuer": "https://id.example", "oidc_jwks_url": "file:///keys"},
    ],
    ids=str,
)
async def test_settings_that_cannot_work_are_refused(values):
    usual = {"auth_mode": "entra", "azure_tenant_id": TENANT, "azure_client_id": CLIENT}
    if "oidc_issuer" in values:
        usual["oidc_audience"] = OIDC_AUDIENCE

    assert check(Settings(_env_file=None, **usual)) == []
    with pytest.raises(ConfigurationError):
        check(Settings(_env_file=None, **usual | values))


@pytest.mark.parametrize("role", list(Role))
async def test_every_role_can_be_the_default_one(role):
    assert Settings(_env_file=None, auth_default_role=role.upper()).auth_default_role == role
