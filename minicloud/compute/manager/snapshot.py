# SPDX-License-Identifier: Apache-2.0
"""Snapshots and backups: a guest's disk becomes an image.

The API has registered the image and noted its id with the server; the host gives it its data.
When that fails the image goes away and the server is as it was.
"""

from __future__ import annotations

from contextlib import suppress

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.compute.manager import verb
from minicloud.compute.manager.base import Endpoint
from minicloud.context import RequestContext
from minicloud.objects import Instance
from minicloud.rpc.compute import ComputeStub
from minicloud.states import Task
from minicloud.virt import roles
from minicloud.virt.driver import Order

LOG = logging.getLogger(__name__)

SNAPSHOT = verb.Verb("compute_snapshot_instance", (Task.IMAGE_SNAPSHOT_PENDING,), None, is_harmless=True)
BACKUP = verb.Verb("compute_backup_instance", (Task.IMAGE_BACKUP,), None, is_harmless=True)

VERBS = {Task.IMAGE_SNAPSHOT_PENDING: SNAPSHOT, Task.IMAGE_BACKUP: BACKUP}

#: Where the system metadata has the id of the image that is being made.
IMAGE = "snapshot_image"


class SnapshotEndpoint(Endpoint):
    STUB = ComputeStub

    def snapshot_instance(self, ctxt: RequestContext, instance: Instance, image_id: str) -> None:
        def snapshot(order: Order) -> None:
            _give_data(self._host, ctxt, order, image_id)

        verb.submit(self._host, ctxt, instance, SNAPSHOT, snapshot)

    def backup_instance(
        self, ctxt: RequestContext, instance: Instance, image_id: str, backup_type: str, rotation: int
    ) -> None:
        """A snapshot, after which only the newest ``rotation`` backups of its type stay."""

        def backup(order: Order) -> None:
            _give_data(self._host, ctxt, order, image_id)
            _rotate(self._host, ctxt, instance.uuid, backup_type, rotation)

        verb.submit(self._host, ctxt, instance, BACKUP, backup)


def resume(host: Host, ctxt: RequestContext, instance: Instance) -> None:
    """After a restart: take the snapshot again; the image still waits for its data."""
    image_id = instance.system_metadata.get(IMAGE, "")
    row = VERBS[str(instance.task_state)]
    verb.submit(host, ctxt, instance, row, lambda order: _give_data(host, ctxt, order, image_id))


def _give_data(host: Host, ctxt: RequestContext, order: Order, image_id: str) -> None:
    """
    :raises NotSupported: when driver or host cannot
    """
    try:
        host.images.upload(ctxt, image_id, roles.snapshots(host.driver).snapshot(order))
    except Exception as error:
        if not host.stopping.is_set():
            LOG.info("Image %s is given up: %s [instance: %s]", image_id, error, order.instance.uuid)
            with suppress(exception.MinicloudError):
                host.images.delete(ctxt, image_id)
        raise


def _rotate(host: Host, ctxt: RequestContext, uuid: str, backup_type: str, rotation: int) -> None:
    found = host.images.find(
        ctxt,
        {
            "image_type": ["backup"],
            "backup_type": [backup_type],
            "instance_uuid": [uuid],
            "sort_key": ["created_at"],
            "sort_dir": ["desc"],
        },
    )
    for image in found[rotation:]:
        LOG.info("Backup %s is rotated out [instance: %s]", image.id, uuid)
        with suppress(exception.NotFound, exception.Forbidden):
            host.images.delete(ctxt, image.id)
