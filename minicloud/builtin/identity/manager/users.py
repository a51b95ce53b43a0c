# SPDX-License-Identifier: Apache-2.0
"""Users and groups."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.builtin.identity.db import Connection, revocations
from minicloud.builtin.identity.db import groups as group_rows
from minicloud.builtin.identity.db.domains import domains
from minicloud.builtin.identity.db.groups import groups
from minicloud.builtin.identity.db.users import users
from minicloud.builtin.identity.errors import RecordNotFound
from minicloud.builtin.identity.manager.projects import forget_actor
from minicloud.builtin.identity.manager.records import Records
from minicloud.builtin.identity.manager.store import Store
from minicloud.builtin.identity.objects import Group, User
from minicloud.web import moments


class Users(Records[User]):
    FIXED = ("domain_id",)

    def __init__(self, store: Store) -> None:
        super().__init__(store, users)

    def change_password(self, user_id: str, original: str, password: str) -> None:
        """A user's own change; ends all its tokens.

        :raises Unauthorized: when ``original`` is not the password
        """
        with self.store.db.reader() as conn:
            user = users.find(conn, id=user_id)
        if not self.store.passwords.check(original, user.password_hash if user else None):
            raise exception.Unauthorized()
        self.update(user_id, {"password": password})

    def _prepare(self, values: dict[str, Any]) -> dict[str, Any]:
        values.pop("password_hash", None)
        values.pop("created_at", None)
        if "password" in values:
            password = values.pop("password")
            # Slow on purpose, and therefore outside the transaction.
            values["password_hash"] = None if password is None else self.store.passwords.hash(password)
        return values

    def _new(self, values: dict[str, Any]) -> User:
        return super()._new({**values, "created_at": moments.now()})

    def _check(self, conn: Connection, record: User) -> None:
        domains.get(conn, record.domain_id)

    def _updated(self, conn: Connection, old: User, new: User) -> None:
        if new.password_hash != old.password_hash or (old.enabled and not new.enabled):
            revocations.revoke_user(conn, new.id, self.store.revocation_life)

    def _release(self, conn: Connection, record: User) -> None:
        forget_actor(conn, "user", record.id)


class Groups(Records[Group]):
    FIXED = ("domain_id",)

    def __init__(self, store: Store) -> None:
        super().__init__(store, groups)

    def members(self, group_id: str) -> list[User]:
        with self.store.db.reader() as conn:
            groups.get(conn, group_id)
            ids = set(group_rows.member_ids(conn, group_id))
            return [user for user in users.listing(conn) if user.id in ids]

    def groups_of(self, user_id: str) -> list[Group]:
        with self.store.db.reader() as conn:
            users.get(conn, user_id)
            ids = set(group_rows.group_ids(conn, user_id))
            return [group for group in groups.listing(conn) if group.id in ids]

    def add_member(self, group_id: str, user_id: str) -> None:
        with self.store.db.writer() as conn:
            groups.get(conn, group_id)
            users.get(conn, user_id)
            group_rows.add_member(conn, group_id, user_id)
        self.store.changed()

    def check_member(self, group_id: str, user_id: str) -> None:
        """
        :raises RecordNotFound: when the user is not in the group
        """
        with self.store.db.reader() as conn:
            self._require_member(conn, group_id, user_id)

    def remove_member(self, group_id: str, user_id: str) -> None:
        with self.store.db.writer() as conn:
            self._require_member(conn, group_id, user_id)
            group_rows.remove_member(conn, group_id, user_id)
        self.store.changed()

    def _require_member(self, conn: Connection, group_id: str, user_id: str) -> None:
        groups.get(conn, group_id)
        users.get(conn, user_id)
        if not group_rows.is_member(conn, group_id, user_id):
            raise RecordNotFound(kind="user in the group", id=user_id)

    def _check(self, conn: Connection, record: Group) -> None:
        domains.get(conn, record.domain_id)

    def _release(self, conn: Connection, record: Group) -> None:
        forget_actor(conn, "group", record.id)
