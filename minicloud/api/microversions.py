# SPDX-License-Identifier: Apache-2.0
"""The microversions of the compute API: one row each, and how a request chooses one.

A version 2.X is the number X everywhere inside. Reference:
https://docs.openstack.org/nova/latest/reference/api-microversion-history.html
"""

from __future__ import annotations

import re
from typing import Final

import webob

from minicloud import exception

#: (minor number, what a client sees of it)
MICROVERSIONS: Final[tuple[tuple[int, str], ...]] = (
    (1, "Same wire format as old v2.0, but bodies are checked by JSON schema; version header optional, default 2.1"),
    (2, "Keypairs gain `type` (ssh/x509); create answers 201 (was 200), delete 204 (was 202)"),
    (
        3,
        "Admin-ish server attributes shown (reservation_id, launch_index, ramdisk_id, kernel_id, hostname, root_device_name, user_data) and delete_on_termination inside volumes_attached",
    ),
    (4, "Fixed-IP show carries `reserved` (resource itself answers 410 today)"),
    (5, "ip6 list filter no longer ignored for non-admins"),
    (6, "POST remote-consoles replaces the four os-get*Console actions, which stop at 2.5"),
    (7, "Granting access to a public flavor is refused with 409"),
    (8, "Console protocol mks / type webmks accepted"),
    (9, "Server views carry `locked`"),
    (10, "Admin may act on another user's keypairs through user_id (body on create, query elsewhere)"),
    (11, "Compute services show and set forced_down (PUT os-services/force-down)"),
    (12, "net_id in os-virtual-interfaces (route is 410 today)"),
    (13, "Server groups show project_id and user_id"),
    (14, "Evacuate: onSharedStorage gone from the body, adminPass gone from the answer"),
    (15, "Soft-affinity and soft-anti-affinity server-group policies"),
    (16, "host_status in server detail/show (policy-guarded)"),
    (17, "Action trigger_crash_dump"),
    (18, "Project id in the URL becomes optional"),
    (19, "Server `description` settable on create/update/rebuild and shown"),
    (20, "Volumes can be attached/detached while shelved or shelved-offloaded"),
    (21, "Instance actions stay readable after the server is deleted"),
    (22, "force_complete of a running live migration"),
    (23, "servers/{id}/migrations list+show; migration_type and a link in os-migrations"),
    (24, "DELETE of a server migration aborts a live migration"),
    (25, 'Live migrate: block_migration may be "auto"; disk_over_commit removed'),
    (26, "Server tags sub-resource, tags in server view, four tag filters on list"),
    (27, "Generic OpenStack-API-Version header understood next to the legacy one"),
    (28, "Hypervisor cpu_info is an object, not a string"),
    (29, "Evacuate `force`; given host is checked by the scheduler unless forced"),
    (30, "Live migrate `force`; same host check"),
    (31, "Console token lookup works for every console type"),
    (32, "Device `tag` on create: networks and block_device_mapping_v2"),
    (33, "limit/marker for hypervisors (and, by bug, bdm tag rejected until 2.42)"),
    (34, "Live-migration pre-checks run asynchronously, so failures are not 400 any more"),
    (35, "limit/marker for keypairs; sorted by name"),
    (
        36,
        "Proxy resources (images, networks, security groups, floating ips, volumes, snapshots, baremetal, fping, fixed ips) answer 404; network items leave limits and quotas",
    ),
    (
        37,
        '`networks` becomes mandatory on create and may be "auto"/"none"; uuids checked strictly (and, by bug, network tag rejected until 2.42)',
    ),
    (38, "Unknown status filter gives 400 instead of an empty list"),
    (39, "Image metadata proxy 404; maxImageMeta leaves limits; metadata quota no longer applied to snapshots"),
    (40, "limit/marker plus next links for tenant usage"),
    (41, "Aggregates show uuid"),
    (42, "Restores both device tags lost in 2.33/2.37"),
    (43, "os-hosts answers 404"),
    (44, "addFixedIp/removeFixedIp/addFloatingIp/removeFloatingIp actions and os-virtual-interfaces answer 404"),
    (45, "createImage/createBackup return image_id in a body instead of a Location header"),
    (46, "X-OpenStack-Request-ID header (signal only: server sends both anyway)"),
    (
        47,
        "Server view embeds the flavor (vcpus, ram, disk, ephemeral, swap, original_name, extra_specs) instead of id+link",
    ),
    (48, "Diagnostics get one fixed schema"),
    (49, "Device `tag` when attaching interfaces or volumes later"),
    (50, "Quota classes: server group keys appear, network keys disappear"),
    (51, "volume-extended external event; action events visible to non-admins (traceback stays guarded)"),
    (52, "tags on create"),
    (
        53,
        "Services and hypervisors are addressed by uuid; PUT os-services/{uuid} replaces enable/disable/log-reason/force-down; hypervisor search/servers replaced by query params",
    ),
    (54, "Rebuild may set or clear key_name"),
    (55, "Flavor description; PUT flavors/{id} appears"),
    (56, "Cold migrate may name a host"),
    (57, "personality removed; rebuild takes user_data; injected-file limits and quotas removed"),
    (58, "Instance actions: paging, changes-since, updated_at"),
    (59, "Migrations: paging, changes-since, uuid"),
    (60, "Attach of multiattach volumes to several servers"),
    (61, "extra_specs inside flavor views"),
    (62, "host/hostId in action events"),
    (63, "trusted_image_certificates on create/rebuild and in views"),
    (64, "Server group: single `policy` + `rules`; `policies` and `metadata` dropped"),
    (65, "Queued/preparing live migrations can be aborted"),
    (66, "changes-before on servers, instance actions, migrations"),
    (67, "volume_type in block_device_mapping_v2"),
    (68, "force removed again from live migrate and evacuate"),
    (69, "Partial records with status UNKNOWN when a cell is down"),
    (70, "tag shown in volume attachments and interface attachments"),
    (71, "server_groups in show/update/rebuild"),
    (72, "Create accepts ports that carry a resource request"),
    (73, "Lock takes a reason; locked_reason shown; `locked` list filter/sort"),
    (74, "host / hypervisor_hostname on create, still scheduler-checked"),
    (
        75,
        'Unknown query/body keys rejected; update and rebuild answers equal show; swap is 0 not ""; hypervisors always carry servers',
    ),
    (76, "power-update external event"),
    (77, "Unshelve may name an availability zone"),
    (78, "servers/{id}/topology"),
    (79, "delete_on_termination on volume attach, and in views"),
    (80, "user_id/project_id in migrations and as filters"),
    (81, "POST os-aggregates/{id}/images (pre-cache)"),
    (82, "accelerator-request-bound external event"),
    (83, "More server list filters for non-admins"),
    (84, "`details` in failed action events"),
    (85, "PUT os-volume_attachments may change delete_on_termination"),
    (86, "Known extra-spec namespaces are validated"),
    (87, "Rescue of volume-backed servers (driver must have the trait)"),
    (88, "Capacity/usage fields leave hypervisor views, uptime moves in; statistics and uptime routes 404"),
    (89, "Volume attachments: attachment_id and bdm_uuid in, id out"),
    (90, "hostname settable on create/update/rebuild, visible to all"),
    (91, "Unshelve to a host; availability_zone null unpins"),
    (92, "Keypair public_key mandatory (no key generation); @ and . allowed in names"),
    (93, "Rebuild of volume-backed servers; volume-reimaged external event"),
    (94, "hostname may be an FQDN"),
    (95, "Evacuated servers are left stopped on the target"),
    (96, "pinned_availability_zone in views"),
    (97, "servers/{id}/shares sub-resource (Manila)"),
    (98, "Image properties embedded in the server's image"),
    (99, "spice-direct console; tls_port in console token view"),
    (100, "scheduler_hints in views"),
    (101, "Volume attach answers 202 with no body"),
    (102, "flavors `name` filter; rxtx_factor and disabled flag removed; unknown query keys rejected on every route"),
    (103, "os-volumes_boot alias gone (404)"),
    (104, "PUT servers may set/clear pinned_availability_zone (409 on bad transition)"),
)

MINIMUM: Final = MICROVERSIONS[0][0]
MAXIMUM: Final = MICROVERSIONS[-1][0]

GENERIC_HEADER: Final = "OpenStack-API-Version"
LEGACY_HEADER: Final = "X-OpenStack-Nova-API-Version"

_FORM = re.compile(r"([1-9][0-9]{0,8})\.([1-9][0-9]{0,8}|0)")


def negotiate(request: webob.Request) -> int:
    """The minor number a request asks for; 2.1 when it asks for none.

    :raises InvalidVersion: 400, for a malformed number
    :raises VersionNotAcceptable: 406, out of range
    """
    asked = _asked(request)
    if asked is None:
        return MINIMUM
    if asked == "latest":
        return MAXIMUM
    match = _FORM.fullmatch(asked)
    if match is None:
        raise exception.InvalidVersion(version=asked[:40])
    major, minor = int(match[1]), int(match[2])
    if major != 2 or not MINIMUM <= minor <= MAXIMUM:
        raise exception.VersionNotAcceptable(version=asked, minimum=f"2.{MINIMUM}", maximum=f"2.{MAXIMUM}")
    return minor


def _asked(request: webob.Request) -> str | None:
    # The generic header may name several services: "compute 2.53,placement 1.2".
    for part in request.headers.get(GENERIC_HEADER, "").split(","):
        words = part.split()
        if len(words) == 2 and words[0].lower() == "compute":
            return str(words[1]).lower()
    legacy = request.headers.get(LEGACY_HEADER)
    return None if legacy is None else str(legacy).strip().lower()


def headers(version: int) -> dict[str, str]:
    """What an answer says of its version, in both forms."""
    return {
        GENERIC_HEADER: f"compute 2.{version}",
        LEGACY_HEADER: f"2.{version}",
        "Vary": f"{GENERIC_HEADER}, {LEGACY_HEADER}",
    }
