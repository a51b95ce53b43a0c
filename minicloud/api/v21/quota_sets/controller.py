# SPDX-License-Identifier: Apache-2.0
"""Quotas of a project, or of one user in it: show, with usage, change, back to the defaults."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.api import quota
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.quota_sets import policy, resources
from minicloud.conf.quota import RESOURCES
from minicloud.db.api import mappings, quotas, server_groups
from minicloud.db.session import Connection
from minicloud.web.operation import Operation


def _check_project(call: ApiCall, project_id: str) -> None:
    if project_id != call.ctxt.project_id and not call.app.identity.project_exists(call.ctxt, project_id):
        raise exception.BadRequest(f"Project ID {project_id[:64]} is not a valid project.")


def _limits(call: ApiCall, conn: Connection, project_id: str) -> dict[str, int]:
    user = call.param("user_id")
    if user is None:
        return quota.project_limits(call.app.conf, conn, project_id)
    return quota.user_limits(call.app.conf, conn, project_id, user)


def show(call: ApiCall, project_id: str) -> dict[str, Any]:
    call.authorize(policy.SHOW, {"project_id": project_id})
    _check_project(call, project_id)
    with call.app.api_db.reader() as conn:
        limits = _limits(call, conn, project_id)
    return {"quota_set": {"id": project_id, **resources.shown(resources.of_sets(call.version), limits)}}


def defaults(call: ApiCall, project_id: str) -> dict[str, Any]:
    call.authorize(policy.DEFAULTS, {"project_id": project_id})
    _check_project(call, project_id)
    with call.app.api_db.reader() as conn:
        limits = quota.class_limits(call.app.conf, conn)
    return {"quota_set": {"id": project_id, **resources.shown(resources.of_sets(call.version), limits)}}


def detail(call: ApiCall, project_id: str) -> dict[str, Any]:
    call.authorize(policy.DETAIL, {"project_id": project_id})
    _check_project(call, project_id)
    with call.app.api_db.reader() as conn:
        limits = _limits(call, conn, project_id)
        used = _used(conn, project_id, call.param("user_id"))
    return {
        "quota_set": {
            "id": project_id,
            **{
                name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
                for name, limit in resources.shown(resources.of_sets(call.version), limits).items()
            },
        }
    }


def _used(conn: Connection, project_id: str, user_id: str | None) -> dict[str, int]:
    usage = mappings.usage(conn, project_id, user_id)
    return {
        "instances": usage.instances,
        "cores": usage.cores,
        "ram": usage.ram,
        "server_groups": server_groups.count(conn, project_id),
    }


def update(call: ApiCall, project_id: str) -> dict[str, Any]:
    call.authorize(policy.UPDATE, {"project_id": project_id})
    _check_project(call, project_id)
    body = call.body["quota_set"]
    wanted = {name: int(value) for name, value in body.items() if name in RESOURCES}
    user = call.param("user_id") or ""
    with call.app.api_db.writer() as conn:
        if str(body.get("force", False)).lower() != "true":
            _not_below_usage(wanted, _used(conn, project_id, user or None))
        if user:
            _within_project(wanted, quota.project_limits(call.app.conf, conn, project_id))
        quotas.set_limits(conn, project_id, wanted, user)
        limits = _limits(call, conn, project_id)
    return {"quota_set": resources.shown(resources.of_sets(call.version), limits)}


def _not_below_usage(wanted: dict[str, int], used: dict[str, int]) -> None:
    for name, limit in wanted.items():
        if limit != quota.UNLIMITED and limit < used.get(name, 0):
            raise exception.BadRequest(
                f"Quota limit {limit} for {name} must be greater than or equal to already used and reserved "
                f"{used[name]}."
            )


def _within_project(wanted: dict[str, int], limits: dict[str, int]) -> None:
    for name, limit in wanted.items():
        most = limits[name]
        if most != quota.UNLIMITED and (limit == quota.UNLIMITED or limit > most):
            raise exception.BadRequest(f"Quota limit {limit} for {name} must be less than or equal to {most}.")


def delete(call: ApiCall, project_id: str) -> None:
    call.authorize(policy.DELETE, {"project_id": project_id})
    with call.app.api_db.writer() as conn:
        quotas.delete_limits(conn, project_id, call.param("user_id"))


_ONE = "/os-quota-sets/{project_id}"

OPERATIONS = (
    Operation("GET", _ONE, show, query=resources.WHOSE),
    Operation("PUT", _ONE, update, body=resources.UPDATE, query=resources.WHOSE),
    Operation("DELETE", _ONE, delete, query=resources.WHOSE, status=202),
    Operation("GET", f"{_ONE}/detail", detail, query=resources.WHOSE),
    Operation("GET", f"{_ONE}/defaults", defaults),
)
