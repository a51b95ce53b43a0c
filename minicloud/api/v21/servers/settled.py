# SPDX-License-Identifier: Apache-2.0
"""Which states let a server's metadata and tags be changed."""

from __future__ import annotations

from typing import Final

from minicloud import exception
from minicloud.objects import Instance
from minicloud.states import VM

#: vm_states of rest.
SETTLED: Final = frozenset({VM.ACTIVE, VM.PAUSED, VM.SUSPENDED, VM.STOPPED})


def check_settled(instance: Instance, method: str) -> None:
    """
    :raises InstanceInvalidState: 409
    """
    if instance.vm_state not in SETTLED:
        raise exception.InstanceInvalidState(
            method=method, instance_uuid=instance.uuid, attr="vm_state", state=instance.vm_state
        )
