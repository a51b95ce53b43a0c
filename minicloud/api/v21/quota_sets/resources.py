# SPDX-License-Identifier: Apache-2.0
"""Which quotas there are at which microversion, and what requests about them look like."""

from __future__ import annotations

from typing import Any, NamedTuple

from minicloud.api.quota import UNLIMITED
from minicloud.web.validation import Schema, query, whole


class Row(NamedTuple):
    name: str
    #: Window within quota sets, then within quota classes.
    until: int | None = None
    class_since: int = 1


#: Those without a limit of ours belonged to the network service: -1 in a set; a class keeps what it is told.
ROWS = (
    Row("instances"),
    Row("cores"),
    Row("ram"),
    Row("key_pairs"),
    Row("metadata_items"),
    Row("server_groups", class_since=50),
    Row("server_group_members", class_since=50),
    Row("injected_files", until=56),
    Row("injected_file_content_bytes", until=56),
    Row("injected_file_path_bytes", until=56),
    Row("fixed_ips", until=35),
    Row("floating_ips", until=35),
    Row("security_groups", until=35),
    Row("security_group_rules", until=35),
)
#: Classes kept the network's a little longer.
_CLASS_NETWORK_UNTIL = 49


def of_sets(version: int) -> list[str]:
    return [row.name for row in ROWS if row.until is None or version <= row.until]


def of_classes(version: int) -> list[str]:
    return [
        row.name
        for row in ROWS
        if row.class_since <= version
        and (row.until is None or version <= (_CLASS_NETWORK_UNTIL if row.until == 35 else row.until))
    ]


def shown(names: list[str], limits: dict[str, int]) -> dict[str, int]:
    return {name: limits.get(name, UNLIMITED) for name in names}


_LIMIT = whole(-1)


def _body(wrapper: str, names: list[tuple[str, int, int | None]], extra: dict[str, Any]) -> Schema:
    properties = {
        name: {**_LIMIT, "x-since": since, **({"x-until": until} if until else {})} for name, since, until in names
    }
    return Schema(
        {
            "type": "object",
            "properties": {
                wrapper: {"type": "object", "properties": {**properties, **extra}, "additionalProperties": False}
            },
            "required": [wrapper],
            "additionalProperties": False,
        }
    )


UPDATE = _body(
    "quota_set",
    [(row.name, 1, row.until) for row in ROWS],
    {
        "tenant_id": {"type": "string"},
        "force": {"type": ["boolean", "string"], "enum": [True, False, "True", "False", "true", "false"]},
    },
)
CLASS_UPDATE = _body(
    "quota_class_set",
    [(row.name, row.class_since, _CLASS_NETWORK_UNTIL if row.until == 35 else row.until) for row in ROWS],
    {},
)
WHOSE = query({"user_id": {"type": "string", "maxLength": 255}})
