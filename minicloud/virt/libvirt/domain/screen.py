# SPDX-License-Identifier: Apache-2.0
"""Screen and pointer."""

from __future__ import annotations

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.wishes import Impossible, Lacking
from minicloud.virt.libvirt.xml.devices import Graphics, Input, Video
from minicloud.virt.libvirt.xml.domain import Domain

_MODELS = ("vga", "cirrus", "vmvga", "qxl", "virtio", "bochs", "gop", "none")


def build(plan: Plan, domain: Domain) -> None:
    if not plan.facts.is_machine_emulator or not plan.options.vnc:
        return
    listen = plan.options.vnc_listen
    domain.devices += [_video(plan), Graphics(listen=listen, listen_address=listen)]
    if _has_tablet(plan):
        domain.devices.append(Input(type="tablet", bus="usb"))


def _video(plan: Plan) -> Video:
    model = plan.wishes.choice("hw_video_model", _MODELS) or "vga"
    if plan.facts.video_models and model not in plan.facts.video_models:
        raise Lacking(f"hw_video_model={model}: this hypervisor has no such screen")
    ram = plan.wishes.integer("hw_video_ram", least=1, most=1024)
    most = plan.wishes.integer("hw_video:ram_max_mb", most=1024) or 0
    if ram is not None and ram > most:
        raise Impossible(f"hw_video_ram={ram} is more than the {most} MiB of hw_video:ram_max_mb of the flavor")
    return Video(type=model, vram=None if ram is None else ram * 1024)


def _has_tablet(plan: Plan) -> bool:
    """A pointer that is where the viewer's is."""
    wish = plan.wishes.choice("hw_pointer_model", ("usbtablet", "ps2mouse")) or "usbtablet"
    # QEMU polls it 125 times a second, which emulated guests can ill afford; only one who asks for it gets it.
    return wish == "usbtablet" and (plan.facts.type == "kvm" or "hw_pointer_model" in plan.instance.image_properties)
