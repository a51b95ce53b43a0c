# SPDX-License-Identifier: Apache-2.0
"""/servers/{id}/diagnostics: what a guest uses, in the words of its hypervisor, or from 2.48 on in fixed ones.

https://docs.openstack.org/api-ref/compute/#servers-diagnostics-servers-diagnostics
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import lookup
from minicloud.api.v21.servers.actions.base import host_of
from minicloud.objects import CpuDiagnostics, Diagnostics, DiskDiagnostics, NicDiagnostics
from minicloud.states import VM
from minicloud.web.operation import Operation
from minicloud.web.view import Field, View

RULE: Final = "os_compute_api:os-server-diagnostics"

#: A hypervisor has something to say of these.
_WITH_GUEST: Final = frozenset({VM.ACTIVE, VM.PAUSED, VM.SUSPENDED, VM.STOPPED, VM.RESCUED, VM.RESIZED, VM.ERROR})


def _plain(*names: str) -> tuple[Field, ...]:
    """Fields that are called on the wire as they are here."""

    def source(name: str) -> Callable[[Any, Any], Any]:
        return lambda _call, one: getattr(one, name)

    return tuple(Field(name, source(name)) for name in names)


CPU: Final[View[CpuDiagnostics]] = View(*_plain("id", "time", "utilisation"))
DISK: Final[View[DiskDiagnostics]] = View(
    *_plain("read_bytes", "read_requests", "write_bytes", "write_requests", "errors_count")
)
NIC: Final[View[NicDiagnostics]] = View(
    *_plain("mac_address", "rx_octets", "rx_errors", "rx_drop", "rx_packets"),
    Field("rx_rate", lambda _call, _one: None),
    *_plain("tx_octets", "tx_errors", "tx_drop", "tx_packets"),
    Field("tx_rate", lambda _call, _one: None),
)
VIEW: Final[View[Diagnostics]] = View(
    *_plain("state", "driver", "hypervisor", "hypervisor_os", "uptime", "config_drive"),
    Field("num_cpus", lambda _call, one: len(one.cpus)),
    Field("num_disks", lambda _call, one: len(one.disks)),
    Field("num_nics", lambda _call, one: len(one.nics)),
    Field("memory_details", lambda _call, one: {"maximum": one.memory_maximum, "used": one.memory_used}),
    Field("cpu_details", lambda call, one: CPU.render_all(call, list(one.cpus))),
    Field("disk_details", lambda call, one: DISK.render_all(call, list(one.disks))),
    Field("nic_details", lambda call, one: NIC.render_all(call, list(one.nics))),
)

#: Suffix of the old form's keys -> field, for each disk and each interface.
_OLD_DISK: Final = {
    "read": "read_bytes",
    "read_req": "read_requests",
    "write": "write_bytes",
    "write_req": "write_requests",
    "errors": "errors_count",
}
_OLD_NIC: Final = {
    f"{way}{suffix}": f"{way}_{field}"
    for way in ("rx", "tx")
    for suffix, field in (("", "octets"), ("_errors", "errors"), ("_drop", "drop"), ("_packets", "packets"))
}


def show(call: ApiCall, server_id: str) -> dict[str, Any]:
    """
    :raises Conflict: 409, without a guest, or while its host is down
    :raises NotSupported: 501, when the hypervisor does not count
    """
    found = lookup.find(call, server_id)
    call.authorize(RULE, found.target)
    instance = found.instance
    if instance.vm_state not in _WITH_GUEST:
        raise exception.InstanceInvalidState(
            method="get_diagnostics", instance_uuid=instance.uuid, attr="vm_state", state=instance.vm_state
        )
    host = host_of(call, found)
    compute = found.home.compute
    assert compute is not None
    try:
        counted = compute.get_diagnostics(call.ctxt, host, instance)
    except exception.GuestNotFound as error:
        raise exception.Conflict(error.message) from None
    return VIEW.render(call, counted) if call.version >= 48 else old(counted)


def old(counted: Diagnostics) -> dict[str, Any]:
    """One flat dictionary, with memory in KiB."""
    answer: dict[str, Any] = {f"cpu{cpu.id}_time": cpu.time for cpu in counted.cpus}
    answer["memory"] = (counted.memory_maximum or 0) * 1024
    for number, disk in enumerate(counted.disks):
        answer |= {f"vd{chr(ord('a') + number)}_{key}": getattr(disk, field) for key, field in _OLD_DISK.items()}
    for number, nic in enumerate(counted.nics):
        answer |= {f"vnet{number}_{key}": getattr(nic, field) for key, field in _OLD_NIC.items()}
    return answer


OPERATIONS = (Operation("GET", "/servers/{server_id}/diagnostics", show),)
