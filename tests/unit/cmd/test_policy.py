# SPDX-License-Identifier: Apache-2.0
"""minicloud-policy."""

from __future__ import annotations

import configparser
import contextlib
import importlib
import io
import tempfile
from pathlib import Path

import testtools
import yaml

from minicloud.cmd import policy
from minicloud.cmd.policy.rules import SERVICES

ROOT = Path(__file__).parents[3]
CREATE = "os_compute_api:servers:create"
DELETE_FLAVOR = "os_compute_api:os-flavor-manage:delete"


class PolicyTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.rules = Path(folder.name) / "policy.yaml"
        self.rules.write_text("{}\n")
        self.file = Path(folder.name) / "minicloud.conf"
        self.file.write_text(f"[DEFAULT]\nstate_dir = {folder.name}\n[oslo_policy]\npolicy_file = {self.rules}\n")

    def run_policy(self, action: str, *more: str) -> tuple[int, str]:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            code = policy.main([action, "--config-file", str(self.file), *more])
        return code, out.getvalue()

    def check(self, roles: str, rule: str, *more: str) -> int:
        return self.run_policy("check", "--as", roles, *more, rule)[0]

    def test_who_passes(self) -> None:
        for code, roles, rule, more in (
            (0, "member", CREATE, ()),
            (0, "reader,member", CREATE, ()),
            (1, "reader", CREATE, ()),
            (1, "member", CREATE, ("--foreign",)),
            (0, "admin", DELETE_FLAVOR, ("--foreign",)),
            (1, "member", DELETE_FLAVOR, ()),
            (1, "member", "identity:create_user", ()),
            (0, "reader", "get_images", ()),
            (2, "admin", "get_images", ("--service", "compute")),
            (2, "admin", "no:such:rule", ()),
        ):
            self.assertEqual(code, self.check(roles, rule, *more), f"{roles} {rule} {more}")

    def test_the_operators_file_counts(self) -> None:
        self.rules.write_text(f'"{CREATE}": "role:captain"\n')
        self.assertEqual((1, 0), (self.check("member", CREATE), self.check("captain", CREATE)))
        self.assertIn(f'"{CREATE}": "role:captain"', self.run_policy("list")[1])
        self.assertNotIn("captain", self.run_policy("sample")[1])

    def test_all_rules_at_once(self) -> None:
        code, said = self.run_policy("check", "--as", "reader")
        self.assertEqual(0, code)
        self.assertIn(f"failed: {CREATE}\n", said)
        self.assertIn("passed: get_images\n", said)

    def test_list_and_sample_have_every_rule(self) -> None:
        names = {rule.name for rules in SERVICES.values() for rule in rules()}
        self.assertEqual(names, set(yaml.safe_load(self.run_policy("list")[1])))
        uncommented = [line[1:] for line in self.run_policy("sample")[1].splitlines() if line.startswith('#"')]
        self.assertEqual(names, set(yaml.safe_load("\n".join(uncommented))))

    def test_every_service_is_an_entry_point_and_in_the_generators_file(self) -> None:
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        lines = setup["options.entry_points"]["oslo.policy.policies"].strip().splitlines()
        points = dict(line.replace(" ", "").split("=") for line in lines)
        want = {"minicloud" if name == "compute" else f"minicloud.{name}": rules for name, rules in SERVICES.items()}
        self.assertEqual(set(want), set(points))
        for name, path in points.items():
            module, _, function = path.partition(":")
            self.assertIs(want[name], getattr(importlib.import_module(module), function))
        generator = (ROOT / "etc/minicloud/policy-generator.conf").read_text()
        self.assertEqual(set(want), {line.split()[2] for line in generator.splitlines() if "namespace" in line})
