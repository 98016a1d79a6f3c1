"""Manifests by the C2PA library. Nothing here asks the network but a timestamp authority that the
operator has named.
"""

import json
from datetime import datetime
from io import BytesIO
from typing import IO, Any, Final
from urllib.parse import urlsplit

import c2pa

from app.core.clock import WallClock, utc_now
from app.core.exceptions import ConfigurationError, ProvenanceUnavailable, UnreadableAudio
from app.provenance.certificates import Identity
from app.provenance.claim import Claim, definition, voice_hash
from app.provenance.reading import Problem, Reading, told

_MOST_TEXT: Final = 200
# What the library's errors begin with, or hold.
_REMOTE: Final = "Remote: must fetch remote manifests from url "
_DAMAGED: Final = "asset could not be parsed"


class ManifestSigner:
    """Signs by the key of an identity (`Signer`).

    Args:
        secret: by which ids of voices are hashed.
        timestamp_url: of the authority that is asked for each file; None asks none.

    Raises:
        ConfigurationError: the library does not take the certificate.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        secret: bytes,
        timestamp_url: str | None = None,
        clock: WallClock = utc_now,
    ) -> None:
        self._identity = identity
        self._secret = secret
        self._clock = clock
        hosts = [urlsplit(timestamp_url).hostname or ""] if timestamp_url else []
        try:
            self._context = c2pa.Context.from_dict(_settings(hosts))
            self._signer = c2pa.Signer.from_info(
                c2pa.C2paSignerInfo(identity.algorithm, identity.chain, identity.key, timestamp_url)
            )
        except c2pa.C2paError as error:
            raise _unfit(error) from error

    @property
    def expires(self) -> datetime:
        return self._identity.expires

    def voice_hash(self, voice_id: str) -> str:
        return voice_hash(self._secret, voice_id)

    def sign(self, source: IO[bytes], target: IO[bytes], media_type: str, claim: Claim) -> None:
        described = definition(
            claim, secret=self._secret, at=self._clock(), test=self._identity.test
        )
        try:
            with c2pa.Builder(described, self._context) as builder:
                builder.sign(self._signer, media_type, source, target)
        except c2pa.C2paError as error:
            raise ProvenanceUnavailable(
                f"The file cannot be signed: {_said(error)}", "Try again, or tell the operator."
            ) from error


class ManifestReader:
    """Reads manifests (`Reader`).

    Args:
        anchors: PEM: authorities whose signatures are trusted.

    Raises:
        ConfigurationError: the library does not take them.
    """

    def __init__(self, anchors: str) -> None:
        trust = {"trust_anchors": anchors} if anchors else {}
        try:
            self._context = c2pa.Context.from_dict(_settings([]) | {"trust": trust})
        except c2pa.C2paError as error:
            raise ConfigurationError(
                f"The certificates of C2PA_TRUST_ANCHORS cannot be used: {_said(error)}"
            ) from error

    def read(self, file: IO[bytes], media_type: str) -> Reading:
        try:
            with c2pa.Reader(media_type, file, None, context=self._context) as reader:
                return told(json.loads(reader.json()))
        except c2pa.C2paError.ManifestNotFound:
            return Reading("none", carrier=True)
        except c2pa.C2paError as error:
            said = _said(error)
            if said.startswith(_REMOTE):
                return Reading("elsewhere", carrier=True, at=said.removeprefix(_REMOTE))
            if _DAMAGED in said or isinstance(error, c2pa.C2paError.Io):
                raise UnreadableAudio(
                    "The file is damaged: it does not end where it says, or is no audio.",
                    "Send the file as it was made, and all of it.",
                ) from error
            problem = Problem("manifest.unreadable", said)
            return Reading("invalid", carrier=True, problems=(problem,))


def check_fit(signer: ManifestSigner, identity: Identity, sample: bytes) -> None:
    """Sign a file and read it, as others will.

    Args:
        sample: a WAV file.

    Raises:
        ConfigurationError: the library does not take what was signed.
    """
    signed = BytesIO()
    try:
        signer.sign(BytesIO(sample), signed, "audio/wav", Claim((), "-", "-"))
    except ProvenanceUnavailable as error:
        raise _unfit(error) from error
    signed.seek(0)
    reading = ManifestReader(identity.issuers).read(signed, "audio/wav")
    # Untrusted is a certificate whose issuers are not in its file.
    if reading.standing not in ("trusted", "untrusted"):
        said = ", ".join(problem.code for problem in reading.problems)
        raise _unfit(ValueError(said or reading.standing))


def _unfit(error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"Files cannot be signed by C2PA_CERTIFICATE: {_said(error)}",
        "docs/c2pa.md says what the certificate must be for.",
    )


def _settings(hosts: list[str]) -> dict[str, Any]:
    """Of the library.

    Args:
        hosts: that it may connect to.
    """
    return {
        "core": {"allowed_network_hosts": hosts},
        "verify": {
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
            "verify_trust": True,
            "verify_after_sign": False,
        },
        "builder": {"thumbnail": {"enabled": False}},
    }


def _said(error: Exception) -> str:
    return str(error)[:_MOST_TEXT]
