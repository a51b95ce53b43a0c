# SPDX-License-Identifier: Apache-2.0
"""Extra specs: what a flavor asks of hosts and guests beyond its size."""

from __future__ import annotations

import re
from typing import Any

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.flavors import controller, policy, schema
from minicloud.db.api import flavors
from minicloud.web.moments import now
from minicloud.web.operation import Operation

#: Namespaces whose keys are known, and what their values may be, checked from 2.86 on;
#: keys of other namespaces belong to operators and are never checked.
KNOWN: dict[str, dict[str, str]] = {
    "hw": {
        "cpu_policy": "dedicated|shared|mixed",
        "cpu_thread_policy": "prefer|isolate|require",
        "cpu_dedicated_mask": r"[\^0-9,-]+",
        "cpu_realtime": "(?i:yes|no|true|false|1|0|on|off)",
        "cpu_realtime_mask": r"[\^0-9,-]+",
        "cpu_sockets": "[1-9][0-9]*",
        "cpu_cores": "[1-9][0-9]*",
        "cpu_threads": "[1-9][0-9]*",
        "cpu_max_sockets": "[1-9][0-9]*",
        "cpu_max_cores": "[1-9][0-9]*",
        "cpu_max_threads": "[1-9][0-9]*",
        "emulator_threads_policy": "share|isolate",
        "hide_hypervisor_id": "(?i:yes|no|true|false|1|0|on|off)",
        "boot_menu": "(?i:yes|no|true|false|1|0|on|off)",
        "mem_page_size": "small|large|any|[1-9][0-9]*(?:k|K|M|G|KB|MB|GB|kb|mb|gb)?",
        "mem_encryption": "(?i:yes|no|true|false|1|0|on|off)",
        "numa_nodes": "[1-9][0-9]*",
        "pmem": ".+",
        "pci_numa_affinity_policy": "required|preferred|legacy|socket",
        "serial_port_count": "[0-9]+",
        "tpm_model": "tpm-tis|tpm-crb",
        "tpm_version": "1.2|2.0",
        "tpm_secret_security": "user|host|deployment",  # nosec B105  # a pattern
        "video_ram_max_mb": "[0-9]+",
        "vif_multiqueue_enabled": "(?i:yes|no|true|false|1|0|on|off)",
        "viommu_model": "intel|smmuv3|virtio|auto",
        "watchdog_action": "none|pause|poweroff|reset|disabled",
        "locked_memory": "(?i:yes|no|true|false|1|0|on|off)",
        "virtio_packed_ring": "(?i:yes|no|true|false|1|0|on|off)",
        "max_vif_queues": "[1-9][0-9]*",
        "hw_rng": ".+",
        "maxphysaddr_mode": "emulate|passthrough",
        "maxphysaddr_bits": "[1-9][0-9]*",
    },
    "hw_rng": {
        "allowed": "(?i:yes|no|true|false|1|0|on|off)",
        "rate_bytes": "[0-9]+",
        "rate_period": "[0-9]+",
    },
    "hw_video": {"ram_max_mb": "[0-9]+"},
    "os": {"secure_boot": "disabled|optional|required"},
    "pci_passthrough": {"alias": ".+"},
    "powervm": {},
    "aggregate_instance_extra_specs": {},
    "capabilities": {},
    "quota": {
        **{
            f"cpu_{key}": "-?[0-9]+"
            for key in ("limit", "reservation", "period", "quota", "shares", "shares_level", "shares_share")
        },
        **{
            f"disk_{key}": "[0-9]+"
            for key in (
                "read_bytes_sec",
                "read_iops_sec",
                "write_bytes_sec",
                "write_iops_sec",
                "total_bytes_sec",
                "total_iops_sec",
            )
        },
        **{f"vif_{way}_{key}": "[0-9]+" for way in ("inbound", "outbound") for key in ("average", "peak", "burst")},
    },
}
#: Keys of checked namespaces that carry numbers: hw:numa_cpus.0 and the like.
_NUMBERED = re.compile(r"hw:(numa_cpus|numa_mem|cpu_pinning)\.\d+")
_OPEN = frozenset({"capabilities", "aggregate_instance_extra_specs", "powervm"})


def check(key: str, value: str) -> None:
    """
    :raises BadRequest: for an unknown key of a known namespace, or a value it does not take
    """
    namespace, colon, name = key.partition(":")
    if not colon or namespace not in KNOWN or namespace in _OPEN or _NUMBERED.fullmatch(key):
        return
    form = KNOWN[namespace].get(name)
    if form is None:
        raise exception.BadRequest(f"Validation failed; extra spec '{key}' does not appear to be a valid extra spec.")
    if not re.fullmatch(form, value):
        raise exception.BadRequest(f"Validation failed; '{value}' is not a valid value of '{key}'; it takes {form}.")


def _check_all(call: ApiCall, specs: dict[str, str]) -> None:
    if call.version >= 86:
        for key, value in specs.items():
            check(key, value)


def index(call: ApiCall, flavor_id: str) -> dict[str, Any]:
    return {"extra_specs": controller.find(call, flavor_id).extra_specs}


def create(call: ApiCall, flavor_id: str) -> dict[str, Any]:
    specs = {key: str(value) for key, value in call.body["extra_specs"].items()}
    _check_all(call, specs)
    with call.app.api_db.writer() as conn:
        flavors.change(
            conn, flavor_id, lambda flavor: flavor.replace(extra_specs={**flavor.extra_specs, **specs}), now()
        )
    return {"extra_specs": specs}


def show(call: ApiCall, flavor_id: str, key: str) -> dict[str, Any]:
    specs = controller.find(call, flavor_id).extra_specs
    if key not in specs:
        raise exception.FlavorExtraSpecsNotFound(flavor_id=flavor_id, key=key)
    return {key: specs[key]}


def update(call: ApiCall, flavor_id: str, key: str) -> dict[str, Any]:
    if key not in call.body:
        raise exception.BadRequest(f"Request body and URI mismatch: the body has no key {key!r}.")
    specs = {key: str(call.body[key])}
    _check_all(call, specs)
    with call.app.api_db.writer() as conn:
        flavors.change(
            conn, flavor_id, lambda flavor: flavor.replace(extra_specs={**flavor.extra_specs, **specs}), now()
        )
    return specs


def delete(call: ApiCall, flavor_id: str, key: str) -> None:
    with call.app.api_db.writer() as conn:
        if key not in flavors.get(conn, flavor_id).extra_specs:
            raise exception.FlavorExtraSpecsNotFound(flavor_id=flavor_id, key=key)
        flavors.change(
            conn,
            flavor_id,
            lambda flavor: flavor.replace(
                extra_specs={name: value for name, value in flavor.extra_specs.items() if name != key}
            ),
            now(),
        )


_PATH = "/flavors/{flavor_id}/os-extra_specs"

OPERATIONS = (
    Operation("GET", _PATH, index, rule=policy.SPECS_INDEX),
    Operation("POST", _PATH, create, rule=policy.SPECS_CREATE, body=schema.SPECS_CREATE),
    Operation("GET", f"{_PATH}/{{key}}", show, rule=policy.SPECS_SHOW),
    Operation("PUT", f"{_PATH}/{{key}}", update, rule=policy.SPECS_UPDATE, body=schema.SPECS_UPDATE),
    Operation("DELETE", f"{_PATH}/{{key}}", delete, rule=policy.SPECS_DELETE),
)
