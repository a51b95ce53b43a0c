# SPDX-License-Identifier: Apache-2.0
"""From an image of the image service to an image that Docker has; made once and kept for the next server."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from docker import errors
from oslo_log import log as logging

from minicloud import exception
from minicloud.objects import Image
from minicloud.virt.docker import archive
from minicloud.virt.docker.daemon import Daemon, ours, why
from minicloud.virt.docker.settings import INIT
from minicloud.virt.driver import Cancelled, SourceImage, SpawnOrder
from minicloud.virt.images.download import download

LOG = logging.getLogger(__name__)

_GIB = 1 << 30

#: What is a name to Docker; ids of other forms are hashed.
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

_PIECE = 1 << 20

#: What a copy of a guest is called while it is sent away; no image has such an id.
_SNAPSHOT = "snapshot"


class Images:
    """The images of this host's Docker that stand for images of the image service."""

    def __init__(self, daemon: Daemon, folder: Path, prefix: str, most: int) -> None:
        """
        :param folder: for what is on its way
        :param most: bytes of an image, and of the files in it
        """
        self._daemon = daemon
        self.folder = folder
        #: The names of what was fetched, a line each, so that it can be removed with the cloud.
        self._list = folder.parent / "images"
        self._mark = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
        self._prefix = prefix
        self._most = most
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}

    def ensure(self, order: SpawnOrder) -> dict[str, Any]:
        """What Docker knows of the image that a guest is made of.

        :raises ImageUnacceptable, ImageNotFound:
        :raises BuildAborted: when there is no image, or it is too large for the flavor
        :raises BuildFailed: when Docker does not take it
        :raises Cancelled:
        """
        if order.image is None:
            reason = "a container is made of an image, and does not boot from a volume"
            raise exception.BuildAborted(instance_uuid=order.instance.uuid, reason=reason)
        info = order.image.info
        if info.container_format != "docker":
            reason = (
                f"its container_format is {info.container_format}, and this host makes servers of docker images only"
            )
            raise exception.ImageUnacceptable(image_id=info.id, reason=reason)
        tag = self.tag(info)
        with self._alone(tag, order.cancelled):
            found = self._find(tag) or self._fetch(order.image, tag, order)
        self._check_size(order, found)
        return found

    def sweep(self) -> None:
        """Remove what a run that was killed has left on its way in or out.

        :raises VirtError:
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        with self._daemon.asked("") as api:
            for found in api.images(name=f"{self._prefix}/{_SNAPSHOT}"):
                for name in found["RepoTags"] or ():
                    if name.rpartition(":")[2].startswith(f"{self._mark}-"):
                        LOG.info("A snapshot that nobody waits for is removed: %s", name)
                        api.remove_image(name, force=True)

    def tag(self, info: Image) -> str:
        """An image of the same id has the same data for ever; the checksum tells when that is not so."""
        plain = info.id if _NAME.fullmatch(info.id) else hashlib.sha256(info.id.encode()).hexdigest()
        checksum = info.checksum or ""
        version = checksum.lower() if re.fullmatch(r"[0-9A-Fa-f]{32,128}", checksum) else "unchecked"
        return f"{self._prefix}/{plain}:{version}"

    @contextmanager
    def _alone(self, tag: str, cancelled: threading.Event) -> Iterator[None]:
        """Many servers of a new image wait for the first of them to fetch it."""
        with self._lock:
            lock = self._locks.setdefault(tag, threading.Lock())
        while not lock.acquire(timeout=0.5):
            if cancelled.is_set():
                raise Cancelled()
        try:
            yield
        finally:
            lock.release()

    def _find(self, tag: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self._daemon.api.inspect_image(tag)
        except errors.ImageNotFound:
            return None
        except (errors.DockerException, OSError) as error:
            raise ours(error) from error
        return found

    def _fetch(self, image: SourceImage, tag: str, order: SpawnOrder) -> dict[str, Any]:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._note(tag)
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            path = Path(folder) / "image"
            download(image, path, order.cancelled, most=self._most)
            try:
                contents = archive.examine(path, self._room(order))
                self._give(path, contents, tag, order.cancelled)
            except archive.BadArchive as error:
                raise exception.ImageUnacceptable(image_id=image.id, reason=str(error)) from error
            except (errors.DockerException, OSError) as error:
                raise exception.BuildFailed(instance_uuid=order.instance.uuid, reason=why(error)) from error
        found = self._find(tag)
        if found is None:
            raise exception.BuildFailed(instance_uuid=order.instance.uuid, reason=f"Docker did not keep image {tag}")
        LOG.info("Image %s is %s in Docker now, as %s", image.id, found["Id"], tag)
        return found

    def _note(self, tag: str) -> None:
        """Before it is there, so that nothing is forgotten."""
        if tag not in self.fetched():
            with self._list.open("a") as file:
                file.write(f"{tag}\n")

    def fetched(self) -> list[str]:
        """The names of all images that this host has ever fetched."""
        return self._list.read_text().split() if self._list.exists() else []

    def remove(self, tag: str) -> None:
        """Remove an image from Docker, unless a container of somebody else's is made of it.

        :raises VirtError:
        """
        with self._daemon.asked("") as api:
            try:
                api.remove_image(tag)
            except errors.ImageNotFound:
                pass
            except errors.APIError as error:
                if error.status_code != 409:
                    raise

    def _room(self, order: SpawnOrder) -> int:
        root = order.instance.flavor.root_gb
        return min(root * _GIB, self._most) if root else self._most

    def _give(self, path: Path, contents: archive.Contents, tag: str, cancelled: threading.Event) -> None:
        name, _, version = tag.rpartition(":")
        if contents.manifest is None:
            changes = [f"CMD {json.dumps(INIT)}"] if contents.has_init else None
            with path.open("rb") as file:
                pieces = _unless(cancelled, iter(lambda: file.read(_PIECE), b""))
                self._daemon.image_api.import_image_from_data(pieces, repository=name, tag=version, changes=changes)
            return
        loaded = self._load(_unless(cancelled, archive.renamed(path, contents)))
        self._daemon.api.tag(loaded, name, version, force=True)

    def _load(self, pieces: Iterator[bytes]) -> str:
        """The id of the image that Docker made of a saved one, which has no other name."""
        for line in self._daemon.image_api.load_image(pieces, quiet=True):
            if "error" in line:
                raise archive.BadArchive(f"Docker does not load it: {line['error']}")
            if found := re.search(r"sha256:[0-9a-f]{64}", line.get("stream", "")):
                return found.group()
        raise archive.BadArchive("Docker does not tell what it loaded")

    def _check_size(self, order: SpawnOrder, found: dict[str, Any]) -> None:
        """Layers are compressed, perhaps, so that only Docker tells how large an image is."""
        if found["Size"] <= self._room(order):
            return
        reason = f"the image has {found['Size']} bytes in Docker, more than the {self._room(order)} of the root disk"
        raise exception.BuildAborted(instance_uuid=order.instance.uuid, reason=reason)

    def save(self, container: str, cancelled: threading.Event) -> Iterator[bytes]:
        """A container's file system as the tar of a Docker image, in pieces; nothing of it stays here.

        :raises Cancelled:
        """
        api = self._daemon.image_api
        # By its name it is found when this run does not come to the end.
        made = api.commit(container, repository=f"{self._prefix}/{_SNAPSHOT}", tag=f"{self._mark}-{uuid4().hex}")["Id"]
        try:
            yield from _unless(cancelled, api.get_image(made, chunk_size=_PIECE))
        finally:
            with suppress(errors.DockerException, OSError):
                api.remove_image(made, force=True)


def _unless(cancelled: threading.Event, pieces: Any) -> Iterator[bytes]:
    for piece in pieces:
        if cancelled.is_set():
            raise Cancelled()
        yield piece
