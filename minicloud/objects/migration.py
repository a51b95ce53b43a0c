# SPDX-License-Identifier: Apache-2.0
"""A server's way from one host, or one flavor, to another."""

from __future__ import annotations

from datetime import datetime

from minicloud.objects.base import Struct
from minicloud.objects.flavor import Flavor


class Migration(Struct, frozen=True, kw_only=True):
    """A move of any kind; while it is not over, its uuid holds what the server had at its source."""

    id: int = 0
    uuid: str
    instance_uuid: str
    #: "resize", "migration", "live-migration" or "evacuation".
    migration_type: str
    #: Nova's words: pre-migrating, migrating, finished, confirming, confirmed, reverting, reverted, error;
    #: live: queued, preparing, running, post-migrating, completed, cancelled, error;
    #: evacuations: accepted, pre-migrating, done (until the source has removed its guest), completed, failed.
    status: str = "pre-migrating"
    source_compute: str
    source_node: str
    dest_compute: str
    dest_node: str
    old_flavor: Flavor
    new_flavor: Flavor
    #: What the server was before, and will be again.
    old_vm_state: str
    #: Bytes, of a live migration.
    memory_total: int = 0
    memory_processed: int = 0
    memory_remaining: int = 0
    disk_total: int = 0
    disk_processed: int = 0
    disk_remaining: int = 0
    user_id: str | None = None
    project_id: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        return self.migration_type == "live-migration"

    @property
    def stays(self) -> bool:
        """Whether source and destination are one host."""
        return self.source_compute == self.dest_compute
