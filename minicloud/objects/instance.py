# SPDX-License-Identifier: Apache-2.0
"""A server, as the house calls it: an instance."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from minicloud.objects.base import Struct
from minicloud.objects.flavor import Flavor
from minicloud.objects.network import Vif


class Fault(Struct, frozen=True, kw_only=True):
    """Why a server is in ERROR: shown as ``fault`` on the server."""

    code: int
    message: str
    details: str = ""
    created_at: datetime


class Instance(Struct, frozen=True, kw_only=True):
    """A server's record in its cell."""

    uuid: str
    project_id: str
    user_id: str
    display_name: str
    description: str | None = None
    hostname: str = ""
    reservation_id: str = ""
    launch_index: int = 0

    host: str | None = None
    node: str | None = None
    vm_state: str
    task_state: str | None = None
    power_state: int = 0
    progress: int = 0

    flavor: Flavor
    image_id: str = ""
    #: Properties of the image at boot, such as ``hw_disk_bus``; also min_ram, min_disk …
    image_properties: dict[str, Any] = {}
    kernel_id: str = ""
    ramdisk_id: str = ""
    root_device_name: str | None = None

    availability_zone: str | None = None
    #: The zone the user asked for, if any; moves must respect it.
    pinned_availability_zone: str | None = None
    key_name: str | None = None
    key_data: str | None = None
    user_data: str | None = None
    config_drive: bool = False
    auto_disk_config: bool = True
    access_ip_v4: str | None = None
    access_ip_v6: str | None = None
    security_groups: tuple[str, ...] = ()
    scheduler_hints: dict[str, Any] = {}
    trusted_certs: tuple[str, ...] | None = None

    metadata: dict[str, str] = {}
    system_metadata: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    network_info: tuple[Vif, ...] = ()
    #: "owner" or "admin" when locked.
    locked_by: str | None = None
    locked_reason: str | None = None
    fault: Fault | None = None

    created_at: datetime | None = None
    updated_at: datetime | None = None
    launched_at: datetime | None = None
    terminated_at: datetime | None = None
    deleted_at: datetime | None = None
    deleted: bool = False


class ActionEvent(Struct, frozen=True, kw_only=True):
    """One step of an action."""

    event: str
    start_time: datetime
    finish_time: datetime | None = None
    result: str | None = None
    traceback: str | None = None
    details: str | None = None
    host: str | None = None


class InstanceAction(Struct, frozen=True, kw_only=True):
    """What somebody asked of a server, under the id of the request."""

    instance_uuid: str
    action: str
    request_id: str
    user_id: str | None = None
    project_id: str | None = None
    start_time: datetime
    updated_at: datetime | None = None
    finish_time: datetime | None = None
    message: str | None = None
    events: tuple[ActionEvent, ...] = ()


class InstanceUpdate(Struct, frozen=True, kw_only=True):
    """A visible compare-and-swap on one instance, with the action's events, in one transaction.

    A host sends it to its conductor at every step. Fields of ``changes`` are those of
    :class:`Instance`. ``expected_*`` of None means "do not compare".
    """

    uuid: str
    changes: dict[str, Any] = {}
    #: Task states one of which must hold; None inside stands for "nothing going on".
    expected_task_states: tuple[str | None, ...] | None = None
    expected_vm_states: tuple[str, ...] | None = None
    #: The host that must still own the instance, so that a superseded host changes nothing.
    expected_host: str | None = None
    #: Event (of this request's action) that ended with this step, and how.
    finish_event: str | None = None
    event_result: str = "Success"
    event_traceback: str | None = None
    event_details: str | None = None
    #: Event that begins with this step.
    start_event: str | None = None
    #: Ends the whole action; with ``action_message`` it ended in error.
    finish_action: bool = False
    action_message: str | None = None
    fault: Fault | None = None
