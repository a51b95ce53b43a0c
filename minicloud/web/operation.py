# SPDX-License-Identifier: Apache-2.0
"""One row of an API: method, path, handler, and what must hold before the handler runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from minicloud.context import RequestContext

if TYPE_CHECKING:
    import webob

    from minicloud.web.policy import Policy
    from minicloud.web.validation import Schema

#: What the handlers of one front end work with: its databases, stubs and clients.
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Operation:
    """What one method does at one path, within a window of microversions.

    ``since`` and ``until`` are minor numbers of 2.x, both included; a front end without
    microversions leaves them alone. The same (method, path) may stand in several rows
    with windows that do not overlap; outside all of them it is 404.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    #: Policy rule checked before the handler, against the caller's own project; None when the
    #: handler checks it itself with ``call.authorize`` once it knows whose the thing is.
    rule: str | None = None
    body: Schema | None = None
    query: Schema | None = None
    #: Success code, or a function of the microversion.
    status: int | Callable[[int], int] = 200
    since: int = 1
    until: int | None = None
    #: Answers without a token (version documents).
    public: bool = False
    #: The handler reads ``call.request.body_file`` itself.
    streams: bool = False
    #: Content types of a JSON body; an empty one is a body that came without any.
    media_types: tuple[str, ...] = ("application/json", "")

    def valid_at(self, version: int) -> bool:
        return self.since <= version and (self.until is None or version <= self.until)

    def status_at(self, version: int) -> int:
        return self.status(version) if callable(self.status) else self.status


@dataclass(slots=True)
class Call(Generic[D]):
    """One request, as a handler sees it."""

    ctxt: RequestContext
    #: What this front end works with.
    app: D
    request: webob.Request
    policy: Policy
    #: Minor number of the microversion; 0 where there are none.
    version: int = 0
    #: The validated JSON body; None when the operation declares none.
    body: Any = None
    #: The validated query: each key with all its values.
    query: Mapping[str, list[str]] = field(default_factory=dict)
    #: Answer headers and, where it differs from the row's, the answer's code.
    headers: dict[str, str] = field(default_factory=dict)
    status: int | None = None
    _allowed: dict[str, bool] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Base URL of this front end as the client sees it, without trailing slash."""
        return str(self.request.application_url).rstrip("/")

    def param(self, name: str, default: str | None = None) -> str | None:
        """The last value of a query key."""
        values = self.query.get(name)
        return values[-1] if values else default

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean query key, read as leniently as OpenStack does."""
        value = self.param(name)
        if value is None:
            return default
        return value.strip().lower() in ("1", "true", "t", "yes", "on", "y", "")

    def authorize(self, rule: str, target: Mapping[str, Any] | None = None) -> None:
        """Check a policy rule.

        :param target: whose the thing is (``project_id``, ``user_id``); default the caller's
        :raises PolicyNotAuthorized: 403, naming the rule
        """
        self.policy.authorize(self.ctxt, rule, target)

    def may(self, rule: str, target: Mapping[str, Any] | None = None) -> bool:
        """Whether :meth:`authorize` would pass; without a target it is worked out once in a request."""
        if target is not None:
            return self.policy.allows(self.ctxt, rule, target)
        known = self._allowed.get(rule)
        if known is None:
            known = self._allowed[rule] = self.policy.allows(self.ctxt, rule)
        return known
