# SPDX-License-Identifier: Apache-2.0
"""How hosts reach each other's libvirt."""

from __future__ import annotations

from typing import Any

from minicloud.virt.libvirt.host.connection import Connection


def own_address(options: Any, connection: Connection) -> str:
    """Where other hosts reach this one.

    :param options: ``[libvirt]``
    """
    return str(options.live_migration_inbound_addr or connection.call(lambda conn: conn.getHostname()))


def uri(options: Any, address: str) -> str:
    """The libvirt of another host.

    :param address: its :func:`own_address`
    """
    return str(options.live_migration_uri.replace("%s", f"[{address}]" if ":" in address else address))
