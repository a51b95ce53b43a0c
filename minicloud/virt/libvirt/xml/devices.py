# SPDX-License-Identifier: Apache-2.0
"""The devices of a domain but disks and interfaces. https://libvirt.org/formatdomain.html#devices"""

from __future__ import annotations

from dataclasses import dataclass

from minicloud.virt.libvirt.xml.element import Element, at


@dataclass(kw_only=True)
class Controller(Element):
    TAG = "controller"

    type: str = at("@type")
    model: str | None = at("@model")
    index: int | None = at("@index")


@dataclass(kw_only=True)
class Serial(Element):
    """A serial line, on a TCP port of the host or on a pseudo-terminal."""

    TAG = "serial"

    type: str = at("@type")
    mode: str | None = at("source/@mode")
    host: str | None = at("source/@host")
    service: int | None = at("source/@service")
    protocol: str | None = at("protocol/@type")
    log: str | None = at("log/@file")
    log_append: str | None = at("log/@append")
    port: int = at("target/@port")


@dataclass(kw_only=True)
class Console(Element):
    """The console of a container."""

    TAG = "console"

    type: str = at("@type", "pty")


@dataclass(kw_only=True)
class Channel(Element):
    """A line between an agent in the guest and the hypervisor."""

    TAG = "channel"

    type: str = at("@type", "unix")
    target: str = at("target/@type", "virtio")
    name: str = at("target/@name")


@dataclass(kw_only=True)
class Graphics(Element):
    TAG = "graphics"

    type: str = at("@type", "vnc")
    autoport: bool = at("@autoport", True)
    listen: str = at("@listen")
    listen_type: str = at("listen/@type", "address")
    listen_address: str = at("listen/@address")


@dataclass(kw_only=True)
class Video(Element):
    TAG = "video"

    type: str = at("model/@type")
    #: KiB
    vram: int | None = at("model/@vram")


@dataclass(kw_only=True)
class Input(Element):
    TAG = "input"

    type: str = at("@type")
    bus: str = at("@bus")


@dataclass(kw_only=True)
class Rng(Element):
    TAG = "rng"

    model: str = at("@model", "virtio")
    bytes: int | None = at("rate/@bytes")
    #: Milliseconds.
    period: int | None = at("rate/@period")
    backend_model: str = at("backend/@model", "random")
    backend: str = at("backend", "/dev/urandom")


@dataclass(kw_only=True)
class Watchdog(Element):
    TAG = "watchdog"

    model: str = at("@model", "i6300esb")
    action: str = at("@action")


@dataclass(kw_only=True)
class Balloon(Element):
    """Takes memory from a guest; and counts, every few seconds, what the guest uses."""

    TAG = "memballoon"

    model: str = at("@model", "virtio")
    period: int | None = at("stats/@period")


@dataclass(kw_only=True)
class FileSystem(Element):
    """The root of a container."""

    TAG = "filesystem"

    type: str = at("@type", "file")
    accessmode: str = at("@accessmode", "passthrough")
    driver: str = at("driver/@type", "loop")
    format: str = at("driver/@format", "raw")
    source: str = at("source/@file")
    target: str = at("target/@dir", "/")
