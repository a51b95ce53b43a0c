# SPDX-License-Identifier: Apache-2.0
"""Which hosts may be chosen, and which is the best of them."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("filter_scheduler", title="Filters and weighers")


def _multiplier(name: str, default: float, what: str) -> cfg.Opt:
    return cfg.FloatOpt(
        f"{name}_weight_multiplier",
        default=default,
        help=f"How much {what} counts. Each weigher's values are first brought to the range 0 to 1. "
        "A negative number prefers the opposite, 0 leaves the weigher out.",
    )


OPTS = [
    cfg.ListOpt(
        "enabled_filters",
        default=[
            "ComputeFilter",
            "AvailabilityZoneFilter",
            "ComputeCapabilitiesFilter",
            "ImagePropertiesFilter",
            "ServerGroupAntiAffinityFilter",
            "ServerGroupAffinityFilter",
            "DifferentHostFilter",
            "SameHostFilter",
        ],
        help="Filters that a host must pass, by class name, cheapest first. Those of minicloud are in "
        "minicloud.scheduler.filters; further ones are given as module:Class. Capacity is always checked.",
    ),
    cfg.IntOpt(
        "host_subset_size",
        default=1,
        min=1,
        help="The host is drawn from this many best ones. More than 1 keeps several schedulers from "
        "choosing the same host at the same time.",
    ),
    cfg.BoolOpt(
        "shuffle_best_same_weighed_hosts",
        default=False,
        help="Draw among hosts of equal weight instead of taking the first by name.",
    ),
    cfg.IntOpt("max_instances_per_host", default=50, min=1, help="Bound of NumInstancesFilter."),
    cfg.IntOpt(
        "max_io_ops_per_host",
        default=8,
        min=1,
        help="Bound of IoOpsFilter: servers of one host that are being built or moved at the same time.",
    ),
    _multiplier("ram", 1.0, "free memory"),
    _multiplier("cpu", 1.0, "free virtual CPUs"),
    _multiplier("disk", 1.0, "free disk"),
    _multiplier("io_ops", -1.0, "the number of servers being built or moved"),
    _multiplier("soft_affinity", 1.0, "the number of group members already there (policy soft-affinity)"),
    _multiplier("soft_anti_affinity", 1.0, "the absence of group members (policy soft-anti-affinity)"),
    _multiplier("build_failure", -1000000.0, "the number of recent failed builds"),
]
