# SPDX-License-Identifier: Apache-2.0
"""Application credentials, and the credentials that other services ask for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from minicloud import exception
from minicloud.builtin.identity.db import assignments
from minicloud.builtin.identity.db.application_credentials import application_credentials
from minicloud.builtin.identity.db.credentials import credentials
from minicloud.builtin.identity.db.users import users
from minicloud.builtin.identity.errors import RecordNotFound
from minicloud.builtin.identity.manager.records import Records
from minicloud.builtin.identity.manager.store import Store
from minicloud.builtin.identity.objects import ApplicationCredential, Credential, Role, Token
from minicloud.web import moments


class ApplicationCredentials(Records[ApplicationCredential]):
    """Secrets of a user that hold in one project, with some of the user's roles."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, application_credentials)

    def make(self, token: Token, values: Mapping[str, Any]) -> tuple[ApplicationCredential, str]:
        """Make one for the token's user and project.

        :param values: name, and maybe description, secret, roles, expires_at (naive UTC), unrestricted
        :returns: it and its secret, which is shown this once
        :raises Forbidden: when the token is of a credential that may not make others
        """
        self.require_unrestricted(token)
        if token.project is None:
            raise exception.BadRequest("An application credential needs a token of a project.")
        secret = values.get("secret") or secrets.token_urlsafe(64)
        record = self.create(
            {
                "user_id": token.user.id,
                "project_id": token.project.id,
                "name": values["name"],
                "description": values.get("description"),
                "secret_hash": self.store.passwords.hash(secret),
                "role_ids": _chosen(token.roles, values.get("roles") or ()),
                "expires_at": _in_future(values.get("expires_at")),
                "unrestricted": bool(values.get("unrestricted", False)),
                "created_at": moments.now(),
            }
        )
        return record, secret

    def of_user(self, user_id: str, id: str) -> ApplicationCredential:
        """
        :raises RecordNotFound: also for another user's
        """
        with self.store.db.reader() as conn:
            found = application_credentials.find(conn, id=id, user_id=user_id)
        if found is None:
            raise RecordNotFound(kind="application credential", id=id)
        return found

    def require_unrestricted(self, token: Token) -> None:
        """
        :raises Forbidden: when the token is of a credential that may not handle others
        """
        used = token.application_credential
        if used is not None and not used.unrestricted:
            raise exception.Forbidden("A restricted application credential cannot make or delete others.")


def _chosen(roles: Sequence[Role], wanted: Sequence[Mapping[str, str]]) -> list[str]:
    """The ids of the wanted roles (by id or name); all when none is wanted."""
    if not wanted:
        return [role.id for role in roles]
    by_key = {**{role.name: role.id for role in roles}, **{role.id: role.id for role in roles}}
    chosen = [by_key.get(role.get("id") or role.get("name", "")) for role in wanted]
    if None in chosen:
        raise exception.BadRequest("A role that the token does not have cannot be given to an application credential.")
    return [id for id in chosen if id is not None]


def _in_future(text: str | None) -> Any:
    if text is None:
        return None
    moment = moments.parse(text)
    if moment is None or moment <= moments.now():
        raise exception.ValidationError(field="expires_at", reason="it is not a moment in the future")
    return moment


class Credentials(Records[Credential]):
    """Blobs, encrypted where they are kept."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, credentials)

    def reveal(self, record: Credential) -> Credential:
        """The same with its blob decrypted."""
        blob = self.store.credential_keys.decrypt(record.blob.encode())
        if blob is None:
            raise exception.ServiceUnavailable(reason=f"the key of credential {record.id} is gone")
        return msgspec.structs.replace(record, blob=blob.decode())

    def get(self, id: str) -> Credential:
        return self.reveal(super().get(id))

    def listing(self, filters: Mapping[str, Any] | None = None) -> list[Credential]:
        return [self.reveal(record) for record in super().listing(filters)]

    def create(self, values: Mapping[str, Any]) -> Credential:
        return self.reveal(super().create(values))

    def update(self, id: str, values: Mapping[str, Any]) -> Credential:
        return self.reveal(super().update(id, values))

    def ec2_keys(self, user_id: str) -> Sequence[Ec2Key]:
        found = self.listing({"user_id": user_id, "type": "ec2"})
        return [key for record in found if (key := _ec2_key(record)) is not None]

    def ec2_key(self, user_id: str, access: str) -> Ec2Key:
        """
        :raises RecordNotFound: also for another user's
        """
        for key in self.ec2_keys(user_id):
            if key.access == access:
                return key
        raise RecordNotFound(kind="credential", id=access)

    def make_ec2_key(self, user_id: str, project_id: str) -> Ec2Key:
        """
        :raises Forbidden: when the user has no role in the project
        """
        with self.store.db.reader() as conn:
            users.get(conn, user_id)
            if not assignments.role_ids(conn, user_id, "project", project_id):
                raise exception.Forbidden("The user has no role in this project.")
        blob = {"access": secrets.token_hex(16), "secret": secrets.token_hex(16), "trust_id": None}
        text = msgspec.json.encode(blob).decode()
        self.create({"user_id": user_id, "project_id": project_id, "type": "ec2", "blob": text})
        return self.ec2_key(user_id, str(blob["access"]))

    def _prepare(self, values: dict[str, Any]) -> dict[str, Any]:
        if "blob" in values:
            values["blob"] = self.store.credential_keys.encrypt(values["blob"].encode()).decode()
        return values

    def _check(self, conn: Any, record: Credential) -> None:
        users.get(conn, record.user_id)


class _Ec2Blob(msgspec.Struct, frozen=True):
    access: str
    secret: str


class Ec2Key(msgspec.Struct, frozen=True, kw_only=True):
    """A credential whose blob is a key pair in Amazon's form."""

    credential_id: str
    user_id: str
    project_id: str | None
    access: str
    secret: str


def _ec2_key(record: Credential) -> Ec2Key | None:
    """None when the client that made it wrote something else in the blob."""
    try:
        blob = msgspec.json.decode(record.blob, type=_Ec2Blob)
    except msgspec.DecodeError:
        return None
    return Ec2Key(
        credential_id=record.id,
        user_id=record.user_id,
        project_id=record.project_id,
        access=blob.access,
        secret=blob.secret,
    )
