# SPDX-License-Identifier: Apache-2.0
"""A disk, and what is asked about disks. https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms"""

from __future__ import annotations

from dataclasses import dataclass

from minicloud.virt.libvirt.xml.element import Element, at


@dataclass(kw_only=True)
class Tune(Element):
    """Limits per second."""

    TAG = "iotune"

    total_bytes_sec: int | None = at("total_bytes_sec")
    read_bytes_sec: int | None = at("read_bytes_sec")
    write_bytes_sec: int | None = at("write_bytes_sec")
    total_iops_sec: int | None = at("total_iops_sec")
    read_iops_sec: int | None = at("read_iops_sec")
    write_iops_sec: int | None = at("write_iops_sec")


@dataclass(kw_only=True)
class Disk(Element):
    TAG = "disk"

    type: str = at("@type", "file")
    device: str = at("@device", "disk")
    driver: str = at("driver/@name", "qemu")
    format: str = at("driver/@type")
    cache: str | None = at("driver/@cache")
    discard: str | None = at("driver/@discard")
    file: str = at("source/@file")
    target: str = at("target/@dev")
    bus: str = at("target/@bus")
    tune: Tune | None = at("")
    readonly: bool = at("readonly", False)
    boot_order: int | None = at("boot/@order")


@dataclass(kw_only=True)
class BackupDisk(Element):
    """A disk to copy while its guest runs, or one to leave out."""

    TAG = "disk"

    name: str = at("@name")
    backup: bool = at("@backup")
    type: str | None = at("@type")
    format: str | None = at("driver/@type")
    file: str | None = at("target/@file")


@dataclass(kw_only=True)
class Backup(Element):
    """https://libvirt.org/formatbackup.html"""

    TAG = "domainbackup"

    mode: str = at("@mode", "push")
    disks: list[BackupDisk] = at("disks", [])
