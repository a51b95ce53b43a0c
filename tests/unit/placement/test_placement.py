# SPDX-License-Identifier: Apache-2.0
"""Resources, providers, zones and liveness."""

from __future__ import annotations

from datetime import timedelta

import testtools

from minicloud.db import api as api_package
from minicloud.db import migrate
from minicloud.db.api import placement as db
from minicloud.db.api.placement import Inventory
from minicloud.db.session import Database
from minicloud.objects import Aggregate, ComputeNode, Flavor, Service
from minicloud.placement import claims, liveness, resources, zones
from minicloud.placement.claims import Claim
from minicloud.placement.providers import ensure_provider
from minicloud.web.moments import now
from tests.unit.scheduler.base import sqlite_urls

NODE = ComputeNode(
    uuid="n1",
    host="h1",
    hypervisor_hostname="h1.node",
    hypervisor_type="fake",
    vcpus=4,
    memory_mb=4096,
    local_gb=10,
    reserved_memory_mb=512,
    cpu_allocation_ratio=2.5,
)

#: Flavor's values, what it takes.
FLAVORS: tuple[tuple[dict[str, object], dict[str, int]], ...] = (
    ({}, {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}),
    ({"root_gb": 0}, {"VCPU": 1, "MEMORY_MB": 512}),
    ({"ephemeral_gb": 2, "swap": 1}, {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 4}),
    ({"swap": 1024}, {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 2}),
    ({"swap": 1025}, {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 3}),
    (
        {"extra_specs": {"resources:VCPU": "0", "resources:CUSTOM_X": "2", "resources:DISK_GB": "nonsense"}},
        {"MEMORY_MB": 512, "DISK_GB": 1, "CUSTOM_X": 2},
    ),
)


class Resources(testtools.TestCase):
    def test_of_flavors(self) -> None:
        base = Flavor(flavorid="1", name="f", vcpus=1, memory_mb=512, root_gb=1)
        for values, expected in FLAVORS:
            self.assertEqual(expected, resources.of_flavor(base.replace(**values)))

    def test_of_a_node(self) -> None:
        has = resources.of_node(NODE)
        self.assertEqual(
            {"VCPU": 10, "MEMORY_MB": 3584, "DISK_GB": 10}, {name: one.capacity for name, one in has.items()}
        )


class Providers(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.db = Database(sqlite_urls(self)("api"))
        self.addCleanup(self.db.dispose)
        migrate.sync(self.db, api_package.MIGRATIONS)

    def test_made_once_and_renewed(self) -> None:
        with self.db.writer() as conn:
            first = ensure_provider(conn, NODE, "c")
            self.assertEqual(first, ensure_provider(conn, NODE, "c"))
            claims.claim(conn, [Claim("i", "p", first.uuid, {"VCPU": 1})], now())
            again = ensure_provider(conn, NODE.replace(uuid="n2", vcpus=8, traits=("T",)), "c")
            self.assertEqual((first.uuid, ("T",), 2), (again.uuid, again.traits, again.generation))
            self.assertEqual([again], db.providers(conn))
            self.assertEqual(Inventory(8, 0, 2.5), db.inventories(conn)[first.uuid]["VCPU"])
            self.assertEqual({first.uuid: {"VCPU": 1}}, db.usages(conn))

    def test_claims_are_all_or_nothing_each(self) -> None:
        with self.db.writer() as conn:
            uuid = ensure_provider(conn, NODE, "c").uuid
            wishes = [
                Claim("a", "p", uuid, {"VCPU": 4, "MEMORY_MB": 2000}),
                Claim("b", "p", uuid, {"VCPU": 1, "MEMORY_MB": 2000}),
                Claim("c", "p", uuid, {"VCPU": 4, "MEMORY_MB": 1000}),
                Claim("d", "p", "gone", {"VCPU": 1}),
            ]
            outcome = claims.claim(conn, wishes, now())
            self.assertEqual(["a", "c"], outcome.won)
            self.assertEqual(
                {"b": "MEMORY_MB: 2000 asked, 1584 free of 3584", "d": "the host is gone"}, outcome.refused
            )
            self.assertEqual({uuid: {"VCPU": 8, "MEMORY_MB": 3000}}, db.usages(conn))
            again = claims.claim(conn, wishes[:2], now())
            self.assertEqual(({"a": uuid}, []), (again.held, again.won))
            self.assertEqual((2, 0), (claims.release(conn, ["a"]), claims.release(conn, ["a"])))
            self.assertEqual(["b"], claims.claim(conn, [wishes[1]], now()).won)

    def test_one_claim_is_not_larger_than_the_host(self) -> None:
        with self.db.writer() as conn:
            uuid = ensure_provider(conn, NODE, "c").uuid
            outcome = claims.claim(conn, [Claim("a", "p", uuid, {"VCPU": 5})], now())
        self.assertEqual({"a": "VCPU: 5 asked, more than the whole host has (4)"}, outcome.refused)


class Zones(testtools.TestCase):
    def test_the_oldest_zone_decides(self) -> None:
        found = [
            Aggregate(id=1, uuid="1", name="fast", hosts=("h1", "h2")),
            Aggregate(id=2, uuid="2", name="z1", hosts=("h1",), metadata={"availability_zone": "z1"}),
            Aggregate(id=3, uuid="3", name="z2", hosts=("h1", "h3"), metadata={"availability_zone": "z2"}),
        ]
        self.assertEqual({"h1": "z1", "h3": "z2"}, zones.zones_of(found))
        self.assertEqual(["z1", "nova"], [zones.zone_of(host, found, "nova") for host in ("h1", "h2")])


class Liveness(testtools.TestCase):
    def test_by_the_last_heartbeat(self) -> None:
        moment = now()
        service = Service(id=1, uuid="s", host="h", binary="b", created_at=moment - timedelta(seconds=30))
        self.assertTrue(liveness.is_up(service, moment, 60))
        old = service.replace(last_seen_up=moment - timedelta(seconds=61))
        self.assertFalse(liveness.is_up(old, moment, 60))
        self.assertTrue(liveness.is_up(old, moment, 62))
        self.assertFalse(liveness.is_up(service.replace(forced_down=True), moment, 60))
        self.assertFalse(liveness.is_up(service.replace(created_at=None), moment, 60))
