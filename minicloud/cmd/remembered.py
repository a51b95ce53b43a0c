# SPDX-License-Identifier: Apache-2.0
"""What a cloud on this machine was started with, kept in its state directory.

The options of ``minicloud up`` and the configuration file it was given hold for that run, and whoever comes later
need not know them. What the run leaves on the machine when it ends, however it ends, is found again by them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
from oslo_config import cfg

#: The file of the state directory.
FILE = "runs.json"

_DATABASES = ("api", "cell0", "cell", "identity", "image", "network")

#: (group, option): what says where guests, networks and records of a run are.
_KEPT = (
    (None, "compute_driver"),
    (None, "host"),
    ("docker", "url"),
    ("docker", "name_prefix"),
    ("libvirt", "virt_type"),
    ("libvirt", "connection_uri"),
    ("libvirt", "instances_path"),
    ("image_cache", "path"),
    ("network", "driver"),
    ("network", "runtime_dir"),
    ("network_privsep", "helper_command"),
    *(("database", name) for name in _DATABASES),
)

#: Those that a later ``minicloud up`` goes on with, unless a file or the command line says otherwise.
_STAYS = ((None, "compute_driver"), ("docker", "url"))


class Run(msgspec.Struct, frozen=True):
    """One way in which the cloud was started."""

    #: "group.option" -> its value; options without a group by their name.
    options: dict[str, Any]
    #: The compute hosts that the process had.
    hosts: tuple[str, ...]

    @property
    def driver(self) -> str:
        return str(self.options["compute_driver"])

    def apply(self, conf: cfg.ConfigOpts) -> None:
        """Lay it over a configuration."""
        for group, name in _KEPT:
            if (key := _key(group, name)) in self.options:
                conf.set_override(name, self.options[key], group=group)


def remember(conf: cfg.ConfigOpts, hosts: int) -> None:
    """Note how the cloud is started, before it is.

    :param hosts: how many compute hosts the process has
    """
    this = of(conf, hosts)
    path = Path(conf.state_dir) / FILE
    # The latest is the last; each is kept once.
    known = [*(one for one in runs(conf.state_dir) if one != this), this]
    draft = path.with_suffix(".new")
    # There may be passwords in the databases' addresses.
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(json.dumps([msgspec.to_builtins(one) for one in known], indent=1).encode())
    draft.replace(path)


def of(conf: cfg.ConfigOpts, hosts: int) -> Run:
    """The run that a configuration makes."""
    options = {_key(group, name): (conf[group] if group else conf)[name] for group, name in _KEPT}
    return Run(options, host_names(str(conf.host), hosts))


def runs(state_dir: str | Path) -> list[Run]:
    """The ways in which a cloud was ever started, the latest last."""
    try:
        return msgspec.json.decode((Path(state_dir) / FILE).read_bytes(), type=list[Run])
    except (OSError, msgspec.DecodeError):
        return []


def last(state_dir: str | Path) -> Run | None:
    """How a cloud was started last; None when it never was, or not by ``minicloud up``."""
    found = runs(state_dir)
    return found[-1] if found else None


def stay(conf: cfg.ConfigOpts) -> None:
    """Let a cloud that is started again have the driver that it had, unless its configuration names one."""
    if (run := last(conf.state_dir)) is None:
        return
    for group, name in _STAYS:
        if (key := _key(group, name)) in run.options and not (name == "url" and os.environ.get("DOCKER_HOST")):
            conf.set_default(name, run.options[key], group=group)


def host_names(host: str, count: int) -> tuple[str, ...]:
    """The names of the compute hosts of one process."""
    return (host,) if count == 1 else tuple(f"{host}-{number}" for number in range(1, count + 1))


def _key(group: str | None, name: str) -> str:
    return f"{group}.{name}" if group else name
