# SPDX-License-Identifier: Apache-2.0
"""The tempest.conf: options that Tempest knows, with what the cloud answers in them."""

from __future__ import annotations

import configparser
import http.server
import json
import os
import stat
import tempfile
import threading
from pathlib import Path
from typing import Any

import testtools

from minicloud import conf as configuration
from minicloud.cmd import cli, credentials
from minicloud.cmd.commands import tempest_conf
from minicloud.cmd.commands.process import Home, Record
from minicloud.virt import live, loader, roles
from tests.fixtures import libvirt


class Answer(http.server.BaseHTTPRequestHandler):
    """Just enough of a cloud: a token whose catalog leads back here, and what is asked for."""

    passwords: list[str] = []
    #: What one test's cloud answers otherwise.
    more: dict[str, Any] = {}

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.passwords.append(asked["auth"]["identity"]["password"]["user"]["password"])
        url = f"http://{self.headers['Host']}"
        endpoint = {"interface": "public", "region": "RegionOne", "region_id": "RegionOne"}
        catalog = [
            {"type": service, "name": service, "endpoints": [{**endpoint, "url": f"{url}/{service}"}]}
            for service in ("compute", "image", "network")
        ]
        self.answer({"token": {"catalog": catalog, "expires_at": "2100-01-01T00:00:00.000000Z", "methods": []}}, 201)

    def do_GET(self) -> None:
        self.answer({**ANSWERS, **self.more}[self.path.partition("?")[0]])

    def answer(self, body: Any, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("X-Subject-Token", "token")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: Any) -> None:
        pass


ANSWERS = {
    "/identity/v3": {"version": {"id": "v3.14", "status": "stable", "links": []}},
    "/image/v2/images": {"images": [{"name": "tiny", "id": "i1"}, {"name": "tiny-alt", "id": "i2"}]},
    "/network/v2.0/networks": {"networks": [{"id": "n1"}]},
    "/network/v2.0/extensions": {"extensions": [{"alias": "router"}, {"alias": "quotas"}]},
    "/compute/os-hypervisors/detail": {"hypervisors": [{"hypervisor_type": "fake"}] * 3},
}


class TempestConf(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        Answer.passwords.clear()
        self.addCleanup(Answer.more.clear)

    def read(self, text: str) -> configparser.RawConfigParser:
        parser = configparser.RawConfigParser()
        parser.read_string(text)
        return parser

    def test_what_the_cloud_answers(self) -> None:
        conf = configuration.new(args=[], files=[])
        conf.set_override("enabled_filters", ["A", "B"], "filter_scheduler")
        found = self.read(tempest_conf.render(conf, self.url, {"admin": "secret%(x)s"}))
        self.assertEqual(["secret%(x)s"], Answer.passwords)
        self.assertEqual("secret%(x)s", found["auth"]["admin_password"])
        compute = found["compute"]
        self.assertEqual(("i1", "i2", "42", "84", "3"), tuple(compute[key] for key in ASKED))
        able = found["compute-feature-enabled"]
        self.assertEqual("A,B", able["scheduler_enabled_filters"])
        # It has three hosts.
        self.assertEqual(("true", "true"), (able["live_migration"], able["cold_migration"]))
        self.assertEqual("n1", found["network"]["public_network_id"])
        features = found["network-feature-enabled"]
        self.assertEqual("router,quotas", features["api_extensions"])
        self.assertEqual(("true", "false"), (features["floating_ips"], features["port_security"]))

    def rendered(self, kind: str, *images: str) -> configparser.RawConfigParser:
        """What a cloud gets whose two hosts are of a kind, and that has these images too."""
        names = ("tiny", "tiny-alt", *images)
        Answer.more["/compute/os-hypervisors/detail"] = {"hypervisors": [{"hypervisor_type": kind}] * 2}
        Answer.more["/image/v2/images"] = {"images": [{"name": name, "id": f"id of {name}"} for name in names]}
        return self.read(tempest_conf.render(configuration.new(args=[], files=[]), self.url, {"admin": "secret"}))

    def test_where_a_guest_answers_the_tests_look_into_it(self) -> None:
        for kind, image in (("QEMU", "minicloud-guest"), ("docker", "minicloud-guest-docker")):
            found = self.rendered(kind, image)
            self.assertEqual("true", found["validation"]["run_validation"])
            self.assertEqual([f"id of {image}"] * 2, [found["compute"][key] for key in ASKED[:2]])
            found = self.rendered(kind, image, f"{image}-alt")
            self.assertEqual(f"id of {image}-alt", found["compute"]["image_ref_alt"])

    def test_where_none_does_they_do_not(self) -> None:
        for kind, image in (("QEMU", "another"), ("docker", "minicloud-guest"), ("fake", "minicloud-guest")):
            found = self.rendered(kind, image)
            self.assertEqual({"run_validation": "false"}, dict(found["validation"]))
            self.assertEqual(["id of tiny", "id of tiny-alt"], [found["compute"][key] for key in ASKED[:2]])

    def test_a_kind_that_nobody_knows_is_as_a_fake_one(self) -> None:
        self.assertEqual(self.rendered("fake"), self.rendered("abacus"))

    def test_features_are_what_the_driver_can(self) -> None:
        # The last is the one that may not be installed.
        for kind, name in (
            ("fake", "fake.FakeDriver"),
            ("docker", "docker.DockerDriver"),
            ("QEMU", "libvirt.LibvirtDriver"),
        ):
            if kind == "QEMU":
                libvirt.need_library()
            conf = configuration.new(args=[], files=[])
            conf.set_override("compute_driver", name)
            conf.set_override("state_dir", self.folder())
            driver = type(loader.load(conf, "host"))
            able = self.rendered(kind)["compute-feature-enabled"]
            for feature, role in ROLES.items():
                self.assertEqual(issubclass(driver, role), able.getboolean(feature), f"{kind}: {feature}")

    def test_tempest_knows_every_option(self) -> None:
        from tempest import config  # type: ignore[import-untyped]  # takes a second

        known = {str(group or "DEFAULT"): {one.dest for one in options} for group, options in config.list_opts()}
        for kind in tempest_conf.DRIVERS:
            for section, options in self.rendered(kind, "minicloud-guest", "minicloud-guest-docker").items():
                for name in options:
                    # Plug-ins say which services there are.
                    if section not in ("DEFAULT", "service_available"):
                        self.assertIn(name.replace("-", "_"), known[section], section)

    def test_the_command(self) -> None:
        folder = Path(self.folder())
        home = Home(folder / "cloud")
        home.prepare()
        credentials.load_or_create(home.path)
        path = folder / "tempest.conf"
        command = ["tempest-config", "--state-dir", str(home.path), "--output", str(path)]
        self.assertEqual(1, cli.main(command))
        self.assertFalse(path.exists())
        path.write_text("old")
        with home.lock():
            home.write(
                Record(pid=os.getpid(), url=self.url, local_url=self.url, hosts=1, started_at=0.0, is_ready=True)
            )
            self.assertEqual(0, cli.main(command))
        self.assertEqual("i1", self.read(path.read_text())["compute"]["image_ref"])
        self.assertEqual(0o600, stat.S_IMODE(path.stat().st_mode))

    def folder(self) -> str:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return folder.name


#: Tempest's word -> what a driver must be.
ROLES = {
    "pause": roles.SupportsPause,
    "suspend": roles.SupportsSuspend,
    "console_output": roles.SupportsConsoleOutput,
    "vnc_console": roles.SupportsVncConsole,
    "serial_console": roles.SupportsSerialConsole,
    "interface_attach": roles.SupportsInterfaces,
    "snapshot": roles.SupportsSnapshot,
    "resize": roles.SupportsResize,
    "cold_migration": roles.SupportsResize,
    "rescue": roles.SupportsRescue,
    "live_migration": live.SupportsLiveMigration,
}

ASKED = ("image_ref", "image_ref_alt", "flavor_ref", "flavor_ref_alt", "min_compute_nodes")
