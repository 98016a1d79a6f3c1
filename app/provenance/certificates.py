"""Certificates that sign manifests: read and checked, or made for tests."""

import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from secrets import token_hex
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from app.core.config.provenance import SigningAlgorithm
from app.core.exceptions import ConfigurationError

T = TypeVar("T", bound=x509.ExtensionType)

_CURVES: Final = {"es256": "secp256r1", "es384": "secp384r1", "es512": "secp521r1"}
_MIN_RSA_BITS: Final = 2048
# What a certificate must be for, by C2PA 2.x, section 14.5.1, and its default trust configuration.
_PURPOSES: Final = {
    ExtendedKeyUsageOID.EMAIL_PROTECTION: "emailProtection",
    ObjectIdentifier("1.3.6.1.5.5.7.3.36"): "documentSigning",
    ObjectIdentifier("1.3.6.1.4.1.62558.2.1"): "c2pa-kp-claimSigning",
}
_TEST_FILE: Final = "test-certificate.pem"
_TEST_DAYS: Final = 365
_TEST_ORGANISATION: Final = "TEST, not for production"
_TEST_NAME: Final = "TEST voice-cloning-api, made by itself"
_CERTIFICATE: Final = "C2PA_CERTIFICATE"
_KEY: Final = "C2PA_PRIVATE_KEY"
_HOW: Final = "docs/c2pa.md says how to make one."


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signs.

    Attributes:
        chain: PEM: the certificate, then its issuers.
        key: PEM, PKCS #8, not encrypted.
        issuers: PEM: the chain without the certificate; may be empty.
        serial: of the certificate, decimal.
        expires: the first moment at which the certificate is not valid.
        test: it was made here, for tests.
    """

    chain: bytes
    key: bytes = field(repr=False)
    algorithm: SigningAlgorithm
    issuers: str
    serial: str
    expires: datetime
    test: bool

    def derived_secret(self) -> bytes:
        """32 bytes that only the holder of the key knows."""
        made = HKDF(hashes.SHA256(), 32, salt=None, info=b"voice-cloning-api voice hash")
        return made.derive(self.key)


def load(certificate: Path, key: str, algorithm: SigningAlgorithm, *, now: datetime) -> Identity:
    """The identity that an operator has given.

    Args:
        key: a PEM file, or the PEM text itself.

    Raises:
        ConfigurationError: it cannot be used; says why, and names the setting.
    """
    chain = read_certificates(certificate, _CERTIFICATE)
    private = _private_key(key)
    leaf = chain[0]
    if _public(private) != leaf.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ):
        raise ConfigurationError(
            f"{_KEY} does not belong to the first certificate of {_CERTIFICATE}.",
            "The file begins with the certificate that signs; its issuers follow.",
        )
    _check_algorithm(private, algorithm)
    _check_time(leaf, now)
    _check_use(leaf)
    for inner, outer in pairwise(chain):
        if inner.issuer != outer.subject:
            raise ConfigurationError(
                f"{_CERTIFICATE}={certificate}: a certificate is followed by one that is not its "
                "issuer.",
                "Put them in order: the one that signs, its issuer, the issuer of that.",
            )
    return _identity(chain, private, algorithm, test=False)


def read_certificates(path: Path, setting: str) -> list[x509.Certificate]:
    """Those of a PEM file; at least one.

    Raises:
        ConfigurationError: there are none, or the file cannot be read.
    """
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"{setting}={path} cannot be read: {error.strerror}.",
            "Name a file that the user of the service may read.",
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{setting}={path} holds no certificates in PEM form.", f"{_HOW}"
        ) from error


def pem(certificates: list[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def test_identity(folder: Path, *, now: datetime) -> Identity:
    """One for tests, the same for all who share the folder. It is made when there is none, or the
    last one has expired.

    Raises:
        ConfigurationError: the folder cannot be used.
    """
    path = folder / _TEST_FILE
    try:
        if path.exists():
            found = _stored(path)
            if found.expires > now:
                return found
            path.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        _store_once(path, _made(now))
        return _stored(path)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The test certificate in {folder} cannot be made or read.",
            f"Delete {path}, or set {_CERTIFICATE} and {_KEY}, or C2PA=never.",
        ) from error


def _private_key(key: str) -> PrivateKeyTypes:
    text = key.encode()
    try:
        if "-----BEGIN" not in key:
            text = Path(key).read_bytes()
        return load_pem_private_key(text, password=None)
    except OSError as error:
        raise ConfigurationError(
            f"The file that {_KEY} names cannot be read: {error.strerror}.",
            "Name a file that the user of the service may read, or give the PEM text itself.",
        ) from error
    except TypeError as error:
        raise ConfigurationError(
            f"{_KEY} is encrypted.", "Store it without a passphrase: openssl pkcs8 -topk8 -nocrypt."
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigurationError(f"{_KEY} holds no private key in PEM form.", _HOW) from error


def _public(private: PrivateKeyTypes) -> bytes:
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _check_algorithm(private: PrivateKeyTypes, algorithm: SigningAlgorithm) -> None:
    fits, has = False, "another kind of key"
    if isinstance(private, ec.EllipticCurvePrivateKey):
        fits, has = private.curve.name == _CURVES.get(algorithm), f"curve {private.curve.name}"
    elif isinstance(private, rsa.RSAPrivateKey):
        fits = algorithm.startswith("ps") and private.key_size >= _MIN_RSA_BITS
        has = f"RSA, {private.key_size} bits"
    elif isinstance(private, ed25519.Ed25519PrivateKey):
        fits, has = algorithm == "ed25519", "Ed25519"
    if not fits:
        raise ConfigurationError(
            f"C2PA_ALGORITHM={algorithm} does not fit {_KEY}: {has}.",
            "es256 is for P-256, es384 for P-384, es512 for P-521, ps256 to ps512 for RSA of "
            f"{_MIN_RSA_BITS} bits or more, ed25519 for Ed25519.",
        )


def _check_time(leaf: x509.Certificate, now: datetime) -> None:
    if now >= leaf.not_valid_after_utc:
        raise ConfigurationError(
            f"The certificate of {_CERTIFICATE} has expired at {leaf.not_valid_after_utc:%F %R} "
            "UTC.",
            f"Renew it. {_HOW}",
        )
    if now < leaf.not_valid_before_utc:
        raise ConfigurationError(
            f"The certificate of {_CERTIFICATE} is not valid before "
            f"{leaf.not_valid_before_utc:%F %R} UTC.",
            "Look at the clock of this machine.",
        )


def _check_use(leaf: x509.Certificate) -> None:
    basic = _extension(leaf, x509.BasicConstraints)
    usage = _extension(leaf, x509.KeyUsage)
    purposes = set(_extension(leaf, x509.ExtendedKeyUsage) or ())
    wrong = None
    if basic is not None and basic.ca:
        wrong = "it is that of an authority"
    elif usage is None or not usage.digital_signature:
        wrong = "its key usage lacks digitalSignature"
    elif not purposes & _PURPOSES.keys():
        wrong = f"its extended key usage is none of {', '.join(_PURPOSES.values())}"
    if wrong:
        raise ConfigurationError(
            f"The certificate of {_CERTIFICATE} is for another use: {wrong}.", _HOW
        )


def _extension(leaf: x509.Certificate, kind: type[T]) -> T | None:
    try:
        return leaf.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _identity(
    chain: list[x509.Certificate],
    private: PrivateKeyTypes,
    algorithm: SigningAlgorithm,
    *,
    test: bool,
) -> Identity:
    return Identity(
        chain=pem(chain),
        key=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        algorithm=algorithm,
        issuers=pem(chain[1:]).decode(),
        serial=str(chain[0].serial_number),
        expires=chain[0].not_valid_after_utc,
        test=test,
    )


def _stored(path: Path) -> Identity:
    content = path.read_bytes()
    chain = x509.load_pem_x509_certificates(content)
    private = load_pem_private_key(content[content.index(b"-----BEGIN PRIVATE") :], None)
    return _identity(chain, private, "es256", test=True)


def _store_once(path: Path, content: bytes) -> None:
    """Of several processes that do so at once, one wins and the others take what it has made."""
    mine = path.with_name(f".{path.name}.{token_hex(8)}")
    with os.fdopen(os.open(mine, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
    try:
        os.link(mine, path)
    except FileExistsError:
        pass
    finally:
        mine.unlink()


def _made(now: datetime) -> bytes:
    """A certificate, its authority and its key; the key of the authority is nowhere."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name = _name(f"{_TEST_NAME} (authority)")
    root = _certificate(root_name, root_name, root_key, now, ca=True).sign(
        root_key, hashes.SHA256()
    )
    leaf = (
        _certificate(_name(_TEST_NAME), root_name, key, now, ca=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()),
            critical=False,
        )
        .sign(root_key, hashes.SHA256())
    )
    return pem([leaf, root]) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    *,
    ca: bool,
) -> x509.CertificateBuilder:
    usage = {
        "digital_signature": not ca, "content_commitment": False, "key_encipherment": False,
        "data_encipherment": False, "key_agreement": False, "key_cert_sign": ca, "crl_sign": ca,
        "encipher_only": False, "decipher_only": False,
    }  # fmt: skip
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=_TEST_DAYS))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _TEST_ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )
