# SPDX-License-Identifier: Apache-2.0
"""The rules of all services, read as their front ends read them."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator

from oslo_config import cfg

from minicloud import conf as configuration
from minicloud.api import policies as compute
from minicloud.builtin.identity.api import routes as identity
from minicloud.builtin.image import policy as image
from minicloud.builtin.network.api import routes as network
from minicloud.context import RequestContext
from minicloud.web.policy import Policy, RuleDefault

#: service -> its rules
SERVICES = {
    "compute": compute.list_rules,
    "identity": identity.list_rules,
    "image": image.list_rules,
    "network": network.list_rules,
}

#: Exit codes of ``check``.
PASSED, FAILED, UNKNOWN = 0, 1, 2

_KEY = re.compile(r"%\(([^)]+)\)s")


def show(args: argparse.Namespace) -> int:
    for policy, rules in _chosen(args):
        for rule in rules:
            print(f'"{rule.name}": "{policy.check_of(rule.name)}"')
    return 0


def sample(args: argparse.Namespace) -> int:
    for _, rules in _chosen(args):
        for rule in rules:
            print(*_commented(rule), sep="\n", end="\n\n")
    return 0


def check(args: argparse.Namespace) -> int:
    """Whether a user passes rules about a thing of its own project, or with --foreign of another one."""
    roles = [role for role in args.roles.split(",") if role]
    ctxt = RequestContext(user_id="user", project_id="project", domain_id=None, roles=roles)
    verdicts = {
        rule.name: policy.allows(ctxt, rule.name, _target(policy.check_of(rule.name), args.foreign))
        for policy, rules in _chosen(args)
        for rule in rules
        if args.rule in (None, rule.name)
    }
    if not verdicts:
        print(f"There is no rule {args.rule}. 'minicloud-policy list' has them all.", file=sys.stderr)
        return UNKNOWN
    for name, passed in verdicts.items():
        print(f"{'passed' if passed else 'failed'}: {name}")
    return PASSED if args.rule is None or verdicts[args.rule] else FAILED


def _chosen(args: argparse.Namespace) -> Iterator[tuple[Policy, list[RuleDefault]]]:
    conf = _configuration(args.config_file)
    for service, rules in SERVICES.items():
        if args.service in (None, service):
            found = list(rules())
            yield Policy(conf, found), found


def _configuration(files: list[str] | None) -> cfg.ConfigOpts:
    try:
        return configuration.new(files=files)
    except (cfg.ConfigFilesNotFoundError, cfg.ConfigFilesPermissionDeniedError, cfg.ConfigFileParseError) as error:
        sys.exit(str(error))


def _target(check: str, is_foreign: bool) -> dict[str, str]:
    """Whatever a check compares with: the caller's own, or somebody else's."""
    if is_foreign:
        return dict.fromkeys(_KEY.findall(check), "somebody else's")
    return {key: "user" if "user" in key else "project" for key in _KEY.findall(check)}


def _commented(rule: RuleDefault) -> Iterator[str]:
    yield from (f"# {line}" for line in textwrap.wrap(rule.description, 100))
    for operation in rule.operations:
        methods = operation["method"]
        yield f"# {methods if isinstance(methods, str) else ', '.join(methods)}  {operation['path']}"
    yield f'#"{rule.name}": "{rule.check_str}"'
