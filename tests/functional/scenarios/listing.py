# SPDX-License-Identifier: Apache-2.0
"""Lists answer alike on every database: patterns, capitals, blanks, orders, pages."""

from __future__ import annotations

from urllib.parse import quote

from tests.functional.base import CloudTest

NAMES = ("Alpha", "alpha", "beta 1", "beta_1", "beta%1", "名前", "🦊", "(", "x" * 200)

#: name=PATTERN -> what it finds; a pattern may stand anywhere in the name
PATTERNS: dict[str, set[str]] = {
    "beta": {"beta 1", "beta_1", "beta%1"},
    "^beta[ _]1$": {"beta 1", "beta_1"},
    "beta%1": {"beta%1"},
    "a$": {"Alpha", "alpha"},
    "lph": {"Alpha", "alpha"},
    "名": {"名前"},
    "🦊": {"🦊"},
    "nobody": set(),
    ".*": set(NAMES),
}

#: No patterns at all, or costly ones: whatever they find, it is no failure of the cloud.
ODD_PATTERNS = (
    "(x+x+)+y",
    "x*x*x*x*x*x*x*x*x*y",
    "(",
    "[",
    "*",
    "+",
    "a{",
    "\\",
    "a{1,99999}",
    "(?P<",
    "[[:foo:]]",
    "(a+)+$",
    "\\p{x}",
    "'",
    '"',
    "$$$",
)

SORT_KEYS = (
    "access_ip_v4",
    "access_ip_v6",
    "auto_disk_config",
    "availability_zone",
    "config_drive",
    "created_at",
    "display_description",
    "display_name",
    "image_ref",
    "instance_type_id",
    "kernel_id",
    "key_name",
    "launched_at",
    "locked_by",
    "power_state",
    "progress",
    "project_id",
    "ramdisk_id",
    "root_device_name",
    "terminated_at",
    "updated_at",
    "user_id",
    "uuid",
    "vm_state",
)


class Listing(CloudTest):
    def setUp(self) -> None:
        super().setUp()
        self.network_id = self.network(self.user)
        wires = {"networks": [{"uuid": self.network_id}]}
        self.ids = [self.user.boot(name, tags=[f"t{n}", "all"], **wires) for n, name in enumerate(NAMES)]
        self.user.until_all({"ACTIVE"})

    def _found(self, query: str) -> list[str]:
        return [one["name"] for one in self.user.servers(query)]

    def test_lists(self) -> None:
        """One test, since the servers take longer than the lists."""
        for pattern, names in PATTERNS.items():
            self.assertEqual(names, set(self._found(f"?name={quote(pattern)}")), pattern)
        for pattern in ODD_PATTERNS:
            answer = self.user.send("GET", f"/compute/v2.1/servers?name={quote(pattern)}")
            self.assertIn(answer.status, (200, 400), f"{pattern}: {answer.body}")
        self._check_filters()
        self._check_orders()

    def _check_filters(self) -> None:
        everything = set(NAMES)
        (address,) = self.user.server(self.ids[0])["addresses"]["n"]
        filters = {
            f"?ip=^{address['addr']}$": {NAMES[0]},
            "?ip=10.90.": everything,
            "?ip=11.": set(),
            "?status=ACTIVE": everything,
            "?status=active": everything,
            "?status=SHUTOFF": set(),
            "?flavor=42": everything,
            "?flavor=1": set(),
            f"?image={self.user.image()}": everything,
            "?tags=t1": {NAMES[1]},
            "?tags=all,t1": {NAMES[1]},
            "?tags=T1": set(),
            "?tags-any=t1,t2": {NAMES[1], NAMES[2]},
            "?not-tags=t1": everything - {NAMES[1]},
            "?not-tags-any=t1,t2": everything - {NAMES[1], NAMES[2]},
        }
        for query, names in filters.items():
            self.assertEqual(names, set(self._found(query)), query)

    def _check_orders(self) -> None:
        for key in SORT_KEYS:
            for way in ("asc", "desc"):
                query = f"?sort_key={key}&sort_dir={way}"
                whole = [one["id"] for one in self.user.servers(query)]
                self.assertEqual(set(self.ids), set(whole), query)
                self.assertEqual(whole, self._paged(query), query)

    def _paged(self, query: str) -> list[str]:
        found: list[str] = []
        while page := self.user.servers(f"{query}&limit=3" + (f"&marker={found[-1]}" if found else "")):
            found += [one["id"] for one in page]
            self.assertLessEqual(len(found), len(self.ids), query)
        return found

    def test_names_differ_in_capitals_and_blanks(self) -> None:
        group = "/compute/v2.1/os-server-groups"
        for name in ("g", "G"):
            self.user.send("POST", group, {"server_group": {"name": name, "policy": "affinity"}}, expect=200)
        for name in ("k", "K", "k k"):
            self.user.send("POST", "/compute/v2.1/os-keypairs", {"keypair": {"name": name, **_KEY}}, expect=201)
        found = {one["keypair"]["name"] for one in self.user.compute("/os-keypairs")["keypairs"]}
        self.assertEqual({"k", "K", "k k"}, found)
        self.assertEqual(404, self.user.send("GET", "/compute/v2.1/os-keypairs/K%20K").status)
        self.user.send("DELETE", "/compute/v2.1/os-keypairs/K", expect=204)
        self.user.send("GET", "/compute/v2.1/os-keypairs/k", expect=200)


_KEY = {
    "public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5k0K9N9m1k0g0m8sV1K2o0Zc5hM6J8r0b6xq3Ww1aB x",
    "type": "ssh",
}
