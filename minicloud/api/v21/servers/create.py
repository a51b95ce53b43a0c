# SPDX-License-Identifier: Apache-2.0
"""POST /servers: check everything, record the intent in one transaction, tell the scheduler."""

from __future__ import annotations

import base64
import secrets
import string
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from oslo_log import log as logging

from minicloud import exception, states
from minicloud.api import quota
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import policy, views, wanted
from minicloud.api.v21.servers.schemas import is_true
from minicloud.db.api import aggregates, build_requests, flavors, keypairs, mappings, server_groups
from minicloud.db.session import Connection, retry_on_deadlock
from minicloud.objects import (
    BuildRequest,
    Flavor,
    Instance,
    Keypair,
    NetworkRequest,
    RequestSpec,
    ResolvedNetworks,
    ServerGroup,
)
from minicloud.objects.image import Image
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)

_LETTERS: Final = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class References:
    """What the body names, found in the API database."""

    flavor: Flavor
    keypair: Keypair | None
    group: ServerGroup | None


@dataclass(frozen=True, slots=True)
class Plan:
    """One accepted request before it is written."""

    body: Mapping[str, Any]
    references: References
    image: Image
    zone: wanted.Zone
    networks: ResolvedNetworks
    mode: str
    count: int

    @property
    def server(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.body["server"]
        return found


def create(call: ApiCall) -> dict[str, Any]:
    """POST /servers"""
    if not call.ctxt.project_id:
        raise exception.BadRequest("A server belongs to a project: use a token that is scoped to one.")
    server = call.body["server"]
    plan = _plan(call)
    reservation = f"r-{''.join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))}"
    requests = _record(call, plan, reservation)
    password = chosen_password(call, server.get("adminPass"))
    try:
        call.app.scheduler.build_instances(call.ctxt, requests, password)
    except exception.ServiceUnavailable as error:
        # Accepted nevertheless: schedulers look for requests that nobody has told them of.
        LOG.warning("The scheduler cannot be told now of %s: %s", reservation, error)
    if is_true(server.get("return_reservation_id", False)):
        return {"reservation_id": reservation}
    return {"server": _answer(call, requests[0].instance, password)}


def _answer(call: ApiCall, first: Instance, password: str | None) -> dict[str, Any]:
    links = views.links(call.url, first.uuid)
    call.headers["Location"] = links[0]["href"]
    answer: dict[str, Any] = {
        "id": first.uuid,
        "links": links,
        "OS-DCF:diskConfig": "AUTO" if first.auto_disk_config else "MANUAL",
        "security_groups": [{"name": name} for name in first.security_groups],
    }
    if call.app.conf.api.enable_instance_password:
        answer["adminPass"] = password
    return answer


def chosen_password(call: ApiCall, given: str | None) -> str | None:
    """The administrator's password of a new guest; None: the guest's own."""
    return given or (new_password() if call.app.conf.api.enable_instance_password else None)


def new_password() -> str:
    """One for a user who brought none."""
    return "".join(secrets.choice(_LETTERS) for _ in range(12))


def _plan(call: ApiCall) -> Plan:
    """Everything that can be refused before the quota is counted, in the order a client would mend it."""
    server = call.body["server"]
    count = wanted.counts(server)
    image_id = wanted.image_id(server)
    zone = wanted.zone(call, server)
    if server.get("trusted_image_certificates") is not None:
        call.authorize(policy.CREATE_CERTIFICATES)
    requests, mode = wanted.networks(call, server)
    wanted.check_ports(requests, count)
    references = _references(call, zone)
    image = _image(call, image_id)
    wanted.check_image(call, image, references.flavor)
    resolved = _networks(call, requests, mode, count)
    return Plan(call.body, references, image, zone, resolved, mode, count)


def _image(call: ApiCall, image_id: str) -> Image:
    try:
        return call.app.images.get(call.ctxt, image_id)
    except exception.ImageNotFound as error:
        raise exception.BadRequest(error.message) from None


def _networks(call: ApiCall, requests: list[NetworkRequest], mode: str, count: int) -> ResolvedNetworks:
    groups = [one["name"] for one in call.body["server"].get("security_groups", ()) if "name" in one]
    # "default" is what a server gets anyway; asking for it by name must work before it exists.
    return call.app.network.resolve(call.ctxt, requests, mode, list(dict.fromkeys(groups)), count)


def _references(call: ApiCall, zone: wanted.Zone) -> References:
    """
    :raises BadRequest: for a flavor, key pair, zone, host or group that is not there or not the caller's
    """
    server = call.body["server"]
    with call.app.api_db.reader() as conn:
        if zone.name is not None:
            _check_zone(call, conn, zone.name)
        if zone.host is not None and zone.host not in mappings.hosts(conn):
            raise exception.BadRequest(f"Compute host {zone.host} could not be found.")
        return References(
            _flavor(call, conn, str(server["flavorRef"])),
            _keypair(call, conn, server.get("key_name")),
            _group(call, conn, wanted.hints(call.body).get("group")),
        )


def _flavor(call: ApiCall, conn: Connection, flavorid: str) -> Flavor:
    try:
        flavor = flavors.get(conn, flavorid)
    except exception.FlavorNotFound as error:
        raise exception.BadRequest(error.message) from None
    if not (flavor.is_public or call.ctxt.has_admin_role or call.ctxt.project_id in flavor.projects):
        raise exception.BadRequest(f"Flavor {flavorid} could not be found.")
    return flavor


def _keypair(call: ApiCall, conn: Connection, name: str | None) -> Keypair | None:
    if name is None:
        return None
    try:
        return keypairs.get(conn, call.ctxt.user_id or "", name)
    except exception.KeypairNotFound:
        raise exception.BadRequest("Invalid key_name provided.") from None


def _group(call: ApiCall, conn: Connection, group_uuid: str | None) -> ServerGroup | None:
    if group_uuid is None:
        return None
    try:
        group = server_groups.get(conn, group_uuid)
        if group.project_id == call.ctxt.project_id:
            return group
    except exception.ServerGroupNotFound:
        pass
    raise exception.BadRequest(f"Instance group {group_uuid} could not be found.")


def _check_zone(call: ApiCall, conn: Connection, name: str) -> None:
    if name == call.app.conf.default_availability_zone:
        return
    if name not in {aggregate.availability_zone for aggregate in aggregates.find_all(conn)}:
        raise exception.BadRequest("The requested availability zone is not available")


@retry_on_deadlock
def _record(call: ApiCall, plan: Plan, reservation: str) -> list[BuildRequest]:
    """Count the quota and write the intent: the one transaction of the request."""
    flavor, moment = plan.references.flavor, now()
    more = mappings.Usage(plan.count, plan.count * flavor.vcpus, plan.count * flavor.memory_mb)
    with call.app.api_db.writer() as conn:
        limits = quota.check_servers(call.app.conf, conn, call.ctxt, more)
        quota.check_metadata(limits, len(plan.server.get("metadata", ())))
        requests = _requests(call, plan, reservation, wanted.files(plan.server, limits))
        instances = [request.instance for request in requests]
        if plan.references.group is not None:
            _join(conn, plan.references.group, limits["server_group_members"], [one.uuid for one in instances])
        mappings.create_all(conn, instances, moment)
        build_requests.create_all(conn, requests, call.ctxt.request_id or "", moment)
    return requests


def _join(conn: Connection, group: ServerGroup, limit: int, uuids: list[str]) -> None:
    if limit != quota.UNLIMITED and server_groups.count_members(conn, group.uuid) + len(uuids) > limit:
        raise exception.QuotaExceeded("Quota exceeded, too many servers in group")
    server_groups.add_members(conn, group.uuid, uuids)


def _requests(call: ApiCall, plan: Plan, reservation: str, files: list[dict[str, str]]) -> list[BuildRequest]:
    first = _instance(call, plan, reservation, files)
    spec = _spec(first, plan)
    uuids = [str(uuid.uuid4()) for _ in range(plan.count)]
    names = wanted.display_names(plan.server, plan.count)
    hostnames = wanted.hostnames(plan.server, names, uuids)
    return [
        BuildRequest(
            instance=first.replace(
                uuid=uuids[number],
                display_name=names[number],
                hostname=hostnames[number],
                launch_index=number,
            ),
            spec=spec,
        )
        for number in range(plan.count)
    ]


def _instance(call: ApiCall, plan: Plan, reservation: str, files: list[dict[str, str]]) -> Instance:
    """What all servers of the request have in common."""
    server, image, found = plan.server, plan.image, plan.references
    certificates = server.get("trusted_image_certificates")
    return Instance(
        uuid="",
        project_id=call.ctxt.project_id or "",
        user_id=call.ctxt.user_id or "",
        display_name=server["name"],
        description=server.get("description") if call.version >= 19 else server["name"],
        reservation_id=reservation,
        vm_state=states.VM.BUILDING,
        task_state=states.Task.SCHEDULING,
        flavor=found.flavor.replace(projects=()),
        image_id=image.id,
        image_properties=image_facts(image),
        kernel_id=str(image.properties.get("kernel_id") or ""),
        ramdisk_id=str(image.properties.get("ramdisk_id") or ""),
        availability_zone=plan.zone.name,
        pinned_availability_zone=plan.zone.name,
        key_name=found.keypair.name if found.keypair else None,
        key_data=found.keypair.public_key if found.keypair else None,
        user_data=_user_data(server),
        config_drive=wanted.config_drive(server),
        auto_disk_config=server.get("OS-DCF:diskConfig", "AUTO") == "AUTO",
        access_ip_v4=wanted.address(server.get("accessIPv4")),
        access_ip_v6=wanted.address(server.get("accessIPv6")),
        security_groups=_group_names(plan.networks),
        scheduler_hints=wanted.hints(plan.body),
        trusted_certs=None if certificates is None else tuple(certificates),
        metadata=dict(server.get("metadata", {})),
        system_metadata={"injected_files": _text(files)} if files else {},
        tags=tuple(sorted(server.get("tags", ()))),
        created_at=now(),
    )


def _group_names(networks: ResolvedNetworks) -> tuple[str, ...]:
    asked = tuple(name for _, name in networks.security_groups)
    return asked or (("default",) if networks.is_guarded else ())


def _spec(instance: Instance, plan: Plan) -> RequestSpec:
    zone, group = plan.zone, plan.references.group
    return RequestSpec(
        project_id=instance.project_id,
        user_id=instance.user_id,
        flavor=instance.flavor,
        image_id=instance.image_id,
        image_properties=instance.image_properties,
        availability_zone=zone.name,
        scheduler_hints=instance.scheduler_hints,
        server_group=None if group is None else group.uuid,
        force_hosts=(zone.host,) if zone.host else (),
        force_nodes=(zone.node,) if zone.node else (),
        requested_networks=plan.networks.requests,
        network_mode=plan.mode,
        security_groups=tuple(group_id for group_id, _ in plan.networks.security_groups),
        num_instances=plan.count,
    )


def image_facts(image: Image) -> dict[str, Any]:
    """What a server's record keeps of its image."""
    facts = {name: getattr(image, name) for name in views.IMAGE_FACTS if name != "status"}
    return {**image.properties, **{name: value for name, value in facts.items() if value is not None}}


def _user_data(server: Mapping[str, Any]) -> str | None:
    """
    :raises BadRequest: for what is not base64
    """
    text: str | None = server.get("user_data")
    if text is None:
        return None
    try:
        base64.b64decode(text)
    except ValueError:
        raise exception.BadRequest("Invalid input for field/attribute user_data: it is not base64.") from None
    return text


def _text(value: Any) -> str:
    import json

    return json.dumps(value)
