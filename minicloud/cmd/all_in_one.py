# SPDX-License-Identifier: Apache-2.0
"""The whole cloud in one process: what ``minicloud up`` runs."""

from __future__ import annotations

from dataclasses import dataclass

from oslo_config import cfg
from oslo_log import log as logging

from minicloud.cmd import credentials, first_start
from minicloud.cmd.group import Group
from minicloud.cmd.parts import Parts

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says beyond the configuration."""

    bind: str
    port: int
    #: How many compute hosts the process has.
    hosts: int = 1


def run(conf: cfg.ConfigOpts, options: Options) -> int:
    """Start everything, serve until SIGTERM or SIGINT, stop in reverse.

    :returns: the exit code of the process
    """
    return group(conf, options).run()


def group(conf: cfg.ConfigOpts, options: Options) -> Group:
    """All services in the order of starting: whoever is asked first stands first."""
    conf.set_override("bind", options.bind, group="front_end")
    conf.set_override("port", options.port, group="front_end")
    parts = Parts(conf)
    first_start.prepare(parts, credentials.load_or_create(conf.state_dir))
    return Group(
        [
            parts.network_service(),
            parts.conductor_service(),
            parts.scheduler_service(),
            # Before the front ends, which hand out URLs with the proxies' ports.
            *parts.console_services(),
            parts.http_service(),
            # Before the hosts: a guest that starts waits for its ports to be up.
            *parts.network_agents(options.hosts),
            *parts.compute_services(options.hosts),
        ],
        on_reload=lambda: _reload(conf),
    )


def _reload(conf: cfg.ConfigOpts) -> None:
    conf.mutate_config_files()
