# SPDX-License-Identifier: Apache-2.0
"""A Docker host seen from outside: containers and images that carry our labels, folders of guests and downloads."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from docker import errors

from minicloud import exception
from minicloud.virt.docker.driver import DockerHypervisor
from minicloud.virt.survey import SupportsSurvey, Survey, farewell, is_uuid

#: How Docker calls an image without a name: what a snapshot is copied from until it is copied.
_IMAGE = "sha256:"


class DockerSurvey(DockerHypervisor, SupportsSurvey):
    """The core and this."""

    def survey(self, begun_before: float) -> Survey:
        guests = self._guests.powers()
        folders = {
            path.name: path
            for path in (self._store.folder.iterdir() if self._store.folder.is_dir() else ())
            if is_uuid(path.name)
        }
        return Survey(guests, folders, (*self._downloads(begun_before), *self._copies(begun_before)))

    def _downloads(self, begun_before: float) -> Iterator[str]:
        folder = self._images.folder
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path.stat().st_mtime < begun_before:
                yield str(path)

    def _copies(self, begun_before: float) -> list[str]:
        wanted = {"label": self._guests.wanted, "dangling": True}
        with self._daemon.asked("") as api:
            return [found["Id"] for found in api.images(filters=wanted) if found["Created"] < begun_before]

    def discard(self, unfinished: str) -> None:
        if not unfinished.startswith(_IMAGE):
            shutil.rmtree(unfinished, ignore_errors=True)
            if Path(unfinished).exists():
                raise exception.VirtError(reason=f"{unfinished} cannot be removed")
            return
        with self._daemon.asked("") as api:
            try:
                api.remove_image(unfinished)
            except errors.ImageNotFound:
                pass

    def clear(self) -> list[str]:
        failures = list(_tried((f"the guest of server {uuid}", self._destroy, uuid) for uuid in self.guests()))
        with self._daemon.asked("") as api:
            # Those that a rescue put aside and whose server was lost.
            containers = api.containers(all=True, filters={"label": self._guests.wanted})
            copies = api.images(filters={"label": self._guests.wanted, "dangling": True})
        steps: list[_Step] = [(f"container {one['Id']}", self._remove_container, one["Id"]) for one in containers]
        steps += [(f"image {one['Id']}", self.discard, one["Id"]) for one in copies]
        steps += [(f"image {tag}", self._images.remove, tag) for tag in self._images.fetched()]
        return failures + list(_tried(steps))

    def _destroy(self, uuid: str) -> None:
        self.destroy(farewell(uuid))

    def _remove_container(self, key: str) -> None:
        with self._daemon.asked("") as api:
            try:
                api.remove_container(key, v=True, force=True)
            except errors.NotFound:
                pass


#: What is removed, how, and what that is called with.
_Step = tuple[str, Callable[[str], None], str]


def _tried(steps: Iterable[_Step]) -> Iterator[str]:
    """What of some steps did not work, and why."""
    for what, remove, key in steps:
        try:
            remove(key)
        except (exception.MinicloudError, OSError) as error:
            yield f"{what}: {error}"
