# SPDX-License-Identifier: Apache-2.0
"""Resizes that nobody confirms are confirmed after ``[compute] resize_confirm_window`` seconds."""

from __future__ import annotations

from datetime import timedelta

from oslo_log import log as logging

from minicloud import exception
from minicloud.compute.host import Host
from minicloud.context import RequestContext
from minicloud.states import VM
from minicloud.web.moments import now

LOG = logging.getLogger(__name__)


def confirm_old(host: Host, ctxt: RequestContext) -> None:
    """The destination does it, which has the server; the source forgets what it kept."""
    window = host.conf.compute.resize_confirm_window
    if not window:
        return
    oldest = now() - timedelta(seconds=window)
    for migration in host.conductor.open_migrations(ctxt, host.name):
        since = migration.updated_at or migration.created_at
        if migration.status != "finished" or migration.dest_compute != host.name or since is None or since > oldest:
            continue
        try:
            instance = host.conductor.get_instance(ctxt, migration.instance_uuid)
        except exception.InstanceNotFound:
            continue
        if instance.vm_state != VM.RESIZED or instance.task_state is not None:
            continue
        # Of this, the user's own confirm and a revert, one wins.
        if host.conductor.swap_migration(ctxt, migration.uuid, "finished", "confirming"):
            LOG.info("A resize is confirmed after %s s [instance: %s]", window, instance.uuid)
            host.computes.confirm_resize(ctxt, migration.source_compute, instance, migration)
