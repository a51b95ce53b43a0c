# SPDX-License-Identifier: Apache-2.0
"""Guests of QEMU, with KVM or without, and containers, through libvirt."""

from minicloud.virt.libvirt.abilities import LibvirtDriver

__all__ = ["LibvirtDriver"]
