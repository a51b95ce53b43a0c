# SPDX-License-Identifier: Apache-2.0
"""The size of a server."""

from __future__ import annotations

from datetime import datetime

from minicloud.objects.base import Struct


class Flavor(Struct, frozen=True, kw_only=True):
    """A flavor; embedded in an instance it is the flavor at boot, which later edits do not change."""

    #: The id users see; any string.
    flavorid: str
    name: str
    vcpus: int
    memory_mb: int
    root_gb: int
    ephemeral_gb: int = 0
    #: MiB
    swap: int = 0
    rxtx_factor: float = 1.0
    disabled: bool = False
    is_public: bool = True
    description: str | None = None
    extra_specs: dict[str, str] = {}
    #: Projects that may use it when it is not public.
    projects: tuple[str, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
