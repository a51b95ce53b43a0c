# SPDX-License-Identifier: Apache-2.0
"""Servers as clients see them: tables of fields, each with the microversions it exists in."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import policy, status
from minicloud.objects import Flavor, Instance, Vif
from minicloud.web.moments import iso_micro, iso_z
from minicloud.web.view import Field, View

#: Facts about an image that stand beside its properties in a record; not shown.
IMAGE_FACTS: Final = frozenset({"min_ram", "min_disk", "disk_format", "container_format", "size", "status"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A server with what a view needs and its record does not have."""

    instance: Instance
    #: Base URL of the API, asked for once per answer.
    url: str
    default_zone: str = "nova"
    groups: tuple[str, ...] = ()
    host_status: str = ""

    @property
    def status(self) -> str:
        return status.of(self.instance.vm_state, self.instance.task_state)


Source = Callable[[ApiCall, Shown], Any]


def links(url: str, server_id: str) -> list[dict[str, str]]:
    """``self`` and ``bookmark`` of a server."""
    return [
        {"rel": "self", "href": f"{url}/v2.1/servers/{server_id}"},
        {"rel": "bookmark", "href": f"{url}/servers/{server_id}"},
    ]


def addresses(network_info: Iterable[Vif], *, extended: bool) -> dict[str, list[dict[str, Any]]]:
    """Network name -> its addresses, floating ones behind the fixed one they lead to.

    :param extended: with kind and MAC address
    """
    result: dict[str, list[dict[str, Any]]] = {}
    for vif in network_info:
        shown = result.setdefault(vif.network_name, [])
        for fixed in vif.fixed_ips:
            kinds = [(fixed.address, fixed.version, "fixed"), *((one, 4, "floating") for one in fixed.floating)]
            for address, version, kind in kinds:
                item: dict[str, Any] = {"version": version, "addr": address}
                if extended:
                    item |= {"OS-EXT-IPS:type": kind, "OS-EXT-IPS-MAC:mac_addr": vif.mac_address}
                shown.append(item)
    return result


@functools.lru_cache(maxsize=1024)
def host_id(project_id: str, host: str | None) -> str:
    """An id of a host that tells a project whether two of its servers share one, and nothing else."""
    return hashlib.sha224(f"{project_id}{host}".encode()).hexdigest() if host else ""


def _of(name: str) -> Source:
    return lambda _call, shown: getattr(shown.instance, name)


def _image(call: ApiCall, shown: Shown) -> Any:
    image_id = shown.instance.image_id
    if not image_id:
        return ""
    image: dict[str, Any] = {
        "id": image_id,
        "links": [{"rel": "bookmark", "href": f"{shown.url}/images/{image_id}"}],
    }
    if call.version >= 98:
        image["properties"] = image_properties(shown.instance.image_properties)
    return image


def image_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an image among the facts that a record keeps."""
    return {
        name: None if value is None else str(value) for name, value in properties.items() if name not in IMAGE_FACTS
    }


def _flavor_link(_call: ApiCall, shown: Shown) -> dict[str, Any]:
    flavorid = shown.instance.flavor.flavorid
    return {"id": flavorid, "links": [{"rel": "bookmark", "href": f"{shown.url}/flavors/{flavorid}"}]}


def _flavor(call: ApiCall, shown: Shown) -> dict[str, Any]:
    flavor: Flavor = shown.instance.flavor
    result: dict[str, Any] = {
        "vcpus": flavor.vcpus,
        "ram": flavor.memory_mb,
        "disk": flavor.root_gb,
        "ephemeral": flavor.ephemeral_gb,
        "swap": flavor.swap,
        "original_name": flavor.name,
    }
    if call.may(policy.SHOW_EXTRA_SPECS):
        result["extra_specs"] = flavor.extra_specs
    return result


def _zone(_call: ApiCall, shown: Shown) -> str:
    zone = shown.instance.availability_zone
    return zone or (shown.default_zone if shown.instance.host else "")


def _hints(_call: ApiCall, shown: Shown) -> dict[str, Any]:
    return shown.instance.scheduler_hints


#: Every field of a server, in the order of the answer. Those that come and go with the server's
#: state (progress, fault) or with policy per server are added by :func:`detail`.
FIELDS: Final = (
    Field("id", _of("uuid")),
    Field("name", _of("display_name")),
    Field("status", lambda _call, shown: shown.status),
    Field("tenant_id", _of("project_id")),
    Field("user_id", _of("user_id")),
    Field("metadata", _of("metadata")),
    Field("hostId", lambda _call, shown: host_id(shown.instance.project_id, shown.instance.host)),
    Field("image", _image),
    Field("flavor", _flavor_link, until=46),
    Field("flavor", _flavor, since=47),
    Field("created", lambda _call, shown: iso_z(shown.instance.created_at)),
    Field("updated", lambda _call, shown: iso_z(shown.instance.updated_at or shown.instance.created_at)),
    Field("addresses", lambda _call, shown: addresses(shown.instance.network_info, extended=True)),
    Field("accessIPv4", lambda _call, shown: shown.instance.access_ip_v4 or ""),
    Field("accessIPv6", lambda _call, shown: shown.instance.access_ip_v6 or ""),
    Field("links", lambda _call, shown: links(shown.url, shown.instance.uuid)),
    Field("OS-DCF:diskConfig", lambda _call, shown: "AUTO" if shown.instance.auto_disk_config else "MANUAL"),
    Field("OS-EXT-AZ:availability_zone", _zone),
    Field("pinned_availability_zone", _of("pinned_availability_zone"), since=96),
    Field("config_drive", lambda _call, shown: "True" if shown.instance.config_drive else ""),
    Field("key_name", _of("key_name")),
    Field("OS-SRV-USG:launched_at", lambda _call, shown: iso_micro(shown.instance.launched_at)),
    Field("OS-SRV-USG:terminated_at", lambda _call, shown: iso_micro(shown.instance.terminated_at)),
    Field("security_groups", lambda _call, shown: [{"name": name} for name in shown.instance.security_groups]),
    Field("OS-EXT-SRV-ATTR:host", _of("host"), rule=policy.EXTENDED_ATTRIBUTES),
    Field(
        "OS-EXT-SRV-ATTR:instance_name",
        lambda _call, shown: f"instance-{shown.instance.uuid[:8]}",
        rule=policy.EXTENDED_ATTRIBUTES,
    ),
    Field("OS-EXT-SRV-ATTR:hypervisor_hostname", _of("node"), rule=policy.EXTENDED_ATTRIBUTES),
    Field("OS-EXT-SRV-ATTR:hostname", _of("hostname"), since=3, until=89, rule=policy.EXTENDED_ATTRIBUTES),
    Field("OS-EXT-SRV-ATTR:hostname", _of("hostname"), since=90),
    Field("OS-EXT-SRV-ATTR:reservation_id", _of("reservation_id"), since=3, rule=policy.EXTENDED_ATTRIBUTES),
    Field("OS-EXT-SRV-ATTR:launch_index", _of("launch_index"), since=3, rule=policy.EXTENDED_ATTRIBUTES),
    Field("OS-EXT-SRV-ATTR:kernel_id", _of("kernel_id"), since=3, rule=policy.EXTENDED_ATTRIBUTES),
    Field("OS-EXT-SRV-ATTR:ramdisk_id", _of("ramdisk_id"), since=3, rule=policy.EXTENDED_ATTRIBUTES),
    Field("OS-EXT-SRV-ATTR:root_device_name", _of("root_device_name"), since=3, rule=policy.EXTENDED_ATTRIBUTES),
    Field("OS-EXT-SRV-ATTR:user_data", _of("user_data"), since=3, rule=policy.EXTENDED_ATTRIBUTES),
    Field("OS-EXT-STS:task_state", _of("task_state")),
    Field("OS-EXT-STS:vm_state", _of("vm_state")),
    Field("OS-EXT-STS:power_state", _of("power_state")),
    Field("os-extended-volumes:volumes_attached", lambda _call, _shown: []),
    Field("locked", lambda _call, shown: shown.instance.locked_by is not None, since=9),
    Field("host_status", lambda _call, shown: shown.host_status, since=16, rule=policy.SHOW_HOST_STATUS),
    Field("description", _of("description"), since=19),
    Field("tags", lambda _call, shown: list(shown.instance.tags), since=26),
    Field("trusted_image_certificates", _of("trusted_certs"), since=63),
    Field("locked_reason", _of("locked_reason"), since=73),
    Field("scheduler_hints", _hints, since=100),
)

_GROUPS: Final = Field("server_groups", lambda _call, shown: list(shown.groups), since=71)

LIST: Final[View[Shown]] = View(*FIELDS)
SHOW: Final[View[Shown]] = View(*FIELDS, _GROUPS)

#: What PUT answered before 2.75, when it became the answer of GET.
_OLD_UPDATE: Final = frozenset(
    {
        "id", "name", "status", "tenant_id", "user_id", "metadata", "hostId", "image", "flavor", "created", "updated",
        "addresses", "accessIPv4", "accessIPv6", "links", "OS-DCF:diskConfig", "locked", "description", "tags",
        "trusted_image_certificates", "locked_reason", "server_groups",
    }
)  # fmt: skip
UPDATED: Final[View[Shown]] = View(*(field for field in (*FIELDS, _GROUPS) if field.name in _OLD_UPDATE))

#: What a rebuild answered before 2.75.
_REBUILT: Final[View[Shown]] = View(*UPDATED.fields, Field("key_name", _of("key_name"), since=54))


def summary(shown: Shown) -> dict[str, Any]:
    """A server in GET /servers."""
    instance = shown.instance
    return {"id": instance.uuid, "name": instance.display_name, "links": links(shown.url, instance.uuid)}


def detail(call: ApiCall, servers: list[Shown], view: View[Shown] = SHOW) -> list[dict[str, Any]]:
    """Servers with all that the caller may see of them."""
    answer = view.render_all(call, servers)
    unknown_only = call.version >= 16 and not call.may(policy.SHOW_HOST_STATUS) and call.may(policy.SHOW_HOST_UNKNOWN)
    for shown, item in zip(servers, answer, strict=True):
        if not shown.instance.security_groups:
            item.pop("security_groups", None)
        if item["status"] in status.WITH_PROGRESS:
            item["progress"] = shown.instance.progress
        if item["status"] in status.WITH_FAULT and shown.instance.fault is not None:
            item["fault"] = _fault(call, shown.instance)
        if unknown_only and shown.host_status == "UNKNOWN" and view not in (UPDATED, _REBUILT):
            item["host_status"] = "UNKNOWN"
    return answer


def updated(call: ApiCall, shown: Shown) -> dict[str, Any]:
    """The answer of PUT, which is that of GET only from 2.75 on."""
    if call.version >= 75:
        return detail(call, [shown])[0]
    answer = detail(call, [shown], UPDATED)[0]
    answer["addresses"] = addresses(shown.instance.network_info, extended=False)
    return answer


def rebuilt(call: ApiCall, shown: Shown) -> dict[str, Any]:
    """The answer of a rebuild."""
    if call.version >= 75:
        answer = detail(call, [shown])[0]
    else:
        answer = detail(call, [shown], _REBUILT)[0]
        answer["addresses"] = addresses(shown.instance.network_info, extended=False)
    answer.pop("OS-EXT-SRV-ATTR:user_data", None)
    if call.version >= 57:
        answer["user_data"] = shown.instance.user_data
    return answer


def _fault(call: ApiCall, instance: Instance) -> dict[str, Any]:
    fault = instance.fault
    assert fault is not None
    answer = {"code": fault.code, "message": fault.message, "created": iso_z(fault.created_at)}
    # What went wrong inside is for operators; what the user did wrong is for the user.
    if fault.details and (call.ctxt.has_admin_role or fault.code != 500):
        answer["details"] = fault.details
    return answer


def partial(call: ApiCall, shown: Shown, *, in_list: bool) -> dict[str, Any]:
    """A server whose cell is down (2.69), as far as it is known."""
    instance = shown.instance
    answer: dict[str, Any] = {
        "id": instance.uuid,
        "status": "UNKNOWN",
        "tenant_id": instance.project_id,
        "created": iso_z(instance.created_at),
        "links": links(shown.url, instance.uuid),
    }
    if not in_list:
        answer |= {
            "user_id": instance.user_id,
            "flavor": _flavor(call, shown),
            "image": _image(call, shown),
            "OS-EXT-AZ:availability_zone": instance.availability_zone or "UNKNOWN",
            "OS-EXT-STS:power_state": 0,
        }
        if call.version >= 71:
            answer["server_groups"] = list(shown.groups)
    return answer
