# SPDX-License-Identifier: Apache-2.0
"""Quota classes: only ``default`` counts, for projects without limits of their own."""

from __future__ import annotations

from typing import Any

from minicloud.api import quota
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.quota_sets import policy, resources
from minicloud.db.api import quotas
from minicloud.web.operation import Operation


def show(call: ApiCall, quota_class: str) -> dict[str, Any]:
    with call.app.api_db.reader() as conn:
        limits = {**quota.defaults(call.app.conf), **quotas.class_limits(conn, quota_class)}
    return {"quota_class_set": {"id": quota_class, **resources.shown(resources.of_classes(call.version), limits)}}


def update(call: ApiCall, quota_class: str) -> dict[str, Any]:
    wanted = {name: int(value) for name, value in call.body["quota_class_set"].items()}
    with call.app.api_db.writer() as conn:
        quotas.set_class_limits(conn, quota_class, wanted)
        limits = {**quota.defaults(call.app.conf), **quotas.class_limits(conn, quota_class)}
    return {"quota_class_set": resources.shown(resources.of_classes(call.version), limits)}


_ONE = "/os-quota-class-sets/{quota_class}"

OPERATIONS = (
    Operation("GET", _ONE, show, rule=policy.CLASS_SHOW),
    Operation("PUT", _ONE, update, rule=policy.CLASS_UPDATE, body=resources.CLASS_UPDATE),
)
