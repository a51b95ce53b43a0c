# SPDX-License-Identifier: Apache-2.0
"""The states of a server, and which action may start from which: data, not code.

The API's checks, the documentation's diagram and the reconciler read the same tables.
Names and values are Nova's (https://docs.openstack.org/nova/latest/reference/vm-states.html).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple


class VM:
    """vm_state: what the server is, when nothing is going on."""

    ACTIVE: Final = "active"
    BUILDING: Final = "building"
    PAUSED: Final = "paused"
    SUSPENDED: Final = "suspended"
    STOPPED: Final = "stopped"
    RESCUED: Final = "rescued"
    RESIZED: Final = "resized"
    SHELVED: Final = "shelved"
    SHELVED_OFFLOADED: Final = "shelved_offloaded"
    SOFT_DELETED: Final = "soft-delete"
    DELETED: Final = "deleted"
    ERROR: Final = "error"


class Task:
    """task_state: what is going on; None when nothing is."""

    SCHEDULING: Final = "scheduling"
    NETWORKING: Final = "networking"
    BLOCK_DEVICE_MAPPING: Final = "block_device_mapping"
    SPAWNING: Final = "spawning"
    POWERING_ON: Final = "powering-on"
    POWERING_OFF: Final = "powering-off"
    REBOOTING: Final = "rebooting"
    REBOOTING_HARD: Final = "rebooting_hard"
    PAUSING: Final = "pausing"
    UNPAUSING: Final = "unpausing"
    SUSPENDING: Final = "suspending"
    RESUMING: Final = "resuming"
    IMAGE_SNAPSHOT_PENDING: Final = "image_snapshot_pending"
    IMAGE_BACKUP: Final = "image_backup"
    REBUILDING: Final = "rebuilding"
    RESCUING: Final = "rescuing"
    UNRESCUING: Final = "unrescuing"
    UPDATING_PASSWORD: Final = "updating_password"
    RESIZE_PREP: Final = "resize_prep"
    RESIZE_MIGRATING: Final = "resize_migrating"
    RESIZE_MIGRATED: Final = "resize_migrated"
    RESIZE_FINISH: Final = "resize_finish"
    RESIZE_REVERTING: Final = "resize_reverting"
    SHELVING: Final = "shelving"
    SHELVING_IMAGE: Final = "shelving_image_uploading"
    SHELVING_OFFLOADING: Final = "shelving_offloading"
    UNSHELVING: Final = "unshelving"
    MIGRATING: Final = "migrating"
    DELETING: Final = "deleting"


class Power(IntEnum):
    """power_state: what the hypervisor says."""

    NOSTATE = 0
    RUNNING = 1
    PAUSED = 3
    SHUTDOWN = 4
    CRASHED = 6
    SUSPENDED = 7

    @property
    def word(self) -> str:
        """As a server's diagnostics say it."""
        return "pending" if self is Power.NOSTATE else self.name.lower()


class Action(NamedTuple):
    """One row: an action may start when vm_state and task_state are among those listed."""

    vm_states: frozenset[str]
    #: Allowed task states; ``None`` in it is "nothing going on".
    task_states: frozenset[str | None]
    #: task_state while it runs; None: it leaves that alone.
    running: str | None
    #: vm_state when it is done; None leaves it as it was.
    done: str | None
    #: Seconds until the reconciler calls it overdue.
    deadline: int = 600


IDLE: Final[frozenset[str | None]] = frozenset({None})

_SETTLED: Final = frozenset({VM.ACTIVE, VM.PAUSED, VM.STOPPED})
_WITH_DISK: Final = frozenset({VM.ACTIVE, VM.STOPPED, VM.PAUSED, VM.SUSPENDED})

ACTIONS: Final[dict[str, Action]] = {
    "create": Action(frozenset({VM.BUILDING}), frozenset({None, Task.SCHEDULING}), Task.SCHEDULING, VM.ACTIVE, 900),
    "start": Action(frozenset({VM.STOPPED}), IDLE, Task.POWERING_ON, VM.ACTIVE),
    "stop": Action(frozenset({VM.ACTIVE, VM.RESCUED, VM.ERROR}), IDLE, Task.POWERING_OFF, VM.STOPPED),
    "reboot": Action(
        frozenset({VM.ACTIVE}),
        frozenset({None, Task.REBOOTING, Task.REBOOTING_HARD}),
        Task.REBOOTING,
        VM.ACTIVE,
    ),
    "reboot_hard": Action(
        frozenset({VM.ACTIVE, VM.STOPPED, VM.PAUSED, VM.SUSPENDED, VM.ERROR}),
        frozenset({None, Task.REBOOTING, Task.REBOOTING_HARD, Task.PAUSING, Task.SUSPENDING, Task.RESUMING}),
        Task.REBOOTING_HARD,
        VM.ACTIVE,
    ),
    "pause": Action(frozenset({VM.ACTIVE}), IDLE, Task.PAUSING, VM.PAUSED),
    "unpause": Action(frozenset({VM.PAUSED}), IDLE, Task.UNPAUSING, VM.ACTIVE),
    "suspend": Action(frozenset({VM.ACTIVE}), IDLE, Task.SUSPENDING, VM.SUSPENDED),
    "resume": Action(frozenset({VM.SUSPENDED}), IDLE, Task.RESUMING, VM.ACTIVE),
    "rebuild": Action(frozenset({VM.ACTIVE, VM.STOPPED, VM.ERROR}), IDLE, Task.REBUILDING, None, 900),
    "create_image": Action(_WITH_DISK, IDLE, Task.IMAGE_SNAPSHOT_PENDING, None, 3600),
    "create_backup": Action(_WITH_DISK, IDLE, Task.IMAGE_BACKUP, None, 3600),
    "rescue": Action(frozenset({VM.ACTIVE, VM.STOPPED, VM.ERROR}), IDLE, Task.RESCUING, VM.RESCUED),
    "unrescue": Action(frozenset({VM.RESCUED}), IDLE, Task.UNRESCUING, VM.ACTIVE),
    "change_password": Action(frozenset({VM.ACTIVE}), IDLE, Task.UPDATING_PASSWORD, VM.ACTIVE),
    "resize": Action(frozenset({VM.ACTIVE, VM.STOPPED}), IDLE, Task.RESIZE_PREP, VM.RESIZED, 900),
    "confirm_resize": Action(frozenset({VM.RESIZED}), IDLE, None, None),
    "revert_resize": Action(frozenset({VM.RESIZED}), IDLE, Task.RESIZE_REVERTING, None, 900),
    "shelve": Action(_WITH_DISK, IDLE, Task.SHELVING, VM.SHELVED, 3600),
    "shelve_offload": Action(frozenset({VM.SHELVED}), IDLE, Task.SHELVING_OFFLOADING, VM.SHELVED_OFFLOADED),
    "unshelve": Action(frozenset({VM.SHELVED, VM.SHELVED_OFFLOADED}), IDLE, Task.UNSHELVING, VM.ACTIVE, 900),
    "live_migrate": Action(frozenset({VM.ACTIVE, VM.PAUSED}), IDLE, Task.MIGRATING, None, 900),
    "evacuate": Action(frozenset({VM.ACTIVE, VM.STOPPED, VM.ERROR}), IDLE, Task.REBUILDING, None, 900),
    "attach_interface": Action(_SETTLED, IDLE, None, None),
    "detach_interface": Action(_SETTLED, IDLE, None, None),
}

#: Which action a task state belongs to, for the reconciler's deadlines.
DEADLINES: Final[dict[str, int]] = {
    **{row.running: row.deadline for row in ACTIONS.values() if row.running is not None},
    Task.NETWORKING: 300,
    Task.BLOCK_DEVICE_MAPPING: 600,
    Task.SPAWNING: 900,
    Task.RESIZE_MIGRATING: 3600,
    Task.RESIZE_MIGRATED: 900,
    Task.RESIZE_FINISH: 3600,
    Task.SHELVING_IMAGE: 3600,
    Task.DELETING: 300,
}

#: Task states of a server that is still on its way to its first ACTIVE.
BUILDING: Final = frozenset({Task.SCHEDULING, Task.NETWORKING, Task.BLOCK_DEVICE_MAPPING, Task.SPAWNING})
