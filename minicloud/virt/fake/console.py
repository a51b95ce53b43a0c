# SPDX-License-Identifier: Apache-2.0
"""The console of a fake guest: what a small Linux would write there."""

from __future__ import annotations

import msgspec

from minicloud.virt.fake.store import Guest

_BOOT = """\
[    0.000000] Linux version 6.6.0-fake (minicloud) #1 SMP PREEMPT_DYNAMIC
[    0.000000] Command line: LABEL=root ro console=tty1 console=ttyS0
[    0.000000] Hypervisor detected: fake
[    0.010000] smpboot: {vcpus} CPUs
[    0.020000] Memory: {memory_mb} MiB available
[    0.150000] random: crng init done
[    0.300000] virtio_blk virtio1: [vda] image {image}
[    0.420000] EXT4-fs (vda1): mounted filesystem with ordered data mode
{interfaces}
[    0.900000] Run /sbin/init as init process
info: initramfs: up at 0.91
info: server {name} ({uuid})
info: flavor {flavor}
Starting syslogd: OK
Starting network: OK
checking http://169.254.169.254/latest/instance-id
successful after 1 tries: up 1.20. iid={uuid}
Starting dropbear sshd: OK
=== boot {boot} finished ===

{name} login:"""

_LINES = {
    "shutdown": "[  100.000000] reboot: Power down",
    "restart": "[  100.000000] reboot: Restarting system",
    "suspend": "[  100.000000] PM: hibernation: Creating image",
    "resume": "[  100.000000] PM: hibernation: resume from hibernation",
}


def render(guest: Guest) -> str:
    """All that a guest has written, from its history."""
    parts = []
    boots = 0
    for event in guest.history:
        if event == "boot":
            boots += 1
            parts.append(_boot(guest, boots))
        elif event.startswith("rescue "):
            boots += 1
            parts.append(_boot(msgspec.structs.replace(guest, image=event.partition(" ")[2]), boots))
        elif event in _LINES:
            parts.append(_LINES[event])
    return "\n".join(parts)


def _boot(guest: Guest, number: int) -> str:
    interfaces = "\n".join(f"[    0.5{index}0000] eth{index}: {mac}" for index, mac in enumerate(guest.macs))
    return _BOOT.format(
        vcpus=guest.vcpus,
        memory_mb=guest.memory_mb,
        image=guest.image or "none",
        interfaces=interfaces or "[    0.500000] no network interface",
        name=guest.name,
        uuid=guest.uuid,
        flavor=guest.flavor,
        boot=number,
    )
