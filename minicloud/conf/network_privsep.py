# SPDX-License-Identifier: Apache-2.0
"""A network agent that is not root."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("network_privsep", title="Privileges of a network agent that is not root")

OPTS = [
    cfg.StrOpt(
        "helper_command",
        default="sudo -n privsep-helper",
        help="What starts oslo.privsep's helper as root, without asking for a password. An agent that is root does "
        "without it.",
    ),
]
