# SPDX-License-Identifier: Apache-2.0
"""A cloud with real guests to which bad things happen, and what is to be true of it afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import testtools

from minicloud.cmd.commands.process import Home
from tests.integration.guests import host
from tests.integration.guests.cloud import GuestCloud, guest_image, until

#: What makes a cloud find out, and clean up, within seconds.
QUICK = """\
[DEFAULT]
report_interval = 1
[scheduler]
recovery_interval = 1
recovery_age = 2
refresh_interval = 1
[conductor]
reconcile_interval = 2
"""


class Trouble(testtools.TestCase):
    """One cloud for each test: what a test did to it is over with it."""

    IMAGE: ClassVar[dict[str, str]]
    FORMAT: ClassVar[tuple[str, ...]] = ()

    def configuration(self) -> str:
        """Text of minicloud.conf beside :data:`QUICK`, after a look at whether this machine can."""
        raise NotImplementedError

    def guests(self) -> set[str]:
        """Ids of all servers of which the hypervisor has something."""
        raise NotImplementedError

    def setUp(self) -> None:
        super().setUp()
        if os.geteuid() != 0:
            self.lacking("networks need root")
        text = self.configuration()
        self.before = host.inventory()
        self.cloud = GuestCloud(QUICK + text)
        self.addCleanup(self._end)
        self.addOnException(lambda _info: self._tell())
        self.cloud.start()
        self._meet()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "guest"
            guest_image(path, *self.FORMAT)
            self.image = self.user.create_image("guest", filename=str(path), wait=True, **self.IMAGE)
        self.flavor = self.admin.compute.create_flavor(name="small", ram=128, vcpus=1, disk=1)
        self.bigger = self.admin.compute.create_flavor(name="bigger", ram=160, vcpus=1, disk=1)
        self.network = self.user.network.find_network("private")

    def _meet(self) -> None:
        self.admin, self.user = self.cloud.connect("admin"), self.cloud.connect("demo")

    def lacking(self, reason: str) -> None:
        if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
            self.fail(reason)
        self.skipTest(reason)

    def _tell(self) -> None:
        self.addDetail("log", testtools.content.text_content(self.cloud.log()[-30000:]))

    def _end(self) -> None:
        with contextlib.suppress(Exception):
            for server in self.user.compute.servers():
                self.user.compute.delete_server(server.id)
            until(lambda: not self.guests(), "all guests gone", 30)
        self.cloud.close()

    # --- servers ---------------------------------------------------------------------------

    def create(self, name: str, **more: Any) -> Any:
        """A server that is asked for."""
        wanted: dict[str, Any] = {
            "image_id": self.image.id,
            "flavor_id": self.flavor.id,
            "networks": [{"uuid": self.network.id}],
            **more,
        }
        return self.user.compute.create_server(name=name, **wanted)

    def boot(self, name: str, **more: Any) -> Any:
        server = self.create(name, **more)
        self.until_state(server, "ACTIVE", seconds=120)
        return server

    def look(self, server: Any) -> Any:
        """As an administrator sees it."""
        return self.admin.compute.get_server(server.id)

    def until_state(self, server: Any, *statuses: str, seconds: float = 60) -> Any:
        def reached() -> Any:
            found = self.look(server)
            if found.status == "ERROR" and "ERROR" not in statuses:
                raise AssertionError(f"{server.name} is in ERROR: {self.why(found)}")
            return found if found.status in statuses and found.task_state is None else None

        return until(reached, f"{server.name} is {' or '.join(statuses)}", seconds, 0.2)

    def why(self, server: Any) -> str:
        """All that its fault says."""
        fault = self.look(server).fault or {}
        return f"{fault.get('message')}\n{fault.get('details')}"

    def last_action(self, server: Any, name: str) -> Any:
        """The newest of an action's, with its events."""
        found = next(each for each in self.admin.compute.server_actions(server.id) if each.action == name)
        return self.admin.compute.get_server_action(found.request_id, server.id)

    def end_resize(self, server: Any, *, may_be_lost: bool) -> bool:
        """Confirm it, and whether there was one: one that was lost has left the server as it was, and says so."""
        found = self.until_state(server, "VERIFY_RESIZE", *["ACTIVE"] * may_be_lost, seconds=120)
        if found.status == "ACTIVE":
            action = self.last_action(server, "resize")
            self.assertEqual("Error", action.message)
            self.assertIn("Ask again", str([event["details"] for event in action.events]))
            return False
        self.user.compute.confirm_server_resize(server.id)
        self.until_state(server, "ACTIVE")
        return True

    def remove(self, *servers: Any) -> None:
        for server in servers:
            self.user.compute.delete_server(server.id)
        for server in servers:
            self.user.compute.wait_for_delete(server, wait=60)

    # --- the cloud and its host ------------------------------------------------------------

    def service(self) -> Any:
        return next(iter(self.admin.compute.services(binary="nova-compute")))

    def until_service(self, status: str, seconds: float = 30) -> Any:
        return until(
            lambda: found if (found := self.service()).status == status else None, f"the host is {status}", seconds
        )

    def kill_cloud(self) -> None:
        """As ``kill -9`` does it."""
        record = Home(self.cloud.state).running()
        assert record is not None and record.pid is not None
        os.kill(record.pid, signal.SIGKILL)
        until(lambda: Home(self.cloud.state).running() is None, "the cloud is dead", 10, 0.01)

    def restart_cloud(self) -> None:
        self.cloud.start()
        self._meet()

    def allocations(self) -> set[str]:
        """Ids of the servers that something of the host is claimed for."""
        with contextlib.closing(sqlite3.connect(self.cloud.state / "api.sqlite")) as database:
            return {row[0] for row in database.execute("SELECT consumer_uuid FROM allocations")}

    def ports(self, server: Any) -> list[Any]:
        return list(self.admin.network.ports(device_id=server.id))

    def files(self) -> set[str]:
        """What is kept of guests in the state directory."""
        raise NotImplementedError

    def assert_nothing_left(self, *servers: Any) -> None:
        """Of servers that are deleted, or never came to be."""
        ids = {server.id for server in servers}
        until(lambda: not ids & self.allocations(), "allocations are given back", 30)
        self.assertEqual(set(), ids & self.guests(), "guests")
        self.assertEqual(set(), ids & self.files(), "files")
        self.assertEqual([], [port.id for server in servers for port in self.ports(server)], "ports")

    def assert_host_clean(self) -> None:
        """When the last server is gone, and the network with it: what carries packets goes with its last port."""

        def devices() -> list[str]:
            new = host.inventory() - self.before
            return sorted(line for line in new if line.startswith(("link: tap", "link: mctap", "process: qemu")))

        until(lambda: not devices(), f"no device of a guest is left: {devices()}", 20)

    def moments(
        self, ask: Callable[[int], Any], cases: dict[str, Callable[[Any], object]]
    ) -> Iterator[tuple[str, Any]]:
        """Ask for something, kill the cloud when a moment has come, start it again.

        :param ask: does the asking, and gives the server
        :param cases: name of a moment -> whether it is there
        """
        for number, (name, has_come) in enumerate(cases.items()):
            server = ask(number)
            until(lambda has_come=has_come, server=server: has_come(server), name, 60, 0.002)
            self.kill_cloud()
            self.restart_cloud()
            yield name, server
