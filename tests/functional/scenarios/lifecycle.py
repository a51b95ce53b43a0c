# SPDX-License-Identifier: Apache-2.0
"""One server from boot to delete."""

from __future__ import annotations

import hashlib
from typing import Any

import requests

from tests.functional.base import CloudTest
from tests.functional.client import wait


class Lifecycle(CloudTest):
    def test_boot_show_list_delete(self) -> None:
        network = self.network(self.user)
        server_id = self.user.boot("first", networks=[{"uuid": network}], metadata={"a": "b"})
        server = self.user.until(server_id, "ACTIVE")
        self.assertEqual(
            ("first", {"a": "b"}, 1), (server["name"], server["metadata"], server["OS-EXT-STS:power_state"])
        )
        self.assertEqual(1, len(server["addresses"]["n"]))
        self.assertEqual([server_id], [one["id"] for one in self.user.servers()])
        (port,) = self.ports(self.user)
        self.assertEqual(server_id, port["device_id"])
        self.assertEqual(server["addresses"]["n"][0]["addr"], port["fixed_ips"][0]["ip_address"])  # type: ignore[index]
        self.assert_consistent()
        self.user.delete(server_id)
        self.user.until_gone(server_id)
        self.assertEqual([], self.user.servers())
        self.assert_nothing_left(self.user)

    def test_every_lifecycle_action(self) -> None:
        server_id = self.user.boot()
        self.user.until(server_id, "ACTIVE")
        steps = (
            ("os-stop", None, "SHUTOFF"),
            ("os-start", None, "ACTIVE"),
            ("reboot", {"type": "SOFT"}, "ACTIVE"),
            ("reboot", {"type": "HARD"}, "ACTIVE"),
            ("pause", None, "PAUSED"),
            ("unpause", None, "ACTIVE"),
            ("suspend", None, "SUSPENDED"),
            ("resume", None, "ACTIVE"),
        )
        for action, arguments, status in steps:
            self.user.act(server_id, action, arguments)
            self.user.until(server_id, status)
        conflict = self.user.act(server_id, "os-start", expect=409)
        self.assertIn("vm_state active", conflict.message)
        done = [
            one["action"] for one in self.user.compute(f"/servers/{server_id}/os-instance-actions")["instanceActions"]
        ]
        self.assertEqual(
            ["create", "stop", "start", "reboot", "reboot", "pause", "unpause", "suspend", "resume"], done[::-1]
        )

    def test_snapshot(self) -> None:
        server_id = self.user.boot()
        self.user.until(server_id, "ACTIVE")
        made = self.user.act(server_id, "createImage", {"name": "copy", "metadata": {"of": "it"}}, expect=202)
        path = f"/image/v2/images/{made.body['image_id']}"

        def image() -> dict[str, Any]:
            return dict(self.user.send("GET", path, expect=200).body)

        wait(lambda: image()["status"] == "active", image, 30)
        shown = image()
        self.assertEqual(("copy", "it", self.user.project_id), (shown["name"], shown["of"], shown["owner"]))
        data = requests.get(
            f"{self.user.url}{path}/file", headers={"X-Auth-Token": str(self.user.token)}, timeout=30
        ).content
        self.assertEqual((shown["size"], shown["checksum"]), (len(data), hashlib.md5(data).hexdigest()))
        self.assertGreater(len(data), 0)
        self.assertIsNone(self.user.until(server_id, "ACTIVE")["OS-EXT-STS:task_state"])
        self.user.send("DELETE", path, expect=204)

    def test_backups_rotate(self) -> None:
        server_id = self.user.boot()
        self.user.until(server_id, "ACTIVE")

        def backups() -> list[str]:
            found = self.user.send("GET", f"/image/v2/images?instance_uuid={server_id}&sort=created_at:asc", expect=200)
            return [one["name"] for one in found.body["images"] if one["status"] == "active"]

        for name, kept in (("b1", ["b1"]), ("b2", ["b1", "b2"]), ("b3", ["b2", "b3"])):
            wanted = {"name": name, "backup_type": "daily", "rotation": 2}
            self.user.act(server_id, "createBackup", wanted, expect=202)
            wait(lambda kept=kept: backups() == kept, backups, 30)  # type: ignore[misc]
            self.user.until(server_id, "ACTIVE")

    def test_over_quota(self) -> None:
        limits = {"quota_set": {"instances": 1}}
        self.admin.send("PUT", f"/compute/v2.1/os-quota-sets/{self.user.project_id}", limits, expect=200)
        self.user.boot()
        body = self.user.boot_body("second", "42", {})
        answer = self.user.send("POST", "/compute/v2.1/servers", body, expect=403)
        self.assertIn("Quota exceeded for instances: Requested 1, but already used 1 of 1 instances", answer.message)
        self.assertEqual(1, len(self.user.servers()))

    def test_no_valid_host(self) -> None:
        server_id = self.user.boot(flavor=self._too_large())
        server = self.user.until(server_id, "ERROR")
        self.assertEqual(500, server["fault"]["code"])
        self.assertIn("No valid host was found", server["fault"]["message"])
        self.user.delete(server_id)
        self.user.until_gone(server_id)
        self.assert_nothing_left(self.user)

    def _too_large(self) -> str:
        body = {"flavor": {"name": self.id()[-50:], "ram": 1 << 30, "vcpus": 1, "disk": 1}}
        flavor = self.admin.send("POST", "/compute/v2.1/flavors", body, expect=200).body["flavor"]["id"]
        self.addCleanup(self.admin.send, "DELETE", f"/compute/v2.1/flavors/{flavor}")
        return str(flavor)

    def test_a_failed_build_goes_to_another_host(self) -> None:
        server_id = self.user.boot(metadata={"fake:fail_builds": "1"})
        self.user.until(server_id, "ACTIVE")
        self.assert_consistent()

    def test_a_build_that_fails_everywhere(self) -> None:
        network = self.network(self.user)
        server_id = self.user.boot(metadata={"fake:fail_builds": "99"}, networks=[{"uuid": network}])
        server = self.user.until(server_id, "ERROR")
        self.assertIn("Exceeded maximum number of retries", server["fault"]["message"])
        self.assert_nothing_left(self.user)

    def test_delete_wins_over_a_build_that_hangs(self) -> None:
        network = self.network(self.user)
        server_id = self.user.boot(metadata={"fake:hang": "build"}, networks=[{"uuid": network}])
        wait(lambda: self.ports(self.user), lambda: "no port")
        self.user.delete(server_id)
        self.user.until_gone(server_id)
        self.assert_nothing_left(self.user)

    def test_delete_wins_over_an_action_that_hangs(self) -> None:
        server_id = self.user.boot(metadata={"fake:hang": "stop"})
        self.user.until(server_id, "ACTIVE")
        self.user.act(server_id, "os-stop")
        self.user.delete(server_id)
        self.user.until_gone(server_id)
        self.assert_nothing_left(self.user)

    def test_changes_since(self) -> None:
        first, second = self.user.boot("first"), self.user.boot("second")
        for one in (first, second):
            self.user.until(one, "ACTIVE")
        self.user.delete(first)
        self.user.until_gone(first)
        updated = self.user.server(second)["updated"]
        found = {one["id"]: one["status"] for one in self.user.servers("?changes-since=2020-01-01T00:00:00Z")}
        self.assertEqual({first: "DELETED", second: "ACTIVE"}, found)
        self.assertIn(second, [one["id"] for one in self.user.servers(f"?changes-since={updated}")])
        self.assertEqual([], self.user.servers("?changes-since=2099-01-01T00:00:00Z"))
