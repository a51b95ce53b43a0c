# SPDX-License-Identifier: Apache-2.0
"""How often the scheduler tries, looks around and cleans up."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("scheduler", title="Scheduler")

OPTS = [
    cfg.IntOpt(
        "max_attempts",
        default=3,
        min=1,
        help="Hosts that are tried for one server before it goes to ERROR. The first choice carries that many less one "
        "alternates of the same cell. 1 means no second try.",
    ),
    cfg.FloatOpt(
        "refresh_interval",
        default=15.0,
        min=0.5,
        help="Seconds between two complete readings of the hosts. In between the scheduler counts its own decisions, "
        "hears of new hosts, and looks for disabled services and changed aggregates at every request; other "
        "schedulers' decisions become known at a reading, or when a claim is refused. Also how often new cells are "
        "looked for.",
    ),
    cfg.FloatOpt(
        "recovery_interval",
        default=30.0,
        min=0.5,
        help="Seconds between two searches for what a lost message or a killed scheduler left half done.",
    ),
    cfg.FloatOpt(
        "recovery_age",
        default=60.0,
        min=0.0,
        help="Seconds that a step may take before the search for half-done work takes it up again. Taking up a build "
        "that is still being worked on does no harm, only work. A move for which no host was found by then is ended: "
        "the server stays as it was.",
    ),
    cfg.FloatOpt(
        "build_timeout",
        default=900.0,
        min=1.0,
        help="Seconds after which a server that could not even be written to a cell goes to ERROR.",
    ),
    cfg.FloatOpt(
        "decisions_kept",
        default=7 * 86400.0,
        min=60.0,
        help="Seconds that decisions, and the reasons why hosts were not chosen, are kept for ``minicloud explain``.",
    ),
    cfg.BoolOpt(
        "allow_resize_to_same_host",
        default=True,
        help="Whether a server that is resized may stay on its host, if the new size fits beside the old one. "
        "Turn it off where hypervisors cannot do that.",
    ),
]
