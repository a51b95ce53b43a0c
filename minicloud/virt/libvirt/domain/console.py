# SPDX-License-Identifier: Apache-2.0
"""Serial lines: each is a TCP port of the host, for the console proxy; what the first one says is kept."""

from __future__ import annotations

from minicloud.virt.libvirt.domain.plan import Plan
from minicloud.virt.libvirt.host.facts import LXC
from minicloud.virt.libvirt.wishes import Impossible
from minicloud.virt.libvirt.xml.devices import Console, Serial
from minicloud.virt.libvirt.xml.domain import Domain

LOG_NAME = "console.log"

#: Of a PC.
_MOST = 4


def lines(plan: Plan) -> int:
    """How many serial lines the guest has: as many as its image says, within what its flavor allows.

    :raises Impossible: when the image wants more than the flavor allows
    """
    flavor = plan.instance.flavor.extra_specs.get("hw:serial_port_count")
    allowed = plan.wishes.integer("hw:serial_port_count", least=0, most=_MOST) if flavor else None
    image = plan.instance.image_properties.get("hw_serial_port_count")
    if image in (None, ""):
        return 1 if allowed is None else allowed
    if not str(image).isdigit() or int(image) > _MOST:
        raise Impossible(f"hw_serial_port_count={image} is not a number from 0 to {_MOST}")
    if allowed is not None and int(image) > allowed:
        raise Impossible(f"hw_serial_port_count={image} of the image is more than {allowed} of the flavor")
    return int(image)


def build(plan: Plan, domain: Domain) -> None:
    if plan.facts.type == LXC:
        domain.devices.append(Console())
    if not plan.facts.is_machine_emulator:
        return
    for index, port in enumerate(plan.serial_ports):
        domain.devices.append(
            Serial(
                type="tcp",
                mode="bind",
                host=plan.options.serial_listen,
                service=port,
                protocol="raw",
                log=str(plan.folder / LOG_NAME) if index == 0 else None,
                log_append="on" if index == 0 else None,
                port=index,
            )
        )
