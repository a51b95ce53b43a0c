# SPDX-License-Identifier: Apache-2.0
"""Issue, validate and revoke tokens, and turn one into a request's context, fast."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Mapping
from typing import Any

from minicloud import exception
from minicloud.builtin.identity.db import revocations
from minicloud.builtin.identity.manager import meaning
from minicloud.builtin.identity.manager.login import Login
from minicloud.builtin.identity.manager.store import Store
from minicloud.builtin.identity.objects import Grant, Token
from minicloud.builtin.identity.tokens import FernetTokens
from minicloud.context import RequestContext
from minicloud.web import moments

_MOST_REMEMBERED = 4096


class _Memory:
    """Contexts by token, for a few seconds; all forgotten at any change."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._contexts: dict[str, tuple[float, RequestContext]] = {}
        #: Counts changes: what was read before one is not remembered after it.
        self.generation = 0

    def get(self, token: str) -> RequestContext | None:
        found = self._contexts.get(token)
        return None if found is None or found[0] < time.monotonic() else found[1]

    def put(self, token: str, ctxt: RequestContext, life: float, generation: int) -> None:
        """
        :param life: seconds until the token ends
        :param generation: as it was before the context was looked up
        """
        with self._lock:
            if generation == self.generation:
                if len(self._contexts) >= _MOST_REMEMBERED:
                    self._contexts.clear()
                self._contexts[token] = (time.monotonic() + min(self._seconds, life), ctxt)

    def forget(self) -> None:
        with self._lock:
            self.generation += 1
            self._contexts.clear()


class Tokens:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._fernet = FernetTokens(store.token_keys)
        self._login = Login(store, self._fernet)
        self._memory = _Memory(store.cache_time)
        store.when_changed(self._memory.forget)

    def issue(self, auth: Mapping[str, Any]) -> tuple[str, Token]:
        """
        :param auth: Keystone's ``auth`` document, validated
        :raises Unauthorized: without saying what was wrong
        """
        grant = self._login.grant(auth)
        with self._store.db.reader() as conn:
            token = meaning.look_up(conn, grant)
        return self._fernet.encode(grant), token

    def validate(self, token: str, *, allow_expired: bool = False) -> Token:
        """
        :param allow_expired: also when it ended not long ago (``allow_expired_window``)
        :raises Unauthorized: when it is not valid
        """
        grant = self._decode(token)
        if allow_expired and grant.expires_at + self._store.expired_window <= moments.now():
            raise exception.Unauthorized()
        with self._store.db.reader() as conn:
            return meaning.look_up(conn, grant, allow_expired=allow_expired)

    def revoke(self, token: str) -> None:
        """
        :raises Unauthorized: when it is not valid
        """
        grant = self.validate(token).grant
        with self._store.db.writer() as conn:
            revocations.revoke_token(conn, grant, self._store.expired_window)
        self._store.changed()

    def context(self, token: str) -> RequestContext:
        """The caller's context; each call gives one of its own.

        :raises Unauthorized: when the token is not valid
        """
        known = self._memory.get(token)
        if known is None:
            generation = self._memory.generation
            found = self.validate(token)
            known = _context(token, found)
            life = (found.grant.expires_at - moments.now()).total_seconds()
            self._memory.put(token, known, life, generation)
        ctxt = copy.copy(known)
        ctxt.roles = list(known.roles)
        return ctxt

    def _decode(self, token: str) -> Grant:
        grant = self._fernet.decode(token)
        if grant is None:
            raise exception.Unauthorized()
        return grant


def _context(token_id: str, token: Token) -> RequestContext:
    roles = [role.name for role in token.roles]
    project, domain = token.project, token.domain
    ctxt = RequestContext(
        auth_token=token_id,
        user_id=token.user.id,
        user_name=token.user.name,
        user_domain_id=token.user_domain.id,
        user_domain_name=token.user_domain.name,
        roles=roles,
        is_admin="admin" in roles,
        system_scope="all" if token.grant.scope.type == "system" else None,
        overwrite=False,
    )
    if project is not None and domain is not None:
        ctxt.project_id, ctxt.project_name = project.id, project.name
        ctxt.project_domain_id, ctxt.project_domain_name = domain.id, domain.name
    elif domain is not None:
        ctxt.domain_id, ctxt.domain_name = domain.id, domain.name
    return ctxt
