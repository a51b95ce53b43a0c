# SPDX-License-Identifier: Apache-2.0
"""Nothing ever imports eventlet, although it is installed."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import testtools

ROOT = Path(__file__).parents[3]

EVERYTHING = """
import importlib, pkgutil, sys
import minicloud.cmd.backend
import minicloud
skipped = []
for info in pkgutil.walk_packages(minicloud.__path__, "minicloud."):
    if info.name.startswith("minicloud.wsgi.") or info.name.endswith("__main__"):
        continue  # these start a program when imported
    try:
        importlib.import_module(info.name)
    except ImportError as error:  # a driver whose library is an extra
        skipped.append((info.name, error.name))
import oslo_messaging._drivers.impl_rabbit, oslo_messaging.notify, oslo_service.service, oslo_service.loopingcall
from oslo_service import backend
bad = [name for name in sys.modules if name.split(".")[0] in ("eventlet", "gevent") and sys.modules[name] is not None]
assert not bad, bad
assert backend.get_backend_type() is backend.BackendType.THREADING
print("imported", len([name for name in sys.modules if name.startswith("minicloud.")]), skipped)
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class TestBackend(testtools.TestCase):
    def test_importing_everything_never_imports_eventlet(self) -> None:
        done = run(EVERYTHING)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("imported", done.stdout)

    def test_without_it_eventlet_would_come_in(self) -> None:
        """The test above proves something: oslo.messaging alone takes eventlet where it is installed."""
        if run("import eventlet").returncode:
            self.skipTest("eventlet is not installed")
        done = run("import sys, oslo_messaging; print(sys.modules.get('eventlet') is not None)")
        self.assertEqual("True", done.stdout.strip())

    def test_too_late_is_an_error(self) -> None:
        done = run("import sys, types; sys.modules['eventlet'] = types.ModuleType('e'); import minicloud.cmd.backend")
        self.assertIn("RuntimeError: eventlet was imported before", done.stderr)

    def test_the_broker_library_is_imported_for_the_broker_only(self) -> None:
        done = run(
            "import sys, minicloud.cmd.backend; from minicloud import conf; from minicloud.rpc import base;"
            "base.get_transport(conf.new(files=[])); print('kombu' in sys.modules)"
        )
        self.assertEqual("False", done.stdout.strip(), done.stderr)

    def test_eventlet_cannot_be_imported_here(self) -> None:
        self.assertIsNone(importlib.util.find_spec("eventlet"))
