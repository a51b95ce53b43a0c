# SPDX-License-Identifier: Apache-2.0
"""Images by HTTP, from the client to the built-in service behind a real server."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import testtools
from keystoneauth1 import session
from keystoneauth1.identity import v3

from minicloud import conf as configuration
from minicloud import context, exception
from minicloud.builtin.identity.bootstrap import bootstrap
from minicloud.clients.image import BuiltinImages
from minicloud.clients.image_http import HttpImages
from minicloud.cmd import credentials, http
from minicloud.cmd.parts import Parts, close
from minicloud.context import RequestContext
from minicloud.virt.images import ImageCache
from minicloud.web.app import PathPrefix

VALUES = {"name": "one", "disk_format": "raw", "container_format": "bare"}
DATA = bytes(range(256)) * 4000


class Source:
    """What a driver is given, by this client."""

    def __init__(self, images: HttpImages, ctxt: RequestContext, image_id: str) -> None:
        self._images, self._ctxt, self.id = images, ctxt, image_id
        self.info = images.get(ctxt, image_id)

    def read(self) -> Iterator[bytes]:
        return self._images.download(self._ctxt, self.id)


class HttpImagesTest(testtools.TestCase):
    """One identity and one image service for all tests; each makes its own images."""

    folder: ClassVar[tempfile.TemporaryDirectory[str]]
    parts: ClassVar[Parts]
    server: ClassVar[http.HttpService]
    projects: ClassVar[dict[str, str]]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.folder = tempfile.TemporaryDirectory()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        parts = cls.parts = Parts(cls.configuration(port))
        made = bootstrap(
            parts.conf,
            parts.identity_db,
            public_url=http.public_url(parts.conf),
            passwords=credentials.load_or_create(cls.folder.name),
            identity=parts.identity,
        )
        cls.projects = made.projects
        apps = {"/identity": parts.identity_app(), "/image": parts.image_app()}
        cls.server = http.HttpService(parts.conf, PathPrefix(apps, apps["/image"]))
        cls.server.start()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.server.stop()
        close(cls.parts)
        cls.folder.cleanup()
        super().tearDownClass()

    @classmethod
    def configuration(cls, port: int, **service_auth: Any) -> Any:
        conf = configuration.new(files=[])
        conf.set_override("state_dir", cls.folder.name)
        conf.set_override("port", port, "front_end")
        for name, value in service_auth.items():
            conf.set_override(name, value, "service_auth")
        return conf

    def setUp(self) -> None:
        super().setUp()
        self.images = self.parts.http_images
        self.ours = context.admin()

    def other(self, port: int | None = None, **service_auth: Any) -> HttpImages:
        """A client with other options."""
        own = self.parts.conf.front_end.port
        return Parts(self.configuration(own if port is None else port, **service_auth)).http_images

    def demo(self) -> RequestContext:
        """A user's own context, with its token."""
        password = credentials.load_or_create(self.folder.name)["demo"]
        login = v3.Password(
            auth_url=f"{http.public_url(self.parts.conf)}/identity/v3",
            username="demo",
            password=password,
            project_name="demo",
            user_domain_name="Default",
            project_domain_name="Default",
        )
        return self.parts.identity.authenticate(session.Session(auth=login).get_token())

    def test_whole_life(self) -> None:
        made = self.images.create(self.ours, {**VALUES, "owner": self.projects["demo"], "kind": "a/b~c"})
        self.assertEqual(("queued", "one", {"kind": "a/b~c"}), (made.status, made.name, made.properties))
        self.images.upload(self.ours, made.id, iter([DATA[:1000], b"", DATA[1000:]]))
        shown = self.images.get(self.ours, made.id)
        self.assertEqual(("active", len(DATA), self.projects["demo"]), (shown.status, shown.size, shown.owner))
        self.assertEqual(BuiltinImages(self.parts.images).get(self.ours, made.id), _without_micros(self, shown))
        self.assertEqual(DATA, b"".join(self.images.download(self.ours, made.id)))
        self.images.delete(self.ours, made.id)
        self.assertRaises(exception.ImageNotFound, self.images.get, self.ours, made.id)
        self.assertRaises(exception.ImageNotFound, self.images.delete, self.ours, made.id)

    def test_properties(self) -> None:
        made = self.images.create(self.ours, {**VALUES, "a/b": "1", "gone": "2"})
        changed = self.images.set_properties(self.ours, made.id, {"a/b": "3", "c~d": "4", "gone": None, "never": None})
        self.assertEqual({"a/b": "3", "c~d": "4"}, changed.properties)
        self.assertEqual(changed, self.images.set_properties(self.ours, made.id, {"never": None}))

    def test_find(self) -> None:
        for number in range(30):  # more than a page
            self.images.create(self.ours, {**VALUES, "name": f"many-{number}", "batch": "b"})
        self.assertEqual(30, len(self.images.find(self.ours, {"batch": ["b"]})))
        first = self.images.find(self.ours, {"batch": ["b"], "limit": ["2"], "sort_key": ["name"], "sort_dir": ["asc"]})
        self.assertEqual(["many-0", "many-1"], [each.name for each in first])
        self.assertEqual([], self.images.find(self.ours, {"name": ["nobody"]}))
        self.assertRaises(exception.BadRequest, self.images.find, self.ours, {"sort_key": ["nonsense"]})

    def test_errors(self) -> None:
        made = self.images.create(self.ours, VALUES)
        error = self.assertRaises(exception.ImageUnacceptable, self.images.download, self.ours, made.id)
        self.assertIn("no data yet", str(error))
        self.images.upload(self.ours, made.id, iter([b"x"]))
        self.assertRaises(exception.Conflict, self.images.upload, self.ours, made.id, iter([b"y"]))
        for hostile in ("..", "../../identity/v3", "a/b", "", "x" * 300):
            self.assertRaises(exception.ImageNotFound, self.images.get, self.ours, hostile)

    def test_a_user_is_itself(self) -> None:
        demo = self.demo()
        hidden = self.images.create(self.ours, {**VALUES, "visibility": "private"})
        self.assertRaises(exception.ImageNotFound, self.images.get, demo, hidden.id)
        self.assertRaises(exception.Forbidden, self.images.create, demo, {**VALUES, "visibility": "public"})
        own = self.images.create(demo, VALUES)
        self.assertEqual(self.projects["demo"], own.owner)
        self.images.upload(demo, own.id, iter([b"mine"]))
        self.assertEqual(b"mine", b"".join(self.images.download(demo, own.id)))

    def test_a_users_token_that_is_none(self) -> None:
        stranger = RequestContext(auth_token="gAAAA-nonsense", project_id="p")
        self.assertRaises(exception.Unauthorized, self.images.find, stranger)

    def test_through_the_cache(self) -> None:
        made = self.images.create(self.ours, VALUES)
        self.images.upload(self.ours, made.id, iter([DATA]))
        cache = ImageCache(Path(self.folder.name) / "cache", max_bytes=1 << 30)
        got = cache.fetch(Source(self.images, self.ours, made.id), threading.Event())
        self.assertEqual(DATA, got.path.read_bytes())

    def test_failed_source_of_an_upload(self) -> None:
        """A guest whose disk cannot be read to the end makes no image."""

        def broken() -> Iterator[bytes]:
            yield b"begin"
            raise exception.VirtError(reason="the disk is gone")

        made = self.images.create(self.ours, VALUES)
        self.assertRaises(exception.VirtError, self.images.upload, self.ours, made.id, broken())
        self.assertNotEqual("active", self.images.get(self.ours, made.id).status)

    def test_wrong_password(self) -> None:
        images = self.other(password="wrong")
        error = self.assertRaises(exception.ServiceUnavailable, images.find, self.ours)
        self.assertIn("minicloud", str(error))
        self.assertNotIn("wrong", str(error))

    def test_nobody_listens(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            images = self.other(port=probe.getsockname()[1])
            self.assertRaises(exception.ServiceUnavailable, images.find, self.ours)

    def test_no_password_known(self) -> None:
        parts = Parts(self.configuration(1))
        with tempfile.TemporaryDirectory() as empty:
            parts.conf.set_override("state_dir", empty)
            error = self.assertRaises(exception.ConfigurationError, parts.http_images.find, self.ours)
            self.assertEqual([], list(Path(empty).iterdir()), "no new passwords are made up")
        self.assertIn("[service_auth] password", str(error))

    def test_by_the_catalog(self) -> None:
        images = self.other(port=1, auth_url=f"{http.public_url(self.parts.conf)}/identity")
        images.create(self.ours, {**VALUES, "name": "by-catalog"})
        self.assertEqual(1, len(images.find(self.ours, {"name": ["by-catalog"]})))


def _without_micros(test: HttpImagesTest, shown: Any) -> Any:
    """The wire has whole seconds: compare all else by those."""
    kept = BuiltinImages(test.parts.images).get(test.ours, shown.id)
    for name in ("created_at", "updated_at"):
        test.assertEqual(getattr(kept, name).replace(microsecond=0), getattr(shown, name))
    return shown.replace(created_at=kept.created_at, updated_at=kept.updated_at)
