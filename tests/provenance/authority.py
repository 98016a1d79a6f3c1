"""Certificates as operators have them, good and bad ones."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Issued:
    """A certificate with its issuer, and its key."""

    leaf: x509.Certificate
    root: x509.Certificate
    private: ec.EllipticCurvePrivateKey

    @property
    def chain(self) -> bytes:
        return _pem(self.leaf) + _pem(self.root)

    @property
    def anchor(self) -> bytes:
        return _pem(self.root)

    @property
    def key(self) -> str:
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self.private.private_bytes(*form).decode()

    def settings(self, folder: Path, **more: Any) -> dict[str, Any]:
        """Of a server that signs with it."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "chain.pem"
        path.write_bytes(self.chain)
        return {"c2pa_certificate": path, "c2pa_private_key": self.key} | more


@cache
def issued(
    name: str = "speech.example.com",
    *,
    days: int = 30,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
    signs: bool = True,
    ca: bool = False,
) -> Issued:
    """A certificate of an authority of its own; it began to be valid 60 days ago."""
    root_key = ec.generate_private_key(ec.SECP256R1())
    root = _built(f"authority of {name}", f"authority of {name}", root_key, 365, ca=True)
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = root_key.public_key()
    leaf = _built(name, f"authority of {name}", key, days, ca=ca, signs=signs)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False
    )
    made = [builder.sign(root_key, hashes.SHA256()) for builder in (leaf, root)]
    return Issued(made[0], made[1], key)


def _built(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    days: int,
    *,
    ca: bool,
    signs: bool = True,
) -> x509.CertificateBuilder:
    others = ("key_encipherment", "data_encipherment", "key_agreement")
    usage = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    usage |= {"digital_signature": signs and not ca, "content_commitment": not signs}
    usage |= {"key_cert_sign": ca, "crl_sign": ca}
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW - timedelta(days=60))
        .not_valid_after(_NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
