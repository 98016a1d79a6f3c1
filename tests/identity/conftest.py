from collections.abc import Iterator

import pytest

from tests.servers.issuer import Issuer, issuing


@pytest.fixture(scope="session")
def _running_issuer() -> Iterator[Issuer]:
    with issuing() as running:
        yield running


@pytest.fixture
def issuer(_running_issuer: Issuer) -> Issuer:
    _running_issuer.reset()
    return _running_issuer
