# SPDX-License-Identifier: Apache-2.0
"""What one boot may cost and what a start may import: counted, never timed.

A change that makes a boot dearer fails here, and either finds a cheaper way or raises the
number with its reason. ``python -m benchmarks`` says how long it all takes.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import testtools

from benchmarks import counters
from benchmarks.client import Client
from benchmarks.process import free_port
from minicloud import conf as options
from minicloud.cmd import all_in_one, credentials

#: Of one boot from POST to ACTIVE, on a network with one subnet, without anything optional. BEGIN of a writer counts.
STATEMENTS = 60
TRANSACTIONS = 13
#: resolve, build_instances, build_instance, allocate, and three steps of the host.
MESSAGES = 7

#: Slow to import, and needed by nobody who merely starts a cloud again.
UNWANTED = ("eventlet", "kombu", "amqp", "jsonschema", "alembic", "openstack", "keystoneauth1", "libvirt", "docker")

_START = """
import sys
import minicloud.cmd.backend
from minicloud import conf
from minicloud.cmd import all_in_one

def start():
    cloud = all_in_one.group(made, all_in_one.Options("127.0.0.1", {port}))
    cloud.start()
    cloud.stop()

made = conf.new(args=[], files=[])
made.set_override("state_dir", {state!r})
start()
print("loaded", *(name for name in {unwanted!r} if sys.modules.get(name) is not None))
"""


class BootBudget(testtools.TestCase):
    """The whole cloud in this process."""

    def setUp(self) -> None:
        super().setUp()
        self.state = Path(self.enterContext(TemporaryDirectory()))
        conf = options.new(args=[], files=[])
        conf.set_override("state_dir", str(self.state))
        port = free_port()
        cloud = all_in_one.group(conf, all_in_one.Options("127.0.0.1", port))
        self.addCleanup(cloud.stop)
        cloud.start()
        self.client = Client(port)
        self.client.log_in(credentials.load_or_create(str(self.state))["admin"])
        self.network = next(
            one["id"] for one in self.client.get("/network/v2.0/networks")["networks"] if one["name"] == "private"
        )
        self.image = self.client.get("/image/v2/images")["images"][0]["id"]

    def boot(self) -> None:
        server = {"name": "one", "flavorRef": "42", "imageRef": self.image, "networks": [{"uuid": self.network}]}
        made = self.client.post("/compute/v2.1/servers", {"server": server})["server"]["id"]
        # Asked for beside the cloud, so that asking is not counted.
        with closing(sqlite3.connect(self.state / "cell.sqlite", timeout=30)) as cell:
            for _ in range(3000):
                row = cell.execute("SELECT vm_state FROM instances WHERE uuid = ?", (made,)).fetchone()
                if row is not None and row[0] != "building":
                    self.assertEqual("active", row[0])
                    return
                time.sleep(0.01)
        self.fail("the server did not become ACTIVE")

    def test_one_boot(self) -> None:
        self.boot()  # fills what is read once
        cheapest: Counter[str] | None = None
        with counters.counting() as counted:
            for _ in range(5):
                before = Counter(counted.read())
                self.boot()
                time.sleep(0.1)  # what follows ACTIVE belongs to the boot
                spent = Counter(counted.read()) - before
                # Heartbeats and other periodic work may fall into one of several boots, not into all.
                if cheapest is None or spent.total() < cheapest.total():
                    cheapest = spent
        assert cheapest is not None
        told = "\n".join(f"{count} {name}" for name, count in sorted(cheapest.items()))
        for kind, most in (("sql", STATEMENTS), ("commit", TRANSACTIONS), ("rpc", MESSAGES)):
            count = sum(each for name, each in cheapest.items() if name.startswith(f"{kind} "))
            self.assertGreater(count, 0, f"no {kind} was counted")
            self.assertLessEqual(count, most, f"{kind}: {count} in one boot, {most} allowed:\n{told}")


class ImportBudget(testtools.TestCase):
    """What a cloud that has started before brings into memory at its next start."""

    def test_unwanted(self) -> None:
        with TemporaryDirectory() as state:
            first, again = (self.start(state) for _ in range(2))
        self.assertIn("alembic", first)  # so the question is asked well
        self.assertNotIn("eventlet", first)
        self.assertEqual([], again)

    def start(self, state: str) -> list[str]:
        script = _START.format(port=free_port(), state=state, unwanted=UNWANTED)
        done = subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout.splitlines()[-1].split()[1:]
