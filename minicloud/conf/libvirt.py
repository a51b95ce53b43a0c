# SPDX-License-Identifier: Apache-2.0
"""The libvirt driver: which hypervisor it talks to, where disks are, what guests get."""

from __future__ import annotations

from oslo_config import cfg, types

GROUP = cfg.OptGroup("libvirt", title="The libvirt driver")

OPTS = [
    cfg.StrOpt(
        "virt_type",
        default="auto",
        choices=[
            ("auto", "kvm where a short trial proves that it runs guests, else qemu"),
            ("kvm", "hardware virtualization"),
            ("qemu", "emulation: slow, and works everywhere"),
            ("lxc", "containers of the host's kernel"),
        ],
        help="How guests are run. A /dev/kvm that can be opened may still hang every guest, so that auto boots a "
        "tiny program under KVM with a time limit; the result is kept under the state directory until the machine "
        "is booted again.",
    ),
    cfg.StrOpt(
        "connection_uri",
        default="",
        help="Where libvirt listens. Empty: qemu:///system, or lxc:///system when virt_type is lxc. test:///default is "
        "libvirt's own pretence, for tests.",
    ),
    cfg.StrOpt(
        "images_type",
        default="qcow2",
        choices=[
            ("qcow2", "what a guest changes, over its image in the cache: quick to make, small"),
            ("raw", "a full, sparse copy of the image: quick to read and write"),
        ],
        help="The form of the disks that are made from images.",
    ),
    cfg.StrOpt(
        "instances_path",
        default="",
        sample_default="$state_dir/instances",
        help="Folder of the guests' disks, a folder for each guest. When several hosts share it, guests move between "
        "them without copying. On the file system of [image_cache] path, guests made from one image share its data. "
        "QEMU's user must be able to reach it.",
    ),
    cfg.StrOpt(
        "cpu_mode",
        default="",
        choices=[
            ("", "host-model with KVM; with emulation the model Nehalem, which common distributions ask for"),
            ("none", "the hypervisor's default"),
            ("host-model", "the nearest known model to the host's, which can move to like hosts"),
            ("host-passthrough", "exactly the host's; guests move only to identical hosts"),
            ("maximum", "all that the hypervisor can offer"),
            ("custom", "the one of cpu_model"),
        ],
        help="CPU that guests see.",
    ),
    cfg.StrOpt("cpu_model", default="", help="Model for cpu_mode custom, such as Westmere; see virsh cpu-models."),
    cfg.ListOpt(
        "dedicated_cpus",
        item_type=types.Integer(min=0),
        default=[],
        help="CPUs of the host, such as 2,3, that are given one by one to flavors with hw:cpu_policy=dedicated. "
        "Empty: such flavors are refused here.",
    ),
    cfg.IntOpt(
        "tcg_cache_mb",
        default=32,
        min=0,
        help="MiB of translated code that an emulated guest keeps. More is quicker for large guests; QEMU's own "
        "default, taken with 0, is hundreds of MiB for each guest.",
    ),
    cfg.StrOpt(
        "machine_type",
        default="",
        help="Machine that x86 guests are, unless hw_machine_type of the image says it, such as q35 or pc. Empty: "
        "the hypervisor's default.",
    ),
    cfg.IntOpt(
        "shutdown_timeout",
        default=60,
        min=0,
        help="Seconds that a guest gets to shut down before it is switched off. os_shutdown_timeout of an image comes "
        "first.",
    ),
    cfg.IntOpt(
        "detach_timeout",
        default=20,
        min=1,
        help="Seconds to wait for a running guest to let go of a device. An interface that it still holds then is cut "
        "off from its network, and goes for good at the guest's next stop.",
    ),
    cfg.BoolOpt("vnc", default=True, help="Whether guests have a screen that is reached with VNC."),
    cfg.HostAddressOpt(
        "vnc_listen",
        default="127.0.0.1",
        help="Address on which screens listen. Whoever reaches it sees and types: there is no password, the console "
        "proxy asks for a token. A proxy on another machine needs an address of a private network here.",
    ),
    cfg.HostAddressOpt(
        "serial_listen",
        default="127.0.0.1",
        help="Address on which serial lines listen; see vnc_listen.",
    ),
    cfg.HostAddressOpt(
        "console_address",
        default="127.0.0.1",
        help="Address of this host as the console proxies reach it.",
    ),
    cfg.StrOpt(
        "serial_ports",
        default="10000:20000",
        regex=r"^\d{1,5}:\d{1,5}$",
        help="TCP ports for serial lines, first:last. Each guest takes as many as it has lines.",
    ),
    cfg.IntOpt(
        "console_log_kb",
        default=512,
        min=1,
        help="KiB, counted from the end, that are read of what a guest wrote to its serial line. libvirt's virtlogd "
        "limits what is kept.",
    ),
    cfg.IntOpt(
        "pcie_ports",
        default=12,
        min=0,
        help="Free slots of guests whose machine is q35, for devices that are attached while they run.",
    ),
    cfg.StrOpt(
        "live_migration_uri",
        default="qemu+tcp://%s/system",
        help="Where other hosts' libvirt is reached by this host's, such as qemu+tls://%s/system or "
        "qemu+ssh://migration@%s/system: %s becomes the other host's live_migration_inbound_addr. Whoever reaches a "
        "libvirt that asks for no proof is root there: plain TCP is for a network of hosts alone.",
    ),
    cfg.StrOpt(
        "live_migration_inbound_addr",
        default="",
        help="Name or address by which other hosts reach this one for live migrations. An address is also the only one "
        "on which QEMU listens for a guest that comes. Empty: the host's name.",
    ),
    cfg.BoolOpt(
        "live_migration_tunnelled",
        default=False,
        help="Whether memory goes through libvirt's own connection, encrypted where that is, but slower. Disks are not "
        "copied then; live_migration_with_native_tls does both.",
    ),
    cfg.BoolOpt(
        "live_migration_with_native_tls",
        default=False,
        help="Whether QEMU encrypts what it sends. Needs its certificates on all hosts, see migrate_tls_x509_cert_dir "
        "of libvirt's qemu.conf.",
    ),
    cfg.IntOpt(
        "live_migration_bandwidth",
        default=0,
        min=0,
        help="MiB that one live migration sends in a second. 0: the hypervisor's own limit, which is none.",
    ),
    cfg.IntOpt(
        "live_migration_downtime",
        default=500,
        min=1,
        help="Milliseconds for which a guest may stand still at the end of a live migration.",
    ),
    cfg.IntOpt(
        "live_migration_completion_timeout",
        default=800,
        min=0,
        help="Seconds that a live migration gets for each GiB of memory and of copied disk, and for two at least, "
        "before live_migration_timeout_action is taken. 0: it may go on for ever.",
    ),
    cfg.StrOpt(
        "live_migration_timeout_action",
        default="abort",
        choices=[
            ("abort", "the guest stays"),
            ("force_complete", "as if somebody had asked to force it: see live_migration_permit_post_copy"),
        ],
        help="What becomes of a live migration that takes too long, since a guest may change its memory faster than "
        "the network carries it.",
    ),
    cfg.BoolOpt(
        "live_migration_permit_post_copy",
        default=False,
        help="Whether a forced live migration goes on at the destination at once and fetches memory as it is used. A "
        "network that fails then takes the guest down. Else a forced guest is paused until its memory has arrived.",
    ),
    cfg.BoolOpt(
        "live_migration_permit_auto_converge",
        default=False,
        help="Whether a guest that changes its memory too fast is slowed down.",
    ),
]
