# SPDX-License-Identifier: Apache-2.0
"""Docker daemons and clouds that are killed: what is told of servers is true, and nothing is left of those that go."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import docker
import fixtures

from tests.fixtures import containers
from tests.functional.cloud import ROOT
from tests.integration.guests.cloud import until
from tests.integration.guests.trouble import Trouble

_CONFIG = """\
[DEFAULT]
compute_driver = docker.DockerDriver
[docker]
url = {url}
stop_timeout = 2
[network]
public_cidr = 172.31.79.0/24
[compute]
vif_plugging_timeout = 15
"""

#: Passes everything on, until it is told to fail.
_BROKEN = """\
#!/bin/sh
[ -e {mark} ] && {{ echo "it was told to fail" >&2; exit 1; }}
exec {program} "$@"
"""


class DockerTrouble(Trouble):
    IMAGE: ClassVar[dict[str, str]] = {"disk_format": "raw", "container_format": "docker"}
    FORMAT = ("--docker",)
    #: Of the daemon.
    OPTIONS: ClassVar[tuple[str, ...]] = ()

    def configuration(self) -> str:
        containers.docker_url(self)  # where this machine can have none, there is no daemon either
        folder = tempfile.TemporaryDirectory(prefix="dockerd-")
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)
        self.addCleanup(self._script, "stop")
        self.start_daemon()
        self.api = docker.APIClient(base_url=self.url, version="auto", timeout=10)
        self.addCleanup(self.api.close)
        return _CONFIG.format(url=self.url)

    def _script(self, verb: str, *options: str) -> str:
        command = [str(ROOT / "tools" / "start_docker.sh"), verb, str(self.home / "daemon"), *options]
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, timeout=120).stdout.strip()

    def start_daemon(self) -> None:
        self.url = self._script("start", *self.OPTIONS)

    def kill_daemon(self) -> None:
        pid = int((self.home / "daemon" / "docker.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        until(lambda: not Path(f"/proc/{pid}/exe").exists(), "dockerd is dead", 10, 0.05)

    def guests(self) -> set[str]:
        found = self.api.containers(all=True, filters={"label": ["minicloud.instance"]})
        return {each["Labels"]["minicloud.instance"] for each in found}

    def files(self) -> set[str]:
        return {path.name for path in (self.cloud.state / "docker").glob("*/guests/*")}

    def container(self, server: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.api.inspect_container(f"minicloud-{server.id}")
        return found

    def address_in(self, server: Any) -> str:
        """What the kernel says of the interface in the container."""
        pid = str(self.container(server)["State"]["Pid"])
        done = subprocess.run(["nsenter", "-t", pid, "-n", "ip", "-4", "addr"], capture_output=True, text=True)
        return done.stdout


class TestDaemon(DockerTrouble):
    def test_killed_and_started_again(self) -> None:
        kept, unwanted = self.boot("kept"), self.boot("unwanted")
        process = self.container(kept)["State"]["Pid"]
        self.until_service("enabled")
        self.kill_daemon()

        service = self.until_service("disabled")
        self.assertEqual("up", service.state)
        self.assertIn("AUTO: the Docker daemon does not answer", service.disabled_reason)
        self.assertTrue(Path(f"/proc/{process}").exists(), "the guest ended with the daemon")
        self.assertEqual("ACTIVE", self.look(kept).status)

        self.user.compute.stop_server(kept.id)
        found = self.until_state(kept, "ACTIVE")
        self.assertIsNone(found.task_state)
        (event,) = self.last_action(kept, "stop").events
        self.assertIn("does not answer", event["details"])
        refused = self.create("refused")
        self.until_state(refused, "ERROR")
        self.assertIn("the Docker daemon does not answer", self.why(refused) + self._explained(refused))
        self.user.compute.delete_server(unwanted.id)

        self.start_daemon()
        self.until_service("enabled")
        self.user.compute.wait_for_delete(unwanted, wait=60)
        self.remove(refused)
        self.assert_nothing_left(unwanted, refused)
        self.until_state(kept, "SHUTOFF")  # a daemon without live-restore ends what it finds
        self.user.compute.start_server(kept.id)
        self.until_state(kept, "ACTIVE")
        (port,) = self.ports(kept)
        self.assertIn(port.fixed_ips[0]["ip_address"], self.address_in(kept))

        self.api.kill(f"minicloud-{kept.id}")
        found = self.until_state(kept, "SHUTOFF", seconds=10)
        self.assertEqual(4, found.power_state)
        self.remove(kept)
        self.assert_nothing_left(kept)
        self.assert_host_clean()

    def _explained(self, server: Any) -> str:
        return self.cloud.minicloud("explain", server.id)


class TestDaemonWithLiveRestore(DockerTrouble):
    OPTIONS = ("--live-restore",)

    def test_killed_and_started_again(self) -> None:
        server = self.boot("kept")
        process = self.container(server)["State"]["Pid"]
        self.kill_daemon()
        self.until_service("disabled")
        self.start_daemon()
        self.until_service("enabled")
        self.assertEqual(process, self.container(server)["State"]["Pid"])
        self.assertEqual("ACTIVE", self.until_state(server, "ACTIVE", "SHUTOFF").status)
        self.user.compute.stop_server(server.id)
        self.until_state(server, "SHUTOFF")
        self.remove(server)
        self.assert_nothing_left(server)


class TestAgent(DockerTrouble):
    """A network agent that cannot do its work, for want of a firewall."""

    def configuration(self) -> str:
        text = super().configuration()
        program = shutil.which("nft")
        if program is None:
            self.lacking("nft is not installed")
        self.mark = self.home / "broken"
        nft = self.home / "bin" / "nft"
        nft.parent.mkdir()
        nft.write_text(_BROKEN.format(mark=self.mark, program=program))
        nft.chmod(0o755)
        self.useFixture(fixtures.EnvironmentVariable("PATH", f"{nft.parent}:{os.environ['PATH']}"))
        return text

    def test_a_server_whose_ports_nobody_guards_is_in_error(self) -> None:
        self.mark.touch()
        server = self.create("unguarded")
        self.until_state(server, "ERROR")
        self.assertIn("were not up within 15 s", self.why(server))
        self.assert_nothing_left(server)
        self.mark.unlink()
        guarded = self.boot("guarded")
        self.remove(server, guarded)
        self.assert_nothing_left(server, guarded)
        self.assert_host_clean()


class TestKilledCloud(DockerTrouble):
    def test_in_the_middle(self) -> None:
        """A server in whose building, resizing, copying or deleting the cloud was killed comes to an end."""
        building: dict[str, Callable[[Any], object]] = {
            "a server that is being built": lambda one: self.look(one).task_state in ("networking", "spawning"),
            "a container": lambda one: one.id in self.guests(),
            "an interface": lambda _one: any(name.startswith("tap") for _, name in socket.if_nameindex()),
        }
        for moment, server in self.moments(lambda number: self.create(f"built-{number}"), building):
            found = self.until_state(server, "ACTIVE", "ERROR")
            self.assertTrue(found.status == "ACTIVE" or found.fault["message"], moment)
            self.remove(server)
            self.assert_nothing_left(server)

        server = self.boot("changed")
        changing: dict[str, Callable[[Any], object]] = {
            "a resize": lambda one: (self.look(one).task_state or "").startswith("resize"),
            "a stopped container": lambda one: not self.container(one)["State"]["Running"],
        }
        for moment, _ in self.moments(lambda _number: self._resize(server), changing):
            self.end_resize(server, may_be_lost=moment == "a resize")
            self.assertTrue(self.container(server)["State"]["Running"])

        copying: dict[str, Callable[[Any], object]] = {"a copy": lambda _one: self.api.images("minicloud/snapshot")}
        for _moment, _ in self.moments(lambda _number: self._snapshot(server), copying):
            self.until_state(server, "ACTIVE")
            image = until(lambda: self.user.image.find_image("copy"), "the image", 30)
            until(lambda image=image: self.user.image.get_image(image.id).status == "active", "its data", 60)
            self.assertEqual([], self.api.images("minicloud/snapshot"))

        deleting: dict[str, Callable[[Any], object]] = {"a delete": lambda one: self.look(one).task_state == "deleting"}
        for _moment, _ in self.moments(lambda _number: self._delete(server), deleting):
            self.user.compute.wait_for_delete(server, wait=60)
        self.assert_nothing_left(server)
        self.assert_host_clean()

    def _resize(self, server: Any) -> Any:
        is_small = self.look(server).flavor["original_name"] == self.flavor.name
        self.user.compute.resize_server(server.id, (self.bigger if is_small else self.flavor).id)
        return server

    def _snapshot(self, server: Any) -> Any:
        self.user.compute.create_server_image(server.id, "copy")
        return server

    def _delete(self, server: Any) -> Any:
        self.user.compute.delete_server(server.id)
        return server
