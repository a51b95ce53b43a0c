# SPDX-License-Identifier: Apache-2.0
"""Fernet tokens: what a grant says, packed small and encrypted; nothing is stored for one.

A token of the usual kind is about 200 characters.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from minicloud.builtin.identity.keys import KeyRing
from minicloud.builtin.identity.objects import Grant, Scope

#: Longer than any token; what is longer is not looked at.
MAX_LENGTH = 2048
_VERSION = 1
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
#: Their places here are written in tokens: only add at the end.
_METHODS = ("password", "token", "application_credential")
_SCOPES = ("unscoped", "project", "domain", "system")


class _Payload(msgspec.Struct, frozen=True, array_like=True):
    version: int
    user: bytes
    scope_type: int
    scope: bytes
    methods: int
    audit_ids: list[str]
    issued_at: int
    expires_at: int
    application_credential: bytes | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Payload)


class FernetTokens:
    """Token <-> grant."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    def encode(self, grant: Grant) -> str:
        credential_id = grant.application_credential_id
        payload = _Payload(
            version=_VERSION,
            user=_pack(grant.user_id),
            scope_type=_SCOPES.index(grant.scope.type),
            scope=_pack(grant.scope.id),
            methods=sum(1 << _METHODS.index(method) for method in grant.methods),
            audit_ids=list(grant.audit_ids),
            issued_at=_to_number(grant.issued_at),
            expires_at=_to_number(grant.expires_at),
            application_credential=None if credential_id is None else _pack(credential_id),
        )
        # The padding would have to be escaped in URLs.
        return self._keys.encrypt(_ENCODER.encode(payload)).rstrip(b"=").decode()

    def decode(self, token: str) -> Grant | None:
        """
        :returns: None for what is not a token of this cloud; a grant may have expired
        """
        if len(token) > MAX_LENGTH or not token.isascii():
            return None
        data = self._keys.decrypt(token.encode() + b"=" * (-len(token) % 4))
        try:
            payload = None if data is None else _DECODER.decode(data)
        except msgspec.DecodeError:
            return None
        return None if payload is None or payload.version != _VERSION else _grant(payload)


def _grant(payload: _Payload) -> Grant:
    application_credential = payload.application_credential
    return Grant(
        user_id=_unpack(payload.user),
        scope=Scope(type=_SCOPES[payload.scope_type], id=_unpack(payload.scope)),
        methods=tuple(method for place, method in enumerate(_METHODS) if payload.methods & (1 << place)),
        audit_ids=tuple(payload.audit_ids),
        issued_at=_EPOCH + payload.issued_at * _MICROSECOND,
        expires_at=_EPOCH + payload.expires_at * _MICROSECOND,
        application_credential_id=None if application_credential is None else _unpack(application_credential),
    )


def new_audit_id() -> str:
    """Names a token in logs and in answers without giving it away."""
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).rstrip(b"=").decode()


def _pack(id: str) -> bytes:
    """A hexadecimal id takes 17 bytes instead of 32; the first byte says which kind it is."""
    try:
        value = UUID(hex=id)
    except ValueError:
        return b"t" + id.encode()
    return b"x" + value.bytes if value.hex == id else b"t" + id.encode()


def _unpack(id: bytes) -> str:
    return id[1:].hex() if id[:1] == b"x" else id[1:].decode()


def _to_number(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
