# SPDX-License-Identifier: Apache-2.0
"""Whether KVM runs guests here, found out by running one.

A /dev/kvm that opens says little: nested virtualization may make a machine and never let it run. So QEMU
boots one sector under KVM. Its code waits for a few ticks of the timer, as every kernel must, goes to
protected mode with paging, and ends QEMU through a device made for that. Who gets there in time is fit.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from oslo_log import log as logging

from minicloud.virt.libvirt.host import facts
from minicloud.virt.libvirt.storage.folder import write

LOG = logging.getLogger(__name__)

DEVICE = Path("/dev/kvm")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

EMULATOR = "qemu-system-x86_64"
_SECONDS = 10.0

#: QEMU's exit status for the value that the code writes to the exit device: twice the value plus one.
_EXPECTED = 2 * 0x21 + 1

_CODE = bytes.fromhex(
    "fa 31c0 8ed8 8ed0 bc007c"  # cli; ds = ss = 0; sp = 0x7c00, where this code is
    "fb b90400 f4 e2fd fa"  # sti; four times: hlt; cli
    "66c7060080 83000000"  # a page directory at 0x8000: the first 4 MiB are where they are
    "66b800800000 0f22d8"  # cr3 = 0x8000
    "0f20e0 0c10 0f22e0"  # cr4 |= PSE
    "0f0116807c"  # lgdt 0x7c80
    "0f20c0 660d01000080 0f22c0"  # cr0 |= PG | PE
    "ea427c0800"  # jump to the next line, which is 32-bit code
    "66b81000 8ed8"  # ds = the data segment
    "c705 00900000 34120000"  # write 0x1234 to 0x9000
    "813d 00900000 34120000 7504"  # and compare; unequal: to the hlt
    "b021 e6f4"  # out 0xf4, 0x21: the end
    "f4 ebfd 8d7600"  # hlt, for ever
    "0000000000000000 ffff0000009acf00 ffff00000092cf00"  # segments at 0x7c68: none, code, data
    "1700 687c0000"  # their table: its size less one, and its address
)


def domain_type(uri: str, virt_type: str, state_dir: Path) -> str:
    """The type of domains for what the configuration asks for."""
    if uri.startswith("test:"):
        return facts.TEST
    if virt_type != "auto":
        return virt_type
    if uri.startswith("lxc:"):
        return facts.LXC
    return facts.KVM if runs_guests(state_dir) else facts.QEMU


def runs_guests(state_dir: Path) -> bool:
    """Whether KVM does; the answer is kept in the state directory until the machine boots again."""
    if not DEVICE.exists() or not os.access(DEVICE, os.R_OK | os.W_OK):
        return False
    kept = state_dir / "kvm-probe.json"
    boot = _BOOT_ID.read_text().strip()
    try:
        found = json.loads(kept.read_text())
        if found["boot"] == boot:
            return bool(found["works"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not probed yet, or not readable: probed again
    works = boots("kvm")
    state_dir.mkdir(parents=True, exist_ok=True)
    write(kept, json.dumps({"boot": boot, "works": works}).encode())
    return works


def boots(accelerator: str, seconds: float = _SECONDS) -> bool:
    """Whether the boot sector comes to its end.

    :param accelerator: kvm or tcg
    """
    began = time.monotonic()
    with tempfile.NamedTemporaryFile(prefix="minicloud-probe-") as disk:
        disk.write(_CODE.ljust(510, b"\0") + b"\x55\xaa")
        disk.flush()
        try:
            done = subprocess.run(_command(accelerator, disk.name), capture_output=True, timeout=seconds, check=False)
            works, why = done.returncode == _EXPECTED, f"QEMU ended with {done.returncode}"
        except subprocess.TimeoutExpired:
            works, why = False, f"it did not get anywhere in {seconds:.0f} s"
        except OSError as error:
            works, why = False, str(error)
    if works:
        LOG.info("A trial with %s ran in %.1f s", accelerator, time.monotonic() - began)
    else:
        LOG.warning("A trial with %s failed: %s", accelerator, why)
    return works


def _command(accelerator: str, disk: str) -> list[str]:
    return [
        EMULATOR,
        *("-accel", accelerator, "-machine", "pc", "-m", "16", "-nodefaults", "-no-user-config", "-display", "none"),
        *("-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-no-reboot", "-boot", "a"),
        *("-drive", f"file={disk},format=raw,if=floppy,readonly=on"),
    ]
