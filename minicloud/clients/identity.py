# SPDX-License-Identifier: Apache-2.0
"""How the rest of the cloud asks the identity service: who holds a token, does a project exist."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from minicloud import exception
from minicloud.context import RequestContext

if TYPE_CHECKING:
    from minicloud.builtin.identity.service import Identity


class IdentityClient(ABC):
    """The seam between compute and an identity service."""

    @abstractmethod
    def authenticate(self, token: str) -> RequestContext:
        """The context of a token's holder.

        :raises Unauthorized: when the token is not valid
        """

    @abstractmethod
    def project_exists(self, ctxt: RequestContext, project_id: str) -> bool:
        """Whether quotas and flavor access may name this project."""

    @abstractmethod
    def project_name(self, ctxt: RequestContext, project_id: str) -> str | None:
        """A project's name; None when there is no such project."""

    @abstractmethod
    def user_name(self, ctxt: RequestContext, user_id: str) -> str | None:
        """A user's name; None when there is no such user."""


class BuiltinIdentity(IdentityClient):
    """The built-in service, in this process."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def authenticate(self, token: str) -> RequestContext:
        return self._identity.authenticate(token)

    def project_exists(self, ctxt: RequestContext, project_id: str) -> bool:
        return self.project_name(ctxt, project_id) is not None

    def project_name(self, ctxt: RequestContext, project_id: str) -> str | None:
        try:
            return self._identity.projects.get(project_id).name
        except exception.NotFound:
            return None

    def user_name(self, ctxt: RequestContext, user_id: str) -> str | None:
        try:
            return self._identity.users.get(user_id).name
        except exception.NotFound:
            return None
