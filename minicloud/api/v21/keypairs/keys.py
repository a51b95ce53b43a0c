# SPDX-License-Identifier: Apache-2.0
"""Public keys: fingerprints as Nova shows them, and new pairs for microversions that make them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from minicloud import exception
from minicloud.web.moments import now

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import rsa

#: How long a certificate lasts, and where Windows looks for the name of the user who logs in with it.
_LIFETIME = timedelta(days=3650)
_PRINCIPAL_NAME = "1.3.6.1.4.1.311.20.2.3"


class Pair(NamedTuple):
    public_key: str
    fingerprint: str
    private_key: str | None = None


def _colons(digest: str) -> str:
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def imported(kind: str, public_key: str) -> Pair:
    """:raises KeypairInvalid: when it is no public key of that kind"""
    return Pair(public_key, _FINGERPRINTS[kind](public_key))


def _ssh_fingerprint(public_key: str) -> str:
    parts = public_key.strip().split(None, 2)
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except (IndexError, binascii.Error, ValueError):
        raise exception.KeypairInvalid(reason="failed to generate fingerprint of public_key") from None
    # The blob begins with its own type: four bytes of length, then the name.
    if len(blob) < 5 or blob[4 : 4 + int.from_bytes(blob[:4], "big")] != parts[0].encode():
        raise exception.KeypairInvalid(reason="failed to generate fingerprint of public_key")
    return _colons(hashlib.md5(blob, usedforsecurity=False).hexdigest())


def _x509_fingerprint(public_key: str) -> str:
    from cryptography import x509  # heavy, and rarely asked for
    from cryptography.hazmat.primitives import hashes

    try:
        certificate = x509.load_pem_x509_certificate(public_key.encode())
    except ValueError:
        raise exception.KeypairInvalid(reason="failed to generate X509 fingerprint of public_key") from None
    return _colons(certificate.fingerprint(hashes.SHA1()).hex())  # nosec B303  # the API's form, no secret


_FINGERPRINTS = {"ssh": _ssh_fingerprint, "x509": _x509_fingerprint}


def generated(kind: str, user_id: str) -> Pair:
    """A new pair; only its answer ever holds the private key.

    :param user_id: to whom a certificate is made out
    """
    from cryptography.hazmat.primitives import serialization  # heavy, and rarely asked for
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    if kind == "x509":
        certificate = _certificate(key, user_id)
        return Pair(certificate, _x509_fingerprint(certificate), private.decode())
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    public_key = f"{public.decode()} Generated-by-minicloud"
    return Pair(public_key, _ssh_fingerprint(public_key), private.decode())


def _certificate(key: rsa.RSAPrivateKey, user_id: str) -> str:
    """A certificate, signed with its own key, with which Windows lets a user log in."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    # A common name has at most 64 characters, see RFC 5280.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user_id[:64])])
    # UTF8String in DER: tag, length, text; user ids are far shorter than 128 bytes.
    text = f"{user_id[:64]}@localhost".encode()[:127]
    principal = x509.OtherName(x509.ObjectIdentifier(_PRINCIPAL_NAME), bytes([0x0C, len(text)]) + text)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now())
        .not_valid_after(now() + _LIFETIME)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([principal]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
