# SPDX-License-Identifier: Apache-2.0
"""Servers that leave their hosts."""

from __future__ import annotations

from typing import Any

from tests.functional.base import CloudTest
from tests.functional.client import wait


class Moves(CloudTest):
    def claims(self) -> set[tuple[str, str]]:
        """(host, server or migration)"""
        return {(row[0], row[1]) for row in self.cloud.allocations()}

    def actions(self, server_id: str) -> list[str]:
        found = self.user.compute(f"/servers/{server_id}/os-instance-actions")["instanceActions"]
        return [one["action"] for one in found]

    def images(self) -> list[str]:
        return [one["name"] for one in self.user.get("/image/v2/images?visibility=private")["images"]]

    def booted(self, **more: Any) -> str:
        server_id = self.user.boot("moving", **more)
        self.user.until(server_id, "ACTIVE")
        return server_id

    def test_shelved_and_back(self) -> None:
        network = self.network(self.user)
        server_id = self.booted(networks=[{"uuid": network}])
        (before,) = self.ports(self.user)
        self.user.act(server_id, "shelve")
        self.user.until(server_id, "SHELVED_OFFLOADED")
        self.assertEqual({}, self.project_guests(self.user))
        self.assertEqual(set(), self.claims())
        (port,) = self.ports(self.user)
        self.assertEqual((before["id"], "DOWN"), (port["id"], port["status"]))
        self.assertEqual(["moving-shelved"], self.images())
        self.user.act(server_id, "os-start", expect=409)
        self.user.act(server_id, "unshelve")
        self.user.until(server_id, "ACTIVE")
        (port,) = self.ports(self.user)
        self.assertEqual((before["fixed_ips"], "ACTIVE"), (port["fixed_ips"], port["status"]))
        wait(lambda: not self.images(), lambda: str(self.images()))
        self.assert_consistent()
        self.assertEqual(["unshelve", "shelve", "create"], self.actions(server_id))

    def test_deleted_while_shelved(self) -> None:
        server_id = self.booted()
        self.user.act(server_id, "shelve")
        self.user.until(server_id, "SHELVED_OFFLOADED")
        self.user.delete(server_id)
        self.user.until_gone(server_id)
        self.assertEqual([], self.images())
        self.assert_nothing_left(self.user)

    def hosts(self) -> list[str]:
        found = self.admin.compute("/os-services?binary=nova-compute")["services"]
        return sorted(one["host"] for one in found)

    def other(self, host: str | None) -> str:
        return next(one for one in self.hosts() if one != host)

    def migrations(self, server_id: str) -> list[tuple[str, str]]:
        found = self.admin.compute(f"/os-migrations?instance_uuid={server_id}")["migrations"]
        return [(one["migration_type"], one["status"]) for one in found]

    def test_live_migration(self) -> None:
        network = self.network(self.user)
        server_id = self.booted(networks=[{"uuid": network}])
        source = self.host_of(server_id)
        dest = self.other(source)
        self.admin.act(server_id, "os-migrateLive", {"host": dest, "block_migration": "auto"})
        self.user.until(server_id, "ACTIVE")
        self.assertEqual((dest, {server_id: dest}), (self.host_of(server_id), self.project_guests(self.user)))
        wait(lambda: self.migrations(server_id) == [("live-migration", "completed")], lambda: "not completed")
        (port,) = self.admin.get(f"/network/v2.0/ports?device_id={server_id}")["ports"]
        self.assertEqual(dest, port["binding:host_id"])
        self.assert_consistent()

    def test_live_migration_aborted(self) -> None:
        server_id = self.booted(metadata={"fake:hang": "live_migration"})
        source = self.host_of(server_id)
        self.admin.act(server_id, "os-migrateLive", {"host": None, "block_migration": "auto"})
        path = f"/servers/{server_id}/migrations"
        running = wait(
            lambda: [one for one in self.admin.compute(path)["migrations"] if one["memory_total_bytes"]],
            lambda: str(self.admin.compute(path)),
        )
        self.assertEqual("running", running[0]["status"])
        self.assertEqual("MIGRATING", self.user.server(server_id)["status"])
        self.admin.send("DELETE", f"/compute/v2.1{path}/{running[0]['id']}", expect=202)
        self.user.until(server_id, "ACTIVE")
        self.assertEqual(source, self.host_of(server_id))
        wait(lambda: self.migrations(server_id) == [("live-migration", "cancelled")], lambda: "not cancelled")
        self.assert_consistent()

    def test_evacuated(self) -> None:
        server_id = self.booted()
        source = self.host_of(server_id)
        self.admin.act(server_id, "evacuate", {}, expect=400)
        (service,) = [one for one in self.admin.compute("/os-services")["services"] if one["host"] == source]
        path = f"/compute/v2.1/os-services/{service['id']}"
        self.admin.send("PUT", path, {"forced_down": True}, expect=200)
        self.addCleanup(self.admin.send, "PUT", path, {"forced_down": False})
        self.admin.act(server_id, "evacuate", {}, expect=200)
        self.user.until(server_id, "SHUTOFF")
        self.assertNotEqual(source, self.host_of(server_id))
        # The host is not really down: it hears that the guest is another's, and removes its own.
        ended = [("evacuation", "completed")]
        wait(lambda: self.migrations(server_id) == ended, lambda: str(self.migrations(server_id)))
        self.assert_consistent()

    def test_nobody_builds_on_a_host_that_is_disabled(self) -> None:
        hosts = self.hosts()
        for one in self.admin.compute("/os-services?binary=nova-compute")["services"]:
            if one["host"] != hosts[0]:
                path = f"/compute/v2.1/os-services/{one['id']}"
                self.admin.send("PUT", path, {"status": "disabled"}, expect=200)
                self.addCleanup(self.admin.send, "PUT", path, {"status": "enabled"})
        servers = [self.booted() for _ in range(4)]
        self.assertEqual({hosts[0]}, {self.host_of(one) for one in servers})
