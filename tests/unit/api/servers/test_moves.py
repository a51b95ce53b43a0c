# SPDX-License-Identifier: Apache-2.0
"""Actions that take servers to other hosts or to none: what is checked, recorded and sent."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.api.v21 import migrations, servers
from minicloud.db.api import build_requests, mappings
from minicloud.db.cell import actions, instances, moves, services
from minicloud.objects import Flavor, Migration, MigrationProgress
from minicloud.web.moments import now
from tests.unit.api.servers.base import ServersTest
from tests.unit.api.shapes import like, sample


class MovesTest(ServersTest):
    def setUp(self) -> None:
        super().setUp()
        self.server = self.active()
        with self.api_db.writer() as conn:
            for host in ("host2", "host3"):
                mappings.map_host(conn, host, self.cell_uuids[1])

    def act(self, body: Any, code: int = 202, **options: Any) -> Any:
        return self.ok("POST", f"/servers/{self.server}/action", body, code=code, **options)

    def refuse(self, code: int, body: Any, **options: Any) -> str:
        return self.refused(code, "POST", f"/servers/{self.server}/action", body, **options)

    def set(self, **changes: Any) -> None:
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            instances.update(conn, self.server, now(), **changes)

    def last_action(self) -> str:
        with self.cells.get(self.cell_uuids[1]).db.reader() as conn:
            return actions.list_for(conn, self.server, limit=1)[0].action


class Shelve(MovesTest):
    def test_the_image_waits_for_data(self) -> None:
        self.act({"shelve": None})
        one = self.stored(self.server)
        image = self.images.images[one.system_metadata["shelved_image_id"]]
        self.assertEqual(("one-shelved", "snapshot"), (image.name, image.properties["image_type"]))
        self.assertEqual(("shelving", "shelve"), (one.task_state, self.last_action()))
        self.assertEqual(["shelve_instance"], self.cells.sent.methods)
        self.ok("DELETE", f"/servers/{self.server}", code=204)
        self.assertNotIn(image.id, self.images.images)

    def test_no_image_is_left_of_a_refusal(self) -> None:
        known = set(self.images.images)
        self.set(vm_state="rescued")
        self.refuse(409, {"shelve": None})
        self.set(vm_state="active", task_state="rebooting")
        self.refuse(409, {"shelve": None})
        self.assertEqual(known, set(self.images.images))

    def test_offloading_is_for_operators(self) -> None:
        self.set(vm_state="shelved")
        self.refuse(403, {"shelveOffload": None})
        self.act({"shelveOffload": None}, token="admin")
        self.assertEqual(["shelve_offload_instance"], self.cells.sent.methods)
        self.set(vm_state="active", task_state=None)
        self.refuse(409, {"shelveOffload": None}, token="admin")

    def test_from_its_host(self) -> None:
        self.set(vm_state="shelved")
        self.refuse(409, {"unshelve": {"availability_zone": "nova"}}, version=77)
        self.act({"unshelve": None}, version=91)
        self.assertEqual([("unshelve_instance", "host1")], [one[:2] for one in self.cells.sent.messages])

    def test_through_the_scheduler(self) -> None:
        self.set(vm_state="shelved_offloaded", host=None, node=None)
        self.act({"unshelve": None})
        (message,) = [one for one in self.scheduler.messages if one[0] == "unshelve_instance"]
        self.assertIsNone(message[-1])
        self.assertEqual(("unshelving", "unshelve"), (self.stored(self.server).task_state, self.last_action()))
        self.refuse(409, {"unshelve": None})

    def test_to_a_place(self) -> None:
        for version, body, token, code in (
            (77, {"availability_zone": "mars"}, "member", 400),
            (77, {"availability_zone": None}, "member", 400),
            (77, {"host": "host2"}, "admin", 400),
            (91, {}, "admin", 400),
            (91, {"host": "host2"}, "member", 403),
            (91, {"host": "nobody"}, "admin", 400),
            (91, {"host": "host2", "availability_zone": "us-west"}, "admin", 400),
            (77, {"availability_zone": "us-west"}, "member", 202),
            (91, {"availability_zone": None, "host": "host2"}, "admin", 202),
        ):
            self.set(vm_state="shelved_offloaded", host=None, node=None, task_state=None)
            response = self.request(
                "POST", f"/servers/{self.server}/action", {"unshelve": body}, version=version, token=token
            )
            self.assertEqual(code, response.status_int, (body, response.text))
            if code != 202:
                continue
            with self.api_db.reader() as conn:
                spec = build_requests.spec(conn, self.server)
            zone = body["availability_zone"]
            self.assertEqual(zone, spec.availability_zone if spec else "")
            self.assertEqual(zone, self.stored(self.server).pinned_availability_zone)
            self.assertEqual(body.get("host"), self.scheduler.messages[-1][-1])


class LiveMigrate(MovesTest):
    operations = (*servers.OPERATIONS, *migrations.OPERATIONS)
    rules = (*servers.RULES, *migrations.RULES)

    def setUp(self) -> None:
        super().setUp()
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            services.report(conn, "host2", "minicloud-compute", "compute", 1, now())

    def sent(self) -> tuple[Any, ...]:
        """host, block, forced, wait"""
        return tuple(self.scheduler.messages[-1][3:])

    def test_each_form(self) -> None:
        for version, body, sent in (
            (1, {"host": None, "block_migration": False, "disk_over_commit": False}, (None, False, False, True)),
            (25, {"host": "host2", "block_migration": "auto"}, ("host2", None, False, True)),
            (30, {"host": "host2", "block_migration": True, "force": True}, ("host2", True, True, True)),
            (34, {"host": None, "block_migration": "auto"}, (None, None, False, False)),
            (68, {"host": "host2", "block_migration": "False"}, ("host2", False, False, False)),
        ):
            self.set(task_state=None)
            self.act({"os-migrateLive": body}, version=version, token="admin")
            self.assertEqual(sent, self.sent(), version)
            self.assertEqual(("migrating", "live-migration"), (self.stored(self.server).task_state, self.last_action()))
        shown = self.ok("GET", f"/servers/{self.server}")["server"]
        self.assertEqual("MIGRATING", shown["status"])

    def test_what_is_refused(self) -> None:
        good = {"host": None, "block_migration": "auto"}
        for code, version, body, token in (
            (403, 25, good, "member"),
            (400, 24, good, "admin"),
            (400, 25, {"block_migration": "auto"}, "admin"),
            (400, 25, {**good, "disk_over_commit": False}, "admin"),
            (400, 29, {**good, "force": False}, "admin"),
            (400, 30, {**good, "force": True}, "admin"),
            (400, 68, {**good, "force": False}, "admin"),
            (400, 25, {**good, "host": "nobody"}, "admin"),
            (400, 25, {**good, "host": "host1"}, "admin"),
            (400, 25, {**good, "host": "host3"}, "admin"),
        ):
            self.refuse(code, {"os-migrateLive": body}, version=version, token=token)
        self.set(vm_state="stopped")
        self.refuse(409, {"os-migrateLive": good}, version=25, token="admin")
        self.assertEqual([], [one for one in self.scheduler.methods if one != "build_instances"])

    def test_who_waits_is_told_why_not(self) -> None:
        self.scheduler.answers["live_migrate_instance"] = exception.NoValidHost(reason="None.")
        body = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
        self.assertIn("No valid host", self.refuse(400, body, version=33, token="admin"))

    def migration(self, status: str) -> Migration:
        made = Migration(
            uuid="m", instance_uuid=self.server, migration_type="live-migration", status=status,
            source_compute="host1", source_node="n", dest_compute="host2", dest_node="n",
            old_flavor=FLAVOR, new_flavor=FLAVOR, old_vm_state="active", user_id="u", project_id="p",
        )  # fmt: skip
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            moves.create(conn, made, now())
            moves.report(conn, "m", MigrationProgress(memory_total=10, memory_remaining=4, memory_processed=6), now())
            return moves.find(conn, uuid="m")[0]

    def test_how_far_it_is(self) -> None:
        one = self.migration("running")
        path = f"/servers/{self.server}/migrations"
        for version in (23, 59, 80):
            listed = self.ok("GET", path, version=version, token="admin")
            like(self, sample("server-migrations/migrations-index", version), listed, version)
            shown = self.ok("GET", f"{path}/{one.id}", version=version, token="admin")
            like(self, sample("server-migrations/migrations-get", version), shown, version)
        self.assertEqual(
            (10, 6, 4), tuple(shown["migration"][f"memory_{key}_bytes"] for key in ("total", "processed", "remaining"))
        )
        self.refused(404, "GET", f"{path}/{one.id + 1}", version=23, token="admin")
        self.refused(403, "GET", path, version=23)

    def test_ended_by_hand(self) -> None:
        one = self.migration("running")
        path = f"/servers/{self.server}/migrations/{one.id}"
        force = {"force_complete": None}
        self.refused(409, "DELETE", path, version=24, token="admin")
        self.set(task_state="migrating")
        self.refused(404, "POST", f"{path}/action", force, version=21, token="admin")
        self.refused(404, "DELETE", path, version=23, token="admin")
        self.refused(403, "DELETE", path, version=24)
        self.ok("POST", f"{path}/action", force, version=22, token="admin", code=202)
        self.ok("DELETE", path, version=24, token="admin", code=202)
        self.assertEqual(
            [("force_complete_live_migration", "host1"), ("abort_live_migration", "host1")],
            [message[:2] for message in self.cells.sent.messages],
        )

    def test_the_waiting_can_be_aborted_since_65(self) -> None:
        one = self.migration("queued")
        self.set(task_state="migrating")
        path = f"/servers/{self.server}/migrations/{one.id}"
        self.assertIn("is queued", self.refused(400, "DELETE", path, version=64, token="admin"))
        self.refused(400, "POST", f"{path}/action", {"force_complete": None}, version=65, token="admin")
        self.ok("DELETE", path, version=65, token="admin", code=202)


class Evacuate(MovesTest):
    def setUp(self) -> None:
        super().setUp()
        self.force_down(True)

    def force_down(self, down: bool) -> None:
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            (service,) = services.find(conn, host="host1")
            services.update(conn, service.uuid, now(), forced_down=down)

    def test_each_form(self) -> None:
        for version, body, sent, answer in (
            (1, {"onSharedStorage": "False", "adminPass": "x"}, (None, False, False), {"adminPass": "x"}),
            (14, {"host": "host2"}, ("host2", False, False), None),
            (29, {"host": "host2", "force": True}, ("host2", True, False), None),
            (68, {}, (None, False, False), None),
            (95, {"adminPass": "x"}, (None, False, True), None),
        ):
            self.set(task_state=None)
            self.assertEqual(answer, self.act({"evacuate": body}, 200, version=version, token="admin"))
            self.assertEqual(sent, tuple(self.scheduler.messages[-1][3:]), version)
            self.assertEqual(("rebuilding", "evacuate"), (self.stored(self.server).task_state, self.last_action()))

    def test_what_is_refused(self) -> None:
        for code, version, body, token in (
            (403, 14, {}, "member"),
            (400, 13, {}, "admin"),
            (400, 14, {"onSharedStorage": False}, "admin"),
            (400, 28, {"force": False}, "admin"),
            (400, 29, {"force": True}, "admin"),
            (400, 68, {"force": False}, "admin"),
            (404, 14, {"host": "nobody"}, "admin"),
            (400, 14, {"host": "host1"}, "admin"),
        ):
            self.refuse(code, {"evacuate": body}, version=version, token=token)
        self.set(vm_state="paused")
        self.refuse(409, {"evacuate": {}}, version=14, token="admin")
        self.set(vm_state="active")
        self.force_down(False)
        self.assertIn("still in use", self.refuse(400, {"evacuate": {}}, version=14, token="admin"))


FLAVOR = Flavor(flavorid="1", name="m1.tiny", vcpus=1, memory_mb=512, root_gb=1)
