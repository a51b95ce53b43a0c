# SPDX-License-Identifier: Apache-2.0
"""The transcripts in README.rst, run with the real client against a cloud of their own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import testtools

ROOT = Path(__file__).parents[2]

#: A transcript is the console block after this comment.
_BLOCK = re.compile(r"^\.\. transcript.*\n\n\.\. code-block:: console\n\n((?: {3}.*\n|\n)+)", re.MULTILINE)

#: What differs from run to run, and the widths of tables that follow from it.
_MASKS = (
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "ID"),
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}\b"), "ADDRESS"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z?"), "TIME"),
    (re.compile(r"-{2,}"), "-"),
    (re.compile(r"[ \t]+"), " "),
)


class Step(NamedTuple):
    """A command of a transcript, and what it prints there."""

    command: str
    output: str


def transcript(text: str) -> Iterator[Step]:
    """The commands of a document's transcripts, in their order."""
    for block in _BLOCK.findall(text):
        lines = [line[3:] for line in block.rstrip().splitlines()]
        starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            yield Step(lines[start][2:], "\n".join(lines[start + 1 : end]))


def masked(output: str) -> list[str]:
    """The lines of an output, without what differs from run to run."""
    for pattern, name in _MASKS:
        output = pattern.sub(name, output)
    return [line.strip() for line in output.strip().splitlines()]


class TestTranscript(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        # Beside the Python that runs the tests, in .venv; or wherever the shell finds it.
        found = shutil.which("openstack", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        if found is None:
            if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
                self.fail("python-openstackclient is not installed")
            self.skipTest("python-openstackclient is not installed")
        self.programs = {"openstack": [found], "minicloud": [sys.executable, "-P", "-m", "minicloud.cmd.cli"]}
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "MINICLOUD_", "XDG_"))}
        self.environment = {
            **kept,
            "HOME": folder.name,
            "MINICLOUD_STATE_DIR": str(self.home / "state"),
            "OS_CLOUD": "minicloud",
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "200",
            "no_proxy": "127.0.0.1",
            "NO_PROXY": "127.0.0.1",
        }

    def start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = self.home / "minicloud.conf"
        config.write_text("[DEFAULT]\nhost = laptop\n")
        self.addCleanup(self.run_, "minicloud down --force")
        said = self.run_(f"minicloud up --detach --hosts 3 --port {port} --config-file {config}")
        self.assertIn("The cloud is ready", said)

    def run_(self, command: str) -> str:
        program, *arguments = shlex.split(command)
        done = subprocess.run(
            [*self.programs[program], *arguments],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        return done.stdout

    def test_says_what_the_commands_say(self) -> None:
        steps = list(transcript((ROOT / "README.rst").read_text()))
        self.assertGreater(len(steps), 4, "the transcripts are not found")
        self.start()
        for command, expected in steps:
            said = self.run_(command)
            # Which of the hosts it is depends on who was asked first, unless all are listed.
            is_some_host = command.startswith("minicloud explain")
            got, wanted = (re.sub(r"laptop-\d", "laptop", text) if is_some_host else text for text in (said, expected))
            self.assertEqual(masked(wanted), masked(got), f"{command}\n{said}")


class TestExtraction(testtools.TestCase):
    """What is not found is not compared: the extraction has a test of its own."""

    TEXT = """
Text::

   $ not this

.. transcript: and why

.. code-block:: console

   $ one --two
   3
   4
   $ five

More.
"""

    def test_commands_and_their_output(self) -> None:
        self.assertEqual([("one --two", "3\n4"), ("five", "")], list(transcript(self.TEXT)))

    def test_masks_only_what_differs(self) -> None:
        one = "| 533981d7-5b19-40a3-b6fe-82bf80c3c273 | 10.0.0.1 | ACTIVE |\n+------+"
        other = "|   633981d7-5b19-40a3-b6fe-82bf80c3c273 | 10.0.0.22 |  ACTIVE |\n+---------+"
        self.assertEqual(masked(one), masked(other))
        self.assertNotEqual(masked(one), masked(one.replace("ACTIVE", "ERROR")))
