# SPDX-License-Identifier: Apache-2.0
"""What lies below a server: metadata, tags, addresses, ports, security groups, actions."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.api.microversions import MAXIMUM
from minicloud.context import RequestContext
from minicloud.db.cell import actions, instances
from minicloud.objects import InstanceUpdate
from minicloud.web.moments import now
from tests.unit.api.servers.base import NETWORK, PROJECT, VIF, ServersTest
from tests.unit.api.servers.test_shapes import INTERFACES, SERVERS
from tests.unit.api.shapes import at, check


class Metadata(ServersTest):
    def setUp(self) -> None:
        super().setUp()
        self.path = f"/servers/{self.active()}/metadata"

    def test_all_six(self) -> None:
        self.assertEqual({"metadata": {}}, self.ok("GET", self.path))
        self.assertEqual({"metadata": {"a": "1"}}, self.ok("POST", self.path, {"metadata": {"a": "1"}}))
        self.assertEqual({"metadata": {"a": "1", "b": "2"}}, self.ok("POST", self.path, {"metadata": {"b": "2"}}))
        self.assertEqual({"meta": {"b": "2"}}, self.ok("GET", f"{self.path}/b"))
        self.assertEqual({"meta": {"b": "3"}}, self.ok("PUT", f"{self.path}/b", {"meta": {"b": "3"}}))
        self.assertEqual({"metadata": {"c": "4"}}, self.ok("PUT", self.path, {"metadata": {"c": "4"}}))
        self.ok("DELETE", f"{self.path}/c", code=204)
        self.assertEqual({"metadata": {}}, self.ok("GET", self.path))

    def test_refused(self) -> None:
        for body in (
            {},
            {"metadata": None},
            {"metadata": {"a": 1}},
            {"metadata": {"": "x"}},
            {"metadata": {"k" * 256: "x"}},
            {"metadata": {"k": "x" * 256}},
            {"metadata": {}, "more": 1},
        ):
            for method in ("POST", "PUT"):
                self.refused(400, method, self.path, body)
        self.refused(400, "PUT", f"{self.path}/a", {"meta": {"b": "1"}})
        self.refused(400, "PUT", f"{self.path}/a", {"meta": {}})
        self.refused(400, "PUT", f"{self.path}/a", {"meta": {"a": "1", "b": "2"}})
        self.refused(404, "GET", f"{self.path}/a")
        self.refused(404, "DELETE", f"{self.path}/a")
        self.refused(404, "GET", self.path, token="other")
        self.refused(403, "POST", self.path, {"metadata": {"a": "b"}}, token="reader")

    def test_the_quota(self) -> None:
        self.ok("POST", self.path, {"metadata": {str(number): "x" for number in range(128)}})
        self.refused(403, "POST", self.path, {"metadata": {"one more": "x"}})
        self.ok("PUT", f"{self.path}/1", {"meta": {"1": "y"}})
        self.assertEqual(128, len(self.ok("GET", self.path)["metadata"]))

    def test_only_at_rest(self) -> None:
        waiting = self.boot()
        self.assertIn("vm_state building", self.refused(409, "POST", f"/servers/{waiting}/metadata", {"metadata": {}}))


class Tags(ServersTest):
    def setUp(self) -> None:
        super().setUp()
        self.server_id = self.active()
        self.path = f"/servers/{self.server_id}/tags"

    def test_all_six(self) -> None:
        v: dict[str, Any] = {"version": 26}
        self.refused(404, "GET", self.path, version=25)
        self.assertEqual({"tags": []}, self.ok("GET", self.path, **v))
        self.assertEqual({"tags": ["a", "b"]}, self.ok("PUT", self.path, {"tags": ["b", "a"]}, **v))
        response = self.request("PUT", f"{self.path}/c", **v)
        self.assertEqual(
            (201, f"http://cloud/compute/v2.1{self.path}/c"), (response.status_int, response.headers["Location"])
        )
        self.ok("PUT", f"{self.path}/c", code=204, **v)
        self.ok("GET", f"{self.path}/c", code=204, **v)
        self.refused(404, "GET", f"{self.path}/d", **v)
        self.ok("DELETE", f"{self.path}/a", code=204, **v)
        self.refused(404, "DELETE", f"{self.path}/a", **v)
        self.assertEqual(["b", "c"], self.ok("GET", f"/servers/{self.server_id}", **v)["server"]["tags"])
        self.ok("DELETE", self.path, code=204, **v)
        self.assertEqual({"tags": []}, self.ok("GET", self.path, **v))

    def test_refused(self) -> None:
        many = [str(number) for number in range(51)]
        for tags in ("x", ["x" * 61], ["a,b"], ["a/b"], [""], [1], ["a", "a"], many):
            self.refused(400, "PUT", self.path, {"tags": tags}, version=26)
        self.refused(400, "PUT", f"{self.path}/{'x' * 61}", version=26)
        self.refused(400, "PUT", f"{self.path}/a,b", version=26)
        self.ok("PUT", self.path, {"tags": many[:50]}, version=26)
        self.assertIn("50", self.refused(400, "PUT", f"{self.path}/more", version=26))
        self.refused(409, "PUT", f"/servers/{self.boot()}/tags/a", version=26)


class Network(ServersTest):
    def test_addresses(self) -> None:
        server_id = self.active()
        wanted = [{"version": 4, "addr": "192.168.1.30"}, {"version": 4, "addr": "1.2.3.4"}]
        self.assertEqual({"addresses": {"private": wanted}}, self.ok("GET", f"/servers/{server_id}/ips"))
        self.assertEqual({"private": wanted}, self.ok("GET", f"/servers/{server_id}/ips/private"))
        self.refused(404, "GET", f"/servers/{server_id}/ips/public")
        check(self, SERVERS[1].list_addresses, self.ok("GET", f"/servers/{server_id}/ips"), "ips")

    def test_ports(self) -> None:
        server_id = self.active()
        path = f"/servers/{server_id}/os-interface"
        for version in (1, 69, 70, MAXIMUM):
            one = at(version, INTERFACES)
            check(self, one.list_interfaces, self.ok("GET", path, version=version), version)
            check(self, one.get_create_interfaces, self.ok("GET", f"{path}/{VIF.port_id}", version=version), version)
        port = self.ok("GET", path)["interfaceAttachments"][0]
        self.assertEqual((NETWORK, "ACTIVE"), (port["net_id"], port["port_state"]))
        self.refused(404, "GET", f"{path}/x")

    def test_security_groups(self) -> None:
        server_id = self.active()
        (group,) = self.ok("GET", f"/servers/{server_id}/os-security-groups")["security_groups"]
        self.assertEqual({"id", "name", "description", "rules", "tenant_id"}, group.keys())
        self.assertEqual(["r2", "r3"], [rule["id"] for rule in group["rules"]])
        self.assertEqual({"cidr": "0.0.0.0/0"}, group["rules"][0]["ip_range"])
        self.assertEqual({"name": "default", "tenant_id": PROJECT}, group["rules"][1]["group"])


class Attach(ServersTest):
    def attach(self, server_id: str, body: dict[str, Any], code: int = 200, **options: Any) -> Any:
        return self.ok(
            "POST", f"/servers/{server_id}/os-interface", {"interfaceAttachment": body}, code=code, **options
        )

    def refuse(self, code: int, server_id: str, body: dict[str, Any], **options: Any) -> str:
        path = f"/servers/{server_id}/os-interface"
        return self.refused(code, "POST", path, {"interfaceAttachment": body}, **options)

    def test_a_port_more(self) -> None:
        server_id = self.active()
        self.cells.sent.answers["attach_interface"] = VIF.replace(tag="nic")
        for version in (1, 49, 70, MAXIMUM):
            found = self.attach(server_id, {"net_id": NETWORK}, version=version)
            check(self, at(version, INTERFACES).get_create_interfaces, found, version)
        method, host, instance, request = self.cells.sent.messages[-1]
        self.assertEqual(("attach_interface", "host1", server_id), (method, host, instance.uuid))
        self.assertEqual(NETWORK, request.network_id)
        self.attach(server_id, {"tag": "nic"}, version=49)
        self.assertEqual((NETWORK, "nic"), (self.cells.sent.messages[-1][3].network_id, "nic"))
        self.refuse(400, server_id, {"tag": "nic"}, version=48)

    def test_what_cannot_be_attached(self) -> None:
        server_id = self.active()
        self.refuse(400, server_id, {"net_id": NETWORK, "port_id": NETWORK})
        self.refuse(400, server_id, {"fixed_ips": [{"ip_address": "10.0.0.4"}]})
        self.refuse(400, server_id, {"net_id": "x"})
        self.refuse(404, server_id, {"net_id": server_id})
        self.refuse(404, server_id, {}, token="other")
        self.refuse(403, server_id, {}, token="reader")
        self.assertEqual([], self.cells.sent.methods)
        self.cells.sent.answers["attach_interface"] = exception.InterfaceAttachFailed(instance_uuid=server_id)
        self.assertIn("Failed to attach", self.refuse(500, server_id, {}))

    def test_states_and_locks(self) -> None:
        server_id = self.active(vm_state="suspended")
        self.assertIn("Cannot 'attach_interface' instance", self.refuse(409, server_id, {}))
        path = f"/servers/{server_id}/os-interface/{VIF.port_id}"
        self.assertIn("Cannot 'detach_interface' instance", self.refused(409, "DELETE", path))
        locked = self.active(locked_by="owner")
        self.assertIn("is locked", self.refuse(409, locked, {}))

    def test_a_port_less(self) -> None:
        server_id = self.active()
        self.ok("DELETE", f"/servers/{server_id}/os-interface/{VIF.port_id}", code=202)
        self.assertEqual(("detach_interface", "host1"), self.cells.sent.messages[-1][:2])
        self.assertEqual(VIF.port_id, self.cells.sent.messages[-1][3])
        self.refused(404, "DELETE", f"/servers/{server_id}/os-interface/{NETWORK}")


class Guards(ServersTest):
    def test_groups_come_and_go(self) -> None:
        server_id = self.active()
        path = f"/servers/{server_id}/action"
        self.ok("POST", path, {"addSecurityGroup": {"name": "web"}}, code=202)
        self.assertEqual(("default", "web"), self.stored(server_id).security_groups)
        self.ok("POST", path, {"removeSecurityGroup": {"name": "web"}}, code=202)
        self.assertEqual(("default",), self.stored(server_id).security_groups)
        self.network.groups = {"web": "id-of-web"}
        self.ok("POST", path, {"removeSecurityGroup": {"name": "web"}}, code=202)
        self.assertNotIn("security_groups", self.ok("GET", f"/servers/{server_id}")["server"])
        self.refused(404, "POST", path, {"addSecurityGroup": {"name": "nobody"}})
        for body in ({}, {"name": ""}, {"name": "  "}, {"name": 7}):
            self.refused(400, "POST", path, {"addSecurityGroup": body})
        self.refused(403, "POST", path, {"addSecurityGroup": {"name": "web"}}, token="reader")


class Password(ServersTest):
    def test_shown_and_forgotten(self) -> None:
        path = f"/servers/{self.active()}/os-server-password"
        self.assertEqual({"password": ""}, self.ok("GET", path))
        self.ok("DELETE", path, code=204)
        server_id = self.active(system_metadata={"password": "secret", "other": "x"})
        path = f"/servers/{server_id}/os-server-password"
        self.assertEqual({"password": "secret"}, self.ok("GET", path))
        self.refused(404, "GET", path, token="other")
        self.refused(403, "DELETE", path, token="reader")
        self.ok("DELETE", path, code=204)
        self.assertEqual({"password": ""}, self.ok("GET", path))
        self.assertEqual({"other": "x"}, self.stored(server_id).system_metadata)


class Actions(ServersTest):
    def make(self) -> str:
        """A server that was created, and rebooted by its host."""
        server_id = self.active()
        ctxt = RequestContext(project_id=PROJECT, user_id="u1", request_id="req-reboot")
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            actions.start(conn, ctxt, [server_id], "reboot", now())
            for step in (
                InstanceUpdate(uuid=server_id, start_event="compute_reboot_instance"),
                InstanceUpdate(
                    uuid=server_id,
                    finish_event="compute_reboot_instance",
                    event_result="Error",
                    event_traceback="where",
                    event_details="why",
                    finish_action=True,
                ),
            ):
                instances.apply(conn, step, "req-reboot", now())
        return server_id

    def test_shapes(self) -> None:
        server_id = self.make()
        path = f"/servers/{server_id}/os-instance-actions"
        for version in (*range(1, MAXIMUM + 1, 7), 50, 51, 58, 62, 84):
            for token in ("member", "admin"):
                one = at(version, SERVERS)
                options: dict[str, Any] = {"version": version, "token": token}
                check(self, one.list_instance_actions, self.ok("GET", path, **options), options)
                check(self, one.show_instance_action, self.ok("GET", f"{path}/req-reboot", **options), options)

    def test_what_events_tell_whom(self) -> None:
        path = f"/servers/{self.make()}/os-instance-actions/req-reboot"
        plain = {"event", "start_time", "finish_time", "result"}
        for version, token, keys in (
            (50, "member", None),
            (50, "admin", plain | {"traceback"}),
            (51, "member", plain),
            (62, "member", plain | {"hostId"}),
            (62, "admin", plain | {"hostId", "host", "traceback"}),
            (84, "admin", plain | {"hostId", "host", "traceback", "details"}),
        ):
            action = self.ok("GET", path, version=version, token=token)["instanceAction"]
            self.assertEqual(keys, action["events"][0].keys() if "events" in action else None, f"{version} {token}")
        self.assertEqual("Error", action["message"])

    def test_pages_and_moments(self) -> None:
        server_id = self.make()
        path = f"/servers/{server_id}/os-instance-actions"
        answer = self.ok("GET", f"{path}?limit=1", version=58)
        self.assertEqual(["reboot"], [one["action"] for one in answer["instanceActions"]])
        self.assertIn("marker=req-reboot", answer["links"][0]["href"])
        answer = self.ok("GET", f"{path}?limit=1&marker=req-reboot", version=58)
        self.assertEqual(["create"], [one["action"] for one in answer["instanceActions"]])
        self.assertNotIn("links", answer)
        self.assertEqual(2, len(self.ok("GET", f"{path}?limit=1")["instanceActions"]))
        self.assertEqual(
            [], self.ok("GET", f"{path}?changes-since=2999-01-01T00:00:00Z", version=58)["instanceActions"]
        )
        self.assertEqual(
            [], self.ok("GET", f"{path}?changes-before=1999-01-01T00:00:00Z", version=66)["instanceActions"]
        )
        for version, query in (
            (58, "marker=x"),
            (58, "limit=x"),
            (58, "changes-since=x"),
            (58, "changes-before=2000-01-01T00:00:00Z"),
            (66, "changes-since=2001-01-01T00:00:00Z&changes-before=2000-01-01T00:00:00Z"),
        ):
            self.refused(400, "GET", f"{path}?{query}", version=version)

    def test_of_a_deleted_server(self) -> None:
        server_id = self.make()
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            instances.destroy(conn, server_id, now())
        path = f"/servers/{server_id}/os-instance-actions"
        self.refused(404, "GET", path, version=20)
        self.assertEqual(2, len(self.ok("GET", path, version=21)["instanceActions"]))
        self.refused(404, "GET", path, version=21, token="other")
        self.refused(404, "GET", f"{path}/req-unknown", version=21)

    def test_before_it_has_a_cell(self) -> None:
        path = f"/servers/{self.boot()}/os-instance-actions"
        self.assertEqual({"instanceActions": []}, self.ok("GET", path))
        self.refused(404, "GET", f"{path}/req-x")
