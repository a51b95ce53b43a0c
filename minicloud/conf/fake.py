# SPDX-License-Identifier: Apache-2.0
"""The fake hypervisor: how large it is, how slow, and when it fails."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("fake", title="The fake hypervisor")

OPTS = [
    cfg.IntOpt("vcpus", default=256, min=1, help="CPUs of each fake host."),
    cfg.IntOpt("memory_mb", default=512 * 1024, min=1, help="Memory of each fake host in MiB."),
    cfg.IntOpt("local_gb", default=8 * 1024, min=1, help="Disk of each fake host in GiB."),
    cfg.ListOpt("traits", default=[], help="Traits that each fake host reports, such as HW_CPU_X86_AVX2."),
    cfg.DictOpt(
        "stats",
        default={},
        help="Further capabilities that each fake host reports, for extra specs to ask for, such as gpu:yes.",
    ),
    cfg.FloatOpt("build_delay", default=0.0, min=0.0, help="Seconds that making a guest takes."),
    cfg.DictOpt(
        "delays",
        default={},
        help="Seconds that other verbs take, such as stop:2,reboot:0.5. Verbs: start, stop, reboot, pause, unpause, "
        "suspend, resume, delete, live_migration.",
    ),
    cfg.IntOpt(
        "fail_builds",
        default=0,
        min=0,
        help="Builds that fail on each fake host, counted from its start; later ones work.",
    ),
    cfg.ListOpt("fail_on_hosts", default=[], help="Hosts on which every build fails."),
    cfg.ListOpt(
        "fail_actions", default=[], help="Verbs that always fail, such as stop,pause; see delays for their names."
    ),
]
