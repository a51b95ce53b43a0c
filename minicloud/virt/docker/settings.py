# SPDX-License-Identifier: Apache-2.0
"""What a guest's container is made with: limits, rights, name, command."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from minicloud import exception
from minicloud.objects import Flavor, Instance, Vif

_MIB = 1 << 20

#: Microseconds over which CPU time is shared out.
_PERIOD = 100_000

#: What a container's share of a busy machine is, for each CPU of its flavor, and at most.
_SHARES, _MOST_SHARES = 1024, 262_144

#: Files in which the console's output is kept: Docker drops the older one when the newer is full.
_LOG_FILES = 2

#: The property of an image that says what its servers run, as on the command line of a kernel.
COMMAND = "os_command_line"

#: What a root file system runs without it: its first program, else a shell on the console.
INIT = ("/sbin/init",)
SHELL = ("/bin/sh",)

#: A shell takes no notice of SIGTERM, but goes when its terminal does; busybox's init powers off at this one.
HANG_UP = "SIGHUP"
POWER_OFF = "SIGUSR2"

#: Where cloud-init looks for a config drive that is no drive.
CONFIG_DRIVE = "/var/lib/cloud/seed/config_drive"
#: Characters of a host name, see sethostname(2).
_LONGEST_NAME = 64

#: Docker turns IPv6 off in a container that is in none of its own networks.
_IPV6 = ("net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.default.disable_ipv6")
_KERNEL_IPV6 = Path("/proc/sys/net/ipv6")

#: Folder on the host -> where it is in a container, and whether "rw" or "ro".
Binds = Mapping[str, Mapping[str, str]]


def limits(flavor: Flavor) -> dict[str, int]:
    """CPU and memory, by the names that both creation and update take; swap is counted on top of memory."""
    memory = flavor.memory_mb * _MIB
    return {
        "cpu_period": _PERIOD,
        "cpu_quota": _PERIOD * flavor.vcpus,
        "cpu_shares": min(_SHARES * flavor.vcpus, _MOST_SHARES),
        "mem_limit": memory,
        "memswap_limit": memory + flavor.swap * _MIB,
    }


def host_config(
    options: Any, instance: Instance, vifs: tuple[Vif, ...], binds: Binds, *, is_init: bool = False
) -> dict[str, Any]:
    """Arguments of ``create_host_config``.

    :param options: the group ``[docker]``
    :param binds: folders on the host that the guest sees
    :param is_init: see :class:`Program`
    """
    settings: dict[str, Any] = {
        **limits(instance.flavor),
        # Interfaces are moved in when it runs.
        "network_mode": "none",
        "sysctls": dict.fromkeys(_IPV6, "0") if _KERNEL_IPV6.exists() else {},
        # A start of its own would leave it without interfaces; and a server that is off is to stay off.
        "restart_policy": {"Name": "no"},
        # Processes whose parents are gone need somebody who buries them.
        "init": not is_init,
        # In a container it ends the container, and nothing else: that is how an init powers off.
        "cap_add": ["SYS_BOOT"] if is_init else [],
        "privileged": False,
        "cap_drop": list(options.drop_capabilities),
        "security_opt": ["no-new-privileges"] if options.no_new_privileges else [],
        "pids_limit": options.pids_limit,
        "log_config": {
            "Type": "json-file",
            "Config": {"max-size": f"{options.console_log_kb // _LOG_FILES}k", "max-file": str(_LOG_FILES)},
        },
        "dns": name_servers(vifs) or None,
        "extra_hosts": hosts(instance, vifs),
        "binds": binds or None,
    }
    if options.limit_disk and instance.flavor.root_gb:
        settings["storage_opt"] = {"size": f"{instance.flavor.root_gb}G"}
    return settings


def name_servers(vifs: tuple[Vif, ...]) -> list[str]:
    """Those of all subnets, in order; a resolver looks at three."""
    told = [server for vif in vifs for fixed in vif.fixed_ips for server in fixed.dns]
    return list(dict.fromkeys(told))[:3]


def host_name(instance: Instance) -> str | None:
    """What the guest calls itself: the kernel takes no more than 64 characters, and a user may have given a domain."""
    name = instance.hostname
    if len(name) > _LONGEST_NAME:
        name = name.partition(".")[0][:_LONGEST_NAME].rstrip("-")
    return name or None


def hosts(instance: Instance, vifs: tuple[Vif, ...]) -> dict[str, str]:
    """The guest's own name, for its /etc/hosts."""
    addresses = [fixed.address for vif in vifs for fixed in vif.fixed_ips]
    return {instance.hostname: addresses[0]} if instance.hostname and addresses else {}


@dataclass(frozen=True, slots=True)
class Program:
    """What a guest runs."""

    #: None: as its Docker image says.
    command: list[str] | None
    #: None: as its Docker image says, else SIGTERM.
    stop_signal: str | None = None
    #: Whether it looks after the guest's processes itself, and must be the first of them.
    is_init: bool = False


def program(instance: Instance, image: Mapping[str, Any]) -> Program:
    """
    :param image: what Docker knows of the image
    :raises BuildAborted: when the image's property cannot be understood
    """
    config = image.get("Config") or {}
    command = None
    if line := str(instance.image_properties.get(COMMAND) or ""):
        try:
            command = shlex.split(line)
        except ValueError as error:
            reason = f"the image's property {COMMAND} is no command line: {error}"
            raise exception.BuildAborted(instance_uuid=instance.uuid, reason=reason) from error
    words = command or [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    if not words:
        return Program(list(SHELL), HANG_UP)
    is_plain_init = words == list(INIT) and not config.get("StopSignal")
    return Program(command, POWER_OFF if is_plain_init else None, PurePosixPath(words[0]).name == "init")
