# SPDX-License-Identifier: Apache-2.0
"""``minicloud-policy``: which rules there are, and who passes them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="minicloud-policy", description="Look at the rules of who may do what.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config-file", metavar="FILE", action="append", help="a configuration file; may be repeated")
    common.add_argument("--service", choices=("compute", "identity", "image", "network"), help="only its rules")
    actions = top.add_subparsers(metavar="ACTION", required=True)
    about = "print the rules as they are in force, with the operator's file"
    listing = actions.add_parser("list", parents=[common], help=about, description=about)
    listing.set_defaults(run="show")
    about = "print the rules with their defaults, as comments of a policy file"
    sample = actions.add_parser("sample", parents=[common], help=about, description=about)
    sample.set_defaults(run="sample")
    about = "tell whether somebody passes: exit code 0 yes, 1 no, 2 no such rule"
    check = actions.add_parser("check", parents=[common], help=about, description=about)
    check.add_argument("--as", dest="roles", required=True, metavar="ROLE[,ROLE]", help="the roles somebody has")
    check.add_argument("--foreign", action="store_true", help="the thing is another project's")
    check.add_argument("rule", nargs="?", metavar="RULE", help="a rule's name (default: all, one a line)")
    check.set_defaults(run="check")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """
    :param argv: arguments; those of the process when None
    :returns: the exit code
    """
    args = _parser().parse_args(argv)
    # After the arguments: --help should not wait for the rules of all services.
    import minicloud.cmd.backend  # noqa: F401  # native threads, before anything of OpenStack
    from minicloud.cmd.policy import rules

    return int(getattr(rules, args.run)(args))
