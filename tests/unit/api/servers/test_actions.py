# SPDX-License-Identifier: Apache-2.0
"""POST /servers/{id}/action: states, locks, versions, and what is sent where."""

from __future__ import annotations

import threading
from typing import Any

from minicloud import exception, states
from minicloud.api.v21.servers.actions import ACTIONS
from minicloud.db.api import flavors, mappings
from minicloud.db.cell import actions, instances, moves, services
from minicloud.objects import Flavor, InstanceAction, Migration
from minicloud.web.moments import now
from tests.unit.api.servers.base import IMAGE, PROJECT, QUEUED_IMAGE, ServersTest

#: (body, row of states.ACTIONS, method of the stub, action's name)
LIFECYCLE: tuple[tuple[dict[str, Any], str, str, str], ...] = (
    ({"os-start": None}, "start", "start_instance", "start"),
    ({"os-stop": None}, "stop", "stop_instance", "stop"),
    ({"os-stop": {}}, "stop", "stop_instance", "stop"),
    ({"reboot": {"type": "SOFT"}}, "reboot", "reboot_instance", "reboot"),
    ({"reboot": {"type": "Hard"}}, "reboot_hard", "reboot_instance", "reboot"),
    ({"pause": None}, "pause", "pause_instance", "pause"),
    ({"unpause": None}, "unpause", "unpause_instance", "unpause"),
    ({"suspend": None}, "suspend", "suspend_instance", "suspend"),
    ({"resume": None}, "resume", "resume_instance", "resume"),
    ({"rebuild": {"imageRef": IMAGE}}, "rebuild", "rebuild_instance", "rebuild"),
    ({"unrescue": None}, "unrescue", "unrescue_instance", "unrescue"),
    ({"changePassword": {"adminPass": "x"}}, "change_password", "set_admin_password", "changePassword"),
)


class Lifecycle(ServersTest):
    def act(self, server_id: str, body: Any, code: int = 202, **options: Any) -> Any:
        return self.ok("POST", f"/servers/{server_id}/action", body, code=code, **options)

    def refuse(self, code: int, server_id: str, body: Any, **options: Any) -> str:
        return self.refused(code, "POST", f"/servers/{server_id}/action", body, **options)

    def recorded(self, server_id: str) -> list[InstanceAction]:
        with self.cells.get(self.cell_uuids[1]).db.reader() as conn:
            return actions.list_for(conn, server_id)

    def set(self, server_id: str, **changes: Any) -> None:
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            instances.update(conn, server_id, now(), **changes)

    def test_from_every_state(self) -> None:
        server_id = self.active()
        vm_states = [value for name, value in vars(states.VM).items() if name.isupper() and value != "deleted"]
        for body, name, method, action in LIFECYCLE:
            row = states.ACTIONS[name]
            for vm_state in vm_states:
                self.set(server_id, vm_state=vm_state, task_state=None)
                self.cells.sent.messages.clear()
                if vm_state in row.vm_states:
                    self.act(server_id, body)
                    self.assertEqual(row.running, self.stored(server_id).task_state)
                    self.assertEqual([method], self.cells.sent.methods)
                    self.assertEqual(
                        ("host1", server_id), (self.cells.sent.messages[0][1], self.cells.sent.messages[0][2].uuid)
                    )
                    self.assertEqual(row.running, self.cells.sent.messages[0][2].task_state)
                    self.assertEqual(action, self.recorded(server_id)[0].action)
                else:
                    message = self.refuse(409, server_id, body)
                    wanted = f"Cannot '{action}' instance {server_id} while it is in vm_state {vm_state}"
                    self.assertEqual(wanted, message)
                    self.assertEqual([], self.cells.sent.methods)

    def test_rescue(self) -> None:
        server_id = self.active(system_metadata={"rescue_image": "old", "kept": "yes"})
        for image in (server_id, QUEUED_IMAGE, "x"):
            self.refuse(400, server_id, {"rescue": {"rescue_image_ref": image}})
        answer = self.act(server_id, {"rescue": {"adminPass": "secret"}}, code=200)
        self.assertEqual({"adminPass": "secret"}, answer)
        one = self.stored(server_id)
        self.assertEqual(("rescuing", {"kept": "yes"}), (one.task_state, one.system_metadata))
        self.assertEqual(("rescue_instance", "host1", one, "secret"), self.cells.sent.messages[-1])
        other = self.active()
        answer = self.act(other, {"rescue": {"rescue_image_ref": IMAGE}}, code=200)
        self.assertEqual(12, len(answer["adminPass"]))
        self.assertEqual(answer["adminPass"], self.cells.sent.messages[-1][-1])
        self.assertEqual(IMAGE, self.stored(other).system_metadata["rescue_image"])
        message = self.refuse(409, self.active(vm_state="paused"), {"rescue": None})
        self.assertIn("Cannot 'rescue' instance", message)

    def test_a_new_size_is_asked_of_the_scheduler(self) -> None:
        with self.api_db.writer() as conn:
            flavors.create(conn, Flavor(flavorid="7", name="m1.small", vcpus=2, memory_mb=1024, root_gb=1), now())
        server_id = self.active()
        self.refuse(403, server_id, {"resize": {"flavorRef": "9"}})
        self.act(server_id, {"resize": {"flavorRef": "7"}})
        one = self.stored(server_id)
        self.assertEqual(("resize_prep", "m1.tiny"), (one.task_state, one.flavor.name))
        method, _, instance, flavor, host = self.scheduler.messages[-1]
        self.assertEqual(("resize_instance", one, "7", None), (method, instance, flavor.flavorid, host))
        with self.api_db.reader() as conn:
            self.assertEqual((1, 2, 1024), tuple(mappings.usage(conn, PROJECT)))
        self.assertIn("task_state resize_prep", self.refuse(409, server_id, {"resize": {"flavorRef": "7"}}))

    def test_sizes_that_cannot_be(self) -> None:
        server_id = self.active()
        for flavor in ("nobody", "secret", "1", "0"):
            self.refuse(400, server_id, {"resize": {"flavorRef": flavor}})
        self.refuse(400, server_id, {"resize": {}})
        self.refuse(403, server_id, {"migrate": None})
        for host in ("host1", "host2", "nobody"):
            self.refuse(400, server_id, {"migrate": {"host": host}}, token="admin", version=56)
        self.act(server_id, {"migrate": None}, token="admin")
        self.assertEqual("1", self.scheduler.messages[-1][3].flavorid)
        self.assertEqual(["migrate"], [one.action for one in self.recorded(server_id) if one.action != "create"])

    def test_one_answer_to_a_resize(self) -> None:
        server_id = self.active(vm_state="resized")
        for body in ({"confirmResize": None}, {"revertResize": None}):
            self.assertIn("has not been resized", self.refuse(400, server_id, body))
        flavor = self.stored(server_id).flavor
        move = Migration(
            uuid="m", instance_uuid=server_id, migration_type="resize", status="finished", source_compute="host1",
            source_node="n", dest_compute="host1", dest_node="n", old_flavor=flavor, new_flavor=flavor,
            old_vm_state="active",
        )  # fmt: skip
        for body, code, method, status in (
            ({"confirmResize": None}, 204, "confirm_resize", "confirming"),
            ({"revertResize": None}, 202, "revert_resize", "reverting"),
        ):
            server_id = self.active(vm_state="resized")
            one = move.replace(uuid=method, instance_uuid=server_id)
            with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
                moves.create(conn, one, now())
            self.act(server_id, body, code=code)
            self.assertEqual((method, "host1"), self.cells.sent.messages[-1][:2])
            self.assertEqual(method, self.cells.sent.messages[-1][3].uuid)
            with self.cells.get(self.cell_uuids[1]).db.reader() as conn:
                self.assertEqual(status, moves.find(conn, uuid=method)[0].status)
            self.assertIn(self.request("POST", f"/servers/{server_id}/action", body).status_int, (400, 409))
        self.assertIn("Cannot 'confirmResize' instance", self.refuse(409, self.active(), {"confirmResize": None}))

    def test_not_while_something_else_is_going_on(self) -> None:
        server_id = self.active(task_state="powering-off")
        message = self.refuse(409, server_id, {"pause": None})
        self.assertEqual(f"Cannot 'pause' instance {server_id} while it is in task_state powering-off", message)
        self.set(server_id, task_state="rebooting")
        self.act(server_id, {"reboot": {"type": "HARD"}})
        self.assertEqual("HARD", self.cells.sent.messages[-1][3])
        self.assertEqual("rebooting_hard", self.stored(server_id).task_state)

    def test_one_of_many_at_once(self) -> None:
        server_id = self.active()
        codes: list[int] = []

        def stop() -> None:
            codes.append(self.request("POST", f"/servers/{server_id}/action", {"os-stop": None}).status_int)

        threads = [threading.Thread(target=stop) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([202] + [409] * 7, sorted(codes))
        self.assertEqual(["stop_instance"], self.cells.sent.methods)

    def test_where_there_is_no_host(self) -> None:
        waiting = self.boot()
        self.assertIn("vm_state building", self.refuse(409, waiting, {"os-stop": None}))
        buried = self.active(0, vm_state="error")
        self.assertIn("not ready", self.refuse(409, buried, {"reboot": {"type": "HARD"}}))
        server_id = self.active()
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            (service,) = services.find(conn, host="host1")
            services.update(conn, service.uuid, now(), forced_down=True)
        self.assertIn("down", self.refuse(409, server_id, {"os-stop": None}))
        self.assertIsNone(self.stored(server_id).task_state)

    def test_malformed(self) -> None:
        server_id = self.active()
        for body, word in (
            ({}, "body"),
            ({"os-start": None, "os-stop": None}, "body"),
            ({"fly": None}, "no such action: fly"),
            ({"reboot": {}}, "type"),
            ({"reboot": None}, "reboot"),
            ({"reboot": {"type": "warm"}}, "reboot.type"),
            ({"reboot": {"type": "SOFT", "x": 1}}, "reboot"),
            ({"os-getConsoleOutput": {"length": "x"}}, "length"),
            ({"os-getConsoleOutput": {"length": -2}}, "length"),
            ({"os-getConsoleOutput": {"length": 10**30}}, "length"),
            ({"os-getConsoleOutput": {"more": 1}}, "os-getConsoleOutput"),
            ([], "body"),
        ):
            self.assertIn(word, self.refuse(400, server_id, body))
        self.refuse(404, "11111111-2222-3333-4444-555555555555", {"os-stop": None})
        self.refuse(404, server_id, {"os-stop": None}, token="other")
        self.refuse(403, server_id, {"os-stop": None}, token="reader")

    def test_what_is_not_there(self) -> None:
        server_id = self.active()
        self.assertIn("addFixedIp is not available", self.refuse(501, server_id, {"addFixedIp": {"networkId": "x"}}))
        self.assertEqual(
            "notImplemented",
            next(iter(self.request("POST", f"/servers/{server_id}/action", {"injectNetworkInfo": None}).json)),
        )
        self.refuse(409, server_id, {"restore": None})
        self.refuse(410, server_id, {"resetNetwork": None})
        self.refuse(410, server_id, {"os-getRDPConsole": {}})
        self.refuse(404, server_id, {"os-getRDPConsole": {}}, version=6)
        self.refuse(404, server_id, {"addFixedIp": {}}, version=44)
        self.refuse(404, server_id, {"trigger_crash_dump": None}, version=16)

    def test_each_key_has_windows_that_do_not_overlap(self) -> None:
        for one in ACTIONS:
            for other in ACTIONS:
                if one is not other and one.key == other.key:
                    self.assertTrue((one.until or 999) < other.since or (other.until or 999) < one.since, one.key)

    def test_locks(self) -> None:
        server_id = self.active()
        path = f"/servers/{server_id}"
        self.act(server_id, {"lock": {"locked_reason": "mine"}}, version=73)
        server = self.ok("GET", path, version=73)["server"]
        self.assertEqual((True, "mine"), (server["locked"], server["locked_reason"]))
        self.assertIn("is locked", self.refuse(409, server_id, {"os-stop": None}))
        self.refused(409, "POST", f"{path}/metadata", {"metadata": {"a": "b"}})
        self.act(server_id, {"os-stop": None}, token="admin")
        self.act(server_id, {"unlock": None})
        self.assertEqual(
            (False, None), tuple(self.ok("GET", path, version=73)["server"][key] for key in ("locked", "locked_reason"))
        )
        self.assertEqual({"lock", "unlock", "stop", "create"}, {one.action for one in self.recorded(server_id)})
        self.refuse(400, server_id, {"lock": {"locked_reason": ""}}, version=73)
        self.refuse(400, server_id, {"lock": {"locked_reason": "x" * 256}}, version=73)
        self.act(server_id, {"lock": {"anything": 1}}, version=72)
        self.assertIsNone(self.stored(server_id).locked_reason)

    def test_an_administrators_lock(self) -> None:
        server_id = self.active(token="other")
        self.act(server_id, {"lock": None}, token="admin")
        self.act(server_id, {"lock": None}, token="other")
        self.assertEqual("admin", self.stored(server_id).locked_by)
        self.assertIn("unlock_override", self.refuse(403, server_id, {"unlock": None}, token="other"))
        self.act(server_id, {"unlock": None}, token="admin")
        self.act(server_id, {"lock": None}, token="other")
        self.act(server_id, {"unlock": None}, token="other")

    def test_a_lock_before_it_has_a_cell(self) -> None:
        server_id = self.boot()
        self.act(server_id, {"lock": None})
        self.refused(409, "DELETE", f"/servers/{server_id}")
        self.assertTrue(self.ok("GET", f"/servers/{server_id}", version=9)["server"]["locked"])

    def test_reset_state(self) -> None:
        server_id = self.active(task_state="rebooting")
        self.refuse(403, server_id, {"os-resetState": {"state": "error"}})
        self.act(server_id, {"os-resetState": {"state": "error"}}, token="admin")
        self.assertEqual(("error", None), (self.stored(server_id).vm_state, self.stored(server_id).task_state))
        self.act(server_id, {"os-resetState": {"state": "active"}}, token="admin")
        self.assertEqual("ACTIVE", self.ok("GET", f"/servers/{server_id}")["server"]["status"])
        self.refuse(400, server_id, {"os-resetState": {"state": "paused"}}, token="admin")
        self.assertIsNotNone(self.recorded(server_id)[0].finish_time)

    def test_console_output(self) -> None:
        server_id = self.active()
        self.cells.sent.answers["get_console_output"] = "lines"
        for value, lines in (
            ({}, None),
            (None, None),
            ({"length": 5}, 5),
            ({"length": "7"}, 7),
            ({"length": -1}, None),
        ):
            answer = self.act(server_id, {"os-getConsoleOutput": value}, code=200)
            self.assertEqual({"output": "lines"}, answer)
            self.assertEqual(
                ("get_console_output", "host1", lines),
                (*self.cells.sent.messages[-1][:2], self.cells.sent.messages[-1][3]),
            )
        self.refuse(409, self.boot(), {"os-getConsoleOutput": {}})

    def test_no_console(self) -> None:
        server_id = self.active()

        self.cells.sent.answers["get_console_output"] = exception.GuestNotFound(instance_uuid=server_id)
        self.refuse(409, server_id, {"os-getConsoleOutput": {}})

    def test_force_delete(self) -> None:
        server_id = self.active()
        self.act(server_id, {"forceDelete": None})
        self.assertEqual("deleting", self.stored(server_id).task_state)
