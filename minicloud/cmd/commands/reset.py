# SPDX-License-Identifier: Apache-2.0
"""``minicloud reset``: remove the cloud."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from minicloud.cmd.commands import down
from minicloud.cmd.commands.base import Command, Refused, configuration
from minicloud.cmd.commands.process import MARKER, AlreadyRunning, Home

if TYPE_CHECKING:
    from oslo_config import cfg


class Reset(Command):
    """Remove the cloud: its servers, images, users, keys and logs. The next start makes a new one."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("-y", "--yes", action="store_true", help="do not ask")
        parser.add_argument("--force", action="store_true", help="stop the cloud first if it runs")
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        conf = configuration(parsed_args)
        home = Home(conf.state_dir)
        if not home.path.exists():
            print(f"There is nothing at {home.path}.")
            return 0
        if not home.is_ours_alone:
            raise Refused(f"{home.path} was not made by minicloud and may hold other things: remove it by hand.")
        if not parsed_args.force:
            _refuse_if_running(home)
        if not parsed_args.yes and not _asked(home.path):
            print("Nothing is removed.")
            return 1
        if parsed_args.force:
            down.stop(home, timeout=40.0, force=True)
        left = remove(home, conf)
        for each in left:
            print(f"Left on this machine: {each}", file=sys.stderr)
        if left:
            print(f"All else is removed. {home.path} still tells of it: reset again when that is mended.")
        else:
            print(f"Removed {home.path}.")
        for name in _elsewhere(conf):
            print(f"The database that [database] {name} names is not below it and stays.")
        return 1 if left else 0


def remove(home: Home, conf: cfg.ConfigOpts) -> list[str]:
    """Remove everything of a cloud that does not run: guests, networks, files, and its entries in clouds.yaml.

    :returns: what is left on this machine, and why; then the files stay that it takes to try again
    :raises Refused: when it runs
    """
    # It brings drivers, oslo.messaging and more, which other commands do without.
    from minicloud.cmd import clearing

    try:
        # An earlier try may have left only what says whose the rest is.
        home.pid_file.parent.mkdir(exist_ok=True, mode=0o700)
        with home.lock():
            # First, while it is still known what there is, and before the disks of guests that run are gone.
            left = clearing.clear(conf)
            _forget_entries(home)
            # The directory itself may be a mount point or a link: it stays, empty. The marker
            # goes last, so that what a failure leaves can be removed by another try.
            kept = (home.pid_file.parent, home.path / MARKER)
            needed = {home.path / name for name in (*clearing.NEEDED, MARKER)} if left else set()
            for path in [path for path in home.path.iterdir() if path not in kept and path not in needed]:
                _remove(path)
            for path in kept:
                if path not in needed:
                    _remove(path)
            return left
    except AlreadyRunning:
        _refuse_if_running(home)
        raise Refused("The cloud is just starting.") from None
    except OSError as error:
        raise Refused(f"{error.filename} cannot be removed: {error.strerror}") from None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _forget_entries(home: Home) -> None:
    # They bring yaml, which other commands do without.
    from minicloud.cmd import credentials
    from minicloud.cmd.commands import clouds_yaml

    if not (home.path / "passwords.json").exists():
        return
    try:
        passwords = credentials.load_or_create(home.path)
        clouds_yaml.remove_from_clouds_yaml(clouds_yaml.location(), passwords)
    except (credentials.CorruptPasswords, clouds_yaml.CannotEdit) as error:
        print(f"Entries in {clouds_yaml.location()} may be left: {error}", file=sys.stderr)


def _refuse_if_running(home: Home) -> None:
    if record := home.running():
        raise Refused(f"The cloud runs (process {record.pid}); --force stops it first.")


def _asked(path: Path) -> bool:
    if not sys.stdin.isatty():
        raise Refused("This removes the whole cloud: say --yes if it is meant.")
    return input(f"Remove {path} with all servers, images and users? [y/N] ").strip().lower() in ("y", "yes")


def _elsewhere(conf: cfg.ConfigOpts) -> list[str]:
    """Names of the databases that are not files below the state directory."""
    inside = f"sqlite:///{Path(conf.state_dir)}/"
    names = ("api", "cell0", "cell", "identity", "image", "network")
    return [name for name in names if (url := conf.database[name]) and not url.startswith(inside)]
