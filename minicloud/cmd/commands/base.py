# SPDX-License-Identifier: Apache-2.0
"""What every command of ``minicloud`` shares: which cloud is meant."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from cliff import command, lister

if TYPE_CHECKING:
    from oslo_config import cfg

    from minicloud.cmd.commands.process import Home


class Refused(Exception):
    """A command cannot do what it was asked; its text says why and what to do about it."""


class _WhichCloud(command.Command):
    """Options that choose a cloud, and the cloud they choose."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        group = parser.add_argument_group("which cloud")
        group.add_argument(
            "--state-dir",
            metavar="DIR",
            type=os.path.abspath,
            help="the directory of the cloud (default: $MINICLOUD_STATE_DIR, or the configuration's state_dir)",
        )
        group.add_argument(
            "--config-file",
            metavar="FILE",
            action="append",
            default=[],
            type=os.path.abspath,
            help="a configuration file; may be given several times, the later one wins",
        )
        return parser


class Command(_WhichCloud):
    """A command that prints what it likes."""


class Lister(_WhichCloud, lister.Lister):
    """A command whose result is a table, or JSON with ``-f json``."""

    #: The exit code when printing went well; a command may set it.
    code = 0

    def run(self, parsed_args: argparse.Namespace) -> int:
        return super().run(parsed_args) or self.code


def configuration(args: argparse.Namespace) -> cfg.ConfigOpts:
    """The configuration that a command's options name.

    :raises Refused: when a file cannot be read or is wrong
    """
    from oslo_config import cfg  # a tenth of a second that --help must not cost

    from minicloud import conf as minicloud_conf

    try:
        conf = minicloud_conf.new(files=args.config_file or None)
    except (cfg.ConfigFilesNotFoundError, cfg.ConfigFilesPermissionDeniedError, cfg.ConfigFileParseError) as error:
        raise Refused(str(error)) from None
    if args.state_dir:
        conf.set_override("state_dir", args.state_dir)
    return conf


def as_it_runs(args: argparse.Namespace) -> cfg.ConfigOpts:
    """The configuration with what the cloud was started with last laid over it, whoever started it with what.

    :raises Refused: as above
    """
    from minicloud.cmd import remembered  # with configuration(), for the same reason

    conf = configuration(args)
    if run := remembered.last(conf.state_dir):
        run.apply(conf)
    return conf


def home(args: argparse.Namespace) -> Home:
    """The state directory that a command's options name."""
    from minicloud.cmd.commands.process import Home  # with configuration(), for the same reason

    return Home(configuration(args).state_dir)


def same_cloud(args: argparse.Namespace) -> list[str]:
    """The options that name the same cloud again, for another run of this program."""
    chosen: list[Any] = ["--state-dir", args.state_dir] if args.state_dir else []
    for path in args.config_file:
        chosen += ["--config-file", path]
    return chosen
