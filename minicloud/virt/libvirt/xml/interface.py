# SPDX-License-Identifier: Apache-2.0
"""A network interface. https://libvirt.org/formatdomain.html#network-interfaces"""

from __future__ import annotations

from dataclasses import dataclass

from minicloud.virt.libvirt.xml.element import Element, at


@dataclass(kw_only=True)
class Interface(Element):
    """Limits are in KiB, and KiB per second."""

    TAG = "interface"

    type: str = at("@type")
    mac: str = at("mac/@address")
    bridge: str | None = at("source/@bridge")
    device: str | None = at("target/@dev")
    model: str | None = at("model/@type")
    queues: int | None = at("driver/@queues")
    mtu: int | None = at("mtu/@size")
    link: str | None = at("link/@state")
    inbound_average: int | None = at("bandwidth/inbound/@average")
    inbound_peak: int | None = at("bandwidth/inbound/@peak")
    inbound_burst: int | None = at("bandwidth/inbound/@burst")
    outbound_average: int | None = at("bandwidth/outbound/@average")
    outbound_peak: int | None = at("bandwidth/outbound/@peak")
    outbound_burst: int | None = at("bandwidth/outbound/@burst")
