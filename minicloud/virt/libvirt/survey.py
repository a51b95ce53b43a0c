# SPDX-License-Identifier: Apache-2.0
"""A libvirt host seen from outside: its domains, the folders of their disks, the cache of images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from minicloud import exception
from minicloud.virt.images import leftovers
from minicloud.virt.libvirt.driver import LibvirtHypervisor
from minicloud.virt.libvirt.host.errors import reported
from minicloud.virt.libvirt.storage.folder import GuestFolder
from minicloud.virt.survey import SupportsSurvey, Survey, farewell, is_uuid


class LibvirtSurvey(LibvirtHypervisor, SupportsSurvey):
    """The core and this."""

    @reported
    def survey(self, begun_before: float) -> Survey:
        unfinished = leftovers.find(leftovers.folder_of(self.conf))
        return Survey(self.guests(), dict(self._folders()), tuple(map(str, unfinished)))

    def _folders(self) -> Iterator[tuple[str, Path]]:
        for path in self._instances.iterdir() if self._instances.is_dir() else ():
            if is_uuid(path.name) and GuestFolder(self._instances, path.name, self.host).is_ours:
                yield path.name, path

    def discard(self, unfinished: str) -> None:
        if not leftovers.remove(Path(unfinished)):
            raise exception.VirtError(reason=f"somebody goes on with {unfinished}")

    @reported
    def clear(self) -> list[str]:
        failures = []
        for uuid in self.guests():
            try:
                self.destroy(farewell(uuid))
            except (exception.MinicloudError, OSError) as error:
                failures.append(f"the guest of server {uuid}: {error}")
        return failures
