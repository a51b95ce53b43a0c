# SPDX-License-Identifier: Apache-2.0
"""``minicloud down``: stop the cloud."""

from __future__ import annotations

import argparse
import os
import signal
import time
from typing import TYPE_CHECKING

from minicloud.cmd.commands.base import Command, Refused, as_it_runs
from minicloud.cmd.commands.process import Home

if TYPE_CHECKING:
    from oslo_config import cfg

#: Seconds between looks, and for a killed process to be gone.
_PACE = 0.1
_KILLED = 5.0


class Down(Command):
    """Stop the cloud; nothing is lost, and 'minicloud up' has it back."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("--timeout", type=float, default=40.0, help="seconds to wait for its end (default: 40)")
        parser.add_argument("--force", action="store_true", help="kill it when it has not ended by then")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        conf = as_it_runs(parsed_args)
        pid = stop(Home(conf.state_dir), parsed_args.timeout, parsed_args.force)
        print(("minicloud is not running." if pid is None else f"Stopped (process {pid}).") + what_goes_on(conf))
        return 0


def what_goes_on(conf: cfg.ConfigOpts) -> str:
    """What to say of the guests of a cloud that does not run; nothing where they only pretend to run."""
    from minicloud.cmd import remembered  # brings oslo.config, see base

    driver = str(conf.compute_driver)
    if driver.startswith("fake.") or remembered.last(conf.state_dir) is None:
        return ""
    return f" Guests of {driver} go on as they are, with their networks: 'minicloud up' finds them again."


def stop(cloud: Home, timeout: float, force: bool) -> int | None:
    """Stop a cloud and wait until it has.

    :param timeout: seconds
    :param force: kill it after them
    :returns: the process it was; None when there was none
    :raises Refused: when it goes on
    """
    record = cloud.running()
    if record is None:
        return None
    if not _signal(record.pid, signal.SIGTERM) or not _ends(cloud, timeout):
        if not force:
            raise Refused(
                f"Process {record.pid} has not ended within {timeout:g} s; 'minicloud down --force' kills it."
            )
        _signal(record.pid, signal.SIGKILL)
        if not _ends(cloud, _KILLED):
            raise Refused(f"Process {record.pid} cannot be killed.")
    return record.pid


def _signal(pid: int, number: signal.Signals) -> bool:
    """:raises Refused: when the process is somebody else's"""
    if not pid:
        return False  # it is just starting: its pid is not written yet, and 0 would be all of us
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise Refused(f"Process {pid} belongs to another user, who alone may stop it.") from None
    return True


def _ends(cloud: Home, timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while cloud.running() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(_PACE)
    return True
