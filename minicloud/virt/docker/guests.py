# SPDX-License-Identifier: Apache-2.0
"""Which containers are ours: those with a guest's labels and the name that goes with them."""

from __future__ import annotations

from typing import Any

from minicloud import exception
from minicloud.states import Power
from minicloud.virt.docker.daemon import Daemon

#: Labels of a container: the id of its instance, the host it is on, and the id of its cloud.
INSTANCE = "minicloud.instance"
HOST = "minicloud.host"
CLOUD = "minicloud.cloud"

#: Docker's word for what a container is -> ours.
_POWER = {
    "created": Power.SHUTDOWN,
    "running": Power.RUNNING,
    "restarting": Power.RUNNING,
    "paused": Power.PAUSED,
    "exited": Power.SHUTDOWN,
    "removing": Power.SHUTDOWN,
    "dead": Power.CRASHED,
}


def power_of(found: dict[str, Any]) -> Power:
    """:param found: all that Docker knows of a container"""
    return _POWER.get(found["State"]["Status"], Power.NOSTATE)


class Guests:
    """The containers of one host."""

    def __init__(self, daemon: Daemon, host: str, prefix: str, cloud: str) -> None:
        """
        :param cloud: id of the cloud, see :mod:`minicloud.virt.identity`
        """
        self._daemon = daemon
        self.host = host
        self._prefix = prefix
        self._cloud = cloud

    def name(self, instance_uuid: str) -> str:
        return f"{self._prefix}-{instance_uuid}"

    def labels(self, instance_uuid: str) -> dict[str, str]:
        return {INSTANCE: instance_uuid, HOST: self.host, CLOUD: self._cloud}

    @property
    def wanted(self) -> list[str]:
        """What Docker is to look for: the labels that all guests of the host have alike."""
        return [f"{HOST}={self.host}", f"{CLOUD}={self._cloud}"]

    def is_ours(self, name: str, labels: dict[str, str] | None) -> bool:
        """Labels alone do not tell: an image may have them, and hands them down to any container made of it."""
        found = labels or {}
        uuid = found.get(INSTANCE)
        is_marked = bool(uuid) and found.get(HOST) == self.host and found.get(CLOUD) == self._cloud
        return is_marked and name.lstrip("/") == self.name(str(uuid))

    def powers(self) -> dict[str, Power]:
        """Power state of every guest, by its instance's id.

        :raises VirtError:
        """
        with self._daemon.asked("") as api:
            found = api.containers(all=True, filters={"label": self.wanted})
        return {
            each["Labels"][INSTANCE]: _POWER.get(each["State"], Power.NOSTATE)
            for each in found
            if self.is_ours((each.get("Names") or [""])[0], each["Labels"])
        }

    def find(self, instance_uuid: str) -> dict[str, Any]:
        """All that Docker knows of a guest.

        :raises GuestNotFound:
        """
        with self._daemon.asked(instance_uuid) as api:
            found: dict[str, Any] = api.inspect_container(self.name(instance_uuid))
        if not self.is_ours(found["Name"], found["Config"]["Labels"]):
            raise exception.GuestNotFound(instance_uuid=instance_uuid)
        return found

    def power(self, instance_uuid: str) -> Power:
        """:raises GuestNotFound:"""
        return power_of(self.find(instance_uuid))


def process_of(found: dict[str, Any]) -> int | None:
    """The process that a running container began with; None while it does not run."""
    state = found["State"]
    return int(state["Pid"]) if state["Running"] and state["Pid"] else None
