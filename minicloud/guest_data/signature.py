# SPDX-License-Identifier: Apache-2.0
"""How the metadata service knows for whom a proxy asks: headers, and a signature with a secret that both have.

A guest cannot say who it is; the network knows, by the address that a question comes from. The names and the signature
are those of Neutron's metadata agent, so that it may be the proxy too.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
from pathlib import Path

from oslo_config import cfg

INSTANCE = "X-Instance-ID"
PROJECT = "X-Tenant-ID"
SIGNATURE = "X-Instance-ID-Signature"
#: Neutron's name for the address that asks; an HTTP server drops it unless it trusts the proxy.
FORWARDED = "X-Forwarded-For"
#: The same by a name that nobody drops.
SOURCE = "X-Minicloud-Source-Address"

_FILE = "metadata.secret"


def sign(secret: bytes, instance_id: str) -> str:
    """HMAC-SHA256, in hexadecimal digits."""
    return hmac.new(secret, instance_id.encode(), hashlib.sha256).hexdigest()


def is_signed(secret: bytes, instance_id: str, signature: str) -> bool:
    """Whether somebody who has the secret said so; takes as long for a wrong signature as for a right one."""
    return hmac.compare_digest(sign(secret, instance_id).encode(), signature.encode())


def shared_secret(conf: cfg.ConfigOpts) -> bytes:
    """The configured one, or that of this machine's state directory, made by whoever needs it first.

    :raises OSError: when it can be neither read nor made
    """
    if configured := conf.metadata.proxy_shared_secret:
        return str(configured).encode()
    path = Path(conf.state_dir) / _FILE
    try:
        return path.read_bytes()
    except FileNotFoundError:
        _make(path)
        return path.read_bytes()


def _make(path: Path) -> None:
    """Appears whole or not at all; of two that start at once the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
