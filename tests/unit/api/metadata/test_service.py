# SPDX-License-Identifier: Apache-2.0
"""The metadata service as a guest meets it, behind a proxy that signs."""

from __future__ import annotations

import base64
import json
import stat
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import webob

from minicloud import exception
from minicloud.api.deployment import Deployment
from minicloud.api.metadata.app import make_app
from minicloud.context import RequestContext
from minicloud.db.api import mappings
from minicloud.db.cell import instances
from minicloud.guest_data import signature
from minicloud.objects import FixedIp, Flavor, Instance, Vif
from minicloud.web.moments import now
from tests.unit.api.servers import base

KEY = "ssh-ed25519 AAAA me@home"
ADDRESS = "10.0.0.5"


class Network(base.Network):
    """Ports by server, and a count of how often they were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: dict[str, list[Vif]] = {}
        self.asked = 0
        self.is_away = False

    def describe(self, ctxt: RequestContext, instance_uuids: list[str]) -> dict[str, list[Vif]]:
        self.asked += 1
        if self.is_away:
            raise exception.ServiceUnavailable(reason="it is away")
        return {one: self.ports.get(one, []) for one in instance_uuids}


class ServiceTest(base.ServersTest):
    def setUp(self) -> None:
        super().setUp()
        self.conf.set_override("state_dir", str(self.folder))
        self.network = self.ports = Network()
        self.deployment = Deployment(
            self.conf, self.api_db, self.cells, self.scheduler, base.Identity(), self.images, self.network
        )
        self.secret = signature.shared_secret(self.conf)
        self.service = make_app(self.deployment)
        self.server = self.place()

    def place(self, project: str = base.PROJECT, address: str = ADDRESS, **fields: Any) -> Instance:
        """A server in a cell, with a port."""
        made = Instance(
            **{
                "uuid": str(uuid.uuid4()),
                "project_id": project,
                "user_id": "u1",
                "display_name": "web",
                "hostname": "web",
                "vm_state": "active",
                "flavor": Flavor(flavorid="1", name="m1.tiny", vcpus=1, memory_mb=512, root_gb=1),
                "image_id": base.IMAGE,
                "key_name": "key",
                "key_data": KEY,
                "user_data": base64.b64encode(b"#!/bin/sh\n\xff").decode(),
                "host": "host1",
                **fields,
            }
        )
        with self.api_db.writer() as conn:
            mappings.create_all(conn, [made], now())
            mappings.set_cell(conn, [made.uuid], self.cell_uuids[1])
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            instances.create(conn, made, now())
        fixed = FixedIp(address=address, subnet_id="s", prefix=24, floating=("172.24.4.9",))
        self.ports.ports[made.uuid] = [
            Vif(port_id="p" * 36, network_id="n", network_name="n", mac_address="fa:16:3e:00:00:01", fixed_ips=(fixed,))
        ]
        return made

    def ask(
        self, path: str, *, method: str = "GET", body: bytes = b"", service: Any = None, **headers: str | None
    ) -> webob.Response:
        """:param headers: in place of those that a proxy would send, with _ for -; None: not at all"""
        request = webob.Request.blank(path, method=method, body=body)
        sent: dict[str, str | None] = {
            signature.INSTANCE: self.server.uuid,
            signature.PROJECT: self.server.project_id,
            signature.SOURCE: ADDRESS,
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        sent.setdefault(signature.SIGNATURE, signature.sign(self.secret, str(sent[signature.INSTANCE])))
        for name, value in sent.items():
            if value is not None:
                request.headers[name] = value
        return request.get_response(service or self.service)

    def text(self, path: str, **headers: str) -> str:
        answer = self.ask(path, **headers)
        self.assertEqual(200, answer.status_int, answer.text)
        return str(answer.text)


class TreesTest(ServiceTest):
    def test_meta_data(self) -> None:
        shown = json.loads(self.text("/openstack/latest/meta_data.json"))
        self.assertEqual((self.server.uuid, {"key": KEY}), (shown["uuid"], shown["public_keys"]))
        self.assertEqual("web.cloud.local", shown["hostname"])
        self.assertNotIn("admin_pass", shown)

    def test_network_data_is_what_the_network_says_now(self) -> None:
        (link,) = json.loads(self.text("/openstack/latest/network_data.json"))["links"]
        self.assertEqual("p" * 36, link["vif_id"])

    def test_user_data_is_byte_for_byte(self) -> None:
        for path in ("/openstack/2013-10-17/user_data", "/latest/user-data", "/2009-04-04/user-data/"):
            answer = self.ask(path)
            self.assertEqual((b"#!/bin/sh\n\xff", "application/octet-stream"), (answer.body, answer.content_type))

    def test_folders(self) -> None:
        self.assertEqual(["1.0", "latest"], [self.text("/").split()[0], self.text("/").split()[-1]])
        self.assertEqual(
            ["2012-08-10", "latest"], self.text("/openstack").split()[:: len(self.text("/openstack").split()) - 1]
        )
        self.assertEqual(["meta_data.json", "user_data", "password"], self.text("/openstack/2013-04-04/").split())
        self.assertEqual(["meta-data/", "user-data"], self.text("/latest/").split())
        self.assertIn("placement/", self.text("/latest/meta-data/").split())

    def test_ec2_leaves(self) -> None:
        for path, value in {
            "instance-id": f"i-{self.server.uuid[:8]}",
            "local-ipv4": ADDRESS,
            "public-ipv4": "172.24.4.9",
            "public-keys/": "0=key",
            "public-keys/0/openssh-key": KEY,
            "placement/availability-zone": "nova",
        }.items():
            self.assertEqual(value, self.text(f"/2009-04-04/meta-data/{path}"), path)

    def test_what_is_not_there(self) -> None:
        for path in (
            "/openstack/2011-01-01/meta_data.json",
            "/openstack/latest/nothing",
            "/openstack/latest/meta_data.json/x",
            "/openstack/2012-08-10/vendor_data.json",
            "/openstack/2012-08-10/password",
            "/openstack/content/0000",
            "/openstack/content",
            "/latest/meta-data/nothing",
            "/latest/dynamic",
            "/3000-01-01/",
            "/../etc/passwd",
        ):
            self.assertEqual(404, self.ask(path).status_int, path)

    def test_only_the_password_is_written_to(self) -> None:
        self.assertEqual(405, self.ask("/openstack/latest/meta_data.json", method="POST").status_int)
        self.assertEqual(405, self.ask("/openstack/latest/password", method="DELETE").status_int)

    def test_while_it_boots_a_guest_costs_one_look(self) -> None:
        for _ in range(20):
            self.text("/latest/meta-data/instance-id")
        self.assertEqual(1, self.ports.asked)

    def test_nothing_is_remembered_where_that_is_not_wanted(self) -> None:
        self.conf.set_override("cache_seconds", 0, group="metadata")
        self.text("/latest/meta-data/instance-id")
        self.text("/latest/meta-data/instance-id")
        self.assertEqual(2, self.ports.asked)

    def test_without_the_network_service_the_record_tells(self) -> None:
        ports = tuple(self.ports.ports[self.server.uuid])
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            instances.update(conn, self.server.uuid, now(), network_info=ports)
        self.ports.is_away = True
        self.assertEqual(ADDRESS, self.text("/latest/meta-data/local-ipv4"))


class WhoAsksTest(ServiceTest):
    def test_nobody_is_told_anything_without_a_signature(self) -> None:
        right = signature.sign(self.secret, self.server.uuid)
        for wrong in (None, "", "0" * 64, right.upper(), right[:-1], "é" * 10):
            self.assertEqual(403, self.ask("/", X_Instance_ID_Signature=wrong).status_int, wrong)
        other = self.place(address="10.0.0.6")
        self.assertEqual(403, self.ask("/", X_Instance_ID=other.uuid, X_Instance_ID_Signature=right).status_int)
        self.assertEqual(403, self.ask("/", X_Instance_ID=None, X_Instance_ID_Signature=None).status_int)

    def test_a_signature_of_another_cloud_is_none(self) -> None:
        theirs = signature.sign(b"another secret", self.server.uuid)
        self.assertEqual(403, self.ask("/", X_Instance_ID_Signature=theirs).status_int)

    def test_a_server_of_another_project_is_not_found(self) -> None:
        self.assertEqual(404, self.ask("/", X_Tenant_ID=base.OTHER).status_int)
        self.assertEqual(404, self.ask("/", X_Tenant_ID=None).status_int)

    def test_also_not_when_its_owner_has_just_asked(self) -> None:
        self.text("/")
        self.assertEqual(404, self.ask("/", X_Tenant_ID=base.OTHER).status_int)
        self.assertEqual(404, self.ask("/", X_Minicloud_Source_Address="10.0.0.6").status_int)

    def test_an_address_that_is_not_the_servers_is_not_found(self) -> None:
        for address in ("10.0.0.6", "nonsense", "::1"):
            self.assertEqual(404, self.ask("/", X_Minicloud_Source_Address=address).status_int, address)

    def test_neutrons_agent_may_be_the_proxy(self) -> None:
        def ask(address: str) -> int:
            forwarded = {"X_Minicloud_Source_Address": None, "X_Forwarded_For": f"{address}, 127.0.0.1"}
            return int(self.ask("/", **forwarded).status_int)

        self.assertEqual((200, 404), (ask(ADDRESS), ask("10.0.0.6")))

    def test_unknown_servers(self) -> None:
        for unknown in (str(uuid.uuid4()), "x", "' OR 1=1 --"):
            self.assertEqual(404, self.ask("/", X_Instance_ID=unknown).status_int, unknown)

    def test_a_deleted_server_is_unknown(self) -> None:
        with self.cells.get(self.cell_uuids[1]).db.writer() as conn:
            instances.destroy(conn, self.server.uuid, now())
        self.assertEqual(404, self.ask("/").status_int)

    def test_the_secret_is_the_owners_alone_and_stays(self) -> None:
        path = self.folder / "metadata.secret"
        self.assertEqual((0o600, 64), (stat.S_IMODE(path.stat().st_mode), len(path.read_bytes())))
        self.assertEqual(self.secret, signature.shared_secret(self.conf))
        self.conf.set_override("proxy_shared_secret", "mine", group="metadata")
        self.assertEqual(b"mine", signature.shared_secret(self.conf))

    def test_of_two_secrets_made_at_once_one_stays(self) -> None:
        (self.folder / "metadata.secret").unlink()
        with ThreadPoolExecutor(8) as pool:
            made = set(pool.map(lambda _: signature.shared_secret(self.conf), range(8)))
        self.assertEqual(1, len(made))

    def test_answers_are_not_kept_on_their_way(self) -> None:
        self.assertEqual("no-store", self.ask("/").headers["Cache-Control"])


class PasswordTest(ServiceTest):
    PATH = "/openstack/latest/password"

    def tell(self, body: bytes) -> int:
        return int(self.ask(self.PATH, method="POST", body=body).status_int)

    def test_told_once_and_read_by_the_owner(self) -> None:
        self.assertEqual("", self.text(self.PATH))
        self.assertEqual(200, self.tell(b"ENCRYPTED=="))
        self.assertEqual(409, self.tell(b"another"))
        self.assertEqual("ENCRYPTED==", self.text(self.PATH))
        path = f"/servers/{self.server.uuid}/os-server-password"
        self.assertEqual({"password": "ENCRYPTED=="}, self.ok("GET", path))
        self.ok("DELETE", path, code=204)
        self.assertEqual(("", {"password": ""}), (self.text(self.PATH), self.ok("GET", path)))
        self.assertEqual(200, self.tell(b"again"))

    def test_what_is_no_password(self) -> None:
        self.assertEqual(400, self.tell(b"x" * 1021))
        self.assertEqual(400, self.tell(b"a\0b"))
        self.assertEqual(400, self.tell(b"\xff\xfe"))
        self.assertEqual(200, self.tell(b"x" * 1020))

    def test_what_else_is_noted_stays(self) -> None:
        server = self.place(address="10.0.0.7", system_metadata={"rescue_image": "i"})
        headers = {"X_Instance_ID": server.uuid, "X_Minicloud_Source_Address": "10.0.0.7"}
        self.assertEqual(200, self.ask(self.PATH, method="POST", body=b"p", **headers).status_int)
        with self.cells.get(self.cell_uuids[1]).db.reader() as conn:
            kept = instances.get(conn, server.uuid).system_metadata
        self.assertEqual({"rescue_image": "i", "password": "p"}, kept)


class Vendor(BaseHTTPRequestHandler):
    """Says what it was asked."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500 if self.path == "/broken" else 200)
        self.end_headers()
        self.wfile.write(b'{"asked": ' + asked + b"}" if self.path != "/text" else b"no JSON")

    def log_message(self, *_: object) -> None:
        pass


class VendorDataTest(ServiceTest):
    def shown(self, name: str) -> Any:
        return json.loads(self.ask(f"/openstack/latest/{name}", service=make_app(self.deployment)).body)

    def file(self, text: str) -> None:
        path = Path(self.folder) / "vendor.json"
        path.write_text(text)
        self.conf.set_override("vendordata_jsonfile_path", str(path), group="metadata")

    def test_without_any(self) -> None:
        self.assertEqual(({}, {"static": {}}), (self.shown("vendor_data.json"), self.shown("vendor_data2.json")))

    def test_the_file_is_for_all(self) -> None:
        self.file('{"cloud": "ours"}')
        self.assertEqual({"cloud": "ours"}, self.shown("vendor_data.json"))
        self.assertEqual({"static": {"cloud": "ours"}}, self.shown("vendor_data2.json"))

    def test_a_file_that_is_none_harms_nobody(self) -> None:
        for text in ("{", "[1]"):
            self.file(text)
            self.assertEqual({}, self.shown("vendor_data.json"))
        self.conf.set_override("vendordata_jsonfile_path", str(self.folder / "absent"), group="metadata")
        self.assertEqual({}, self.shown("vendor_data.json"))

    def test_services_are_asked_for_each_server(self) -> None:
        server = HTTPServer(("127.0.0.1", 0), Vendor)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        targets = [
            f"one@{url}/",
            f"broken@{url}/broken",
            f"text@{url}/text",
            "away@http://127.0.0.1:1/",
            "file@file:///etc/passwd",
            f"static@{url}/",
        ]
        self.conf.set_override("vendordata_dynamic_targets", targets, group="metadata")
        shown = self.shown("vendor_data2.json")
        self.assertEqual(
            {
                "project-id": base.PROJECT,
                "instance-id": self.server.uuid,
                "image-id": base.IMAGE,
                "user-data": self.server.user_data,
                "hostname": "web",
                "metadata": {},
                "boot-roles": "",
            },
            shown.pop("one")["asked"],
        )
        self.assertEqual({"static": {}, "broken": {}, "text": {}, "away": {}}, shown)
