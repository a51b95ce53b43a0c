# SPDX-License-Identifier: Apache-2.0
"""Programs of the operating system, run as root: argument lists, never a shell."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

#: Seconds a program may take.
PATIENCE = 30.0


class CommandFailed(Exception):
    """A program could not be started, did not end in time or ended with an error."""


def run(
    argv: Sequence[str], namespace: str | None = None, stdin: str | None = None, codes: Sequence[int] = (0,)
) -> str:
    """Run a program and wait for it.

    :param namespace: name of the network namespace to run it in
    :param codes: exit codes that are no failure
    :returns: what it printed
    :raises CommandFailed: with what it printed as an error
    """
    command = [*(("ip", "netns", "exec", namespace) if namespace else ()), *argv]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except FileNotFoundError as error:
        raise CommandFailed(f"{argv[0]}: this program is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"{' '.join(argv)}: did not end within {PATIENCE:.0f} s") from error
    if done.returncode not in codes:
        raise CommandFailed(f"{' '.join(argv)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout
