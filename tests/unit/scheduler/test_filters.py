# SPDX-License-Identifier: Apache-2.0
"""Each filter and weigher by a table of what passes and what does not."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import testtools

from minicloud import conf as configuration
from minicloud import exception
from minicloud.db.api.placement import Inventory, Provider
from minicloud.objects import Aggregate, ComputeNode, Flavor, RequestSpec, ServerGroup, Service
from minicloud.scheduler import filters, weights
from minicloud.scheduler.extra_specs import matches, satisfies_version
from minicloud.scheduler.host_state import HostState
from minicloud.scheduler.request import Request
from minicloud.scheduler.selection import KEPT_REASONS, Selector
from minicloud.web.moments import now

NOW = now()


def host(name: str = "h1", **values: Any) -> HostState:
    node = ComputeNode(
        uuid=name,
        host=name,
        hypervisor_hostname=f"{name}.node",
        hypervisor_type="QEMU",
        hypervisor_version=8_002_000,
        vcpus=8,
        memory_mb=8192,
        local_gb=100,
        cpu_info={"vendor": "Intel", "topology": {"cores": 4}},
        supported_instances=(("x86_64", "qemu", "hvm"), ("i686", "qemu", "hvm")),
        stats={"gpu": "yes"},
    )
    service = Service(id=1, uuid=name, host=name, binary="minicloud-compute", last_seen_up=NOW)
    has = {"VCPU": Inventory(8), "MEMORY_MB": Inventory(8192), "DISK_GB": Inventory(100)}
    provider = Provider(name, f"{name}.node", name, "cell", 0, values.pop("traits", ()))
    return HostState(**{"node": node, "provider": provider, "has": has, "service": service, "zone": "nova", **values})


def request(group: ServerGroup | None = None, members: dict[str, int] | None = None, **values: Any) -> Request:
    specs = values.pop("extra_specs", {})
    flavor = Flavor(flavorid="1", name="f", vcpus=1, memory_mb=512, root_gb=1, extra_specs=specs)
    spec = RequestSpec(**{"project_id": "p", "user_id": "u", "flavor": flavor, **values})
    return Request(spec, NOW, group=group, group_hosts=Counter(members or {}))


def aggregate(**metadata: str) -> Aggregate:
    return Aggregate(id=1, uuid="a", name="a", hosts=("h1",), metadata=metadata)


def group(policy: str, **rules: int) -> ServerGroup:
    return ServerGroup(uuid="g", name="g", project_id="p", user_id="u", policy=policy, rules=rules)


def service(**values: Any) -> Service:
    return Service(**{"id": 1, "uuid": "s", "host": "h1", "binary": "minicloud-compute", "last_seen_up": NOW, **values})


#: Filter, host, request, what the reason contains (None: passes).
TABLE: tuple[tuple[str, HostState, Request, str | None], ...] = (
    ("Compute", host(), request(), None),
    ("Compute", host(service=None), request(), "no compute service"),
    ("Compute", host(barred="disabled: broken fan"), request(), "disabled: broken fan"),
    ("Compute", host(service=service(last_seen_up=NOW - timedelta(seconds=61))), request(), "down, last seen"),
    ("Compute", host(service=service(last_seen_up=NOW - timedelta(seconds=59))), request(), None),
    ("Compute", host(service=service(forced_down=True)), request(), "down"),
    ("AvailabilityZone", host(), request(), None),
    ("AvailabilityZone", host(zone="z1"), request(availability_zone="z1"), None),
    ("AvailabilityZone", host(zone="z1"), request(availability_zone="z2"), "in zone z1, z2 asked"),
    ("AggregateInstanceExtraSpecs", host(), request(extra_specs={"ssd": "true"}), "'true' asked, aggregates have none"),
    (
        "AggregateInstanceExtraSpecs",
        host(aggregates=(aggregate(ssd="true"),)),
        request(extra_specs={"ssd": "true"}),
        None,
    ),
    (
        "AggregateInstanceExtraSpecs",
        host(aggregates=(aggregate(ssd="no, true"),)),
        request(extra_specs={"aggregate_instance_extra_specs:ssd": "true"}),
        None,
    ),
    ("AggregateInstanceExtraSpecs", host(), request(extra_specs={"hw:cpu_policy": "dedicated"}), None),
    (
        "AggregateInstanceExtraSpecs",
        host(aggregates=(aggregate(ssd="true"),)),
        request(extra_specs={"ssd": "<absent>"}),
        "must be absent",
    ),
    ("ComputeCapabilities", host(), request(extra_specs={"capabilities:hypervisor_type": "QEMU"}), None),
    ("ComputeCapabilities", host(), request(extra_specs={"capabilities:hypervisor_type": "s== xen"}), "'QEMU' here"),
    ("ComputeCapabilities", host(), request(extra_specs={"capabilities:cpu_info:vendor": "Intel"}), None),
    ("ComputeCapabilities", host(), request(extra_specs={"capabilities:cpu_info:topology:cores": ">= 8"}), "4 here"),
    ("ComputeCapabilities", host(), request(extra_specs={"gpu": "yes"}), None),
    ("ComputeCapabilities", host(), request(extra_specs={"fpga": "yes"}), "nothing here"),
    ("ComputeCapabilities", host(), request(extra_specs={"hw:numa_nodes": "2"}), None),
    ("ImageProperties", host(), request(), None),
    ("ImageProperties", host(), request(image_properties={"hw_architecture": "amd64"}), None),
    ("ImageProperties", host(), request(image_properties={"architecture": "x86_64", "hypervisor_type": "kvm"}), None),
    ("ImageProperties", host(), request(image_properties={"hw_architecture": "aarch64"}), "hw_architecture=aarch64"),
    ("ImageProperties", host(), request(image_properties={"hw_vm_mode": "xen"}), "hw_vm_mode=xen"),
    ("ImageProperties", host(), request(image_properties={"img_hv_requested_version": ">=8.2, <9"}), None),
    ("ImageProperties", host(), request(image_properties={"img_hv_requested_version": ">=9"}), ">=9 asked"),
    ("ServerGroupAffinity", host(), request(group("affinity")), None),
    ("ServerGroupAffinity", host(), request(group("affinity"), {"h1": 3}), None),
    ("ServerGroupAffinity", host(), request(group("affinity"), {"h2": 1}), "is on h2"),
    ("ServerGroupAffinity", host(), request(group("soft-affinity"), {"h2": 1}), None),
    ("ServerGroupAntiAffinity", host(), request(group("anti-affinity"), {"h2": 1}), None),
    ("ServerGroupAntiAffinity", host(), request(group("anti-affinity"), {"h1": 1}), "1 of the server group here"),
    ("ServerGroupAntiAffinity", host(), request(group("anti-affinity", max_server_per_host=2), {"h1": 1}), None),
    ("ServerGroupAntiAffinity", host(), request(group("anti-affinity", max_server_per_host=2), {"h1": 2}), "2 allowed"),
    ("ServerGroupAntiAffinity", host(), request(group("affinity"), {"h1": 1}), None),
    ("DifferentHost", host(instances={"i": "p"}), request(), None),
    ("DifferentHost", host(instances={"i": "p"}), request(scheduler_hints={"different_host": ["x", "i"]}), "server i"),
    ("DifferentHost", host(instances={"i": "p"}), request(scheduler_hints={"different_host": "i"}), "server i"),
    ("DifferentHost", host(instances={"i": "p"}), request(scheduler_hints={"different_host": {"i": 1}}), None),
    ("SameHost", host(instances={"i": "p"}), request(scheduler_hints={"same_host": ["x", "i"]}), None),
    ("SameHost", host(instances={"i": "p"}), request(scheduler_hints={"same_host": "x"}), "none of the 1 servers"),
    ("NumInstances", host(instances={str(n): "p" for n in range(49)}), request(), None),
    ("NumInstances", host(instances={str(n): "p" for n in range(50)}), request(), "50 servers here, 50 allowed"),
    (
        "NumInstances",
        host(instances={"1": "p", "2": "p"}, aggregates=(aggregate(max_instances_per_host="2"),)),
        request(),
        "2 allowed",
    ),
    ("IoOps", host(busy={str(n) for n in range(7)}), request(), None),
    ("IoOps", host(busy={str(n) for n in range(8)}), request(), "8 servers in a build or move, 8 allowed"),
)

#: What the selector itself checks.
BUILT_IN: tuple[tuple[HostState, Request, str | None], ...] = (
    (host(), request(), None),
    (host(), request(force_hosts=("h2",)), "host h2 was asked for"),
    (host(), request(force_hosts=("h1",)), None),
    (host(), request(force_nodes=("h2.node",)), "node h2.node was asked for"),
    (host(), request(ignore_hosts=("h1",)), "to be ignored"),
    (host(used={"VCPU": 8}), request(), "VCPU: 1 asked, 0 free of 8"),
    (host(used={"MEMORY_MB": 7681}), request(), "MEMORY_MB: 512 asked, 511 free of 8192"),
    (host(), request(extra_specs={"resources:VCPU": "9"}), "VCPU: 9 asked, more than the whole host has (8)"),
    (host(), request(extra_specs={"resources:CUSTOM_GOLD": "1"}), "CUSTOM_GOLD: 1 asked, none here"),
    (host(), request(extra_specs={"trait:HW_GPU": "required"}), "trait HW_GPU required"),
    (host(traits=("HW_GPU",)), request(extra_specs={"trait:HW_GPU": "required"}), None),
    (host(traits=("HW_GPU",)), request(extra_specs={"trait:HW_GPU": "forbidden"}), "trait HW_GPU forbidden"),
)

#: Wanted, values that match, values that do not.
OPERATORS = (
    ("a", ["a"], ["b", ""]),
    ("= 4", ["4", "5"], ["3", "x"]),
    ("== 4", ["4.0"], ["5"]),
    ("!= 4", ["5"], ["4"]),
    (">= 4", ["4"], ["3"]),
    ("<= 4", ["4"], ["5"]),
    ("s== a", ["a"], ["b"]),
    ("s!= a", ["b"], ["a"]),
    ("s>= b", ["b", "c"], ["a"]),
    ("s< b", ["a"], ["b"]),
    ("<in> bc", ["abcd"], ["acb"]),
    ("<all-in> aes mmx", ["aes mmx sse"], ["aes"]),
    ("<or> a <or> b", ["a", "b"], ["c", "<or>"]),
    ("==", [], ["4"]),
    ("s==", [], ["a"]),
)


class Filters(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf = configuration.new(files=[])

    def test_every_row(self) -> None:
        names = sorted({row[0] for row in TABLE})
        self.conf.set_override("enabled_filters", [f"{name}Filter" for name in names], "filter_scheduler")
        loaded = dict(zip(names, filters.load(self.conf), strict=True))
        for name, state, asked, expected in TABLE:
            reason = loaded[name].refusal(state, asked)
            with self.subTest(name=name, expected=expected):
                self._check(expected, reason)

    def test_what_is_always_checked(self) -> None:
        for state, asked, expected in BUILT_IN:
            (pick,) = Selector(self.conf).pick([state], asked, ["i"])
            self._check(expected, pick.reasons[0].reason if pick.reasons else None)
            self.assertEqual(expected is None, pick.host is not None)

    def test_operators(self) -> None:
        for wanted, good, bad in OPERATORS:
            self.assertEqual([True] * len(good), [matches(value, wanted) for value in good], wanted)
            self.assertEqual([False] * len(bad), [matches(value, wanted) for value in bad], wanted)

    def test_versions(self) -> None:
        self.assertTrue(satisfies_version(1_002_003, "==1.2.3"))
        self.assertTrue(satisfies_version(1_002_003, ">1.2, <= 1.3"))
        self.assertFalse(satisfies_version(1_002_003, "<1.2.3"))
        self.assertFalse(satisfies_version(1_002_003, "newest"))

    def test_unknown_filters_are_named(self) -> None:
        for name in ("NoSuchFilter", "no.such:Filter", "minicloud.exception:Conflict"):
            self.conf.set_override("enabled_filters", [name], "filter_scheduler")
            error = self.assertRaises(exception.ConfigurationError, filters.load, self.conf)
            self.assertIn(name, str(error))

    def test_a_filter_of_ones_own(self) -> None:
        self.conf.set_override("enabled_filters", [f"{__name__}:Never"], "filter_scheduler")
        (pick,) = Selector(self.conf).pick([host()], request(), ["i"])
        self.assertEqual(("Never", "never"), (pick.reasons[0].step, pick.reasons[0].reason))

    def test_reasons_are_bounded(self) -> None:
        hosts = [host(f"h{number}", zone="z") for number in range(50)]
        (pick,) = Selector(self.conf).pick(hosts, request(availability_zone="y"), ["i"])
        self.assertEqual(KEPT_REASONS + 1, len(pick.reasons))
        self.assertEqual(("*", "AvailabilityZoneFilter", "30 more hosts"), _plain(pick.reasons[-1]))
        self.assertEqual(50, pick.considered)

    def _check(self, expected: str | None, reason: str | None) -> None:
        if expected is None:
            self.assertIsNone(reason)
        else:
            self.assertIn(expected, reason or "passed")


class Never(filters.HostFilter):
    def refusal(self, host: HostState, request: Request) -> str | None:
        return "never"


def _plain(reason: Any) -> tuple[str, str, str]:
    return reason.host, reason.step, reason.reason


#: What makes h1 differ from h2, request, which is preferred.
WEIGHED: tuple[tuple[dict[str, Any], Request, str], ...] = (
    ({"used": {"MEMORY_MB": 1}}, request(), "h2"),
    ({"used": {"VCPU": 1}}, request(), "h2"),
    ({"used": {"DISK_GB": 1}}, request(), "h2"),
    ({"busy": {"i"}}, request(), "h2"),
    ({"failed_builds": 1}, request(), "h2"),
    ({}, request(group("soft-affinity"), {"h2": 1}), "h2"),
    ({}, request(group("soft-anti-affinity"), {"h1": 1}), "h2"),
    ({}, request(group("soft-anti-affinity"), {"h2": 1}), "h1"),
    ({}, request(), "h1"),
)


class Weighers(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf = configuration.new(files=[])

    def test_every_row(self) -> None:
        for difference, asked, expected in WEIGHED:
            (pick,) = Selector(self.conf).pick([host("h1", **difference), host("h2")], asked, ["i"])
            assert pick.host is not None
            self.assertEqual(expected, pick.host.host, (difference, asked.policy))

    def test_multipliers(self) -> None:
        full, empty = host("full", used={"MEMORY_MB": 4096}), host("empty")
        self.conf.set_override("ram_weight_multiplier", -1.0, "filter_scheduler")
        (pick,) = Selector(self.conf).pick([empty, full], request(), ["i"])
        self.assertIs(full, pick.host)
        self.conf.set_override("ram_weight_multiplier", 0.0, "filter_scheduler")
        self.assertNotIn("ram", [weigher.OPTION for weigher in weights.load(self.conf)])

    def test_many_servers_spread_and_then_stop(self) -> None:
        hosts = [host(name) for name in ("h1", "h2", "h3")]
        picks = Selector(self.conf).pick(hosts, request(), [str(number) for number in range(30)])
        chosen = Counter(pick.host.host for pick in picks if pick.host)
        self.assertEqual({"h1": 8, "h2": 8, "h3": 8}, chosen)
        self.assertEqual(3, len({pick.host.host for pick in picks[:3] if pick.host}))
        self.assertEqual({"capacity"}, {reason.step for reason in picks[-1].reasons})

    def test_a_group_within_one_request(self) -> None:
        hosts = [host(name) for name in ("h1", "h2", "h3")]
        picks = Selector(self.conf).pick(hosts, request(group("anti-affinity")), ["1", "2", "3", "4"])
        self.assertEqual(["h1", "h2", "h3", None], [pick.host and pick.host.host for pick in picks])
        hosts = [host(name) for name in ("h1", "h2")]
        picks = Selector(self.conf).pick(hosts, request(group("affinity")), [str(number) for number in range(9)])
        self.assertEqual(["h1"] * 8 + [None], [pick.host and pick.host.host for pick in picks])

    def test_alternates_are_of_the_same_cell(self) -> None:
        hosts = [host(name) for name in ("h1", "h2", "h3", "h4", "h5")]
        hosts[1].provider = hosts[1].provider._replace(cell_uuid="other")
        (pick,) = Selector(self.conf).pick(hosts, request(), ["i"])
        self.assertEqual(["h3", "h4"], [choice.host for choice in pick.alternates])

    def test_subsets_are_drawn_from(self) -> None:
        self.conf.set_override("host_subset_size", 2, "filter_scheduler")
        drawn = set()
        for _ in range(60):
            hosts = [host("h1"), host("h2"), host("h3", used={"VCPU": 7})]
            (pick,) = Selector(self.conf).pick(hosts, request(), ["i"])
            drawn.add(pick.host and pick.host.host)
        self.assertEqual({"h1", "h2"}, drawn)
