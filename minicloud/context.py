# SPDX-License-Identifier: Apache-2.0
"""Who asks: the context that every request, message and log line carries."""

from __future__ import annotations

import operator
from typing import Any

from oslo_context import context as oslo_context

#: What a message carries of a context; tokens stay at the front end, since no part needs them.
_MESSAGE_FIELDS = (
    "request_id",
    "global_request_id",
    "user_id",
    "project_id",
    "domain_id",
    "user_domain_id",
    "project_domain_id",
    "system_scope",
    "user_name",
    "project_name",
    "domain_name",
    "user_domain_name",
    "project_domain_name",
    "resource_uuid",
    "is_admin",
    "is_admin_project",
    "roles",
    "service_user_id",
    "service_project_id",
    "service_roles",
)
_KNOWN = frozenset(_MESSAGE_FIELDS)
_read = operator.attrgetter(*_MESSAGE_FIELDS)


class RequestContext(oslo_context.RequestContext):
    """The authenticated caller, its project and roles, and the request's id.

    Made by the token middleware at a front end, sent with every message, and read by
    oslo.log for the ``[req-… user project]`` part of a line.
    """

    def to_message(self) -> dict[str, Any]:
        """What a message carries; the inverse is :func:`from_message`."""
        return {
            name: value
            for name, value in zip(_MESSAGE_FIELDS, _read(self), strict=True)
            if value is not None and value != []
        }

    @property
    def is_member_of(self) -> str | None:
        return self.project_id

    @property
    def has_admin_role(self) -> bool:
        return "admin" in (self.roles or [])

    def may_see(self, project_id: str | None) -> bool:
        """Whether things of this project are the caller's to see."""
        return self.has_admin_role or (project_id is not None and project_id == self.project_id)


def from_message(values: dict[str, Any]) -> RequestContext:
    """The context a message carried, stored as this thread's; fields not known are ignored."""
    return RequestContext(**{name: value for name, value in values.items() if name in _KNOWN})


def admin(request_id: str | None = None) -> RequestContext:
    """A context for work that no user asked for: periodic tasks, start-up, recovery."""
    return RequestContext(
        user_id="minicloud", roles=["admin", "service"], is_admin=True, request_id=request_id, overwrite=False
    )
