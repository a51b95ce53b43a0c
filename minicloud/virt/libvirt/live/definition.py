# SPDX-License-Identifier: Apache-2.0
"""The definition of a guest as it is to be on another host.

It is the one that it runs with, so that the guest notices nothing, with what is the host's own changed.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from xml.etree.ElementTree import Element, tostring  # nosec B405  # see xml.parse

from minicloud.virt.libvirt.live.papers import Place
from minicloud.virt.libvirt.xml.domain import Mark
from minicloud.virt.libvirt.xml.parse import parse, text_at


def elsewhere(xml: str, folder: str, place: Place) -> str:
    """
    :param xml: as libvirt gives it for migrations
    :param folder: the guest's, on the host where it is
    """
    node = parse(xml)
    for mark in node.findall(f"metadata/{Mark.TAG}"):
        mark.set("host", place.host)
        mark.set("cloud", place.cloud)
    _files(node, folder, place)
    _interfaces(node, place)
    _serial_lines(node, place)
    _screens(node, place)
    for pin, cpu in zip(node.findall("cputune/vcpupin"), place.pins, strict=False):
        pin.set("cpuset", str(cpu))
    return tostring(node, encoding="unicode")


def _files(node: Element, folder: str, place: Place) -> None:
    """Disks and logs in the guest's folder. What lies under a disk is for the destination to find out."""
    for disk in node.findall("devices/disk"):
        for chain in [*disk.findall("backingStore"), *disk.findall("mirror")]:
            disk.remove(chain)
    for found in (*node.findall("devices/disk/source"), *node.findall("devices/*/log")):
        path = PurePosixPath(found.get("file", ""))
        if path.is_relative_to(folder):
            found.set("file", str(place.folder / path.relative_to(folder)))
    for found in (found for name in ("kernel", "initrd", "nvram") for found in node.findall(f"os/{name}")):
        found.text = str(place.folder / PurePosixPath(found.text or "").relative_to(folder))


def _interfaces(node: Element, place: Place) -> None:
    bridges = {mac.lower(): bridge for mac, bridge in place.bridges.items()}
    for interface in node.findall("devices/interface[@type='bridge']"):
        source = interface.find("source")
        bridge = bridges.get(text_at(interface, "mac/@address").lower())
        if source is not None and bridge is not None:
            source.set("bridge", bridge)


def _serial_lines(node: Element, place: Place) -> None:
    """libvirt repeats the first serial line as the console."""
    lines = node.findall("devices/serial[@type='tcp']")
    ports = dict(zip([text_at(line, "source/@service") for line in lines], place.serial_ports, strict=False))
    for source in (*node.findall("devices/serial[@type='tcp']/source"), *node.findall("devices/console/source")):
        if (port := ports.get(source.get("service", ""))) is not None:
            source.set("host", place.serial_listen)
            source.set("service", str(port))


def _screens(node: Element, place: Place) -> None:
    for graphics in node.findall("devices/graphics"):
        graphics.set("listen", place.vnc_listen)
        for listen in graphics.findall("listen[@type='address']"):
            listen.set("address", place.vnc_listen)
