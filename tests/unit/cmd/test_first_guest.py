# SPDX-License-Identifier: Apache-2.0
"""When a new cloud is given an image of a tiny guest, and by which command."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import fixtures
import testtools

from minicloud import conf as options
from minicloud.cmd.commands.first_guest import FirstGuest
from minicloud.cmd.commands.process import Home

#: Stands for ``minicloud image build-guest``: notes what it was told.
_NOTE = "import sys; open(sys.argv[1], 'a').write(' '.join(sys.argv[2:]) + '\\n'); print('at work'); print('id  name')"
_FAIL = "import sys; print('no packages'); sys.exit(1)"
_HANG = "import sys, time; open(sys.argv[1], 'w').close(); time.sleep(60)"


class FirstGuestTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = Path(self.useFixture(fixtures.TempDir()).path)
        self.note = self.folder / "note"
        self.home = Home(self.folder)
        self.said: list[str] = []

    def guest(
        self, driver: str = "docker.DockerDriver", script: str = _NOTE, is_on: bool = True, virt_type: str = "auto"
    ) -> FirstGuest:
        conf = options.new()
        conf.set_override("virt_type", virt_type, group="libvirt")
        conf.set_override("compute_driver", driver)
        conf.set_override("build_guest", is_on, group="image")
        return FirstGuest(conf, self.home, [sys.executable, "-c", script, str(self.note)], self.said.append)

    def test_each_driver_has_its_form(self) -> None:
        for driver, virt_type, told in (
            ("docker.DockerDriver", "auto", "--docker\n"),
            ("libvirt.LibvirtDriver", "auto", "--kernel-initrd\n"),
            ("libvirt.LibvirtDriver", "lxc", "--lxc\n"),
        ):
            self.guest(driver, virt_type=virt_type).run()
            self.assertEqual(told, self.note.read_text())
            self.assertIn("image id  name", self.said[-1])
            self.note.unlink()

    def test_not_where_guests_pretend_nor_where_it_is_unwanted_nor_twice(self) -> None:
        self.guest("fake.FakeDriver").run()
        self.guest(is_on=False).run()
        self.home.guest_file.touch()
        self.guest().run()
        self.assertFalse(self.note.exists())
        self.assertEqual([], self.said)

    def test_what_went_wrong_is_said(self) -> None:
        self.guest(script=_FAIL).run()
        self.assertIn("minicloud image build-guest", self.said[-1])
        self.assertIn("no packages", self.said[-1])

    def test_it_ends_with_the_cloud(self) -> None:
        guest = self.guest(script=_HANG)
        thread = threading.Thread(target=guest.run)
        thread.start()
        deadline = time.monotonic() + 20
        while not self.note.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        guest.stop()
        thread.join(20)
        self.assertFalse(thread.is_alive())
        self.assertEqual(1, len(self.said))
