# SPDX-License-Identifier: Apache-2.0
"""How a compute host offers its resources and looks after its servers."""

from __future__ import annotations

from oslo_config import cfg

GROUP = cfg.OptGroup("compute", title="Compute hosts")

OPTS = [
    cfg.IntOpt(
        "max_concurrent_work",
        default=10,
        min=1,
        help="Servers that one host builds, starts, stops or otherwise changes at the same time; more wait. "
        "Deletes are not counted, so that they are served also when everything else hangs.",
    ),
    cfg.IntOpt(
        "max_concurrent_live_migrations",
        default=1,
        min=0,
        help="Live migrations that leave one host at the same time; more are queued. 0: any number, within "
        "max_concurrent_work.",
    ),
    cfg.IntOpt(
        "rpc_workers",
        default=4,
        min=1,
        help="Messages that one host receives at the same time. They are quickly dealt with, but for deletes, so a few "
        "suffice; a process with many fake hosts has this many threads for each of them that is busy.",
    ),
    cfg.IntOpt(
        "update_resources_interval",
        default=60,
        min=1,
        help="Seconds between two looks at what the hypervisor has. Changes are reported to the scheduler.",
    ),
    cfg.IntOpt(
        "sync_power_interval",
        default=600,
        min=1,
        help="Seconds between two comparisons of the recorded power states with those of the hypervisor.",
    ),
    cfg.IntOpt(
        "shelved_offload_time",
        default=0,
        min=-1,
        help="Seconds after which a shelved server leaves its host. 0: as soon as it is shelved; -1: never by itself.",
    ),
    cfg.IntOpt(
        "shelved_poll_interval",
        default=60,
        min=1,
        help="Seconds between two looks for shelved servers that have to leave, see shelved_offload_time.",
    ),
    cfg.IntOpt(
        "vif_plugging_timeout",
        default=300,
        min=0,
        help="Seconds to wait, once a new guest has started, for the network service to report its ports up. 0 does "
        "not wait. Ports that are up from the beginning, as all are when networks are books only, are not waited for.",
    ),
    cfg.BoolOpt(
        "vif_plugging_is_fatal",
        default=True,
        help="Whether a server whose ports are not up in time goes to ERROR; else it becomes ACTIVE with a warning in "
        "the log.",
    ),
    cfg.IntOpt(
        "resize_confirm_window",
        default=0,
        min=0,
        help="Seconds after which a resize or a cold migration that nobody confirmed or reverted is confirmed. "
        "0: never.",
    ),
    cfg.IntOpt(
        "resize_poll_interval",
        default=60,
        min=1,
        help="Seconds between two looks for resizes to confirm, see resize_confirm_window.",
    ),
    cfg.BoolOpt(
        "destroy_orphans",
        default=False,
        help="Whether every guest without a server is destroyed when it is found. By default it is only reported: "
        "'minicloud doctor --fix' removes it. Those whose servers were deleted or moved while the host was away are "
        "destroyed at the start of the host in either case; others may be all that is left of servers whose records "
        "were lost.",
    ),
    cfg.BoolOpt(
        "force_config_drive",
        default=False,
        help="Whether every server that is built on this host gets a config drive, also one whose owner did not ask "
        "for it. An image with the property img_config_drive=mandatory always brings one.",
    ),
    cfg.IntOpt("reserved_vcpus", default=0, min=0, help="CPUs of a host that servers do not get."),
    cfg.IntOpt("reserved_memory_mb", default=0, min=0, help="Memory of a host, in MiB, that servers do not get."),
    cfg.IntOpt("reserved_gb", default=0, min=0, help="Disk of a host, in GiB, that servers do not get."),
    cfg.FloatOpt(
        "cpu_allocation_ratio", default=4.0, min=0.01, help="Virtual CPUs that servers may have per CPU of the host."
    ),
    cfg.FloatOpt(
        "ram_allocation_ratio", default=1.0, min=0.01, help="Memory that servers may have per MiB of the host."
    ),
    cfg.FloatOpt(
        "disk_allocation_ratio", default=1.0, min=0.01, help="Disk that servers may have per GiB of the host."
    ),
]
