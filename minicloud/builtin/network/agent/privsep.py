# SPDX-License-Identifier: Apache-2.0
"""What needs root, for an agent that is not: a helper process does it, started with sudo or rootwrap.

Only :mod:`.privileged` imports this, and only then, since oslo.privsep loads eventlet where that is installed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from oslo_config import cfg
from oslo_privsep import capabilities, priv_context

from minicloud.builtin.network.agent import commands

context = priv_context.PrivContext(
    "minicloud",
    cfg_section="network_privsep",
    pypath=f"{__name__}.context",
    capabilities=[
        capabilities.CAP_NET_ADMIN,
        capabilities.CAP_NET_RAW,
        capabilities.CAP_NET_BIND_SERVICE,
        capabilities.CAP_SYS_ADMIN,  # network namespaces
        capabilities.CAP_DAC_OVERRIDE,
        capabilities.CAP_KILL,
        capabilities.CAP_SETUID,  # dnsmasq gives up being root
        capabilities.CAP_SETGID,
        capabilities.CAP_CHOWN,
    ],
)


def configure(conf: cfg.ConfigOpts) -> None:
    """oslo.privsep reads the one global configuration, which is not ours: hand it what it needs."""
    cfg.CONF([], project="minicloud", default_config_files=[], default_config_dirs=[])
    cfg.CONF.set_override("helper_command", conf.network_privsep.helper_command, group="network_privsep")


@context.entrypoint
def run(
    argv: Sequence[str], namespace: str | None = None, stdin: str | None = None, codes: Sequence[int] = (0,)
) -> str:
    return commands.run(argv, namespace, stdin, codes)


@context.entrypoint
def kill(pid: int, signal: int) -> None:
    os.kill(pid, signal)
