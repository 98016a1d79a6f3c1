"""From settings to what signs and reads. The library is loaded when there is something to do."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import Final, TypeVar

import numpy as np

from app.audio.encode import encode_all
from app.audio.types import AudioFormat
from app.core.clock import utc_now
from app.core.config import Settings
from app.core.exceptions import ConfigurationError, ProvenanceUnavailable
from app.core.metrics import Metrics
from app.core.tasks import in_thread
from app.provenance.claim import Signer
from app.provenance.credentials import Absence, Credentials
from app.provenance.reading import Reader

T = TypeVar("T")

_NO_LIBRARY: Final = "The library c2pa-python is not installed."
_INSTALL: Final = "Install it: pip install c2pa-python."


@dataclass(frozen=True, slots=True)
class Signing:
    """What signs here.

    Attributes:
        issuers: PEM: who vouches for the certificate; may be empty.
        serial: of the certificate, decimal.
    """

    signer: Signer
    issuers: str
    serial: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What signs files, and what reads the manifests of files.

    Attributes:
        signing: gives what signs; None where nothing does. Blocks.
        reader: gives what reads. Blocks. Raises `ProvenanceUnavailable` where there is no library.
        configured: certificates are named by settings, and are to be checked at start.
    """

    credentials: Credentials
    signing: Callable[[], Signing] | None
    reader: Callable[[], Reader]
    configured: bool

    async def open(self) -> None:
        """Check what the operator has named; a certificate for tests waits until it is used.

        Raises:
            ConfigurationError: it cannot be used.
        """
        if self.configured:
            await self.credentials.open()
            await in_thread(None, self.reader)


def open_provenance(settings: Settings, *, test_engine: bool, metrics: Metrics) -> Provenance:
    """As the operator has set it.

    Args:
        test_engine: what the engine gives is no speech, and signed only on demand.

    Raises:
        ConfigurationError: files are to be signed, and there is nothing that could do it.
    """
    absence = _absence(settings, test_engine)
    signing = None if absence else _once(lambda: _signing(settings))
    credentials = Credentials(
        (lambda: signing().signer) if signing else absence or "never",
        required=settings.c2pa == "always",
        test=settings.c2pa_certificate is None,
        metrics=metrics,
    )
    named = settings.c2pa_trust_anchors or (signing and settings.c2pa_certificate)
    return Provenance(
        credentials,
        signing,
        _once(lambda: _reader(settings, signing)),
        configured=named is not None,
    )


def _absence(settings: Settings, test_engine: bool) -> Absence | None:
    wanted = settings.c2pa == "always" or settings.c2pa_certificate is not None
    if settings.c2pa == "never":
        return "never"
    if find_spec("c2pa") is None:
        if wanted:
            raise ConfigurationError(_NO_LIBRARY, f"{_INSTALL} Or set C2PA=never.")
        return "no-library"
    if settings.c2pa_certificate is None and not settings.unsafe_allowed:
        if wanted:
            raise ConfigurationError(
                "C2PA=always needs C2PA_CERTIFICATE and C2PA_PRIVATE_KEY.",
                "docs/c2pa.md says how to make them.",
            )
        return "no-certificate"
    return "test-engine" if test_engine and not wanted else None


def _signing(settings: Settings) -> Signing:
    from app.provenance.certificates import load, test_identity
    from app.provenance.manifest import ManifestSigner, check_fit

    now = utc_now()
    certificate, key = settings.c2pa_certificate, settings.c2pa_private_key
    if certificate is None:
        identity = test_identity(settings.data_dir / "c2pa", now=now)
    else:
        text = key.get_secret_value() if key else ""
        identity = load(certificate, text, settings.c2pa_algorithm, now=now)
    secret = settings.c2pa_voice_secret
    signer = ManifestSigner(
        identity,
        secret=secret.get_secret_value().encode() if secret else identity.derived_secret(),
        timestamp_url=settings.c2pa_timestamp_url,
    )
    if settings.c2pa_timestamp_url is None:  # who is asked for each file is not asked at start
        sample = encode_all(
            np.zeros(800, np.float32), AudioFormat.WAV, input_rate=8000, output_rate=8000
        )
        check_fit(signer, identity, sample)
    return Signing(signer, identity.issuers, identity.serial)


def _reader(settings: Settings, signing: Callable[[], Signing] | None) -> Reader:
    if find_spec("c2pa") is None:
        raise ProvenanceUnavailable(_NO_LIBRARY, _INSTALL)
    from app.provenance.certificates import pem, read_certificates
    from app.provenance.manifest import ManifestReader

    anchors = signing().issuers if signing else ""
    if settings.c2pa_trust_anchors:
        named = read_certificates(settings.c2pa_trust_anchors, "C2PA_TRUST_ANCHORS")
        anchors += pem(named).decode()
    return ManifestReader(anchors)


def _once(make: Callable[[], T]) -> Callable[[], T]:
    """Makes it at the first call; later ones, from whichever thread, give the same."""
    making = Lock()
    kept = cache(make)

    def give() -> T:
        with making:
            return kept()

    return give
