# SPDX-License-Identifier: Apache-2.0
"""The life of a real server, from the image to the last rule on the host; the same for every driver."""

from __future__ import annotations

import base64
import contextlib
import http.client
import os
import shlex
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import testtools

from tests.integration.guests import host
from tests.integration.guests.cloud import GuestCloud, until

#: Leaves a mark, and answers on port 80.
_USER_DATA = """\
#!/bin/sh
echo applied > /root/user-data
(while true; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' | nc -l -p 80; done) >/dev/null 2>&1 &
"""


class Life(testtools.TestCase):
    """One long case: each step needs the one before, and a boot takes half a minute."""

    #: Text of minicloud.conf, and what the image is registered as.
    CONFIG: ClassVar[str]
    IMAGE: ClassVar[dict[str, str]]
    #: What the driver can do beyond the core.
    CAN: ClassVar[frozenset[str]] = frozenset()
    MEMORY: ClassVar[int] = 128

    def make_image(self, path: Path) -> None:
        """Write the guest's image to a file."""
        raise NotImplementedError

    def check_host(self) -> str:
        """Skip, or fail where it is required, when this machine lacks something.

        :returns: the configuration
        """
        if os.geteuid() != 0:
            self.lacking("networks need root")
        return self.CONFIG

    def lacking(self, reason: str) -> None:
        if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
            self.fail(reason)
        self.skipTest(reason)

    def setUp(self) -> None:
        super().setUp()
        config = self.check_host()
        self.before = host.inventory()
        self.cloud = GuestCloud(config)
        self.is_closed = False
        self.addCleanup(self._close)
        self.addOnException(lambda _: self._tell())

    def _close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.cloud.close()

    def _tell(self) -> None:
        """What one wants to know when it fails: the cloud's last words, and the guest's."""
        self.addDetail("log", testtools.content.text_content(self.cloud.log()[-20000:]))
        with contextlib.suppress(Exception):
            said = self.user.compute.get_server_console_output(self.server.id)["output"]
            self.addDetail("console", testtools.content.text_content(said[-8000:]))

    def test_from_the_image_to_the_last_rule(self) -> None:
        self.cloud.start()
        self.admin, self.user = self.cloud.connect("admin"), self.cloud.connect("demo")
        self._prepare()
        self._boot()
        self._reach()
        self._power()
        if "password" in self.CAN:
            self._password()
        if "suspend" in self.CAN:
            self._suspend()
        if "interfaces" in self.CAN:
            self._another_interface()
        if "rescue" in self.CAN:
            self._rescue()
        if "resize" in self.CAN:
            self._resize()
        if "shelve" in self.CAN:
            self._shelve()
        if "snapshot" in self.CAN:
            self._snapshot()
        self._rebuild()
        self._delete()
        self._close()
        self.assertEqual([], sorted(host.inventory() - self.before), "left on the host")
        self.assertEqual([], sorted(self.before - host.inventory()), "taken from the host")

    # --- the steps -------------------------------------------------------------------------

    def _prepare(self) -> None:
        """Image, flavor, network, router, security group and key, as a user makes them."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "guest"
            self.make_image(path)
            self.image = self.user.create_image("guest", filename=str(path), wait=True, **self.IMAGE)
        for name, ram in (("small", self.MEMORY), ("bigger", self.MEMORY + 32)):
            self.admin.compute.create_flavor(name=name, ram=ram, vcpus=1, disk=1)
        network = self.user.network
        self.network = network.create_network(name="mine")
        self.subnet = network.create_subnet(
            network_id=self.network.id, ip_version=4, cidr="10.77.0.0/24", dns_nameservers=["192.0.2.53"]
        )
        outside = network.find_network("public")
        self.router = network.create_router(name="mine", external_gateway_info={"network_id": outside.id})
        network.add_interface_to_router(self.router, subnet_id=self.subnet.id)
        self.group = network.create_security_group(name="mine")
        self._allow(22, self.group)
        self.user.compute.create_keypair(name="mine", public_key=self.cloud.make_key())
        self.floating = network.create_ip(floating_network_id=outside.id).floating_ip_address

    def _allow(self, port: int, group: Any) -> None:
        self.user.network.create_security_group_rule(
            security_group_id=group.id,
            direction="ingress",
            protocol="tcp",
            port_range_min=port,
            port_range_max=port,
        )

    def _boot(self) -> None:
        self.server = self._create("guest", self.image.id)
        self._give_address(self.server)
        self._until_ssh("the first boot")

    def _create(self, name: str, image_id: str) -> Any:
        server = self.user.compute.create_server(
            name=name,
            image_id=image_id,
            flavor_id=self.user.compute.find_flavor("small").id,
            networks=[{"uuid": self.network.id}],
            security_groups=[{"name": "mine"}],
            key_name="mine",
            user_data=_b64(_USER_DATA),
        )
        return self.user.compute.wait_for_server(server, wait=300)

    def _give_address(self, server: Any) -> None:
        (port,) = self.user.network.ports(device_id=server.id, network_id=self.network.id)
        self.assertEqual("ACTIVE", port.status)
        self.user.network.update_ip(self.user.network.find_ip(self.floating), port_id=port.id)
        self.address = port.fixed_ips[0]["ip_address"]

    def _until_ssh(self, when: str) -> None:
        self.assertEqual("yes", until(lambda: self._in("echo yes"), f"SSH by {self.floating} after {when}"))

    def _in(self, command: str) -> str | None:
        return self.cloud.ssh(self.floating, command)

    def _reach(self) -> None:
        """What the network, the metadata and the firewall promise."""
        self.assertEqual("guest", self._in("hostname"))
        self.assertEqual("applied", until(lambda: self._in("cat /root/user-data"), "user data", 30))
        self.assertIn(self.address, self._in("ip -4 addr") or "")
        web = self.user.network.create_security_group(name="web")
        self.user.compute.add_security_group_to_server(self.server, web)
        self.assertFalse(self._web(), "port 80 answers without a rule")
        self._allow(80, web)
        until(self._web, "port 80 after its rule", 30)
        self.assertIn("uuid", self._in("wget -q -O - http://169.254.169.254/openstack/latest/meta_data.json") or "")
        self.assertTrue(self.user.compute.get_server_console_output(self.server.id)["output"].strip())

    def _web(self) -> bool:
        connection = http.client.HTTPConnection(self.floating, 80, timeout=3)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except OSError:
            return False
        except http.client.HTTPException:
            return False
        finally:
            connection.close()

    def _power(self) -> None:
        compute = self.user.compute
        self._in("echo kept > /root/kept; sync")
        compute.reboot_server(self.server.id, "SOFT")
        self._until("ACTIVE")
        self._until_ssh("a soft reboot")
        self.assertEqual("kept", self._in("cat /root/kept"))
        compute.stop_server(self.server.id)
        self._until("SHUTOFF")
        self.assertIsNone(self._in("true"))
        compute.start_server(self.server.id)
        self._until("ACTIVE")
        self._until_ssh("stop and start")
        compute.pause_server(self.server.id)
        self._until("PAUSED")
        self.assertIsNone(self._in("true"))
        compute.unpause_server(self.server.id)
        self._until("ACTIVE")
        self._until_ssh("a pause")
        compute.reboot_server(self.server.id, "HARD")
        self._until("ACTIVE")
        self._until_ssh("a hard reboot")

    def _password(self) -> None:
        """Set by the agent in the guest."""
        new = 'it\'s a \\ "new" $one'
        self.user.compute.change_server_password(self.server.id, new)
        self._until("ACTIVE")
        said = self._in("grep ^root: /etc/shadow") or ""
        hashed = said.split(":")[1]
        salt = hashed.split("$")[2]
        self.assertEqual(hashed, self._in(f"mkpasswd -m sha512 -S {salt} -- {shlex.quote(new)}"), said)

    def _suspend(self) -> None:
        self._in("touch /run/was-here")
        self.user.compute.suspend_server(self.server.id)
        self._until("SUSPENDED")
        self.user.compute.resume_server(self.server.id)
        self._until("ACTIVE")
        self._until_ssh("suspend and resume")
        self.assertEqual("/run/was-here", self._in("ls /run/was-here"), "it did not go on where it was")

    def _another_interface(self) -> None:
        count = "ls /sys/class/net | grep -vc -e lo -e sit -e tunl"
        before = int(self._in(count) or 0)
        interface = self.user.compute.create_server_interface(self.server.id, net_id=self.network.id)
        until(lambda: int(self._in(count) or 0) == before + 1, "a second interface in the guest", 60)
        self.user.compute.delete_server_interface(interface.port_id, server=self.server.id)
        until(lambda: int(self._in(count) or 0) == before, "the second interface gone", 60)

    def _rescue(self) -> None:
        self.user.compute.rescue_server(self.server.id, image_ref=self.image.id)
        self._until("RESCUE")
        self._until_ssh("rescue")
        self.assertIsNone(self._in("cat /root/kept"), "the rescue system is the server's own disk")
        self.user.compute.unrescue_server(self.server.id)
        self._until("ACTIVE")
        self._until_ssh("unrescue")
        self.assertEqual("kept", self._in("cat /root/kept"))

    def _resize(self) -> None:
        before = self._memory()
        self.user.compute.resize_server(self.server.id, self.user.compute.find_flavor("bigger").id)
        self._until("VERIFY_RESIZE")
        self.user.compute.confirm_server_resize(self.server.id)
        self._until("ACTIVE")
        self._until_ssh("a resize")
        self.assertGreater(self._memory(), before)
        self.assertEqual("kept", self._in("cat /root/kept"))

    def _memory(self) -> int:
        """MiB that the hypervisor gives it; a container sees all of its host's."""
        return int(self.admin.compute.get_server_diagnostics(self.server.id).memory_details["maximum"])

    def _shelve(self) -> None:
        self.user.compute.shelve_server(self.server.id)
        self._until("SHELVED_OFFLOADED")
        self.user.compute.unshelve_server(self.server.id)
        self._until("ACTIVE")
        self._until_ssh("shelve and unshelve")
        self.assertEqual("kept", self._in("cat /root/kept"))

    def _snapshot(self) -> None:
        image = self.user.compute.create_server_image(self.server.id, "kept", wait=True, timeout=300)
        self.assertEqual("yes", self._in("echo yes"), "the server stopped for its snapshot")
        copy = self._create("copy", image.id)
        self._give_address(copy)
        # For a moment the address may still lead to the other one.
        until(lambda: self._in("hostname") == "copy", f"SSH by {self.floating} after boot of the snapshot")
        self.assertEqual("kept", self._in("cat /root/kept"))
        self._remove(copy)
        self._give_address(self.server)
        self._until_ssh("the return of its address")

    def _rebuild(self) -> None:
        self.user.compute.rebuild_server(self.server.id, image=self.image.id)
        self._until("ACTIVE")
        self._until_ssh("a rebuild")
        self.assertIsNone(self._in("cat /root/kept"))

    def _delete(self) -> None:
        self.assertIn(self.floating, self._addresses())
        self.user.network.update_ip(self.user.network.find_ip(self.floating), port_id=None)
        until(lambda: self.floating not in self._addresses(), "its address taken away", 20)
        self._remove(self.server)
        network = self.user.network
        network.delete_ip(network.find_ip(self.floating))
        network.remove_interface_from_router(self.router, subnet_id=self.subnet.id)
        network.delete_router(self.router)
        network.delete_network(self.network)

    def _addresses(self) -> set[str]:
        """As the server shows them."""
        shown = self.user.compute.get_server(self.server.id).addresses
        return {address["addr"] for several in shown.values() for address in several}

    def _remove(self, server: Any) -> None:
        self.user.compute.delete_server(server.id)
        self.user.compute.wait_for_delete(server, wait=120)

    def _until(self, status: str) -> None:
        """Wait for a status; a failure of the server's is told with its fault."""

        def reached() -> bool:
            server = self.user.compute.get_server(self.server.id)
            if server.status == "ERROR" and status != "ERROR":
                explained = self.cloud.minicloud("explain", self.server.id)
                raise AssertionError(f"the server is in ERROR instead of {status}: {explained}")
            return server.status == status and server.task_state is None

        until(reached, f"the server's status {status}")


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
