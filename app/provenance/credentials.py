"""Whether files are signed, which the operator decides and no request."""

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from typing import IO, Literal

from app.audio.types import AudioFormat
from app.core.clock import WallClock, utc_now
from app.core.exceptions import ProvenanceUnavailable
from app.core.logging import get_logger
from app.core.metrics import Metrics
from app.core.tasks import in_thread
from app.provenance.claim import MEDIA_TYPES, Claim, Signer

log = get_logger(__name__)

Absence = Literal["never", "no-certificate", "no-library", "test-engine"]
"""Why nothing is signed: by setting; for want of a certificate or of the library; because what the
engine of tests gives is no speech."""

State = Literal["on", "test", "expired", "never", "no-certificate", "no-library", "test-engine"]
"""Test: with a certificate that was made here for tests. Expired: it was on."""


class Credentials:
    """Signs whole files of the formats that take a manifest.

    Args:
        load: gives what signs, the same at each call, since it loads a library; or why nothing is
            signed.
        required: what cannot be signed is not given out. Otherwise it goes without a manifest,
            and that is logged and counted.
        test: the certificate is one that was made here for tests.
    """

    def __init__(
        self,
        load: Callable[[], Signer] | Absence,
        *,
        required: bool = False,
        test: bool = False,
        metrics: Metrics | None = None,
        clock: WallClock = utc_now,
    ) -> None:
        self._load = load
        self.required = required
        self._metrics = metrics or Metrics()
        self._clock = clock
        self._expires: datetime | None = None
        self._test = test

    async def open(self) -> None:
        """Have the certificate checked now.

        Raises:
            ConfigurationError: it cannot be used.
        """
        if callable(self._load):
            self._seen(await in_thread(None, self._load))

    @property
    def state(self) -> State:
        if not callable(self._load):
            return self._load
        if self._expired():
            return "expired"
        return "test" if self._test else "on"

    async def ready(self) -> None:
        """Raise `ProvenanceUnavailable` if files have to be signed, and cannot be."""
        self._check_valid()

    def takes(self, fmt: AudioFormat) -> bool:
        """Whether whole files of this format are signed."""
        return callable(self._load) and fmt in MEDIA_TYPES

    def check(self, fmt: AudioFormat) -> None:
        """Before any work is done for a file.

        Raises:
            ProvenanceUnavailable: it has to be signed, and the certificate has expired.
        """
        if self.takes(fmt):
            self._check_valid()

    def signed(self, content: bytes, fmt: AudioFormat, claim: Claim) -> bytes:
        """The file with its manifest; as it is where it gets none. Blocks.

        Raises:
            ProvenanceUnavailable: it has to be signed, and cannot be.
        """
        target = BytesIO()
        return target.getvalue() if self.sign(BytesIO(content), target, fmt, claim) else content

    def sign(self, source: IO[bytes], target: IO[bytes], fmt: AudioFormat, claim: Claim) -> bool:
        """The same with files; says whether anything was written. Blocks."""
        if not callable(self._load) or fmt not in MEDIA_TYPES:
            return False
        try:
            signer = self._seen(self._load())
            if self._expired():
                raise _expired()
            signer.sign(source, target, MEDIA_TYPES[fmt], claim)
        except ProvenanceUnavailable as error:
            self._metrics.manifest("failed")
            if self.required:
                raise
            log.warning("a file goes without a manifest", detail=error.detail)
            return False
        self._metrics.manifest("signed")
        return True

    def speaks(self, voice_id: str, hashes: tuple[str, ...]) -> bool | None:
        """Whether a manifest of ours means this voice. Blocks.

        Returns:
            None where there is no secret to tell by.
        """
        if not callable(self._load):
            return None
        return self._seen(self._load()).voice_hash(voice_id) in hashes

    def _check_valid(self) -> None:
        if self.required and self._expired():
            raise _expired()

    def _expired(self) -> bool:
        return self._expires is not None and self._clock() >= self._expires

    def _seen(self, signer: Signer) -> Signer:
        self._expires = signer.expires
        return signer


def _expired() -> ProvenanceUnavailable:
    return ProvenanceUnavailable(
        "The certificate that signs files has expired.",
        "Ask for a stream, or for Opus. The operator has to renew C2PA_CERTIFICATE and restart.",
    )
