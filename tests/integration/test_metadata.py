# SPDX-License-Identifier: Apache-2.0
"""A guest's way to the metadata service: bridge, DHCP server's namespace, proxy, service; real but for the guest."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any
from wsgiref import simple_server

from minicloud.builtin.network.agent.dhcp.part import Dhcp
from minicloud.builtin.network.agent.links.bridges import Bridges
from minicloud.builtin.network.agent.metadata.part import Metadata
from minicloud.builtin.network.agent.part import Part
from minicloud.objects import Instance
from minicloud.objects.host_network import HostAddress, HostNetwork, HostPort, HostState, HostSubnet
from tests.fixtures import namespaces
from tests.fixtures.namespaces import run
from tests.unit.api.metadata.test_service import KEY, ServiceTest

NETWORK = "99e88329-f20d-4741-9593-25bf07847b16"
DHCP_ADDRESS = "10.0.0.2"

#: What a guest does, without more than Python.
_ASK = """
import sys, urllib.error, urllib.request
method, path, body = sys.argv[1:]
request = urllib.request.Request("http://169.254.169.254" + path, body.encode() or None, method=method)
try:
    with urllib.request.urlopen(request, timeout=10) as answer:
        print(answer.status, answer.read().decode(), end="")
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode(), end="")
"""


class Quiet(simple_server.WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class GuestTest(ServiceTest):
    def setUp(self) -> None:
        super().setUp()
        if reason := namespaces.lacking():
            if namespaces.IS_REQUIRED:
                self.fail(reason)
            self.skipTest(reason)
        place = self.useFixture(namespaces.PrivateNetwork())
        self.conf.set_override("runtime_dir", str(place.folder), group="network")
        self._serve()
        self.parts: list[Part] = [Bridges(self.conf), Dhcp(self.conf), Metadata(self.conf)]
        self.addCleanup(self._clean)
        self.guests: dict[str, HostPort] = {}

    def _serve(self) -> None:
        server = simple_server.make_server("127.0.0.1", 0, self._mounted, handler_class=Quiet)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        self.conf.set_override("url", f"http://127.0.0.1:{server.server_port}/metadata", group="metadata")

    def _mounted(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix("/metadata")
        return self.service(environ, start_response)

    def _clean(self) -> None:
        for part in reversed(self.parts):
            part.clean()
            part.stop()

    def plug(self, name: str, instance: Instance, address: str) -> None:
        """A guest: a namespace with a cable to the network's bridge."""
        fixed = (HostAddress(subnet_id="s", address=address, prefix=24),)
        self.guests[name] = HostPort(
            id=f"{name:0<8}-0000",
            network_id=NETWORK,
            mac_address=f"fa:16:3e:00:00:0{len(self.guests) + 1}",
            host="h1",
            device_id=instance.uuid,
            device_owner="compute:nova",
            project_id=instance.project_id,
            addresses=fixed,
        )

    def apply(self) -> None:
        subnet = HostSubnet(id="s", ip_version=4, cidr="10.0.0.0/24", gateway_ip="10.0.0.1")
        dhcp = HostPort(
            id="d" * 36,
            network_id=NETWORK,
            mac_address="fa:16:3e:00:00:fe",
            host="h1",
            device_owner="network:dhcp",
            addresses=(HostAddress(subnet_id="s", address=DHCP_ADDRESS, prefix=24),),
        )
        ports = (*self.guests.values(), dhcp)
        network = HostNetwork(id=NETWORK, name="n", subnets=(subnet,), ports=ports, dhcp_port=dhcp)
        state = HostState(host="h1", networks=(network,), ports=tuple(self.guests.values()))
        for part in self.parts:
            part.apply(state)
        for name, port in self.guests.items():
            self._boot(name, port, network.bridge)

    def _boot(self, name: str, port: HostPort, bridge: str) -> None:
        if name in run("ip", "netns", "list"):
            return
        run("ip", "netns", "add", name)
        run("ip", "link", "add", port.devname, "type", "veth", "peer", "name", "eth0", "netns", name)
        run("ip", "link", "set", port.devname, "master", bridge, "up")
        run("ip", "link", "set", "eth0", "address", port.mac_address, "up", namespace=name)
        run("ip", "address", "add", f"{port.addresses[0].address}/24", "dev", "eth0", namespace=name)
        # What DHCP says in option 121.
        run("ip", "route", "add", "169.254.169.254/32", "via", DHCP_ADDRESS, namespace=name)

    def curl(self, guest: str, path: str, *, method: str = "GET", body: str = "") -> tuple[int, str]:
        code, _, text = run(sys.executable, "-c", _ASK, method, path, body, namespace=guest).partition(" ")
        return int(code), text

    def test_each_guest_is_told_of_itself(self) -> None:
        other = self.place(address="10.0.0.6", hostname="db")
        self.plug("web", self.server, "10.0.0.5")
        self.plug("db", other, "10.0.0.6")
        self.apply()
        for guest, instance in (("web", self.server), ("db", other)):
            code, text = self.curl(guest, "/openstack/latest/meta_data.json")
            shown = json.loads(text)
            self.assertEqual((200, instance.uuid, f"{guest}.cloud.local"), (code, shown["uuid"], shown["hostname"]))
        self.assertEqual((200, KEY), self.curl("web", "/latest/meta-data/public-keys/0/openssh-key"))
        self.assertEqual(200, self.curl("web", "/openstack/latest/password", method="POST", body="secret==")[0])
        self.assertEqual((200, "secret=="), self.curl("web", "/openstack/latest/password"))
        self.assertEqual((200, ""), self.curl("db", "/openstack/latest/password"))

    def test_an_address_that_was_taken_is_told_nothing(self) -> None:
        self.plug("web", self.server, "10.0.0.5")
        self.apply()
        run("ip", "address", "add", "10.0.0.77/24", "dev", "eth0", namespace="web")
        run("ip", "route", "replace", "169.254.169.254/32", "via", DHCP_ADDRESS, "src", "10.0.0.77", namespace="web")
        self.assertEqual(404, self.curl("web", "/openstack/latest/meta_data.json")[0])

    def test_a_new_process_takes_over(self) -> None:
        self.plug("web", self.server, "10.0.0.5")
        self.apply()
        self.parts[-1].stop()
        self.parts[-1] = Metadata(self.conf)
        self.apply()
        self.assertEqual(200, self.curl("web", "/latest/meta-data/instance-id")[0])

    def test_a_namespace_made_anew_is_found(self) -> None:
        self.plug("web", self.server, "10.0.0.5")
        self.apply()
        self.parts[1].clean()
        self.apply()
        self.assertEqual((200, "10.0.0.5"), self.curl("web", "/latest/meta-data/local-ipv4"))
