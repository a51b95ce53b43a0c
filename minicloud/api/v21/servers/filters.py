# SPDX-License-Identifier: Apache-2.0
"""Query keys of GET /servers: what each means, from which microversion, and who may use it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from minicloud import exception
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import patterns, policy, status
from minicloud.api.v21.servers.schemas import is_true
from minicloud.db.cell.listing import SORT_KEYS
from minicloud.objects import Instance
from minicloud.web import moments, paging, validation

Convert = Callable[[str, str], Any]


def _text(_key: str, value: str) -> Any:
    return value


def _pattern(key: str, value: str) -> Any:
    return patterns.checked(key, value)


def _number(key: str, value: str) -> Any:
    if not re.fullmatch(r"-?[0-9]{1,9}", value):
        raise exception.BadRequest(f"Invalid input for field/attribute {key}. {value[:40]!r} is not a whole number")
    return int(value)


def _boolean(_key: str, value: str) -> Any:
    return is_true(value)


def _moment(key: str, value: str) -> Any:
    moment = moments.parse(value)
    if moment is None:
        raise exception.BadRequest(f"Invalid filter value for {key}: {value[:40]!r} is not a date and time")
    return moment


def _or_none(_key: str, value: str) -> Any:
    return None if value.lower() in ("", "none", "null") else value


class Key(NamedTuple):
    """One query key: the filter of ``db.cell.listing`` it becomes, and how its value is read."""

    filter: str
    convert: Convert = _text
    #: First microversion from which callers other than administrators may use it; None: never.
    open_since: int | None = None


#: Keys that become one filter. What is not here, in :data:`SPECIAL` or among sorting and paging is ignored.
KEYS: Final[dict[str, Key]] = {
    "reservation_id": Key("reservation_id", open_since=1),
    "name": Key("name", _pattern, 1),
    "display_name": Key("name", _pattern),
    "image": Key("image_id", open_since=1),
    "image_ref": Key("image_id"),
    "flavor": Key("flavorid", open_since=1),
    "uuid": Key("uuid"),
    "user_id": Key("user_id", open_since=83),
    "host": Key("host"),
    "node": Key("node"),
    "hostname": Key("hostname", _pattern),
    "description": Key("description", _pattern),
    "display_description": Key("description", _pattern),
    "kernel_id": Key("kernel_id"),
    "ramdisk_id": Key("ramdisk_id"),
    "root_device_name": Key("root_device_name"),
    "launch_index": Key("launch_index", _number),
    "auto_disk_config": Key("auto_disk_config", _boolean),
    "access_ip_v4": Key("access_ip_v4"),
    "access_ip_v6": Key("access_ip_v6"),
    "locked_by": Key("locked_by"),
    "availability_zone": Key("availability_zone", open_since=83),
    "config_drive": Key("config_drive", _boolean, 83),
    "key_name": Key("key_name", open_since=83),
    "created_at": Key("created_at", _moment, 83),
    "launched_at": Key("launched_at", _moment, 83),
    "terminated_at": Key("terminated_at", _moment, 83),
    "power_state": Key("power_state", _number, 83),
    "task_state": Key("task_state", _or_none, 83),
    "vm_state": Key("vm_state", open_since=83),
    "progress": Key("progress", _number, 83),
}

#: Keys that need more than one filter, or code; key -> (exists since, open to everybody since).
SPECIAL: Final[dict[str, tuple[int, int | None]]] = {
    "status": (1, 1),
    "ip": (1, 1),
    "ip6": (1, 5),
    "changes-since": (1, 1),
    "changes-before": (66, 66),
    "tags": (26, 26),
    "tags-any": (26, 26),
    "not-tags": (26, 26),
    "not-tags-any": (26, 26),
    "locked": (73, 73),
    "deleted": (1, None),
    "soft_deleted": (1, None),
    "tenant_id": (1, None),
    "project_id": (1, None),
    "metadata": (1, None),
}

#: Accepted and without effect, as they are of no use.
_IGNORED: Final = (
    "block_device_mapping", "services", "system_metadata", "info_cache", "security_groups", "pci_devices",
)  # fmt: skip

_ANY: Final = {"type": "string", "maxLength": 4096}
_SORTS: Final = tuple(key for key in SORT_KEYS if key != "locked")
_IGNORED_SORTS: Final = (
    "block_device_mapping", "fault", "info_cache", "metadata", "pci_devices", "security_groups", "services",
    "system_metadata", "tags", "ephemeral_gb", "root_gb", "memory_mb", "vcpus", "deleted", "deleted_at", "id",
    "cell_name", "cleaned", "default_ephemeral_device", "default_swap_device", "disable_terminate", "launched_on",
    "numa_topology", "os_type", "shutdown_terminate", "vm_mode", "architecture", "user_data", "key_data",
)  # fmt: skip
#: Sort keys that tell where a server is.
_ADMIN_SORTS: Final = ("host", "node")

QUERY: Final = validation.query(
    {
        **paging.PAGING,
        "all_tenants": _ANY,
        "sort_dir": {"enum": ["asc", "desc"]},
        "sort_key": {
            "anyOf": [{"enum": [*_SORTS, *_IGNORED_SORTS]}, {"enum": ["locked"], "x-since": 73}],
        },
        **dict.fromkeys((*KEYS, *_IGNORED), _ANY),
        **{key: {**_ANY, "x-since": since} for key, (since, _) in SPECIAL.items()},
    }
)


class Wanted(NamedTuple):
    """What a list asks for."""

    #: Names of ``db.cell.listing.FILTERS`` with their values.
    filters: dict[str, Any]
    #: Nothing can match.
    empty: bool = False


def wanted(call: ApiCall, all_tenants: bool) -> Wanted:
    """The filters of a request; keys that the caller may not use have no effect, as in Nova.

    :raises BadRequest: naming the key whose value is not valid
    """
    admin = call.may(policy.ALL_FILTERS)
    filters: dict[str, Any] = {}
    for key, values in call.query.items():
        if key in KEYS and (admin or _open(KEYS[key].open_since, call.version)):
            found = [KEYS[key].convert(key, value) for value in values]
            filters[KEYS[key].filter] = found[0] if len(found) == 1 else found
    special = {
        key: call.query[key]
        for key, (since, open_since) in SPECIAL.items()
        if key in call.query and call.version >= since and (admin or _open(open_since, call.version))
    }
    empty = not _add_special(call, filters, special)
    if all_tenants:
        if project := special.get("project_id") or special.get("tenant_id"):
            filters["project_id"] = project
    else:
        filters["project_id"] = call.ctxt.project_id
    return Wanted(filters, empty)


def _open(since: int | None, version: int) -> bool:
    return since is not None and since <= version


def _add_special(call: ApiCall, filters: dict[str, Any], given: Mapping[str, list[str]]) -> bool:
    """Whether anything can match."""
    for key in ("changes-since", "changes-before"):
        if key in given:
            filters[key] = _moment(key, given[key][-1])
    _check_window(filters)
    for key in ("tags", "tags-any", "not-tags", "not-tags-any"):
        if key in given:
            filters[key] = [tag for value in given[key] for tag in value.split(",")]
    for key in ("ip", "ip6"):
        if key in given:
            filters["address"] = given[key][-1]
    if "locked" in given:
        filters["locked"] = is_true(given["locked"][-1])
    if "metadata" in given:
        filters["metadata"] = _metadata(given["metadata"][-1])
    if "deleted" in given:
        filters["deleted"] = is_true(given["deleted"][-1])
    elif "changes-since" not in given:
        filters["deleted"] = False
    return "status" not in given or _add_status(call, filters, given["status"])


def _check_window(filters: Mapping[str, Any]) -> None:
    since: datetime | None = filters.get("changes-since")
    before: datetime | None = filters.get("changes-before")
    if since is not None and before is not None and since > before:
        raise exception.BadRequest("The value of changes-since must be less than or equal to changes-before")


def _add_status(call: ApiCall, filters: dict[str, Any], statuses: list[str]) -> bool:
    found = status.states_of(statuses)
    if not found:
        if call.version >= 38:
            raise exception.BadRequest(f"Invalid status value: {', '.join(statuses)[:80]}")
        return False
    if all(one.vm_state == "deleted" for one in found):
        if not call.may(policy.ALL_FILTERS):
            raise exception.Forbidden("Only administrators may list deleted instances")
        filters["deleted"] = True
    filters["states"] = found
    return True


def _metadata(text: str) -> dict[str, str]:
    import json

    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise exception.BadRequest("Invalid input for field/attribute metadata: it must be a JSON object.")
    return {str(key): str(value) for key, value in found.items()}


def order(call: ApiCall) -> tuple[tuple[str, bool], ...]:
    """(sort key, descending) pairs; the default is the newest first.

    :raises Forbidden: for keys that only administrators may sort by
    :raises BadRequest: for more directions than keys
    """
    keys, directions = call.query.get("sort_key", []), call.query.get("sort_dir", [])
    if len(directions) > max(len(keys), 1):
        raise exception.BadRequest("Sort direction size exceeds sort key size")
    pairs = []
    for number, key in enumerate(keys or ["created_at"]):
        default = directions[0] if directions else "desc"
        direction = directions[number] if number < len(directions) else default
        if key in _ADMIN_SORTS and not call.may(policy.ALL_FILTERS):
            raise exception.Forbidden(f"Only administrators can sort servers by {key}")
        if key in SORT_KEYS:
            pairs.append((key, direction == "desc"))
    return tuple(dict(pairs).items())


# --- the same filters for servers that are only build requests ---

_REGEX: Final = frozenset({"name", "description", "hostname"})
_FIELDS: Final = {"name": "display_name"}


def matches(instance: Instance, filters: Mapping[str, Any]) -> bool:
    """Whether a server that is in no database yet passes the filters of ``db.cell.listing``."""
    return all(_passes(instance, name, value) for name, value in filters.items())


def _passes(instance: Instance, name: str, value: Any) -> bool:
    if name in _TESTS:
        return _TESTS[name](instance, value)
    actual = getattr(instance, _FIELDS.get(name, name))
    if name in _REGEX:
        return _regex(value, actual)
    return actual in value if isinstance(value, (list, tuple)) else bool(actual == value)


def _regex(patterns: str | list[str], text: str | None) -> bool:
    return any(re.search(pattern, text or "") for pattern in ([patterns] if isinstance(patterns, str) else patterns))


def _in_states(instance: Instance, found: list[status.States]) -> bool:
    return any(
        one.vm_state == instance.vm_state
        and (instance.task_state not in one.but if one.tasks is None else instance.task_state in one.tasks)
        for one in found
    )


_TESTS: Final[dict[str, Callable[[Instance, Any], bool]]] = {
    "flavorid": lambda one, value: one.flavor.flavorid in (value if isinstance(value, list) else [value]),
    "states": _in_states,
    "locked": lambda one, value: (one.locked_by is not None) is value,
    "address": lambda _one, _value: False,
    "metadata": lambda one, value: value.items() <= one.metadata.items(),
    "changes-since": lambda one, value: (one.updated_at or one.created_at or value) >= value,
    "changes-before": lambda one, value: (one.updated_at or one.created_at or value) <= value,
    "tags": lambda one, value: set(value) <= set(one.tags),
    "tags-any": lambda one, value: bool(set(value) & set(one.tags)),
    "not-tags": lambda one, value: not set(value) <= set(one.tags),
    "not-tags-any": lambda one, value: not set(value) & set(one.tags),
}
