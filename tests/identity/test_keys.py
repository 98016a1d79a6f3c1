"""How the keys of an issuer are fetched and kept. No test waits: the clock is turned by hand."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial

import httpx2
import pytest

from app.core.exceptions import IdentityError
from app.identity.discovery import Source, fetch_keys, open_client
from app.identity.issuers import OidcIssuer
from app.identity.keys import KeyCache, KeySet
from app.identity.tokens import TokenRules, TokenVerifier
from tests.clock import StoppedClock
from tests.servers.issuer import OIDC_AUDIENCE, Issuer, jwk, rsa_key

pytestmark = pytest.mark.anyio

HOUR = 3600.0


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
async def fetch(issuer: Issuer) -> AsyncIterator[Callable[[], object]]:
    async with open_client() as client:
        metadata = f"{issuer.url}/.well-known/openid-configuration"
        yield partial(fetch_keys, client, Source(metadata, issuer=issuer.url))


@pytest.fixture
async def cache(fetch, clock: StoppedClock) -> AsyncIterator[KeyCache]:
    cache = KeyCache(fetch, clock=clock)
    yield cache
    await cache.close()


async def found(cache: KeyCache, kid: str) -> bool:
    _, key = await cache.find(kid)
    return key is not None


async def test_keys_are_fetched_once_and_kept_for_a_day(cache, issuer, clock):
    for _ in range(5):
        assert await found(cache, "key-1")
        clock.now += 4.7 * HOUR

    assert issuer.key_fetches == 1


async def test_after_a_day_they_are_fetched_anew_while_the_old_ones_are_used(cache, issuer, clock):
    await found(cache, "key-1")
    clock.now += 24 * HOUR
    issuer.gate.clear()  # the issuer is slow

    assert await found(cache, "key-1")

    assert await asyncio.to_thread(issuer.waiting.acquire, timeout=10)
    issuer.keys = [jwk(2)]
    issuer.gate.set()
    assert await found(cache, "key-2")  # waits for the fetch that is under way
    assert not await found(cache, "key-1")
    assert issuer.key_fetches == 2


async def test_callers_who_come_together_cause_one_fetch(cache, issuer):
    results = await asyncio.gather(*(found(cache, "key-1") for _ in range(50)))

    assert all(results)
    assert issuer.key_fetches == 1


async def test_a_caller_who_goes_away_does_not_end_the_fetch_of_the_others(cache, issuer):
    issuer.gate.clear()
    first, second = (asyncio.create_task(found(cache, "key-1")) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    issuer.gate.set()

    assert await second
    assert issuer.key_fetches == 1


async def test_twenty_unknown_keys_a_second_cause_one_fetch_in_five_minutes(cache, issuer, clock):
    await found(cache, "key-1")
    clock.now += 301.0

    for n in range(20 * 299):
        assert not await found(cache, f"bad-{n}")
        clock.now += 0.05

    assert issuer.key_fetches == 2
    assert await found(cache, "key-1")


async def test_unknown_keys_at_first_cause_one_fetch(cache, issuer, clock):
    for n in range(20):
        assert not await found(cache, f"bad-{n}")
        clock.now += 0.05

    assert issuer.key_fetches == 1


async def test_a_rotated_key_is_found_after_the_cool_down(cache, issuer, clock):
    assert await found(cache, "key-1")
    issuer.keys = [jwk(2), jwk(1)]

    clock.now += 299.0
    assert not await found(cache, "key-2")
    clock.now += 1.0
    assert await found(cache, "key-2")
    assert await found(cache, "key-1")


async def test_a_withdrawn_key_is_forgotten_with_the_next_fetch(cache, issuer, clock):
    await found(cache, "key-1")
    issuer.keys = [jwk(2)]
    clock.now += 300.0

    assert await found(cache, "key-2")
    assert not await found(cache, "key-1")


@pytest.mark.parametrize("status", [0, 302, 404, 500, 503])
async def test_keys_once_known_are_used_while_the_issuer_is_down(cache, issuer, clock, status):
    await found(cache, "key-1")
    issuer.status = status

    for _ in range(10):
        clock.now += 20 * HOUR
        assert await found(cache, "key-1")
        assert not await found(cache, "key-2")


async def test_without_any_key_it_is_said_and_it_comes_back_by_itself(cache, issuer, clock):
    issuer.status = 503
    with pytest.raises(IdentityError) as refused:
        await cache.find("key-1")
    assert issuer.url not in str(refused.value)

    issuer.status = 200
    clock.now += 5.0

    assert await found(cache, "key-1")


async def test_an_issuer_that_is_down_is_not_asked_with_every_request(
    cache, issuer, clock, caplog: pytest.LogCaptureFixture
):
    issuer.status = 503
    caplog.set_level(logging.WARNING)

    for _ in range(100):
        with pytest.raises(IdentityError):
            await cache.find("key-1")
        clock.now += 0.049

    assert len(issuer.asked) == 1
    assert len(caplog.records) == 1


ELSEWHERE = "http://127.0.0.1:9/keys"  # nobody answers there


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/.well-known/openid-configuration", {"issuer": "https://evil.example"}),
        ("/.well-known/openid-configuration", []),
        ("/.well-known/openid-configuration", {}),
        ("/.well-known/openid-configuration", b"<html>"),
        ("/.well-known/openid-configuration", b"[" * 20_000),
        ("/keys", {}),
        ("/keys", {"keys": []}),
        ("/keys", {"keys": "all"}),
        ("/keys", {"keys": [None, 7, {}, {"kid": "key-1"}]}),
        ("/keys", {"keys": [{"kty": "oct", "kid": "key-1", "k": "c2VjcmV0", "alg": "HS256"}]}),
        ("/keys", {"keys": [jwk(1, use="enc")]}),
        ("/keys", {"keys": [jwk(1, alg="RS512")]}),
        ("/keys", {"keys": [jwk(1, issuer=7)]}),
        ("/keys", {"keys": [jwk(1, n="AQAB")]}),
        ("/keys", {"keys": [jwk(1) | {"kid": None}]}),
        ("/keys", b" " * 600_000 + json.dumps({"keys": [jwk(1)]}).encode()),
    ],
)
async def test_an_answer_that_holds_no_usable_key_is_as_good_as_none(cache, issuer, path, document):
    issuer.answers[path] = document

    with pytest.raises(IdentityError):
        await cache.find("key-1")


async def test_a_key_of_an_unknown_kind_does_not_hide_the_others(cache, issuer):
    unusable = [
        {"kty": "OKP", "crv": "Ed448", "kid": "new"},
        None,
        {"kid": "odd", "crv": ["P-256"]},
    ]
    issuer.keys = [*unusable, jwk(1)]

    assert await found(cache, "key-1")


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
async def test_redirects_are_not_followed(cache, issuer, path):
    issuer.answers["/elsewhere"] = {"keys": [jwk(1)]}
    issuer.status, issuer.headers = 302, {"Location": f"{issuer.url}/elsewhere"}

    with pytest.raises(IdentityError):
        await cache.find("key-1")
    assert "/elsewhere" not in issuer.asked


async def test_an_issuer_that_never_answers_is_given_up(fetch, issuer):
    issuer.gate.clear()
    try:
        with pytest.raises(IdentityError):
            await fetch(timeout_s=0.05)
    finally:
        issuer.gate.set()


async def test_encrypted_metadata_cannot_lead_to_keys_that_are_not():
    source = Source("https://id.example/.well-known/openid-configuration")
    metadata = {"issuer": "https://id.example", "jwks_uri": "http://id.example/keys"}

    def answer(request: httpx2.Request) -> httpx2.Response:
        keys = {"keys": [jwk(1)]}
        return httpx2.Response(200, json=keys if request.url.path == "/keys" else metadata)

    transport = httpx2.MockTransport(answer)
    async with httpx2.AsyncClient(transport=transport) as client:
        with pytest.raises(IdentityError):
            await fetch_keys(client, source)


async def test_tokens_signed_by_a_rotated_key_are_accepted_without_a_restart(fetch, issuer, clock):
    oidc = OidcIssuer(issuer.url, frozenset({OIDC_AUDIENCE}), "roles")
    cache = KeyCache(fetch, clock=clock)
    verifier = TokenVerifier([(oidc, cache)], rules=TokenRules())
    old = issuer.token(issuer.oidc_claims())
    new = issuer.token(issuer.oidc_claims(), key=rsa_key(2), kid="key-2")
    assert await verifier.verify(old)

    issuer.keys = [jwk(1), jwk(2)]
    clock.now += 300.0

    assert (await verifier.verify(new)).owner == (await verifier.verify(old)).owner
    await cache.close()


async def test_closing_ends_a_fetch_that_is_under_way(clock):
    async def never() -> KeySet:
        await asyncio.Event().wait()
        raise AssertionError

    cache = KeyCache(never, clock=clock)
    waiting = asyncio.create_task(cache.find("key-1"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    await cache.close()

    with pytest.raises(asyncio.CancelledError):
        await waiting
