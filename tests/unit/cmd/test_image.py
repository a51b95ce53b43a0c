# SPDX-License-Identifier: Apache-2.0
"""``minicloud image build-guest``, as far as it goes without a mirror; tests/integration does the rest."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import testtools
from keystoneauth1 import exceptions

from minicloud.cmd import cli
from minicloud.cmd.commands.base import Refused
from minicloud.cmd.commands.image import build_guest
from minicloud.cmd.commands.image.glance import Target
from minicloud.guest_image import Built


class FakeGlance:
    """What keystoneauth's adapter does for an image service that may refuse data."""

    def __init__(self, refuses: bool = False) -> None:
        self.refuses = refuses
        self.images: dict[str, dict[str, Any]] = {}

    def post(self, path: str, json: dict[str, Any]) -> Any:
        image_id = f"id-{len(self.images)}"
        self.images[image_id] = dict(json)
        return type("Response", (), {"json": lambda self: {"id": image_id}})()

    def put(self, path: str, data: Any, **_options: Any) -> None:
        if self.refuses:
            raise exceptions.RequestEntityTooLarge("too large")
        self.images[path.split("/")[3]]["data"] = b"".join(data)

    def delete(self, path: str, raise_exc: bool) -> None:
        del self.images[path.split("/")[3]]


class BuildGuestTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.told: list[tuple[str, int]] = []

    def run_command(self, *arguments: str) -> int:
        program = cli.Minicloud()
        command = build_guest.BuildGuest(program, None)
        parser = command.get_parser("build-guest")
        return command.take_action(parser.parse_args(["--state-dir", str(self.folder), *arguments]))

    def uploads(self, what: str, total: int) -> Callable[[int], None]:
        return lambda done: self.told.append((what, done))

    def test_without_a_cloud(self) -> None:
        error = self.assertRaises(Refused, self.run_command)
        self.assertIn("'minicloud up' starts it", str(error))
        self.assertEqual([], list(self.folder.iterdir()))

    def test_size(self) -> None:
        self.assertRaises(SystemExit, self.run_command, "--size", "1")

    def built(self, separate: bool = False) -> Built:
        names = ("guest", "guest.kernel", "guest.ramdisk") if separate else ("guest",)
        for name in names:
            (self.folder / name).write_bytes(name.encode())
        return Built(*(self.folder / name for name in names))

    def upload(self, glance: FakeGlance, built: Built) -> list[tuple[str, str]]:
        target = Target(glance)
        return list(build_guest._upload_machine("g", built, target, {"visibility": "public"}, self.uploads))

    def test_one_image(self) -> None:
        glance = FakeGlance()
        self.assertEqual([("id-0", "g")], self.upload(glance, self.built()))
        made = glance.images["id-0"]
        self.assertEqual(("qcow2", "bare", b"guest"), (made["disk_format"], made["container_format"], made["data"]))
        self.assertEqual([("g", 5)], self.told)

    def test_kernel_and_ramdisk(self) -> None:
        glance = FakeGlance()
        self.upload(glance, self.built(separate=True))
        disk = glance.images["id-2"]
        self.assertEqual(("id-0", "id-1"), (disk["kernel_id"], disk["ramdisk_id"]))
        self.assertEqual(["aki", "ari", "qcow2"], [each["disk_format"] for each in glance.images.values()])

    def test_refused_data_leaves_no_image(self) -> None:
        glance = FakeGlance(refuses=True)
        self.assertRaises(Refused, self.upload, glance, self.built())
        self.assertEqual({}, glance.images)
