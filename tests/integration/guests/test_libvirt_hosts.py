# SPDX-License-Identifier: Apache-2.0
"""Guests of QEMU that go from host to host: two hosts on one machine, each with a libvirt of its own."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import testtools

from tests.fixtures.namespaces import IS_REQUIRED
from tests.integration.guests import host, hosts
from tests.integration.guests.cloud import kernel_guest, until
from tests.integration.guests.hosts import Machine
from tests.integration.guests.spread import SpreadCloud

#: Seconds of lost pings that a live migration may cost.
_GAP = 3.0

_PACE = 0.2

#: Actions that take nothing.
_BARE = ("confirmResize", "migrate")


class Guest:
    """A server, and the way into it."""

    def __init__(self, test: Hosts, server: Any, network_id: str, address: str) -> None:
        self.id: str = server.id
        self.folder = self.id
        self._test = test
        self._network_id = network_id
        self.address = address

    def show(self) -> Any:
        return self._test.api.compute.get_server(self.id)

    @property
    def host(self) -> str:
        return str(self.show().hypervisor_hostname)

    @property
    def other_host(self) -> str:
        return "h1" if self.host == "h2" else "h2"

    def run(self, command: str) -> str | None:
        return self._test.cloud.ssh(self._network_id, self.address, command)

    def until_in(self, when: str) -> None:
        until(lambda: self.run("echo yes") == "yes", f"SSH after {when}")

    @property
    def uptime(self) -> float:
        return float((self.run("cat /proc/uptime") or "0").split()[0])

    def do(self, action: str, **arguments: Any) -> None:
        answer = self._test.api.compute.post(
            f"/servers/{self.id}/action", json={action: None if action in _BARE else arguments}, microversion="2.90"
        )
        self._test.assertLess(answer.status_code, 300, answer.text)

    def until_settled(self, status: str, where: str | None = None) -> None:
        """Until nothing goes on with it any more."""

        def settled() -> Any:
            server = self.show()
            return server if server.task_state is None else None

        server = until(settled, f"{status} of {self.id}")
        told = f"{server.fault}\n{self._test.events(self.id)}"
        self._test.assertEqual(status, server.status, told)
        if where is not None:
            self._test.assertEqual(where, server.hypervisor_hostname, told)

    @contextmanager
    def pinged(self) -> Iterator[None]:
        """No more answers than allowed may be missing in a row meanwhile."""
        machine = self._test.cloud.dhcp(self._network_id)
        command = ["ping", "-n", "-i", str(_PACE), self.address]
        with subprocess.Popen(
            machine.command("timeout", "-s", "INT", "120", *command, network=f"mcdhcp-{self._network_id}"),
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        ) as ping:
            assert ping.stdout is not None
            try:
                until(lambda: "icmp_seq=" in ping.stdout.readline(), "a first answer", 20, 0)  # type: ignore[union-attr]
                yield
                time.sleep(5 * _PACE)
            finally:
                machine.run("pkill", "-INT", "-x", "ping")
            seen = [int(number) for number in re.findall(r"icmp_seq=(\d+)", ping.stdout.read())]
        gap = max(after - before for before, after in zip(seen, seen[1:], strict=False)) * _PACE
        self._test.gaps.append(gap)
        self._test.assertLessEqual(gap, _GAP, "pings were lost for too long")


class Hosts(testtools.TestCase):
    """A cloud for each case, whose steps need one another."""

    INSTANCES: ClassVar[str]
    OPTIONS: ClassVar[dict[str, dict[str, str]]] = {}

    def setUp(self) -> None:
        super().setUp()
        if reason := hosts.lacking():
            self.assertFalse(IS_REQUIRED, reason)
            self.skipTest(reason)
        self.before = host.inventory()
        self.gaps: list[float] = []
        self.cloud = SpreadCloud(self.OPTIONS, self.INSTANCES)
        self.addCleanup(self._check_nothing_left)
        self.addCleanup(self.cloud.close)
        self.addOnException(lambda _: self.addDetail("logs", testtools.content.text_content(self.cloud.log())))
        self.cloud.start()
        self.api = self.cloud.connect("admin")
        self._prepare()

    def _check_nothing_left(self) -> None:
        until(lambda: not host.inventory() - self.before, f"nothing left: {host.inventory() - self.before}", 20)
        self.assertEqual([], sorted(self.before - host.inventory()), "taken from this machine")

    def _prepare(self) -> None:
        self.image = kernel_guest(self.api)
        self.flavor = self.api.compute.create_flavor(name="small", ram=128, vcpus=1, disk=1)
        self.group = self.api.network.create_security_group(name="mine")
        for protocol in ("tcp", "icmp"):
            self.api.network.create_security_group_rule(
                security_group_id=self.group.id, direction="ingress", protocol=protocol
            )
        self.api.compute.create_keypair(name="mine", public_key=self.cloud.make_key())

    def network(self, name: str) -> str:
        """All have the same addresses."""
        network = self.api.network.create_network(name=name)
        self.api.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.5.0.0/24")
        return str(network.id)

    def create(self, name: str, where: str, network_id: str, address: str, **more: Any) -> Guest:
        """Begin a server on a host."""
        port = self.api.network.create_port(
            network_id=network_id, fixed_ips=[{"ip_address": address}], security_group_ids=[self.group.id]
        )
        server = self.api.compute.create_server(
            name=name,
            image_id=self.image.id,
            flavor_id=self.flavor.id,
            networks=[{"port": port.id}],
            key_name="mine",
            availability_zone=f"nova:{where}",
            **more,
        )
        return Guest(self, server, network_id, address)

    def events(self, server_id: str) -> str:
        """What was done with a server, and how it went."""
        found = []
        for action in self.api.compute.server_actions(server_id):
            full = self.api.compute.get_server_action(action.request_id, server_id)
            found.append(f"{action.action}: {action.message}")
            found += [f"  {event.event} on {event.host}: {event.result} {event.details}" for event in full.events]
        return "\n".join(found)

    def migrations(self, guest: Guest) -> list[str]:
        """How each of a server's migrations ended, the last one first."""
        return [one.status for one in self.api.compute.migrations(instance_uuid=guest.id)]

    def move_live(self, guest: Guest, target: str | None, expected: str, **more: Any) -> None:
        """While it is pinged; it goes on where it was."""
        guest.run("touch /run/was-here")
        before = guest.uptime
        began = time.monotonic()
        with guest.pinged():
            guest.do("os-migrateLive", host=target, **{"block_migration": "auto", **more})
            guest.until_settled("ACTIVE", expected)
            took = time.monotonic() - began
            guest.until_in("a live migration")
        self.assertGreater(guest.uptime, before)
        self.assertEqual("/run/was-here", guest.run("ls /run/was-here"), "it was started anew")
        self.assertEqual("completed", self.migrations(guest)[0])
        self.addDetail(f"to {expected} in {took:.1f} s", testtools.content.text_content(f"gap {self.gaps[-1]:.1f} s"))

    def begin_live(self, guest: Guest) -> Any:
        """A live migration to the other host that goes on."""
        guest.do("os-migrateLive", host=None, block_migration="auto")

        def going() -> Any:
            found = list(self.api.compute.server_migrations(guest.id))
            return found[0] if found and found[0].status == "running" and found[0].memory_total_bytes else None

        return until(going, "a migration that goes on", 30, 0.1)

    def force_live(self, guest: Guest, expected: str) -> None:
        """End a live migration at once, however slow the way is."""
        before = guest.uptime
        self.api.compute.force_complete_server_migration(self.begin_live(guest).id, guest.id)
        guest.until_settled("ACTIVE", expected)
        guest.until_in("a forced migration")
        self.assertGreater(guest.uptime, before)
        self.assertEqual("/run/was-here", guest.run("ls /run/was-here"), "it was started anew")

    def kill(self, name: str) -> None:
        """Cut a host's power, and wait until the cloud knows."""
        self.cloud.kill_host(name)

        def down() -> bool:
            states = {one.host: one.state for one in self.api.compute.services(binary="nova-compute")}
            return states[name] == "down"

        until(down, f"{name} down", 60)


class TestSharedDisks(Hosts):
    INSTANCES = "instances"
    #: Slow enough for somebody to abort it.
    OPTIONS: ClassVar = {"libvirt": {"live_migration_bandwidth": "12"}}

    def test_a_server_goes_from_host_to_host(self) -> None:
        guest = self.create("traveller", "h1", self.network("red"), "10.5.0.10")
        guest.until_settled("ACTIVE", "h1")
        guest.until_in("its first boot")
        guest.run("echo kept > /root/kept; sync")
        self.move_live(guest, "h2", "h2")
        self.move_live(guest, None, "h1")
        self._abort(guest)
        self._refuse_to_copy(guest)
        self.force_live(guest, "h2")  # it stands still for the rest of the way, and then goes on
        for at_source in (True, False):
            self._kill_compute(guest, at_source=at_source)
        self._migrate_cold(guest)
        self._evacuate(guest)

    def _kill_compute(self, guest: Guest, *, at_source: bool) -> None:
        """In the middle: libvirt goes on or gives up, and the server is where its guest is."""
        before = guest.uptime
        migration = self.begin_live(guest)
        name = migration.source_compute if at_source else migration.dest_compute
        self.cloud.kill_compute(name)
        self.cloud.start_compute(name)
        guest.until_settled("ACTIVE")
        guest.until_in(f"a killed compute on {name}")
        self.assertGreater(guest.uptime, before)
        self.assertEqual("/run/was-here", guest.run("ls /run/was-here"), "it was started anew")
        has_arrived = guest.host == migration.dest_compute
        self.assertEqual("completed" if has_arrived else "error", self.migrations(guest)[0])
        self.addDetail(f"{name} killed", testtools.content.text_content(f"the guest is at {guest.host}"))
        until(lambda: self.cloud.claims() == {(guest.id, guest.host)}, f"claims of one host: {self.cloud.claims()}")
        listed = {each: machine.run("virsh", "-q", "list", "--all", "--uuid") for each, machine in self._machines}
        self.assertEqual(
            {each: guest.id if each == guest.host else "" for each in listed},
            {each: str(text).strip() for each, text in listed.items()},
        )

    @property
    def _machines(self) -> list[tuple[str, Machine]]:
        return list(self.cloud.machines.items())

    def _abort(self, guest: Guest) -> None:
        before = guest.uptime
        migration = self.begin_live(guest)
        self.assertEqual(("h1", "h2"), (migration.source_compute, migration.dest_compute))
        self.api.compute.abort_server_migration(migration.id, guest.id)
        guest.until_settled("ACTIVE", "h1")
        self.assertEqual("cancelled", self.migrations(guest)[0])
        guest.until_in("an abort")
        self.assertGreater(guest.uptime, before)
        self.assertEqual(
            "", self.cloud.machines["h2"].run("virsh", "-q", "list", "--all", "--uuid", timeout=60).strip()
        )

    def _refuse_to_copy(self, guest: Guest) -> None:
        guest.do("os-migrateLive", host="h2", block_migration=True)
        guest.until_settled("ACTIVE", "h1")
        self.assertIn("share", self.events(guest.id))

    def _migrate_cold(self, guest: Guest) -> None:
        target = guest.other_host
        guest.do("migrate")
        guest.until_settled("VERIFY_RESIZE", target)
        guest.do("confirmResize")
        until(lambda: guest.show().status != "VERIFY_RESIZE", "confirmed")
        guest.until_settled("ACTIVE", target)
        guest.until_in("a cold migration")
        self.assertEqual("kept", guest.run("cat /root/kept"))

    def _evacuate(self, guest: Guest) -> None:
        target = guest.other_host
        self.kill(guest.host)
        guest.do("evacuate")
        guest.until_settled("ACTIVE", target)
        guest.until_in("an evacuation")
        self.assertEqual("kept", guest.run("cat /root/kept"), "its disk was shared")


class TestOwnDisks(Hosts):
    INSTANCES = "{host}-instances"

    def test_disks_are_copied_and_networks_are_apart(self) -> None:
        red, blue = self.network("red"), self.network("blue")
        # No config drive but this one's: the others learn from the metadata service.
        one = self.create("red-1", "h1", red, "10.5.0.10", config_drive=True)
        two = self.create("red-2", "h2", red, "10.5.0.11")
        other = self.create("blue-1", "h2", blue, "10.5.0.10")
        for guest, where in ((one, "h1"), (two, "h2"), (other, "h2")):
            guest.until_settled("ACTIVE", where)
            guest.until_in("its first boot")
        self._check_networks(one, two, other)
        one.run("echo kept > /root/kept; sync")
        drive = one.run("md5sum < /dev/sr0")
        self.assertTrue(drive)
        self._refuse_not_to_copy(one)
        self.move_live(one, "h2", "h2")
        self.assertEqual("kept", one.run("echo 3 > /proc/sys/vm/drop_caches; cat /root/kept"))
        self.assertEqual(drive, one.run("echo 3 > /proc/sys/vm/drop_caches; md5sum < /dev/sr0"))
        until(lambda: not (self.cloud.folder / "h1-instances" / one.id).exists(), "the source clean", 20)
        self._check_networks(one, two, other)
        self._migrate_cold(one)
        self._evacuate(two)

    def _check_networks(self, one: Guest, two: Guest, other: Guest) -> None:
        """The same address is two servers, by the network that one is in."""
        self.assertEqual(["red-1", "red-2", "blue-1"], [each.run("hostname") for each in (one, two, other)])
        ping = "ping -c 2 -W 2 10.5.0.11 > /dev/null && echo yes || echo no"
        self.assertEqual(["yes", "no"], [each.run(ping) for each in (one, other)])

    def _refuse_not_to_copy(self, guest: Guest) -> None:
        guest.do("os-migrateLive", host="h2", block_migration=False)
        guest.until_settled("ACTIVE", "h1")
        self.assertIn("block migration", self.events(guest.id))

    def _migrate_cold(self, guest: Guest) -> None:
        guest.do("migrate")
        guest.until_settled("VERIFY_RESIZE", "h1")
        guest.do("confirmResize")
        until(lambda: guest.show().status != "VERIFY_RESIZE", "confirmed")
        guest.until_settled("ACTIVE", "h1")
        until(lambda: not (self.cloud.folder / "h2-instances" / guest.id).exists(), "the source clean", 20)
        guest.until_in("a cold migration")
        self.assertEqual("kept", guest.run("cat /root/kept"))

    def _evacuate(self, guest: Guest) -> None:
        guest.run("echo kept > /root/kept; sync")
        self.kill("h2")
        guest.do("evacuate")
        guest.until_settled("ACTIVE", "h1")
        guest.until_in("an evacuation")
        self.assertIsNone(guest.run("cat /root/kept"), "its disk was lost with its host")


class TestTunnelled(Hosts):
    INSTANCES = "instances"
    OPTIONS: ClassVar = {"libvirt": {"live_migration_tunnelled": "true"}}

    def test_memory_goes_through_libvirt(self) -> None:
        guest = self.create("traveller", "h1", self.network("red"), "10.5.0.10")
        guest.until_settled("ACTIVE", "h1")
        guest.until_in("its first boot")
        self.move_live(guest, "h2", "h2")


class TestPostCopy(Hosts):
    INSTANCES = "instances"
    #: So slow that a guest would stand still for much longer than it may, were it not at the destination already.
    OPTIONS: ClassVar = {
        "libvirt": {
            "live_migration_bandwidth": "8",
            "live_migration_permit_post_copy": "true",
            "live_migration_permit_auto_converge": "true",
        }
    }

    def test_a_forced_guest_runs_before_its_memory_is_there(self) -> None:
        guest = self.create("traveller", "h1", self.network("red"), "10.5.0.10")
        guest.until_settled("ACTIVE", "h1")
        guest.until_in("its first boot")
        guest.run("touch /run/was-here")
        with guest.pinged():
            self.force_live(guest, "h2")
