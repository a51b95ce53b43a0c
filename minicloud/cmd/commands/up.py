# SPDX-License-Identifier: Apache-2.0
"""``minicloud up``: start the cloud."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from minicloud.cmd.commands import address
from minicloud.cmd.commands.base import Command, Refused, configuration, same_cloud
from minicloud.cmd.commands.first_guest import FirstGuest
from minicloud.cmd.commands.process import AlreadyRunning, Home, Record

if TYPE_CHECKING:
    from oslo_config import cfg

    from minicloud.cmd.cli import Minicloud

#: Above these the log starts anew; so many old ones are kept.
_LOG_MEGABYTES = 50
_LOG_FILES = 3

#: option of the command -> group of the configuration's option it overrides
_OVERRIDES = {
    "bind": "front_end",
    "port": "front_end",
    "driver": None,
    "vnc_port": "vnc",
    "serial_port": "serial_console",
}
_OPTIONS = {"driver": "compute_driver", "vnc_port": "novncproxy_port", "serial_port": "serialproxy_port"}


def _port(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: 1 to 65535")
    return number


def _port_or_any(text: str) -> int:
    return 0 if text == "0" else _port(text)


def _hosts(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 10000:
        raise argparse.ArgumentTypeError(f"{text} is not a number of hosts: 1 to 10000")
    return number


class Up(Command):
    """Start the cloud: every service in one process, on one port.

    Starting it twice is harmless. The first start fills it with users, flavors, an image
    and networks, and adds its entries to your clouds.yaml.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        parser = super().get_parser(prog_name)
        parser.add_argument("-d", "--detach", action="store_true", help="come back once it is ready; it goes on")
        parser.add_argument("--hosts", type=_hosts, default=1, help="how many compute hosts to run (default: 1)")
        parser.add_argument("--bind", help="address to listen on (default: [front_end] bind, 127.0.0.1)")
        parser.add_argument("--port", type=_port, help="port of everything (default: [front_end] port, 8774)")
        parser.add_argument(
            "--vnc-port",
            type=_port_or_any,
            metavar="PORT",
            help="port of screens in browsers; 0: any (default: [vnc] novncproxy_port, 6080, or any if that is taken)",
        )
        parser.add_argument(
            "--serial-port",
            type=_port_or_any,
            metavar="PORT",
            help="port of serial consoles (default: [serial_console] serialproxy_port, 6083, or any if that is taken)",
        )
        parser.add_argument(
            "--driver", help="hypervisor driver: libvirt.LibvirtDriver, docker.DockerDriver, fake.FakeDriver"
        )
        parser.add_argument(
            "--timeout", type=float, default=60.0, help="seconds that --detach waits for it to be ready (default: 60)"
        )
        # How --detach starts the cloud: its output is the log already.
        parser.add_argument("--in-background", action="store_true", help=argparse.SUPPRESS)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        conf = _configuration(parsed_args)
        home = Home(conf.state_dir)
        if record := home.running():
            if parsed_args.hosts != 1 or any(getattr(parsed_args, name) is not None for name in _OVERRIDES):
                print("It goes on as it was started; 'minicloud down' first lets it start otherwise.")
            return _welcome_back(record, home, parsed_args.timeout if parsed_args.detach else 0.0)
        try:
            home.prepare()
        except OSError as error:
            raise Refused(f"{home.path} cannot be used as the cloud's directory: {error.strerror}") from None
        bind, port = str(conf.front_end.bind), conf.front_end.port
        if reason := address.why_not_free(bind, port):
            raise Refused(f"Cannot listen on port {port} of {bind}: {reason}. Choose others with --port and --bind.")
        if parsed_args.detach:
            return self._detach(parsed_args, home)
        try:
            with home.lock():
                program = cast("Minicloud", self.app).program
                again = [*program, "image", "build-guest", *same_cloud(parsed_args)]
                return serve(conf, home, parsed_args.hosts, parsed_args.in_background, again)
        except AlreadyRunning:
            print("minicloud runs already.")
            return 0

    def _detach(self, args: argparse.Namespace, home: Home) -> int:
        from minicloud.cmd.commands import launch  # brings rich, which only --detach needs

        command = [*cast("Minicloud", self.app).program, "up", "--in-background", *same_cloud(args)]
        for name in ("hosts", *_OVERRIDES):
            if (value := getattr(args, name)) is not None:
                command += [f"--{name.replace('_', '-')}", str(value)]
        record = launch.start(command, home, args.timeout)
        for line in greeting(record, home):
            print(line)
        return 0


def greeting(record: Record, home: Home) -> list[str]:
    """What a user wants to know about a cloud that is ready."""
    from minicloud.cmd.commands import clouds_yaml  # brings yaml, which other commands do without

    used = [f"The cloud is ready at {record.url}"]
    if record.clouds_yaml and record.clouds_yaml != str(clouds_yaml.location()):
        used.append(f"    export OS_CLIENT_CONFIG_FILE={record.clouds_yaml}")
    return [
        *used,
        "    export OS_CLOUD=minicloud          # or minicloud-admin, who administers it",
        "    openstack server list",
        f"Its log is {home.log_file}; 'minicloud down' stops it.",
    ]


def _welcome_back(record: Record, home: Home, patience: float) -> int:
    """Say what runs; a cloud that somebody else is just starting is waited for.

    :param patience: seconds to wait
    """
    print(f"minicloud runs already (process {record.pid}){f' at {record.url}' if record.url else ''}.")
    deadline = time.monotonic() + patience
    while not record.is_ready and time.monotonic() < deadline:
        time.sleep(0.1)
        record = home.running() or record
    if record.is_ready:
        # The entries may have gone since, or this shell looks for them elsewhere.
        known = replace(record, clouds_yaml=tell_clients(record.url, home, print))
        for line in greeting(known, home):
            print(line)
    return 0


def _configuration(args: argparse.Namespace) -> cfg.ConfigOpts:
    """The configuration, with what this command's options say laid over it."""
    from minicloud.cmd import remembered  # with configuration(), which imports late

    conf = configuration(args)
    remembered.stay(conf)
    for name, group in _OVERRIDES.items():
        if (value := getattr(args, name)) is not None:
            conf.set_override(_OPTIONS.get(name, name), value, group=group)
    return conf


def serve(conf: cfg.ConfigOpts, home: Home, hosts: int, in_background: bool, build_guest: Sequence[str]) -> int:
    """Be the cloud, until a signal says otherwise; the caller holds the lock.

    :param build_guest: the command that makes an image of a tiny guest
    :returns: the exit code of the process
    """
    # What is made from here on holds passwords and keys.
    os.umask(0o077)
    _log_to(conf, home, in_background)
    # After logging is set up: these import everything.
    from minicloud.cmd import all_in_one, http, remembered

    # Before anything is there that would have to be found again.
    remembered.remember(conf, hosts)
    bind, port = str(conf.front_end.bind), conf.front_end.port
    record = Record(
        pid=os.getpid(),
        url=http.public_url(conf),
        local_url=address.local_url(bind, port),
        hosts=hosts,
        started_at=time.time(),
    )
    home.write(record)
    say = _to_log if in_background else _to_terminal
    guest = FirstGuest(conf, home, build_guest, say)
    watch = threading.Thread(target=_Watch(home, record, say, guest).run, name="readiness", daemon=True)
    watch.start()
    try:
        return all_in_one.run(conf, all_in_one.Options(bind=bind, port=port, hosts=hosts))
    finally:
        guest.stop()


def _log_to(conf: cfg.ConfigOpts, home: Home, in_background: bool) -> None:
    from oslo_log import log

    conf.set_override("log_file", str(home.log_file))
    conf.set_override("use_stderr", not in_background)
    conf.set_default("log_rotation_type", "size")
    conf.set_default("max_logfile_size_mb", _LOG_MEGABYTES)
    conf.set_default("max_logfile_count", _LOG_FILES)
    log.setup(conf, "minicloud")


def _to_terminal(line: str) -> None:
    print(line, file=sys.stdout, flush=True)


def _to_log(line: str) -> None:
    from oslo_log import log

    log.getLogger(__name__).info("%s", line)


@dataclass(frozen=True, slots=True)
class _Watch:
    """Waits until the cloud answers, then tells the user's clients about it, and gives it a first guest."""

    home: Home
    record: Record
    say: Callable[[str], None]
    guest: FirstGuest

    def run(self) -> None:
        while address.status_of(f"{self.record.local_url}/compute/") != 200:
            time.sleep(0.1)
        ready = replace(self.record, is_ready=True, clouds_yaml=tell_clients(self.record.url, self.home, self.say))
        self.home.write(ready)
        for line in greeting(ready, self.home):
            self.say(line)
        self.guest.run()


def tell_clients(url: str, home: Home, say: Callable[[str], None]) -> str:
    """Put the cloud's entries into the user's clouds.yaml, or into one of its own.

    :returns: the path of the clouds.yaml that has them; nothing when none does
    """
    from minicloud.cmd import credentials
    from minicloud.cmd.commands import clouds_yaml

    try:
        passwords = credentials.load_or_create(home.path)
    except credentials.CorruptPasswords as error:
        say(f"clouds.yaml stays as it is: {error}.")
        return ""
    for path in (clouds_yaml.location(), home.path / "clouds.yaml"):
        try:
            clouds_yaml.write_clouds_yaml(path, url, passwords)
            return str(path)
        except clouds_yaml.CannotEdit as error:
            say(f"{path} stays as it is: {error}.")
    return ""
