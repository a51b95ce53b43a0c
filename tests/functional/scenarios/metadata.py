# SPDX-License-Identifier: Apache-2.0
"""What a server is told of itself, by the service and by a proxy that knows the cloud's secret."""

from __future__ import annotations

import base64
import json

import requests

from minicloud.guest_data import signature
from tests.functional.base import CloudTest


class Metadata(CloudTest):
    def ask(self, server_id: str, path: str, *, project: str | None = None, **options: str) -> requests.Response:
        secret = (self.cloud.folder / "metadata.secret").read_bytes()
        headers = {
            signature.INSTANCE: server_id,
            signature.PROJECT: project or self.user.project_id,
            signature.SIGNATURE: signature.sign(secret, server_id),
        }
        if address := options.get("address"):
            headers[signature.SOURCE] = address
        url = f"{self.cloud.url}/metadata{path}"
        return requests.request(
            options.get("method", "GET"), url, headers=headers, data=options.get("body"), timeout=30
        )

    def test_a_server_learns_who_it_is(self) -> None:
        network = self.network(self.user)
        user_data = base64.b64encode(b"#!/bin/sh\n").decode()
        server_id = self.user.boot(
            "first", networks=[{"uuid": network}], metadata={"role": "web"}, user_data=user_data, config_drive=True
        )
        server = self.user.until(server_id, "ACTIVE")
        address = server["addresses"]["n"][0]["addr"]
        shown = json.loads(self.ask(server_id, "/openstack/latest/meta_data.json", address=address).text)
        self.assertEqual(
            (server_id, "first", {"role": "web"}, self.user.project_id),
            (shown["uuid"], shown["name"], shown["meta"], shown["project_id"]),
        )
        self.assertEqual("#!/bin/sh\n", self.ask(server_id, "/latest/user-data", address=address).text)
        self.assertEqual(address, self.ask(server_id, "/latest/meta-data/local-ipv4", address=address).text)
        (link,) = json.loads(self.ask(server_id, "/openstack/latest/network_data.json").text)["links"]
        (port,) = self.ports(self.user)
        self.assertEqual((port["id"], port["mac_address"]), (link["vif_id"], link["ethernet_mac_address"]))

    def test_nobody_learns_of_others(self) -> None:
        server_id = self.user.boot()
        self.user.until(server_id, "ACTIVE")
        path = "/openstack/latest/meta_data.json"
        self.assertEqual(200, self.ask(server_id, path).status_code)
        self.assertEqual(404, self.ask(server_id, path, project=self.new_project().project_id).status_code)
        self.assertEqual(404, self.ask(server_id, path, address="203.0.113.7").status_code)
        headers = {signature.INSTANCE: server_id, signature.PROJECT: self.user.project_id}
        for wrong in ({}, {signature.SIGNATURE: "0" * 64}):
            answer = requests.get(f"{self.cloud.url}/metadata{path}", headers={**headers, **wrong}, timeout=30)
            self.assertEqual(403, answer.status_code)

    def test_a_password_comes_from_the_guest_to_its_owner(self) -> None:
        server_id = self.user.boot()
        self.user.until(server_id, "ACTIVE")
        path = "/openstack/latest/password"
        self.assertEqual(200, self.ask(server_id, path, method="POST", body="ENCRYPTED==").status_code)
        self.assertEqual(409, self.ask(server_id, path, method="POST", body="again").status_code)
        found = self.user.compute(f"/servers/{server_id}/os-server-password")
        self.assertEqual({"password": "ENCRYPTED=="}, found)

    def test_an_administrators_password_is_written_nowhere(self) -> None:
        server_id = self.user.boot(adminPass="Sekret-4711-x", config_drive=True)
        self.user.until(server_id, "ACTIVE")
        self.assertNotIn("Sekret", self.ask(server_id, "/openstack/latest/meta_data.json").text)
        told = [
            path for path in self.cloud.folder.rglob("*") if path.is_file() and b"Sekret-4711-x" in path.read_bytes()
        ]
        self.assertEqual([], told)
