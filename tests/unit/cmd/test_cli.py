# SPDX-License-Identifier: Apache-2.0
"""The command line itself: quick, and true to its table of commands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import testtools

from minicloud.cmd import cli

ROOT = Path(__file__).parents[3]

#: Whatever --help would wait for.
HEAVY = {"sqlalchemy", "yaml", "rich", "oslo_messaging", "pecan", "alembic", "keystoneauth1"}


class TestCli(testtools.TestCase):
    def run_python(self, code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
        )
        self.assertEqual("", done.stderr)
        return done.stdout

    def test_help_imports_little(self) -> None:
        said = self.run_python(
            "import sys, minicloud.cmd.cli as cli\n"
            "try: cli.main(['--help'])\n"
            "except SystemExit: pass\n"
            "print('imported', *{name.split('.')[0] for name in sys.modules})"
        )
        self.assertEqual(set(), HEAVY & set(said.split("imported ")[1].split()))
        for name in cli.COMMANDS:
            self.assertIn(f"  {name} ", said)

    def test_help_of_a_command_wherever_it_is_asked_for(self) -> None:
        for words in (
            "help image build-guest",
            "image build-guest --help",
            "image build-guest --docker -h",
            "--debug image build-guest -h",
        ):
            said = self.run_python(f"import minicloud.cmd.cli as cli; cli.main({words.split()})")
            self.assertIn("--kernel-initrd", said)
            self.assertNotIn("commands:", said)

    def test_every_command_loads_and_describes_itself(self) -> None:
        program = cli.Minicloud()
        for name, entry in program.command_manager:
            command = entry.load()(program, None)
            self.assertTrue(command.get_description().strip(), name)
            command.get_parser(name).format_help()

    def test_completion(self) -> None:
        said = self.run_python("import minicloud.cmd.cli as cli; cli.main(['complete'])")
        for name in cli.COMMANDS:
            self.assertRegex(said, f"cmds_{re.sub('[ -]', '_', name)}='-h --help .*--state-dir")
