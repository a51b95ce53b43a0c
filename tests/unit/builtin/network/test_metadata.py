# SPDX-License-Identifier: Apache-2.0
"""The agent's proxy to the metadata service, on loopback sockets in place of those in namespaces."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import testtools

from minicloud import conf as configuration
from minicloud import exception
from minicloud.builtin.network.agent.metadata.limits import RateLimit
from minicloud.builtin.network.agent.metadata.part import Metadata, guests
from minicloud.guest_data import signature
from minicloud.objects.host_network import HostAddress, HostNetwork, HostPort, HostState

NETWORK, OTHER = "net-1", "net-2"


class Service(BaseHTTPRequestHandler):
    """A metadata service that keeps what it is asked."""

    def do_GET(self) -> None:
        server: Any = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server.asked.append((self.command, self.path, dict(self.headers), body))
        server.gate.wait(10)
        answer = b"from the service"
        self.send_response(404 if self.path.endswith("absent") else 200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


class Namespaces:
    """Namespaces that are all this one; each listener has a port of its own."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[int, int]] = {}
        self.ports: dict[str, int] = {}
        self.made: list[str] = []

    def identity(self, namespace: str) -> tuple[int, int] | None:
        return self.known.get(namespace)

    def listen(self, namespace: str) -> socket.socket:
        made = socket.create_server(("127.0.0.1", 0))
        made.setblocking(False)
        self.ports[namespace] = made.getsockname()[1]
        self.made.append(namespace)
        return made


def port(address: str = "127.0.0.1", **fields: Any) -> HostPort:
    known: dict[str, Any] = {
        "id": "port-1",
        "network_id": NETWORK,
        "mac_address": "fa:16:3e:00:00:01",
        "host": "h1",
        "device_id": "server-1",
        "device_owner": "compute:nova",
        "project_id": "project-1",
        "addresses": (HostAddress(subnet_id="s", address=address, prefix=8),),
    }
    return HostPort(**{**known, **fields})


def network(*ports: HostPort, key: str = NETWORK, dhcp: bool = True) -> HostNetwork:
    server = port("127.0.0.2", device_owner="network:dhcp", device_id="dhcp") if dhcp else None
    return HostNetwork(id=key, name=key, ports=ports, dhcp_port=server)


class MetadataTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.service = ThreadingHTTPServer(("127.0.0.1", 0), Service)
        self.asked: list[Any] = []
        self.gate = threading.Event()
        self.gate.set()
        vars(self.service).update(asked=self.asked, gate=self.gate, daemon_threads=True)
        self.addCleanup(self.service.server_close)
        self.addCleanup(self.service.shutdown)
        threading.Thread(target=self.service.serve_forever, args=(0.02,), daemon=True).start()
        self.conf = configuration.new(files=[])
        self.conf.set_override("url", f"http://127.0.0.1:{self.service.server_port}/metadata", group="metadata")
        self.conf.set_override("proxy_shared_secret", "secret", group="metadata")
        self.namespaces = Namespaces()
        for name in (NETWORK, OTHER):
            self.namespaces.known[f"mcdhcp-{name}"] = (1, len(self.namespaces.known))
        self.made: Metadata | None = None

    def part(self, **options: Any) -> Metadata:
        for name, value in options.items():
            self.conf.set_override(name, value, group="metadata")
        self.made = Metadata(self.conf, self.namespaces)
        self.addCleanup(self.made.stop)
        return self.made

    def serve(self, *networks: HostNetwork, **options: Any) -> Metadata:
        made = self.made or self.part(**options)
        made.apply(HostState(host="h1", networks=networks))
        return made

    def connect(self, key: str = NETWORK) -> http.client.HTTPConnection:
        made = http.client.HTTPConnection("127.0.0.1", self.namespaces.ports[f"mcdhcp-{key}"], timeout=10)
        self.addCleanup(made.close)
        return made

    def ask(
        self, path: str = "/", *, key: str = NETWORK, method: str = "GET", body: Any = None, **headers: str
    ) -> tuple[int, bytes]:
        made = self.connect(key)
        made.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = made.getresponse()
        return answer.status, answer.read()

    def wait_for(self, ready: Callable[[], Any]) -> None:
        deadline = time.monotonic() + 10
        while not ready():
            self.assertLess(time.monotonic(), deadline, "it did not happen in time")
            time.sleep(0.01)

    # --- who asks ------------------------------------------------------------------------------

    def test_a_question_is_passed_on_signed(self) -> None:
        self.serve(network(port()))
        self.assertEqual((200, b"from the service"), self.ask("/openstack/latest/meta_data.json?x=1"))
        ((method, path, headers, body),) = self.asked
        self.assertEqual(("GET", "/metadata/openstack/latest/meta_data.json?x=1", b""), (method, path, body))
        self.assertEqual(
            ("server-1", "project-1", "127.0.0.1"),
            (headers[signature.INSTANCE], headers[signature.PROJECT], headers[signature.SOURCE]),
        )
        self.assertTrue(signature.is_signed(b"secret", "server-1", headers[signature.SIGNATURE]))

    def test_a_guest_cannot_say_that_it_is_another(self) -> None:
        self.serve(network(port()))
        self.ask(
            "/",
            X_Instance_ID="server-2",
            X_Tenant_ID="project-2",
            X_Forwarded_For="10.0.0.9",
            X_Instance_ID_Signature="0",
            X_Minicloud_Source_Address="10.0.0.9",
        )
        ((_, _, headers, _),) = self.asked
        self.assertEqual(("server-1", "project-1"), (headers[signature.INSTANCE], headers[signature.PROJECT]))
        self.assertEqual(("127.0.0.1", "127.0.0.1"), (headers[signature.SOURCE], headers[signature.FORWARDED]))

    def test_an_unknown_address_is_told_nothing(self) -> None:
        self.serve(network(port("10.0.0.9")))
        self.assertEqual(404, self.ask()[0])
        self.assertEqual([], self.asked)

    def test_the_same_address_in_two_networks_is_two_servers(self) -> None:
        self.serve(network(port()), network(port(device_id="server-2"), key=OTHER))
        self.ask(key=NETWORK)
        self.ask(key=OTHER)
        self.assertEqual(["server-1", "server-2"], [headers[signature.INSTANCE] for _, _, headers, _ in self.asked])

    def test_only_what_compute_has_bound_is_a_server(self) -> None:
        mine = port("10.0.0.1")
        claimed = port("10.0.0.2", host="", device_id="server-of-another")
        router = port("10.0.0.3", device_owner="network:router_interface")
        self.assertEqual({"10.0.0.1": ("server-1", "project-1", "10.0.0.1")}, guests(network(mine, claimed, router)))

    def test_a_new_server_is_known_with_the_next_state(self) -> None:
        self.serve(network())
        self.assertEqual(404, self.ask()[0])
        self.serve(network(port()))
        self.assertEqual((200, ["mcdhcp-net-1"]), (self.ask()[0], self.namespaces.made))

    # --- what goes through ---------------------------------------------------------------------

    def test_a_password_is_passed_on(self) -> None:
        self.serve(network(port()))
        self.assertEqual(200, self.ask("/openstack/latest/password", method="POST", body=b"ENCRYPTED")[0])
        self.assertEqual(("POST", b"ENCRYPTED"), (self.asked[0][0], self.asked[0][3]))

    def test_answers_of_the_service_come_as_they_are(self) -> None:
        self.serve(network(port()))
        self.assertEqual((404, b"from the service"), self.ask("/absent"))
        self.assertEqual((200, b""), self.ask("/", method="HEAD"))

    def test_what_is_too_large_or_strange_goes_nowhere(self) -> None:
        self.serve(network(port()))
        self.assertEqual(413, self.ask("/openstack/latest/password", method="POST", body=b"x" * 4097)[0])
        self.assertEqual(413, self.ask("/", method="POST", body=iter([b"x"]))[0])
        self.assertEqual(413, self.ask("/", Content_Length="-1")[0])
        self.assertEqual(400, self.ask("/" + "x" * 1024)[0])
        self.assertEqual(400, self.ask("http://elsewhere/")[0])
        self.assertEqual(501, self.ask("/", method="PUT")[0])
        self.assertEqual(431, self.ask("/", **{f"X_{number}": "1" for number in range(200)})[0])
        self.assertEqual([], self.asked)

    def test_no_control_character_gets_into_the_next_request(self) -> None:
        self.serve(network(port()))
        with socket.create_connection(("127.0.0.1", self.namespaces.ports["mcdhcp-net-1"]), 10) as made:
            made.sendall(b"GET /a\rX-Instance-ID:server-2 HTTP/1.0\r\n\r\n")
            answer = made.recv(100)
        self.assertIn(answer.split()[1], (b"400", b"503"))
        self.assertEqual([], self.asked)

    def test_a_service_that_is_away_is_said_to_be(self) -> None:
        self.serve(network(port()), url="http://127.0.0.1:1/metadata")
        status, text = self.ask()
        self.assertEqual((503, True), (status, b"try again" in text))

    def test_who_asks_too_often_is_told_so(self) -> None:
        self.serve(network(port()), proxy_rate_limit=2)
        statuses = [self.ask()[0] for _ in range(8)]
        self.assertEqual(([200] * 4, 429), (statuses[:4], statuses[-1]))

    def test_one_address_does_not_take_all_room(self) -> None:
        self.serve(network(port()))
        self.gate.clear()
        asking = [self.connect() for _ in range(8)]
        for one in asking:
            one.request("GET", "/")
        self.wait_for(lambda: len(self.asked) == 6)
        refused = [one for one in asking if _is_closed(one)]
        self.assertEqual((6, 2), (len(self.asked), len(refused)))
        self.gate.set()
        served = [one.getresponse().status for one in asking if one not in refused]
        self.assertEqual([200] * 6, served)
        self.wait_for(lambda: self.ask()[0] == 200)

    # --- sockets come and go -------------------------------------------------------------------

    def test_a_network_that_left_the_host_is_served_no_more(self) -> None:
        self.serve(network(port()))
        self.serve(network(port(), dhcp=False))
        self.assertRaises(ConnectionRefusedError, self.ask)

    def test_a_namespace_of_the_same_name_is_another(self) -> None:
        self.serve(network(port()))
        old = self.namespaces.ports["mcdhcp-net-1"]
        self.namespaces.known["mcdhcp-net-1"] = (1, 99)
        self.serve(network(port()))
        self.assertEqual(200, self.ask()[0])
        self.assertRaises(ConnectionRefusedError, socket.create_connection, ("127.0.0.1", old))

    def test_a_namespace_that_is_missing_does_not_keep_the_others_waiting(self) -> None:
        del self.namespaces.known["mcdhcp-net-1"]
        part = self.part()
        state = HostState(host="h1", networks=(network(port()), network(port(), key=OTHER)))
        error = self.assertRaises(OSError, part.apply, state)
        self.assertIn("net-1: there is no namespace mcdhcp-net-1", str(error))
        self.assertEqual(200, self.ask(key=OTHER)[0])
        self.namespaces.known["mcdhcp-net-1"] = (1, 7)
        part.apply(state)
        self.assertEqual(200, self.ask()[0])

    def test_the_end_closes_everything_also_what_hangs(self) -> None:
        part = self.serve(network(port()))
        with socket.create_connection(("127.0.0.1", self.namespaces.ports["mcdhcp-net-1"]), 10) as idle:
            self.ask()
            part.stop()
            self.assertEqual(b"", idle.recv(10))
        self.assertRaises(ConnectionRefusedError, self.ask)

    def test_an_address_of_the_service_that_is_none(self) -> None:
        error = self.assertRaises(exception.ConfigurationError, self.part, url="metadata:80")
        self.assertIn("[metadata] url", str(error))


def _is_closed(connection: http.client.HTTPConnection) -> bool:
    assert connection.sock is not None
    connection.sock.settimeout(0.3)
    try:
        return connection.sock.recv(1, socket.MSG_PEEK) == b""
    except TimeoutError:
        return False
    except OSError:
        return True
    finally:
        connection.sock.settimeout(10)


class RateLimitTest(testtools.TestCase):
    def test_what_was_used_comes_back_with_time(self) -> None:
        now = [0.0]
        limit = RateLimit(2, lambda: now[0])
        self.assertEqual([True] * 4 + [False], [limit.allows("a") for _ in range(5)])
        self.assertTrue(limit.allows("b"))
        now[0] = 0.5
        self.assertEqual([True, False], [limit.allows("a") for _ in range(2)])
        now[0] = 100.0
        self.assertEqual([True] * 4 + [False], [limit.allows("a") for _ in range(5)])
