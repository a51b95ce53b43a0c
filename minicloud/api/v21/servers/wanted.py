# SPDX-License-Identifier: Apache-2.0
"""Reading POST /servers: what a schema cannot say of its body, and where each thing in it goes."""

from __future__ import annotations

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from minicloud import exception
from minicloud.api import quota
from minicloud.api.deployment import ApiCall
from minicloud.api.v21.servers import policy
from minicloud.api.v21.servers.schemas import is_true
from minicloud.objects import Flavor, NetworkRequest
from minicloud.objects.image import Image

GIB: Final = 1024**3

#: Servers that one request may ask for, whatever the quota.
MOST_SERVERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Zone:
    """``availability_zone`` of the body, ``zone[:host[:node]]``, and ``host`` from 2.74."""

    name: str | None = None
    host: str | None = None
    node: str | None = None


def counts(server: Mapping[str, Any]) -> int:
    """How many servers are wanted.

    :raises BadRequest: for min_count above max_count, and for too many
    """
    least = int(server.get("min_count", 1))
    most = int(server.get("max_count", least))
    if least > most:
        raise exception.BadRequest("min_count must be <= max_count")
    if most > MOST_SERVERS:
        field = "max_count" if "max_count" in server else "min_count"
        raise exception.BadRequest(f"Invalid input for field/attribute {field}. {most} is more than {MOST_SERVERS}")
    return most


def image_id(server: Mapping[str, Any]) -> str:
    """The image to boot from; there are no volumes.

    :raises BadRequest: for a server without an image, or with block devices other than that image
    """
    image: str = server.get("imageRef") or ""
    if server.get("block_device_mapping"):
        raise exception.BadRequest(
            "Invalid input for field/attribute block_device_mapping: this cloud has no volume service."
        )
    for number, device in enumerate(server.get("block_device_mapping_v2", ())):
        named = _boot_image(device, f"block_device_mapping_v2.{number}")
        if image and named != image:
            raise exception.BadRequest(
                f"Block Device Mapping is Invalid: block_device_mapping_v2.{number} boots from another image "
                "than imageRef."
            )
        if number:
            raise exception.BadRequest("Block Device Mapping is Invalid: only one device can have boot_index 0.")
        image = named
    if not image:
        raise exception.BadRequest("Invalid imageRef provided: a server boots from an image here.")
    return image


def _boot_image(device: Mapping[str, Any], field: str) -> str:
    """The image of the one device there can be: image to local disk, boot index 0, as the CLI sends it."""
    if "volume" in (device.get("source_type"), device.get("destination_type")) or device.get("volume_id"):
        raise exception.BadRequest(f"Invalid input for field/attribute {field}: this cloud has no volume service.")
    if device.get("source_type") != "image" or device.get("destination_type", "local") != "local":
        raise exception.BadRequest(
            f"Invalid input for field/attribute {field}: only an image on a local disk can be a device here."
        )
    if str(device.get("boot_index", "0")) != "0":
        raise exception.BadRequest(f"Invalid input for field/attribute {field}: boot_index of the image must be 0.")
    image: str | None = device.get("uuid") or device.get("image_id")
    if not image:
        raise exception.BadRequest(f"Invalid input for field/attribute {field}: uuid of the image is missing.")
    return image


def check_image(call: ApiCall, image: Image, flavor: Flavor) -> None:
    """
    :raises ImageUnacceptable: for an image that is not active
    :raises FlavorTooSmall: for a flavor that the image does not fit
    :raises PolicyNotAuthorized: for a flavor without a disk, unless the caller may
    """
    if image.status != "active":
        raise exception.BadRequest(f"Image {image.id} is not active.")
    if flavor.memory_mb < image.min_ram:
        raise exception.FlavorTooSmall(what="memory", have=flavor.memory_mb, need=image.min_ram)
    if flavor.root_gb == 0:
        if not call.may(policy.CREATE_ZERO_DISK):
            raise exception.Forbidden("Only volume-backed servers are allowed for flavors with zero disk.")
        return
    if flavor.root_gb < image.min_disk:
        raise exception.FlavorTooSmall(what="disk", have=flavor.root_gb, need=image.min_disk)
    if (image.size or 0) > flavor.root_gb * GIB:
        raise exception.FlavorTooSmall(what="disk", have=flavor.root_gb * GIB, need=image.size)


def zone(call: ApiCall, server: Mapping[str, Any]) -> Zone:
    """
    :raises PolicyNotAuthorized: when a host is named by somebody who may not
    :raises BadRequest: for a zone that is malformed, or names a host twice
    """
    parts = (server.get("availability_zone") or "").split(":")
    if len(parts) > 3 or (len(parts) > 1 and not parts[0]):
        raise exception.BadRequest(
            "Invalid input for field/attribute availability_zone: it must be zone, zone:host or zone:host:node."
        )
    name, host, node = (part or None for part in (*parts, "", "")[:3])
    if host or node:
        call.authorize(policy.CREATE_FORCED_HOST)
    if "host" in server or "hypervisor_hostname" in server:
        call.authorize(policy.CREATE_DESTINATION)
        if host or node:
            raise exception.BadRequest(
                "Invalid input for field/attribute host: a host is named in availability_zone already."
            )
        host, node = server.get("host"), server.get("hypervisor_hostname")
    return Zone(name, host, node)


def networks(call: ApiCall, server: Mapping[str, Any]) -> tuple[list[NetworkRequest], str]:
    """The networks and ports named, and the mode: auto, none or empty.

    :raises BadRequest: for an entry without network and port, or a network twice in one entry
    """
    given = server.get("networks")
    if given is None:
        return [], ""
    call.authorize(policy.CREATE_NETWORK)
    if isinstance(given, str):
        return [], given
    requests = []
    ports: set[str] = set()
    for number, entry in enumerate(given):
        port, network = entry.get("port"), entry.get("uuid")
        if not port and not network:
            raise exception.BadRequest(f"Invalid input for field/attribute networks.{number}: uuid or port is missing.")
        if port and entry.get("fixed_ip"):
            raise exception.BadRequest(
                f"Invalid input for field/attribute networks.{number}: Specified Fixed IP '{entry['fixed_ip']}' "
                f"cannot be used with port '{port}': the two cannot be specified together."
            )
        if port in ports:
            raise exception.BadRequest(f"Invalid input for field/attribute networks.{number}: port {port} twice.")
        if port:
            ports.add(port)
        requests.append(
            NetworkRequest(
                # A port is in the network it is in, whatever the request says.
                network_id=None if port else network,
                port_id=port,
                fixed_ip=entry.get("fixed_ip"),
                tag=entry.get("tag"),
            )
        )
    return requests, ""


def check_ports(requests: list[NetworkRequest], count: int) -> None:
    """
    :raises BadRequest: for several servers that would share a port or an address
    """
    if count == 1:
        return
    if any(request.port_id for request in requests):
        raise exception.BadRequest(
            "Unable to launch multiple instances with a single configured port ID. "
            "Please launch your instance one by one with different ports."
        )
    if any(request.fixed_ip for request in requests):
        raise exception.BadRequest("max_count cannot be greater than 1 if an fixed_ip is specified.")


def files(server: Mapping[str, Any], limits: Mapping[str, int]) -> list[dict[str, str]]:
    """``personality``: files to be put into the guest.

    :raises QuotaExceeded: 403, for too many, too long paths or too large ones
    """
    given: list[dict[str, str]] = server.get("personality", [])

    def over(resource: str, value: int) -> bool:
        return limits[resource] != quota.UNLIMITED and value > limits[resource]

    if over("injected_files", len(given)):
        raise exception.QuotaExceeded("Personality file limit exceeded")
    for one in given:
        if over("injected_file_path_bytes", len(one["path"].encode())):
            raise exception.QuotaExceeded("Personality file path exceeds maximum length")
        if over("injected_file_content_bytes", len(base64.b64decode(one["contents"]))):
            raise exception.QuotaExceeded("Personality file content exceeds maximum size")
    return given


def hints(body: Mapping[str, Any]) -> dict[str, Any]:
    """Scheduler hints, by either of their names."""
    found: dict[str, Any] = body.get("os:scheduler_hints") or body.get("OS-SCH-HNT:scheduler_hints") or {}
    return found


def address(text: str | None) -> str | None:
    """An access address in its shortest form; the schema has checked that it is one."""
    return str(ipaddress.ip_address(text)) if text else None


def config_drive(server: Mapping[str, Any]) -> bool:
    return is_true(server.get("config_drive", False))


def display_names(server: Mapping[str, Any], count: int) -> list[str]:
    """``name``, or ``name-1`` … ``name-n``."""
    name: str = server["name"]
    return [name] if count == 1 else [f"{name}-{number}" for number in range(1, count + 1)]


def hostnames(server: Mapping[str, Any], names: list[str], uuids: list[str]) -> list[str]:
    """What each guest calls itself: what was asked for, or the name made fit for that."""
    asked = server.get("hostname")
    if asked is None:
        return [hostname_of(name, uuid) for name, uuid in zip(names, uuids, strict=True)]
    return [asked] if len(names) == 1 else [f"{asked}-{number}" for number in range(1, len(names) + 1)]


def hostname_of(name: str, uuid: str) -> str:
    """A name as an RFC 952 host name; ``Server-<uuid>`` when nothing of it is left."""
    text = re.sub(r"[ _.]", "-", name.encode("ascii", "ignore").decode())
    text = re.sub(r"[^a-z0-9-]+", "", text.lower()).strip("-")
    return (text[:63].strip("-")) or f"Server-{uuid}"
