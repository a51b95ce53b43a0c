# SPDX-License-Identifier: Apache-2.0
"""Who may do what with servers. The names are Nova's, so that operators' policy files fit."""

from __future__ import annotations

from minicloud.web.policy import ADMIN, ADMIN_OR_MEMBER, ADMIN_OR_READER, rule

_SERVERS = "os_compute_api:servers"
_ONE = "/servers/{server_id}"
_ACTION = f"{_ONE}/action"

INDEX = f"{_SERVERS}:index"
DETAIL = f"{_SERVERS}:detail"
INDEX_ALL = f"{_SERVERS}:index:get_all_tenants"
DETAIL_ALL = f"{_SERVERS}:detail:get_all_tenants"
ALL_FILTERS = f"{_SERVERS}:allow_all_filters"
SHOW = f"{_SERVERS}:show"
SHOW_EXTRA_SPECS = f"{_SERVERS}:show:flavor-extra-specs"
SHOW_HOST_STATUS = f"{_SERVERS}:show:host_status"
SHOW_HOST_UNKNOWN = f"{_SERVERS}:show:host_status:unknown-only"
EXTENDED_ATTRIBUTES = "os_compute_api:os-extended-server-attributes"
CREATE = f"{_SERVERS}:create"
CREATE_FORCED_HOST = f"{_SERVERS}:create:forced_host"
CREATE_DESTINATION = "compute:servers:create:requested_destination"
CREATE_NETWORK = f"{_SERVERS}:create:attach_network"
CREATE_CERTIFICATES = f"{_SERVERS}:create:trusted_certs"
CREATE_ZERO_DISK = f"{_SERVERS}:create:zero_disk_flavor"
UPDATE = f"{_SERVERS}:update"
DELETE = f"{_SERVERS}:delete"
UNLOCK = "os_compute_api:os-lock-server:unlock"
UNLOCK_OVERRIDE = "os_compute_api:os-lock-server:unlock:unlock_override"

_METADATA = "os_compute_api:server-metadata"
_TAGS = "os_compute_api:os-server-tags"
_ACTIONS = "os_compute_api:os-instance-actions"
_READ = (("GET", _ONE), ("GET", "/servers/detail"))

RULES = (
    rule(INDEX, ADMIN_OR_READER, "List servers by name.", ("GET", "/servers")),
    rule(DETAIL, ADMIN_OR_READER, "List servers with all their attributes.", ("GET", "/servers/detail")),
    rule(INDEX_ALL, ADMIN, "List the servers of all projects by name.", ("GET", "/servers")),
    rule(DETAIL_ALL, ADMIN, "List the servers of all projects.", ("GET", "/servers/detail")),
    rule(ALL_FILTERS, ADMIN, "Filter lists by any attribute.", ("GET", "/servers"), ("GET", "/servers/detail")),
    rule(SHOW, ADMIN_OR_READER, "Show a server.", ("GET", _ONE)),
    rule(SHOW_EXTRA_SPECS, ADMIN_OR_READER, "See the extra specs of a server's flavor.", *_READ),
    rule(SHOW_HOST_STATUS, ADMIN, "See whether the host of a server is up.", *_READ),
    rule(SHOW_HOST_UNKNOWN, ADMIN, "See only that the state of a server's host is unknown.", *_READ),
    rule(EXTENDED_ATTRIBUTES, ADMIN, "See the host of a server and other attributes for operators.", *_READ),
    rule(CREATE, ADMIN_OR_MEMBER, "Create a server.", ("POST", "/servers")),
    rule(CREATE_FORCED_HOST, ADMIN, "Put a server on a host with availability_zone zone:host.", ("POST", "/servers")),
    rule(CREATE_DESTINATION, ADMIN, "Ask for a host or hypervisor_hostname.", ("POST", "/servers")),
    rule(CREATE_NETWORK, ADMIN_OR_MEMBER, "Create a server with networks of one's choice.", ("POST", "/servers")),
    rule(
        CREATE_CERTIFICATES, ADMIN_OR_MEMBER, "Create a server with trusted image certificates.", ("POST", "/servers")
    ),
    rule(CREATE_ZERO_DISK, ADMIN, "Boot from an image with a flavor without a disk.", ("POST", "/servers")),
    rule(UPDATE, ADMIN_OR_MEMBER, "Change a server's name and the like.", ("PUT", _ONE)),
    rule(DELETE, ADMIN_OR_MEMBER, "Delete a server.", ("DELETE", _ONE)),
    rule(f"{_SERVERS}:create_image", ADMIN_OR_MEMBER, "Make an image of a server.", ("POST", _ACTION)),
    rule("os_compute_api:os-create-backup", ADMIN_OR_MEMBER, "Make a backup of a server.", ("POST", _ACTION)),
    rule(f"{_SERVERS}:resize", ADMIN_OR_MEMBER, "Change a server's flavor.", ("POST", _ACTION)),
    rule(f"{_SERVERS}:confirm_resize", ADMIN_OR_MEMBER, "Keep a server's new flavor or host.", ("POST", _ACTION)),
    rule(f"{_SERVERS}:revert_resize", ADMIN_OR_MEMBER, "Go back to the old flavor or host.", ("POST", _ACTION)),
    rule("os_compute_api:os-migrate-server:migrate", ADMIN, "Move a server to another host.", ("POST", _ACTION)),
    rule("os_compute_api:os-migrate-server:migrate:host", ADMIN, "Name the host to move to.", ("POST", _ACTION)),
    rule("os_compute_api:os-shelve:shelve", ADMIN_OR_MEMBER, "Put a server away as an image.", ("POST", _ACTION)),
    rule("os_compute_api:os-shelve:shelve_offload", ADMIN, "Let a shelved server leave its host.", ("POST", _ACTION)),
    rule("os_compute_api:os-shelve:unshelve", ADMIN_OR_MEMBER, "Take a shelved server out again.", ("POST", _ACTION)),
    rule("os_compute_api:os-shelve:unshelve_to_host", ADMIN, "Unshelve to a host of one's choice.", ("POST", _ACTION)),
    rule("os_compute_api:os-migrate-server:migrate_live", ADMIN, "Move a running server.", ("POST", _ACTION)),
    rule(
        "os_compute_api:os-migrate-server:migrate_live:host",
        ADMIN,
        "Name the host that a running server moves to.",
        ("POST", _ACTION),
    ),
    rule("os_compute_api:os-evacuate", ADMIN, "Make a server anew whose host is down.", ("POST", _ACTION)),
    rule("os_compute_api:os-rescue", ADMIN_OR_MEMBER, "Boot a server from a rescue image.", ("POST", _ACTION)),
    rule("os_compute_api:os-unrescue", ADMIN_OR_MEMBER, "Boot a rescued server from its own disk.", ("POST", _ACTION)),
    rule("os_compute_api:os-admin-password", ADMIN_OR_MEMBER, "Set a password in a guest.", ("POST", _ACTION)),
    rule(
        "os_compute_api:os-remote-consoles",
        ADMIN_OR_MEMBER,
        "Ask for a console.",
        ("POST", _ACTION),
        ("POST", f"{_ONE}/remote-consoles"),
    ),
    rule(f"{_SERVERS}:rebuild", ADMIN_OR_MEMBER, "Rebuild a server from an image.", ("POST", _ACTION)),
    rule(
        f"{_SERVERS}:rebuild:trusted_certs",
        ADMIN_OR_MEMBER,
        "Rebuild a server with trusted image certificates.",
        ("POST", _ACTION),
    ),
    rule(f"{_SERVERS}:start", ADMIN_OR_MEMBER, "Start a server (os-start).", ("POST", _ACTION)),
    rule(f"{_SERVERS}:stop", ADMIN_OR_MEMBER, "Stop a server (os-stop).", ("POST", _ACTION)),
    rule(f"{_SERVERS}:reboot", ADMIN_OR_MEMBER, "Reboot a server.", ("POST", _ACTION)),
    rule("os_compute_api:os-pause-server:pause", ADMIN_OR_MEMBER, "Pause a server.", ("POST", _ACTION)),
    rule("os_compute_api:os-pause-server:unpause", ADMIN_OR_MEMBER, "Unpause a server.", ("POST", _ACTION)),
    rule("os_compute_api:os-suspend-server:suspend", ADMIN_OR_MEMBER, "Suspend a server.", ("POST", _ACTION)),
    rule("os_compute_api:os-suspend-server:resume", ADMIN_OR_MEMBER, "Resume a server.", ("POST", _ACTION)),
    rule("os_compute_api:os-lock-server:lock", ADMIN_OR_MEMBER, "Lock a server.", ("POST", _ACTION)),
    rule(UNLOCK, ADMIN_OR_MEMBER, "Unlock a server.", ("POST", _ACTION)),
    rule(UNLOCK_OVERRIDE, ADMIN, "Unlock a server that somebody else locked.", ("POST", _ACTION)),
    rule("os_compute_api:os-admin-actions:reset_state", ADMIN, "Set a server's state.", ("POST", _ACTION)),
    rule(
        "os_compute_api:os-server-diagnostics",
        ADMIN,
        "See what a guest uses of its host.",
        ("GET", f"{_ONE}/diagnostics"),
    ),
    rule("os_compute_api:os-console-output", ADMIN_OR_MEMBER, "Read a server's console.", ("POST", _ACTION)),
    rule("os_compute_api:os-deferred-delete:restore", ADMIN_OR_MEMBER, "Restore a server.", ("POST", _ACTION)),
    rule(
        "os_compute_api:os-deferred-delete:force", ADMIN_OR_MEMBER, "Delete a server (forceDelete).", ("POST", _ACTION)
    ),
    rule(f"{_METADATA}:index", ADMIN_OR_READER, "List a server's metadata.", ("GET", f"{_ONE}/metadata")),
    rule(f"{_METADATA}:show", ADMIN_OR_READER, "Show a metadata item.", ("GET", f"{_ONE}/metadata/{{key}}")),
    rule(f"{_METADATA}:create", ADMIN_OR_MEMBER, "Add metadata items.", ("POST", f"{_ONE}/metadata")),
    rule(f"{_METADATA}:update_all", ADMIN_OR_MEMBER, "Replace all metadata.", ("PUT", f"{_ONE}/metadata")),
    rule(f"{_METADATA}:update", ADMIN_OR_MEMBER, "Set a metadata item.", ("PUT", f"{_ONE}/metadata/{{key}}")),
    rule(f"{_METADATA}:delete", ADMIN_OR_MEMBER, "Delete a metadata item.", ("DELETE", f"{_ONE}/metadata/{{key}}")),
    rule(f"{_TAGS}:index", ADMIN_OR_READER, "List a server's tags.", ("GET", f"{_ONE}/tags")),
    rule(f"{_TAGS}:show", ADMIN_OR_READER, "Check whether a server has a tag.", ("GET", f"{_ONE}/tags/{{tag}}")),
    rule(f"{_TAGS}:update_all", ADMIN_OR_MEMBER, "Replace all tags.", ("PUT", f"{_ONE}/tags")),
    rule(f"{_TAGS}:update", ADMIN_OR_MEMBER, "Add a tag.", ("PUT", f"{_ONE}/tags/{{tag}}")),
    rule(f"{_TAGS}:delete", ADMIN_OR_MEMBER, "Remove a tag.", ("DELETE", f"{_ONE}/tags/{{tag}}")),
    rule(f"{_TAGS}:delete_all", ADMIN_OR_MEMBER, "Remove all tags.", ("DELETE", f"{_ONE}/tags")),
    rule("os_compute_api:ips:index", ADMIN_OR_READER, "List a server's addresses.", ("GET", f"{_ONE}/ips")),
    rule(
        "os_compute_api:ips:show",
        ADMIN_OR_READER,
        "List its addresses in one network.",
        ("GET", f"{_ONE}/ips/{{network}}"),
    ),
    rule(
        f"{_ACTIONS}:list", ADMIN_OR_READER, "List what was asked of a server.", ("GET", f"{_ONE}/os-instance-actions")
    ),
    rule(f"{_ACTIONS}:show", ADMIN_OR_READER, "Show an action.", ("GET", f"{_ONE}/os-instance-actions/{{request_id}}")),
    rule(
        f"{_ACTIONS}:events",
        ADMIN,
        "See the events of actions before 2.51, their tracebacks, and hosts from 2.62.",
        ("GET", f"{_ONE}/os-instance-actions/{{request_id}}"),
    ),
    rule(
        f"{_ACTIONS}:events:details",
        ADMIN,
        "See the details of events (2.84).",
        ("GET", f"{_ONE}/os-instance-actions/{{request_id}}"),
    ),
    rule("os_compute_api:os-attach-interfaces:list", ADMIN_OR_READER, "List ports.", ("GET", f"{_ONE}/os-interface")),
    rule(
        "os_compute_api:os-attach-interfaces:show",
        ADMIN_OR_READER,
        "Show a port.",
        ("GET", f"{_ONE}/os-interface/{{port_id}}"),
    ),
    rule(
        "os_compute_api:os-attach-interfaces:create",
        ADMIN_OR_MEMBER,
        "Attach a port.",
        ("POST", f"{_ONE}/os-interface"),
    ),
    rule(
        "os_compute_api:os-attach-interfaces:delete",
        ADMIN_OR_MEMBER,
        "Detach a port.",
        ("DELETE", f"{_ONE}/os-interface/{{port_id}}"),
    ),
    rule(
        "os_compute_api:os-server-password:show",
        ADMIN_OR_READER,
        "Read the encrypted password of a guest.",
        ("GET", f"{_ONE}/os-server-password"),
    ),
    rule(
        "os_compute_api:os-server-password:clear",
        ADMIN_OR_MEMBER,
        "Forget the password of a guest.",
        ("DELETE", f"{_ONE}/os-server-password"),
    ),
    rule(
        "os_compute_api:os-security-groups:list",
        ADMIN_OR_READER,
        "List the security groups of a server.",
        ("GET", f"{_ONE}/os-security-groups"),
    ),
    rule("os_compute_api:os-security-groups:add", ADMIN_OR_MEMBER, "Add a security group.", ("POST", _ACTION)),
    rule("os_compute_api:os-security-groups:remove", ADMIN_OR_MEMBER, "Remove a security group.", ("POST", _ACTION)),
)
