# SPDX-License-Identifier: Apache-2.0
"""Who may do what: oslo.policy, behind two verbs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import SimpleNamespace
from typing import Any

from oslo_config import cfg
from oslo_policy import _checks, policy
from oslo_policy import opts as policy_opts

from minicloud import exception
from minicloud.context import RequestContext

#: The defaults that every service shares, by persona.
ADMIN = "role:admin"
READER = "role:reader and project_id:%(project_id)s"
MEMBER = "role:member and project_id:%(project_id)s"
MANAGER = "role:manager and project_id:%(project_id)s"
ADMIN_OR_READER = f"{ADMIN} or ({READER})"
ADMIN_OR_MEMBER = f"{ADMIN} or ({MEMBER})"
ADMIN_OR_MANAGER = f"{ADMIN} or ({MANAGER})"
SERVICE = f"role:service or {ADMIN}"
ANYONE = "@"
NOBODY = "!"

RuleDefault = policy.DocumentedRuleDefault


def _cache_signatures() -> None:
    """oslo.policy inspects the signature of every part of a rule at every check: nine tenths of its time."""
    cached = functools.lru_cache(maxsize=None)(inspect.getfullargspec)

    def of(method: Callable[..., Any]) -> inspect.FullArgSpec:
        # Of the function, since every rule is an object of its own.
        return cached(getattr(method, "__func__", method))

    _checks.inspect = SimpleNamespace(getfullargspec=of)  # type: ignore[attr-defined, assignment]  # not for us


_cache_signatures()


def rule(name: str, check: str, description: str, *operations: tuple[str, str]) -> policy.DocumentedRuleDefault:
    """One policy row.

    :param operations: (method, path) pairs it guards, for the generated documentation
    """
    return policy.DocumentedRuleDefault(
        name,
        check,
        description,
        [{"method": method, "path": path} for method, path in operations] or [{"method": "*", "path": "*"}],
    )


class Policy:
    """The rules of one front end, with an operator's policy file laid over them."""

    def __init__(self, conf: cfg.ConfigOpts, rules: Iterable[policy.RuleDefault], *, file: str | None = None) -> None:
        policy_opts._register(conf)
        self._enforcer = policy.Enforcer(conf, policy_file=file)
        self._enforcer.suppress_default_change_warnings = True
        self._enforcer.register_defaults(list(rules))
        # Read the operator's file once: looking at it for every check costs more than the check.
        self._enforcer.load_rules()
        self._enforcer.use_conf = False

    def allows(self, ctxt: RequestContext, name: str, target: Mapping[str, Any] | None = None) -> bool:
        """Whether the caller may, against whose thing it is (default: the caller's own)."""
        whose = dict(target) if target is not None else {"project_id": ctxt.project_id, "user_id": ctxt.user_id}
        credentials = {
            "user_id": ctxt.user_id,
            "project_id": ctxt.project_id,
            "roles": ctxt.roles or [],
            "system_scope": ctxt.system_scope,
            "domain_id": ctxt.domain_id,
            "user_domain_id": ctxt.user_domain_id,
            "project_domain_id": ctxt.project_domain_id,
        }
        if not ctxt.project_id:
            # "project_id:%(project_id)s" compares texts: None must not own what belongs to no project.
            del credentials["project_id"]
        return bool(self._enforcer.authorize(name, whose, credentials))

    def check_of(self, name: str) -> str:
        """The check that is in force for a rule, in the language of policy files."""
        return str(self._enforcer.rules[name])

    def authorize(self, ctxt: RequestContext, name: str, target: Mapping[str, Any] | None = None) -> None:
        """
        :raises PolicyNotAuthorized: 403, naming the rule
        """
        if not self.allows(ctxt, name, target):
            raise exception.PolicyNotAuthorized(action=name)
