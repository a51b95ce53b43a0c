# SPDX-License-Identifier: Apache-2.0
"""What the image needs of a hypervisor."""

from __future__ import annotations

from typing import Any

from minicloud.scheduler.extra_specs import satisfies_version
from minicloud.scheduler.filters.base import HostFilter
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request


class ImagePropertiesFilter(HostFilter):
    """Passes hosts that support the image's architecture, hypervisor type and vm mode."""

    def refusal(self, host: HostState, request: Request) -> str | None:
        properties = request.spec.image_properties
        wanted = tuple(_text(properties, *names) for names in _PROPERTIES)
        if any(wanted) and not any(_supports(have, wanted) for have in host.node.supported_instances):
            asked = ", ".join(f"{names[0]}={value}" for names, value in zip(_PROPERTIES, wanted, strict=True) if value)
            return f"{asked} is not supported here"
        return _version_refusal(host, properties)


#: Names of each property, today's first; in the order of ``supported_instances``.
_PROPERTIES = (
    ("hw_architecture", "architecture"),
    ("img_hv_type", "hypervisor_type"),
    ("hw_vm_mode", "vm_mode"),
)
#: Other names of the same thing.
_ALIASES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "kvm": "qemu", "xapi": "xen"}


def _text(properties: dict[str, Any], *names: str) -> str:
    found = next((properties[name] for name in names if properties.get(name)), "")
    return str(found).lower()


def _supports(have: tuple[str, str, str], wanted: tuple[str, ...]) -> bool:
    return all(not want or _plain(want) == _plain(has.lower()) for want, has in zip(wanted, have, strict=True))


def _plain(name: str) -> str:
    return _ALIASES.get(name, name)


def _version_refusal(host: HostState, properties: dict[str, Any]) -> str | None:
    wanted = properties.get("img_hv_requested_version") or properties.get("hypervisor_version_requires")
    if not wanted or satisfies_version(host.node.hypervisor_version, str(wanted)):
        return None
    return f"hypervisor version {host.node.hypervisor_version}, {wanted} asked"
