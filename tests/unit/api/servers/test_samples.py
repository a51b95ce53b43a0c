# SPDX-License-Identifier: Apache-2.0
"""Servers and what lies below them against the structure of Nova's published samples."""

from __future__ import annotations

from typing import Any

from tests.unit.api.servers.base import IMAGE, ServersTest
from tests.unit.api.shapes import SAMPLES, like, sample

#: Sample -> path; ``{id}`` is a server's.
READS = {
    "servers/server-get-resp": "/servers/{id}",
    "servers/servers-details-resp": "/servers/detail",
    "servers/servers-list-resp": "/servers",
    "server-ips/server-ips-network-resp": "/servers/{id}/ips/private",
    "server-metadata/server-metadata-all-resp": "/servers/{id}/metadata",
    "server-metadata/server-metadata-resp": "/servers/{id}/metadata/foo",
    "os-server-tags/server-tags-index-resp": "/servers/{id}/tags",
    "os-instance-actions/instance-actions-list-resp": "/servers/{id}/os-instance-actions",
    "os-attach-interfaces/attach-interfaces-list-resp": "/servers/{id}/os-interface",
}


def versions(name: str) -> list[int]:
    """The microversions that have this sample."""
    folder, _, file = name.partition("/")
    found = [int(path.parent.name.removeprefix("v2.")) for path in (SAMPLES / folder).glob(f"v2.*/{file}.json")]
    if (SAMPLES / folder / f"{file}.json").exists():
        found.append(1)
    return sorted(found)


def is_for_admin(expected: Any) -> bool:
    """Some samples were taken by an administrator."""
    return "'OS-EXT-SRV-ATTR:host'" in str(expected) or "host_status" in str(expected)


class Samples(ServersTest):
    def test_what_is_read_has_the_samples_structure(self) -> None:
        server_id = self.active(server={"metadata": {"foo": "Foo Value"}})
        self.ok("PUT", f"/servers/{server_id}/tags/tag1", code=201, version=26)
        compared = 0
        for name, path in READS.items():
            for version in versions(name):
                expected = sample(name, version)
                if "'UNKNOWN'" in str(expected):
                    continue  # of a cell that does not answer, which has a test of its own
                token = "admin" if is_for_admin(expected) else "member"
                answer = self.ok("GET", path.format(id=server_id), version=version, token=token)
                like(self, expected, answer, (name, version))
                compared += 1
        self.assertGreater(compared, 40)

    def test_created_and_changed_servers_have_the_samples_structure(self) -> None:
        self.conf.set_override("instances", -1, "quota")
        server_id = self.active()
        for version in versions("servers/server-create-resp"):
            wanted = {
                "name": "one",
                "imageRef": IMAGE,
                "flavorRef": "1",
                **({"networks": "auto"} if version > 36 else {}),
            }
            answer = self.ok("POST", "/servers", {"server": wanted}, code=202, version=version)
            like(self, sample("servers/server-create-resp", version), answer, ("create", version))
        for version in versions("servers/server-update-resp"):
            expected = sample("servers/server-update-resp", version)
            token = "admin" if is_for_admin(expected) else "member"
            answer = self.ok("PUT", f"/servers/{server_id}", {"server": {"name": "new"}}, version=version, token=token)
            like(self, expected, answer, ("update", version))
