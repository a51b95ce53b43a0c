# SPDX-License-Identifier: Apache-2.0
"""``minicloud tempest-config``: write the configuration with which Tempest tests the running cloud."""

from __future__ import annotations

import argparse
import os

from minicloud.cmd.commands.base import Command, Refused, configuration, home


class TempestConfig(Command):
    """Write a tempest.conf for the cloud that runs.

    It holds the administrator's password, so only its owner may read the file.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("-o", "--output", metavar="FILE", help="where to write it (default: standard output)")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        from minicloud.cmd import credentials  # these import much
        from minicloud.cmd.commands import tempest_conf

        where = home(parsed_args)
        record = where.running()
        if record is None or not record.is_ready:
            raise Refused("The cloud does not run; 'minicloud up' starts it.")
        text = tempest_conf.render(configuration(parsed_args), record.url, credentials.load_or_create(where.path))
        if parsed_args.output is None:
            print(text, end="")
            return 0
        try:
            with open(os.open(parsed_args.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                os.fchmod(file.fileno(), 0o600)
                file.write(text)
        except OSError as error:
            raise Refused(f"{parsed_args.output} cannot be written: {error.strerror}") from None
        return 0
