# SPDX-License-Identifier: Apache-2.0
"""A cloud with containers is brought into disorder; the doctor names all of it, mends it, and touches nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import uuid
from pathlib import Path
from typing import Any

import docker
import fixtures
import testtools

from minicloud import conf as configuration
from minicloud.cmd import remembered
from minicloud.cmd.setup.databases import opened
from minicloud.db.api import placement
from minicloud.db.cell import instances
from minicloud.web.moments import now
from tests.fixtures import containers
from tests.integration.guests import host
from tests.integration.guests.cloud import GuestCloud, until

#: What runs in the containers.
_COMMAND = {"os_command_line": "sleep 1000"}


class TestDoctor(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        if os.geteuid() != 0:
            if os.environ.get("MINICLOUD_REQUIRE_REAL") == "1":
                self.fail("networks need root")
            self.skipTest("networks need root")
        self.url = containers.docker_url(self)
        self.files = containers.root_file_system(self)
        self.docker = docker.APIClient(base_url=self.url, version="auto")
        self.addCleanup(self.docker.close)
        self.before = self._inventory()
        self.cloud = GuestCloud("")
        # Nobody but the one who starts it has to say what it runs.
        self.cloud.options = ["--state-dir", str(self.cloud.state)]
        self.is_closed = False
        self.addCleanup(self._close)
        self.addOnException(lambda _: self.addDetail("log", testtools.content.text_content(self.cloud.log()[-20000:])))

    def _close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.cloud.close()

    def _inventory(self) -> set[str]:
        ours = {f"container: {one['Names'][0]}" for one in self.docker.containers(all=True)}
        images = {f"image: {tag}" for one in self.docker.images() for tag in one["RepoTags"] or [one["Id"]]}
        return host.inventory() | ours | images

    def test_a_mess_is_named_and_mended(self) -> None:
        with fixtures.EnvironmentVariable("DOCKER_HOST", self.url):
            self.cloud.start("--driver", "docker.DockerDriver")
        deleted, lost, poor = self._boot(3)
        self._stop_by_force()
        self.conf = configuration.new(files=[])
        self.conf.set_override("state_dir", str(self.cloud.state))
        run = remembered.last(self.cloud.state)
        assert run is not None
        run.apply(self.conf)
        self.assertEqual("[]", self.cloud.minicloud("doctor", "-f", "json").strip())

        wanted = self._make_a_mess(deleted, lost, poor)
        stranger = self._stranger(run.hosts[0])
        with_mess = self._inventory()
        self.assertEqual(wanted, self._doctor(code=1))
        self.assertEqual(with_mess, self._inventory(), "looking changes nothing")
        self.assertEqual(wanted, self._doctor("--fix"))
        self.assertEqual({}, self._doctor())
        self.assertIn(f"container: /{stranger}", self._inventory())
        self.docker.remove_container(stranger, force=True)

        self.cloud.start()
        user = self.cloud.connect()
        until(lambda: user.compute.get_server(poor).status == "ACTIVE", "the server that is all right", 30)
        self.assertEqual("ERROR", user.compute.get_server(lost).status)
        self.assertIn("does not exist on this host", user.compute.get_server(lost).fault["message"])
        self.assertEqual("running", self.docker.inspect_container(f"minicloud-{poor}")["State"]["Status"])
        self._stop_by_force()
        self._close()
        self.assertEqual([], sorted(self._inventory() - self.before), "left on the host")
        self.assertEqual([], sorted(self.before - self._inventory()), "taken from the host")

    # --- the steps -------------------------------------------------------------------------

    def _boot(self, count: int) -> list[str]:
        user = self.cloud.connect()
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.files)
            file.flush()
            form = {"disk_format": "raw", "container_format": "docker"}
            image = user.create_image("guest", filename=file.name, wait=True, properties=_COMMAND, **form)
        flavor, network = user.compute.find_flavor("m1.nano").id, user.network.find_network("private").id
        servers = [
            user.compute.create_server(
                name=f"s{number}", image_id=image.id, flavor_id=flavor, networks=[{"uuid": network}]
            )
            for number in range(count)
        ]
        for server in servers:
            user.compute.wait_for_server(server, wait=60)
        return [server.id for server in servers]

    def _stop_by_force(self) -> None:
        """Nothing is tidied up by one that is killed."""
        pid = int((self.cloud.state / "run" / "minicloud.pid").read_text())
        os.kill(pid, 9)
        until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in _state(pid), "the end of the cloud", 10)

    def _make_a_mess(self, deleted: str, lost: str, poor: str) -> dict[str, set[str]]:
        """
        :returns: check -> what it has to find
        """
        with opened(self.conf, "cell") as db, db.writer() as conn:
            instances.destroy(conn, deleted, now())
        with opened(self.conf, "api") as db, db.writer() as conn:
            placement.free(conn, [poor])
        self.docker.remove_container(f"minicloud-{lost}", force=True)
        nobody, network = str(uuid.uuid4()), str(uuid.uuid4())
        top = self.cloud.state / "docker" / str(self.conf.host)
        folder, download = top / "guests" / nobody, top / "incoming" / "tmpabc"
        folder.mkdir(parents=True)
        download.mkdir(parents=True)
        bridge, namespace = f"mcb{network[:11]}", f"mcdhcp-{network}"
        for command in (("link", "add", bridge, "type", "bridge"), ("netns", "add", namespace)):
            subprocess.run(["ip", *command], check=True)
        (port,) = self._ports(deleted)
        return {
            "guest without server": {deleted},
            "server without guest": {lost},
            "folder without server": {str(folder)},
            "port without server": {port},
            "allocation without server": {deleted},
            "server without allocation": {poor},
            "unfinished image": {str(download)},
            "device without network": {bridge, namespace},
        }

    def _ports(self, server: str) -> list[str]:
        """As the container's own record has them: the cloud is down."""
        path = self.cloud.state / "docker" / str(self.conf.host) / "guests" / server / "vifs.json"
        return [vif["port_id"] for vif in json.loads(path.read_text())]

    def _stranger(self, name: str) -> str:
        """A container of another cloud whose host is called the same."""
        labels = {"minicloud.instance": str(uuid.uuid4()), "minicloud.host": name, "minicloud.cloud": "another"}
        (image,) = {tag for one in self.docker.images(name="minicloud/*") for tag in one["RepoTags"]}
        called = f"minicloud-{labels['minicloud.instance']}"
        self.docker.create_container(image, command=["sleep", "1000"], name=called, labels=labels)
        return called

    def _doctor(self, *options: str, code: int = 0) -> dict[str, set[str]]:
        rows: list[dict[str, Any]] = json.loads(self.cloud.minicloud("doctor", "-f", "json", *options, code=code))
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row["Check"], set()).add(row["Subject"])
        return found


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
